"""Spinodal decomposition of a binary alloy: a Cahn-Hilliard solver in two dimensions, on torch alone.

The composition c(x, t) (0: one phase, 1: the other) descends the free energy

    F = integral of  f(c) + kappa |grad c|^2,    f(c) = W c^2 (1 - c)^2
    dc/dt = M laplacian( f'(c) - 2 kappa laplacian(c) )

with periodic edges. Units are dimensionless, with W = M = 1 and a pixel of side 1: lengths are in pixels,
energies in W pixel^2, times in pixel^2 / (M W). Two flat phases meet in a logistic profile, 4.4
sqrt(kappa) pixels wide from 10 % to 90 %, which costs sqrt(kappa) / 3 per pixel of its length.

The step is semi-implicit in Fourier space: the gradient term and a stabiliser A are implicit, f' is explicit,

    c_k <- [c_k - dt k^2 (FT f'(c) - A c_k)] / [1 + dt k^2 (A + 2 kappa k^2)]

The equation: J. W. Cahn and J. E. Hilliard, J. Chem. Phys. 28 (1958) 258, doi:10.1063/1.1744102. The scheme:
L. Q. Chen and J. Shen, Comput. Phys. Commun. 108 (1998) 147, doi:10.1016/S0010-4655(97)00115-X; with the
stabiliser, D. J. Eyre, MRS Proc. 529 (1998) 39, doi:10.1557/PROC-529-39.

In the shapes below, T counts snapshots, B fields, H rows and W columns.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = [
    "bulk_driving_force",
    "evolve",
    "fastest_wavelength",
    "free_energy",
    "growth_rate",
    "initial_composition",
    "simulate",
    "spinodal_limits",
]

_SMALLEST_SIDE = 8

# On the CPU the fields are stepped a few at a time, as many as stay in the cache together: on two threads, a
# field of 128 x 128 takes half the time in a batch of eight that it takes alone or among thirty-two.
_PIXELS_AT_A_TIME = 2**17


def simulate(
    composition: Tensor,
    gradient_energy: Tensor,
    times: Sequence[float] | Tensor,
    size: tuple[int, int],
    seed: int,
    *,
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

    Field i depends on ``seed``, ``first_index + i``, its own composition and gradient energy, ``size``,
    ``noise`` and the time steps (so on ``times``, which cut them). Beyond rounding it depends neither on the
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
        stabiliser, dt_start, dt_growth, dt_max, progress: see ``evolve``.
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
        stabiliser=stabiliser,
        dt_start=dt_start,
        dt_growth=dt_growth,
        dt_max=dt_max,
        progress=progress,
    )


def initial_composition(
    composition: Tensor,
    size: tuple[int, int],
    seed: int,
    *,
    first_index: int = 0,
    noise: float = 0.02,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Draw fields at time 0: the mean composition plus white Gaussian noise whose own mean is taken out.

    Args:
        composition, size, seed, first_index, noise, dtype, device: see ``simulate``.

    Returns:
        (B, H, W), the composition.

    Raises:
        ValueError: an argument is out of its range, not finite or of the wrong shape.
    """
    means = _one_value_a_field(composition, "composition")
    if not bool(((means > 0) & (means < 1)).all()):
        raise ValueError(f"composition must lie between 0 and 1, both excluded; got {means.tolist()}")
    height, width = size
    _check_size(height, width)
    if first_index < 0:
        raise ValueError(f"first_index must not be negative; got {first_index}")
    if not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise must be finite and not negative; got {noise}")
    _check_dtype(dtype)

    # Always drawn on the CPU in float64, so that every device and precision starts from the same field.
    fields = torch.empty(len(means), height, width, dtype=torch.float64)
    for i, field in enumerate(fields):
        field.normal_(generator=_generator(seed, first_index + i))
    fields -= fields.mean(dim=(-2, -1), keepdim=True)
    fields.mul_(noise).add_(means[:, None, None])
    return fields.to(dtype).to(device)


