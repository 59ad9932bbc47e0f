"""What makes the host wait on CUDA is refused on the CPU, and what only looks like it is not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, linalg

from alloygan.testing import ConformanceError
from alloygan.testing.synchronisation import readback_refused

MATRICES = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(0))


def definite(matrices: Tensor) -> Tensor:
    return matrices @ matrices.mT + 3 * torch.eye(3)


def least_squares(m: Tensor) -> Tensor:
    found: Tensor = linalg.lstsq(definite(m), m).solution
    return found


# Each with the words of the message that say what waits.
WAITS: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "inv": (linalg.inv, "inv, solve"),
    "inverse": (torch.inverse, "inv, solve"),
    "matrix_power": (lambda m: linalg.matrix_power(m, -2), "inv, solve"),
    "solve": (lambda m: linalg.solve(definite(m), m), "inv, solve"),
    "tensorsolve": (lambda m: linalg.tensorsolve(m[0, :2, :2], m[0, 0, :2]), "inv, solve"),
    "cholesky": (lambda m: linalg.cholesky(definite(m)), "cholesky"),
    "lu_factor": (lambda m: linalg.lu_factor(m)[0], "lu_factor"),
    "ldl_factor": (lambda m: linalg.ldl_factor(definite(m.detach()))[0], "inv, solve"),
    "eigh": (lambda m: linalg.eigh(definite(m))[0], "eigh"),
    "eigvalsh": (lambda m: linalg.eigvalsh(definite(m)), "eigvalsh"),
    "eig": (lambda m: linalg.eig(m)[0], "eigendecomposition"),
    "eigvals": (linalg.eigvals, "eigvals"),
    "eigvals, no gradient": (lambda m: linalg.eigvals(m.detach()), "eigvals"),
    "svd": (lambda m: linalg.svd(m)[1], "singular value"),
    "torch.svd": (lambda m: torch.svd(m)[1], "singular value"),
    "svdvals": (linalg.svdvals, "svdvals"),
    "spectral norm": (lambda m: linalg.matrix_norm(m, 2), "spectral"),
    "nuclear norm": (lambda m: linalg.matrix_norm(m, "nuc"), "nuclear"),
    "matrix_rank": (linalg.matrix_rank, "matrix_rank"),
    "cond": (linalg.cond, "cond"),
    "pinv": (linalg.pinv, "pinv"),
    "pinv, hermitian": (lambda m: linalg.pinv(definite(m), hermitian=True), "pinv"),
    "lstsq": (least_squares, "lstsq"),
    "cholesky_inverse": (lambda m: torch.cholesky_inverse(linalg.cholesky_ex(definite(m))[0]), "cholesky_inverse"),
    "matrix_exp": (torch.matrix_exp, "matrix_exp"),
    "inv_ex that checks": (lambda m: linalg.inv_ex(m, check_errors=True)[0], "check_errors of linalg_inv_ex"),
    "cholesky_ex that checks": (
        lambda m: linalg.cholesky_ex(definite(m), check_errors=True)[0],
        "check_errors of linalg_cholesky_ex",
    ),
    "solve_ex that checks": (lambda m: linalg.solve_ex(definite(m), m, check_errors=True)[0], "solve_ex"),
    "lu_factor_ex that checks": (lambda m: linalg.lu_factor_ex(m, check_errors=True)[0], "check_errors of"),
    "multinomial": (lambda m: torch.multinomial(m[0].abs(), 2), "multinomial"),
    "normal": (lambda m: torch.normal(0.0, m.detach().abs()), "normal()"),
    "normal, means": (lambda m: torch.normal(m.detach(), m.detach().abs()), "normal()"),
    "linspace": (lambda m: torch.linspace(0, m.detach()[0, 0, 0], 3), "linspace()"),
    "logspace": (lambda m: torch.logspace(m.detach()[0, 0, 0], 1, 3), "logspace()"),
    "to_sparse": (lambda m: m[0].to_sparse(), "to_sparse()"),
    "to_sparse_csr": (lambda m: m[0].to_sparse_csr(), "to_sparse()"),
    "tensor_split": (lambda m: m.tensor_split(torch.tensor([1, 2])), "tensor_split() by a tensor"),
    "torch.tensor_split": (lambda m: torch.tensor_split(m, torch.tensor(2)), "tensor_split() by a tensor"),
    "tensor_split, named": (
        lambda m: m.tensor_split(tensor_indices_or_sections=torch.tensor(2)),  # type: ignore[call-overload]
        "tensor_split() by a tensor",
    ),
    "to cpu": (lambda m: m.to("cpu"), 'to("cpu")'),
    "to cpu, named": (lambda m: m.to(device="cpu", dtype=torch.float64), 'to("cpu")'),
    "cpu": (lambda m: m.cpu(), "cpu()"),
}
WAITS_BACKWARD: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "eig": (lambda m: linalg.eig(m)[0].abs(), "solve"),
    "lstsq": (least_squares, "the gradient of lstsq"),
}
DOES_NOT_WAIT: dict[str, Callable[[Tensor], Tensor]] = {
    "norm": linalg.norm,
    "vector_norm": lambda m: linalg.vector_norm(m, dim=1),
    "matrix_norm": linalg.matrix_norm,
    "matmul": lambda m: m @ m,
    "matrix_power": lambda m: linalg.matrix_power(m, 3),
    "inv_ex": lambda m: linalg.inv_ex(m)[0],
    "cholesky_ex": lambda m: linalg.cholesky_ex(definite(m))[0],
    "solve_ex": lambda m: linalg.solve_ex(definite(m), m)[0],
    "lu_factor_ex": lambda m: linalg.lu_factor_ex(m)[0],
    "solve_triangular": lambda m: linalg.solve_triangular(definite(m), m, upper=True),
    "cholesky_solve": lambda m: torch.cholesky_solve(m, linalg.cholesky_ex(definite(m))[0]),
    "qr": lambda m: linalg.qr(m)[1],
    "det": linalg.det,
    "slogdet": lambda m: linalg.slogdet(m)[1],
    "logdet": lambda m: torch.logdet(definite(m)),
    "tensor_split": lambda m: m.tensor_split(2)[0],
    "normal": lambda m: torch.normal(m.detach(), 1.0) * m,
    "bernoulli": lambda m: m * torch.bernoulli(m.detach().sigmoid()),
    "linspace": lambda m: m * torch.linspace(0, 1, 3),
    "to a type": lambda m: m.to(torch.float64),
    "to where an input is": lambda m: m.to(m.device),
    "like an input": lambda m: m.double().to(m),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_waits_is_refused(name: str) -> None:
    compute, words = WAITS[name]
    matrices = MATRICES.clone().requires_grad_()
    with pytest.raises(ConformanceError) as caught, readback_refused("critic(step)", on_device=True):
        compute(matrices)
    assert str(caught.value).startswith("critic(step) ")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", WAITS_BACKWARD)
def test_a_gradient_that_waits_is_refused(name: str) -> None:
    compute, words = WAITS_BACKWARD[name]
    found = compute(MATRICES.clone().requires_grad_()).square().sum()
    with pytest.raises(ConformanceError, match=words), readback_refused("the backward", on_device=True):
        found.backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", DOES_NOT_WAIT)
def test_what_does_not_wait_is_not_refused(name: str) -> None:
    matrices = MATRICES.clone().requires_grad_()
    with readback_refused("critic(step)", on_device=True):
        DOES_NOT_WAIT[name](matrices).square().sum().backward()  # type: ignore[no-untyped-call]
    assert matrices.grad is not None


def test_a_sampler_in_a_training_may_choose_on_the_host() -> None:
    with readback_refused("the training loop"):
        torch.multinomial(MATRICES[0].abs(), 2)
