"""Coherent misfit: the closed form against the tensors, and what it does to patterns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan_plugins.spinodal.elasticity import MODULI, Moduli, elastic_stiffness, zener_ratio
from alloygan_plugins.spinodal.simulator import simulate
from alloygan_plugins.spinodal.solver import evolve
from alloygan_plugins.spinodal.thermodynamics import free_energy, growth_rate

ISOTROPIC: Moduli = (1.0, 0.245, 0.3775)
SOFT_DIAGONALS: Moduli = (1.0, 0.245, 0.32 * 0.3775)  # Zener ratio 0.32
SOFT_AXES: Moduli = (1.0, 0.245, 2.4 * 0.3775)  # Zener ratio 2.4
EVERY = pytest.mark.parametrize("moduli", [MODULI, ISOTROPIC, SOFT_DIAGONALS, SOFT_AXES, (2.0, -0.4, 0.7)])


def stiffness_from_tensors(direction: tuple[float, float, float], moduli: Moduli) -> float:
    """B(n) as Khachaturyan writes it, with all 81 moduli, for a strain of 1 in all three directions."""
    c11, c12, c44 = moduli
    delta = np.eye(3)
    every = np.einsum("ij,kl->ijkl", delta, delta) * c12
    every += (np.einsum("ik,jl->ijkl", delta, delta) + np.einsum("il,jk->ijkl", delta, delta)) * c44
    for i in range(3):
        every[i, i, i, i] += c11 - c12 - 2 * c44
    n, strain = np.array(direction), np.eye(3)
    stress = np.einsum("ijkl,kl->ij", every, strain)
    omega = np.linalg.inv(np.einsum("ijkl,j,l->ik", every, n, n))
    return float(np.einsum("ij,ij->", stress, strain) - n @ stress @ omega @ stress @ n)


@EVERY
def test_closed_form_is_that_of_the_tensors(moduli: Moduli) -> None:
    for angle in np.linspace(0, math.pi, 13):
        c, s = math.cos(angle), math.sin(angle)
        found = elastic_stiffness(torch.tensor(c * c * s * s, dtype=torch.float64), moduli)
        assert float(found) == pytest.approx(stiffness_from_tensors((c, s, 0.0), moduli), rel=1e-12)


@EVERY
def test_soft_directions_follow_from_the_zener_ratio(moduli: Moduli) -> None:
    c11, c12, _ = moduli
    axis, diagonal = elastic_stiffness(torch.tensor([0.0, 0.25], dtype=torch.float64), moduli).tolist()
    assert axis == pytest.approx(2 * (c11 - c12) * (c11 + 2 * c12) / c11)
    assert np.sign(round(diagonal - axis, 12)) == np.sign(round(zener_ratio(moduli) - 1, 12))


def test_default_moduli_are_those_of_the_alloy_over_c11() -> None:
    assert pytest.approx((1, 24 / 98, 38 / 98), rel=1e-3) == MODULI
    assert zener_ratio(MODULI) == pytest.approx(1.03, abs=0.005)


@pytest.mark.parametrize("moduli", [(1.0, 0.2, 0.0), (1.0, 1.0, 0.4), (1.0, -0.5, 0.4), (1.0, -1.2, 0.4)])
def test_unstable_crystals_are_refused(moduli: Moduli) -> None:
    with pytest.raises(ValueError, match="moduli: C11, C12 and C44 must be those of a stable crystal"):
        elastic_stiffness(torch.zeros(1), moduli)


def test_moduli_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        elastic_stiffness(torch.zeros(1), (1.0, math.nan, 0.4))


def test_misfit_must_be_one_number_a_field() -> None:
    with pytest.raises(ValueError, match="misfit must have one value a field: 2; got 3"):
        evolve(torch.full((2, 8, 8), 0.5), torch.ones(2), [1.0], misfit=torch.zeros(3))


def test_no_misfit_is_the_same_bits_as_a_misfit_of_zero() -> None:
    without, zero = (
        simulate(torch.tensor([0.4, 0.6]), torch.ones(2), [3.0, 20.0], (24, 33), 1, misfit=misfit)
        for misfit in (None, torch.zeros(2))
    )
    assert torch.equal(without, zero)


def test_sign_of_the_misfit_does_not_count() -> None:
    plus, minus = (
        simulate(torch.tensor([0.4]), torch.ones(1), [30.0], (32, 32), 1, misfit=torch.tensor([x]), moduli=SOFT_AXES)
        for x in (0.3, -0.3)
    )
    assert torch.equal(plus, minus)


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (2, 0), (2, 2), (1, 3)])
@pytest.mark.parametrize("size", [(16, 16), (16, 15), (9, 8)])
def test_strain_energy_of_one_wave(rows: int, columns: int, size: tuple[int, int]) -> None:
    height, width = size
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    wave = 0.4 + 0.1 * torch.cos(2 * math.pi * (rows * y / height + columns * x / width))
    across, along = rows / height, columns / width
    product = torch.tensor(across**2 * along**2 / (across**2 + along**2) ** 2, dtype=torch.float64)
    misfit, kappa = torch.tensor(0.3, dtype=torch.float64), torch.tensor(1.0)
    share = free_energy(wave, kappa, misfit, SOFT_AXES) - free_energy(wave, kappa)
    expected = 0.3**2 * elastic_stiffness(product, SOFT_AXES) / 2 * 0.1**2 / 2 * height * width
    torch.testing.assert_close(share, expected)


@pytest.mark.parametrize("moduli", [SOFT_DIAGONALS, SOFT_AXES])
def test_each_step_descends_the_gradient_of_the_free_energy(moduli: Moduli) -> None:
    noise = torch.randn(2, 12, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fields, kappa = 0.5 + 0.02 * noise, torch.tensor([0.7, 1.6], dtype=torch.float64)
    misfit = torch.tensor([0.3, 0.2], dtype=torch.float64)
    leaf = fields.clone().requires_grad_()
    (potential,) = torch.autograd.grad(free_energy(leaf, kappa, misfit, moduli).sum(), leaf)
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64).mul(2 * math.pi) for n in (12, 15))
    k2 = rows[:, None].square() + columns.square()
    expected = torch.fft.ifft2(-k2 * torch.fft.fft2(potential)).real
    dt = 1e-8
    moved = evolve(fields, kappa, [dt], misfit=misfit, moduli=moduli, dt_start=dt, dt_max=dt)[0]
    torch.testing.assert_close((moved - fields) / dt, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("moduli", [MODULI, SOFT_DIAGONALS, SOFT_AXES])
def test_free_energy_never_rises_and_the_mean_stays(moduli: Moduli) -> None:
    composition, kappa = torch.tensor([0.42, 0.5], dtype=torch.float64), torch.tensor([1.0, 0.5])
    misfit = torch.full((2,), 0.35)
    times = torch.linspace(0.5, 200, 400, dtype=torch.float64)
    fields = simulate(composition, kappa, times, (32, 48), 2, misfit=misfit, moduli=moduli, dtype=torch.float64)
    energy = free_energy(fields, kappa, misfit, moduli)
    assert (energy.diff(dim=0) / energy[:-1]).max() < 1e-9
    assert (fields[-1].std(dim=(-2, -1)) > 0.2).all(), "nothing decomposed"
    assert (fields.mean(dim=(-2, -1)) - composition).abs().max() < 1e-13


@pytest.mark.parametrize("moduli", [SOFT_DIAGONALS, SOFT_AXES])
def test_faint_waves_grow_at_the_linear_rate_of_their_direction(moduli: Moduli) -> None:
    size, misfit = (48, 64), 0.35
    c, kappa = torch.tensor([0.5], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    before, after = simulate(
        c,
        kappa,
        [1.0, 2.0],
        size,
        1,
        misfit=torch.tensor([misfit]),
        moduli=moduli,
        noise=1e-6,
        dt_start=0.002,
        dt_max=0.002,
        dtype=torch.float64,
    )
    measured = (torch.fft.fft2(after)[0].abs() / torch.fft.fft2(before)[0].abs()).log()
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64).mul(2 * math.pi) for n in size)
    k2 = rows[:, None].square() + columns.square()
    product = (rows[:, None] * columns).square() / k2.square().clamp(min=1e-12)
    stiffness = misfit**2 * elastic_stiffness(product, moduli)
    expected = growth_rate(k2.sqrt(), c, kappa, stiffness)
    # Close to the cut the rate goes through zero, and a relative error means nothing.
    waves = (k2 > 0) & (k2 < 0.86 * (1 - stiffness) / 2)
    assert waves.sum() > 10
    torch.testing.assert_close(measured[waves], expected[waves], rtol=0.01, atol=0)


def alignment(fields: Tensor) -> float:
    """Mean of cos 4θ over the power of (B, H, W): 1 with all waves along the axes, −1 along the diagonals."""
    fields = fields.double()
    power = torch.fft.fft2(fields - fields.mean(dim=(-2, -1), keepdim=True)).abs().square()
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64) for n in fields.shape[-2:])
    cosine = torch.cos(4 * torch.atan2(rows[:, None], columns))
    return float(((power * cosine).sum(dim=(-2, -1)) / power.sum(dim=(-2, -1))).mean())


@pytest.mark.parametrize(
    ("moduli", "misfit", "low", "high"),
    [
        (SOFT_AXES, 0.0, -0.1, 0.1),
        (ISOTROPIC, 0.35, -0.1, 0.1),
        (MODULI, 0.35, -0.1, 0.1),
        (SOFT_DIAGONALS, 0.35, -0.62, -0.32),
        (SOFT_AXES, 0.35, 0.44, 0.74),
    ],
)
def test_pattern_aligns_with_the_soft_directions(moduli: Moduli, misfit: float, low: float, high: float) -> None:
    fields = simulate(
        torch.full((8,), 0.5), torch.ones(8), [200.0], (96, 96), 3, misfit=torch.full((8,), misfit), moduli=moduli
    )
    assert low < alignment(fields[0]) < high