def evolve(
    fields: Tensor,
    gradient_energy: Tensor,
    times: Sequence[float] | Tensor,
    *,
    stabiliser: float = 1.0,
    dt_start: float = 0.05,
    dt_growth: float = 1.01,
    dt_max: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Follow fields from time 0 and return them at the given times.

    The time step grows geometrically from ``dt_start`` to ``dt_max``; the last step before each snapshot is
    cut so that it ends there. The free energy cannot rise while f''(c) / 2 <= ``stabiliser`` +
    2 sqrt(kappa / dt) for every c in the field, where f''(c) = 2 - 12 c (1 - c). By default, at kappa = 1,
    that holds for c in [-0.26, 1.26].

    Args:
        fields: (B, H, W), the composition at time 0, float32 or float64; H and W at least 8.
        gradient_energy: (B,), kappa of each field, positive.
        times: (T,), when to look, positive and rising.
        stabiliser: A, at least 1 (that is W: half the greatest f'' in [0, 1]). More is steadier, less exact.
        dt_start: the first time step, positive.
        dt_growth: the ratio of each step to the one before, at least 1.
        dt_max: the longest step, at least ``dt_start``. Against steps of 0.05, the default makes structures
            at t = 100 to 500 finer by 1 to 2 %.
        progress: called after each step with the share of the work done, in (0, 1].

    Returns:
        (T, B, H, W), the composition at each time, on the device of ``fields`` and in their dtype. Each field
        keeps its mean.

    Raises:
        ValueError: an argument is out of its range, not finite or of the wrong shape.
        FloatingPointError: a field stopped being finite. A smaller ``dt_max`` or larger ``stabiliser`` helps.
    """
    if fields.ndim != 3 or len(fields) == 0:
        raise ValueError(f"fields must have the shape (B, H, W), B at least 1; got {tuple(fields.shape)}")
    _check_dtype(fields.dtype)
    _check_size(*fields.shape[1:])
    if not bool(torch.isfinite(fields).all()):
        raise ValueError("fields must be finite; they hold an infinity or a NaN")
    kappa = _one_value_a_field(gradient_energy, "gradient_energy")
    if len(kappa) != len(fields):
        raise ValueError(f"gradient_energy must have one value a field: {len(fields)}; got {len(kappa)}")
    if not bool((kappa > 0).all()):
        raise ValueError(f"gradient_energy must be positive; got {kappa.tolist()}")
    if not (math.isfinite(stabiliser) and stabiliser >= 1):
        raise ValueError(f"stabiliser must be finite and at least 1; got {stabiliser}")
    schedule = _schedule(times, dt_start, dt_growth, dt_max)

    count = len(fields)
    at_a_time = max(1, _PIXELS_AT_A_TIME // fields[0].numel()) if fields.device.type == "cpu" else count
    snapshots = fields.new_empty(len(schedule), *fields.shape, requires_grad=False)
    for first in range(0, count, at_a_time):
        part = slice(first, min(first + at_a_time, count))
        _evolve_part(
            fields[part].detach(),
            kappa[part].to(fields.dtype).to(fields.device),
            schedule,
            stabiliser,
            snapshots[:, part],
            None if progress is None else _share_of_work(progress, part.start / count, part.stop / count),
        )
    return snapshots


def free_energy(composition: Tensor, gradient_energy: Tensor) -> Tensor:
    """The free energy F of periodic fields, its gradient taken in Fourier space as the solver takes it.

    Args:
        composition: (..., H, W), the composition. Pass float64 to compare energies to better than 1e-6.
        gradient_energy: kappa, of a shape that broadcasts to the leading axes: (B,) does for (B, H, W) and
            for (T, B, H, W).

    Returns:
        (...), in units of W pixel^2: summed over the pixels, not their mean.

    Raises:
        ValueError: ``composition`` has fewer than two axes.
    """
    if composition.ndim < 2:
        raise ValueError(f"composition must have the shape (..., H, W); got {tuple(composition.shape)}")
    height, width = composition.shape[-2:]
    bulk = (composition * (1 - composition)).square().sum(dim=(-2, -1))
    # Parseval's theorem on half of the plane: every column stands for its mirror image too, but the first
    # and, of an even number of columns, the last are their own.
    weight = _wavenumber_squared(height, width, composition.dtype, composition.device) * 2
    weight[:, 0] /= 2
    if width % 2 == 0:
        weight[:, -1] /= 2
    power = torch.view_as_real(torch.fft.rfft2(composition)).square().sum(dim=-1)
    gradient = (power * weight).sum(dim=(-2, -1)) / (height * width)
    return bulk + gradient_energy.to(bulk) * gradient


def bulk_driving_force(composition: Tensor) -> Tensor:
    """The chemical potential of the bulk, f'(c) = 2 c (1 - c) (1 - 2 c), in units of W.

    Args:
        composition: any shape.

    Returns:
        The same shape.
    """
    return 2 * composition * (1 - composition) * (1 - 2 * composition)


def growth_rate(wavenumber: Tensor, composition: Tensor, gradient_energy: Tensor) -> Tensor:
    """How fast a faint wave grows on an even mixture: R(k) = -k^2 (f''(c) + 2 kappa k^2).

    Its amplitude goes as exp(R t) (Cahn, Acta Metall. 9 (1961) 795, doi:10.1016/0001-6160(61)90182-1).

    Args:
        wavenumber: k in radians per pixel, not negative.
        composition: the mixture's composition c.
        gradient_energy: kappa. The three broadcast together.

    Returns:
        R in units of M W / pixel^2, negative where the wave fades.
    """
    k2 = wavenumber.square()
    return -k2 * (_bulk_curvature(composition) + 2 * gradient_energy * k2)


def fastest_wavelength(composition: Tensor, gradient_energy: Tensor) -> Tensor:
    """The wavelength that grows fastest on an even mixture: 4 pi sqrt(kappa / -f''(c)).

    At c = 0.5 that is 4 pi sqrt(kappa).

    Args:
        composition: the mixture's composition c.
        gradient_energy: kappa, positive. The two broadcast together.

    Returns:
        In pixels; infinite outside the ``spinodal_limits``, where no wave grows.
    """
    instability = (-_bulk_curvature(composition)).clamp(min=0)
    return 4 * math.pi * (gradient_energy / instability).sqrt()


def spinodal_limits() -> tuple[float, float]:
    """The compositions between which an even mixture is unstable, where f'' = 0: (0.2113, 0.7887)."""
    half_width = 1 / math.sqrt(12)
    return 0.5 - half_width, 0.5 + half_width


def _bulk_curvature(composition: Tensor) -> Tensor:
    """f''(c), which is negative between the spinodal limits."""
    return 2 - 12 * composition * (1 - composition)


def _evolve_part(
    fields: Tensor,
    kappa: Tensor,
    schedule: list[list[float]],
    stabiliser: float,
    snapshots: Tensor,
    progress: Callable[[float], None] | None,
) -> None:
    """Step (B, H, W) through the schedule and write (T, B, H, W) into ``snapshots``."""
    size = fields.shape[1:]
    # About c = 1/2 the driving force is odd, f' = 4 u^3 - u with u = c - 1/2: less work and less rounding.
    u = fields - 0.5
    u_hat = torch.fft.rfft2(u)
    force = torch.empty_like(u)
    force_hat = torch.empty_like(u_hat)
    # Each real coefficient stands twice, for the real and the imaginary part: torch would multiply a complex
    # by a real tensor as two complex ones, which is slower.
    u_parts, force_parts = torch.view_as_real(u_hat), torch.view_as_real(force_hat)
    k2 = _wavenumber_squared(size[0], size[1], fields.dtype, fields.device)[..., None].repeat(1, 1, 2)
    stiffness = k2 * (stabiliser + 2 * kappa[:, None, None, None] * k2)
    keep, push = torch.empty_like(stiffness), torch.empty_like(stiffness)
    # The -u of f' and the explicit share of the stabiliser pass through real space together with u^3. Added
    # in Fourier space they would make the factor on u_hat exceed 1 for long waves. Rounding leaves a trace in
    # u_hat that no real field has (an asymmetry of the first and last columns); irfft2 drops it, so u^3 never
    # checks it, and it would grow exponentially until it spoils the field.
    linear = torch.tensor(-1 - stabiliser, dtype=fields.dtype, device=fields.device)

    steps, done, dt_of_coefficients = sum(map(len, schedule)), 0, 0.0
    for snapshot, time_steps in zip(snapshots, schedule, strict=True):
        for dt in time_steps:
            if dt != dt_of_coefficients:
                torch.mul(stiffness, dt, out=keep).add_(1).reciprocal_()
                torch.mul(keep, k2, out=push).mul_(-dt)
                dt_of_coefficients = dt
            torch.addcmul(linear, u, u, value=4, out=force).mul_(u)
            torch.fft.rfft2(force, out=force_hat)
            # At k = 0 keep is 1 and push is 0 exactly, which conserves the mean to the last bit.
            u_parts.mul_(keep).addcmul_(force_parts, push)
            torch.fft.irfft2(u_hat, s=size, out=u)
            if progress is not None:
                done += 1
                progress(done / steps)
        if not bool(torch.isfinite(u).all()):
            raise FloatingPointError(
                "the composition is no longer finite: the time step is too long for fields this far outside "
                "[0, 1]; lower dt_max (and the noise), or raise stabiliser"
            )
        torch.add(u, 0.5, out=snapshot)


def _share_of_work(progress: Callable[[float], None], start: float, stop: float) -> Callable[[float], None]:
    """Report the progress of one part as progress of the whole."""
    return lambda done: progress(start + (stop - start) * done)


def _schedule(times: Sequence[float] | Tensor, dt_start: float, dt_growth: float, dt_max: float) -> list[list[float]]:
    """The time steps that lead to each snapshot from the one before."""
    if isinstance(times, Tensor) and times.ndim != 1:
        raise ValueError(f"times must have the shape (T,); got {tuple(times.shape)}")
    moments = [float(t) for t in (times.tolist() if isinstance(times, Tensor) else times)]
    if not moments:
        raise ValueError("times must name at least one moment")
    if not all(math.isfinite(t) and t > 0 for t in moments):
        raise ValueError(f"times must be finite and positive; got {moments}")
    if any(later <= earlier for earlier, later in itertools.pairwise(moments)):
        raise ValueError(f"times must rise from each to the next; got {moments}")
    if not (math.isfinite(dt_start) and dt_start > 0):
        raise ValueError(f"dt_start must be finite and positive; got {dt_start}")
    if not (math.isfinite(dt_growth) and dt_growth >= 1):
        raise ValueError(f"dt_growth must be finite and at least 1; got {dt_growth}")
    if not (math.isfinite(dt_max) and dt_max >= dt_start):
        raise ValueError(f"dt_max must be finite and at least dt_start = {dt_start}; got {dt_max}")

    schedule: list[list[float]] = []
    now, dt = 0.0, dt_start
    for moment in moments:
        steps: list[float] = []
        # The tolerance spares a step that would only make up for rounding in the sum of the ones before.
        while moment - now > dt * (1 + 1e-6):
            steps.append(dt)
            now += dt
            dt = min(dt * dt_growth, dt_max)
        steps.append(moment - now)
        now, dt = moment, min(dt * dt_growth, dt_max)
        schedule.append(steps)
    return schedule


def _wavenumber_squared(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """k^2 in (radians per pixel)^2 on the half plane of ``rfft2``: (H, W // 2 + 1)."""
    rows: Tensor = 2 * math.pi * torch.fft.fftfreq(height, dtype=dtype, device=device)
    columns: Tensor = 2 * math.pi * torch.fft.rfftfreq(width, dtype=dtype, device=device)
    return rows[:, None].square() + columns.square()


def _generator(seed: int, index: int) -> torch.Generator:
    """A generator of its own for each field. A sum of the two would give neighbouring seeds common fields."""
    digest = hashlib.sha256(f"alloygan spinodal {seed} {index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little", signed=True))


def _one_value_a_field(values: Tensor, name: str) -> Tensor:
    """(B,) finite values as float64 on the CPU."""
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{name} must have the shape (B,), B at least 1; got {tuple(values.shape)}")
    values = values.detach().cpu().double()
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} must be finite; got {values.tolist()}")
    return values


def _check_size(height: int, width: int) -> None:
    if min(height, width) < _SMALLEST_SIDE:
        raise ValueError(f"size must be at least {_SMALLEST_SIDE} x {_SMALLEST_SIDE}; got {height} x {width}")


def _check_dtype(dtype: torch.dtype) -> None:
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64; got {dtype}")
