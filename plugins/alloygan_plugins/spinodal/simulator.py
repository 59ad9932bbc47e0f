"""Spinodal decomposition of a binary alloy: a Cahn-Hilliard simulator in two dimensions, on torch alone.

The composition c(x, t) (0: one phase, 1: the other) descends the free energy

    F = integral of  f(c) + kappa |grad c|^2  + F_elastic,    f(c) = W c^2 (1 - c)^2
    dc/dt = M laplacian( f'(c) - 2 kappa laplacian(c) + B * c )

with periodic edges; B is the elastic energy of a coherent misfit, 0 without one (``elasticity``). Units are
dimensionless, with W = M = 1 and a pixel of side 1: lengths are in pixels, energies in W pixel^2, times in
pixel^2 / (M W). Two flat phases meet in a logistic profile, 4.4 sqrt(kappa) pixels wide from 10 % to 90 %, which costs
sqrt(kappa) / 3 per pixel of its length.

The equation: J. W. Cahn and J. E. Hilliard, J. Chem. Phys. 28 (1958) 258, doi:10.1063/1.1744102.

In the shapes of this and the modules beside it, T counts snapshots, B fields, H rows and W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from alloygan_plugins.spinodal.elasticity import MODULI, Moduli
from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.solver import evolve


def simulate(
    composition: Tensor,
    gradient_energy: Tensor,
    times: Sequence[float] | Tensor,
    size: tuple[int, int],
    seed: int,
    *,
    misfit: Tensor | None = None,
    moduli: Moduli = MODULI,
    first_index: int = 0,
    noise: float = 0.02,
    stabiliser: float = 1.0,
    dt_start: float = 0.05,
    dt_growth: float = 1.01,
    dt_max: float = 1.0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Let alloys of the given compositions decompose from a slightly uneven mixture.

    Field i depends on ``seed``, ``first_index + i``, its own composition, gradient energy and misfit, ``moduli``,
    ``size``, ``noise`` and the time steps (so on ``times``, which cut them). Beyond rounding it depends neither on the
    other fields nor on the device: a large set may be made in parts with ``first_index``.

    Where something else uses the CPU's cores, call ``torch.set_num_threads(1)`` first: the steps are so short
    that threads which wait for each other can take a hundred times as long.

    Args:
        composition: (B,), the mean composition of each field, in (0, 1). A mixture separates without a
            nucleus between the ``spinodal_limits``.
        gradient_energy: (B,), kappa of each field, positive.
        times: (T,), when to look, positive and rising.
        size: (H, W), at least 8 each.
        seed: any integer.
        first_index: the index of the first field of this batch in the whole set, from 0.
        noise: standard deviation of the composition at time 0, not negative.
        misfit, moduli, stabiliser, dt_start, dt_growth, dt_max, progress: see ``evolve``.
        dtype: ``torch.float32`` or ``torch.float64``.
        device: where to compute, and where the result lies.

    Returns:
        (T, B, H, W), the composition at each time. Each field keeps its mean; values pass 0 and 1 by a few
        hundredths, as a curved interface shifts both phases.

    Raises:
        ValueError: an argument is out of its range, not finite or of the wrong shape.
        FloatingPointError: a field stopped being finite.
    """
    fields = initial_composition(
        composition, size, seed, first_index=first_index, noise=noise, dtype=dtype, device=device
    )
    return evolve(
        fields,
        gradient_energy,
        times,
        misfit=misfit,
        moduli=moduli,
        stabiliser=stabiliser,
        dt_start=dt_start,
        dt_growth=dt_growth,
        dt_max=dt_max,
        progress=progress,
    )
