"""The Cahn-Hilliard equation in time: semi-implicit steps in Fourier space, many fields at once.

The gradient term, the elastic term and a stabiliser A are implicit, f' is explicit,

    c_k <- [c_k - dt k^2 (FT f'(c) - A c_k)] / [1 + dt k^2 (A + 2 kappa k^2 + B(n))]

L. Q. Chen and J. Shen, Comput. Phys. Commun. 108 (1998) 147, doi:10.1016/S0010-4655(97)00115-X; with the stabiliser,
D. J. Eyre, MRS Proc. 529 (1998) 39, doi:10.1557/PROC-529-39; B(n) is explained in ``elasticity``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from alloygan_plugins.spinodal.arguments import check_dtype, check_size, one_value_a_field
from alloygan_plugins.spinodal.elasticity import MODULI, Moduli, elastic_stiffness
from alloygan_plugins.spinodal.schedule import StepLengths, checked_times, is_reached, rising_times, steps_to_each
from alloygan_plugins.spinodal.waves import direction_product, wavenumber_squared

_PIXELS_AT_A_TIME = 2**17


def fields_at_a_time(size: tuple[int, int]) -> int:
    """How many fields of this size the CPU steps together: as many as stay in the cache.

    On two threads, a field of 128 x 128 takes half the time in a batch of eight that it takes alone or among
    thirty-two.
    """
    return max(1, _PIXELS_AT_A_TIME // (size[0] * size[1]))


def evolve(
    fields: Tensor,
    gradient_energy: Tensor,
    times: Sequence[float] | Tensor,
    *,
    misfit: Tensor | None = None,
    moduli: Moduli = MODULI,
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
    that holds for c in [-0.26, 1.26]. A misfit only widens the range.

    Args:
        fields: (B, H, W), the composition at time 0, float32 or float64; H and W at least 8.
        gradient_energy: (B,), kappa of each field, positive.
        times: (T,), when to look, positive and rising.
        misfit: (B,), strain per unit of composition of each field; its sign does not count. By default there is none.
        moduli: C11, C12 and C44 in units of W, the same in all fields; without a misfit they do not count.
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
    law = _Law.checked(fields, gradient_energy, misfit, moduli, stabiliser)
    schedule = steps_to_each(rising_times(times), StepLengths(dt_start, dt_growth, dt_max))
    count = len(fields)
    at_a_time = fields_at_a_time(_size(fields)) if fields.device.type == "cpu" else count
    steps = sum(map(len, schedule))
    snapshots = fields.new_empty(len(schedule), *fields.shape, requires_grad=False)
    for first in range(0, count, at_a_time):
        part = slice(first, min(first + at_a_time, count))
        stepper, done = _Stepper(fields[part].detach(), law.of(part)), 0
        for snapshot, time_steps in zip(snapshots[:, part], schedule, strict=True):
            for dt in time_steps:
                stepper.step(dt)
                if progress is not None:
                    done += 1
                    progress((part.start + (part.stop - part.start) * done / steps) / count)
            stepper.read(snapshot)
    return snapshots


def evolve_each(
    fields: Tensor,
    gradient_energy: Tensor,
    times: Sequence[float] | Tensor,
    *,
    misfit: Tensor | None = None,
    moduli: Moduli = MODULI,
    stabiliser: float = 1.0,
    dt_start: float = 0.05,
    dt_growth: float = 1.01,
    dt_max: float = 1.0,
) -> Tensor:
    """Follow each field from time 0 to a time of its own.

    Fields step together, and each leaves with a last step that is cut to end at its time. So a field takes
    the same steps as in ``evolve`` with that time alone, whatever the times of the others.

    Args:
        times: (B,), when to look at each field, positive, in any order.
        fields, gradient_energy, misfit, moduli, stabiliser, dt_start, dt_growth, dt_max: see ``evolve``.

    Returns:
        (B, H, W), the composition of each field at its time.

    Raises:
        ValueError, FloatingPointError: see ``evolve``.
    """
    law = _Law.checked(fields, gradient_energy, misfit, moduli, stabiliser)
    moments = checked_times(times)
    if len(moments) != len(fields):
        raise ValueError(f"times must have one value a field: {len(fields)}; got {len(moments)}")
    lengths = StepLengths(dt_start, dt_growth, dt_max)
    result = fields.new_empty(fields.shape, requires_grad=False)
    at_a_time = fields_at_a_time(_size(fields)) if fields.device.type == "cpu" else len(fields)
    # Fields that leave at about the same time keep each other company. The latest is first, so that those that are left
    # are always the first of the batch.
    order = sorted(range(len(fields)), key=lambda i: -moments[i])
    for first in range(0, len(order), at_a_time):
        part = order[first : first + at_a_time]
        stepper = _Stepper(fields[part].detach(), law.of(part))
        left, now, dt = len(part), 0.0, lengths.start
        while left:
            last = moments[part[left - 1]]
            if is_reached(last, now, dt):
                others = sum(moments[i] > last for i in part[:left])
                result[part[others:left]] = stepper.leave(others, last - now)
                left = others
            else:
                stepper.step(dt)
                now += dt
                dt = lengths.after(dt)
    return result


class _Law:
    """What drives B fields: kappa (B,), the elastic stiffness (B, H, W // 2 + 1) or None, and the stabiliser."""

    def __init__(self, kappa: Tensor, elastic: Tensor | None, stabiliser: float) -> None:
        self.kappa, self.elastic, self.stabiliser = kappa, elastic, stabiliser

    @classmethod
    def checked(
        cls, fields: Tensor, gradient_energy: Tensor, misfit: Tensor | None, moduli: Moduli, stabiliser: float
    ) -> _Law:
        if fields.ndim != 3 or len(fields) == 0:
            raise ValueError(f"fields must have the shape (B, H, W), B at least 1; got {tuple(fields.shape)}")
        check_dtype(fields.dtype)
        check_size(*fields.shape[1:])
        if not bool(torch.isfinite(fields).all()):
            raise ValueError("fields must be finite; they hold an infinity or a NaN")
        kappa = one_value_a_field(gradient_energy, "gradient_energy")
        if len(kappa) != len(fields):
            raise ValueError(f"gradient_energy must have one value a field: {len(fields)}; got {len(kappa)}")
        if not bool((kappa > 0).all()):
            raise ValueError(f"gradient_energy must be positive; got {kappa.tolist()}")
        if not (math.isfinite(stabiliser) and stabiliser >= 1):
            raise ValueError(f"stabiliser must be finite and at least 1; got {stabiliser}")
        elastic = None
        if misfit is not None:
            strain = one_value_a_field(misfit, "misfit")
            if len(strain) != len(fields):
                raise ValueError(f"misfit must have one value a field: {len(fields)}; got {len(strain)}")
            product = direction_product(*_size(fields), torch.float64, torch.device("cpu"))
            elastic = strain.square()[:, None, None] * elastic_stiffness(product, moduli)
            elastic = elastic.to(fields.dtype).to(fields.device)
        return cls(kappa.to(fields.dtype).to(fields.device), elastic, stabiliser)

    def of(self, part: slice | list[int]) -> _Law:
        return _Law(self.kappa[part], None if self.elastic is None else self.elastic[part], self.stabiliser)


class _Stepper:
    """Fields (B, H, W) in the middle of their way, and what a step of each needs. Fields may leave from the end."""

    def __init__(self, fields: Tensor, law: _Law) -> None:
        self.size = _size(fields)
        self.left = slice(0, len(fields))
        # About c = 1/2 the driving force is odd, f' = 4 u^3 - u with u = c - 1/2: less work and less rounding.
        self.u = fields - 0.5
        self.u_hat = torch.fft.rfft2(self.u)
        self.force = torch.empty_like(self.u)
        self.force_hat = torch.empty_like(self.u_hat)
        # Each real coefficient stands twice, for the real and the imaginary part: torch would multiply a complex
        # by a real tensor as two complex ones, which is slower.
        self.k2 = wavenumber_squared(*self.size, fields.dtype, fields.device)[..., None].repeat(1, 1, 2)
        modulus = law.stabiliser + 2 * law.kappa[:, None, None, None] * self.k2
        self.stiffness = self.k2 * (modulus if law.elastic is None else modulus + law.elastic[..., None])
        self.keep, self.push = torch.empty_like(self.stiffness), torch.empty_like(self.stiffness)
        self.views = self._views_of(self.left)
        self.dt_of_coefficients = 0.0
        # The -u of f' and the explicit share of the stabiliser pass through real space together with u^3. Added
        # in Fourier space they would make the factor on u_hat exceed 1 for long waves. Rounding leaves a trace in
        # u_hat that no real field has (an asymmetry of the first and last columns); irfft2 drops it, so u^3 never
        # checks it, and it would grow exponentially until it spoils the field.
        self.linear = torch.tensor(-1 - law.stabiliser, dtype=fields.dtype, device=fields.device)

    def step(self, dt: float) -> None:
        """Let dt pass for all fields that are left."""
        if dt != self.dt_of_coefficients:
            self._set_coefficients(self.left, dt)
            self.dt_of_coefficients = dt
        self._advance(*self.views)

    def leave(self, first: int, dt: float) -> Tensor:
        """Let dt pass for the fields from `first` on, take them out and return their composition."""
        leaving = slice(first, self.left.stop)
        self._set_coefficients(leaving, dt)
        self._advance(*self._views_of(leaving))
        self.left = slice(0, first)
        self.views = self._views_of(self.left)
        _check_finite(self.u[leaving])
        return self.u[leaving] + 0.5

    def read(self, composition: Tensor) -> None:
        """Write the composition of all fields into (B, H, W)."""
        _check_finite(self.u)
        torch.add(self.u, 0.5, out=composition)

    def _set_coefficients(self, part: slice, dt: float) -> None:
        keep = self.keep[part]
        torch.mul(self.stiffness[part], dt, out=keep).add_(1).reciprocal_()
        torch.mul(keep, self.k2, out=self.push[part]).mul_(-dt)

    def _views_of(self, part: slice) -> tuple[Tensor, ...]:
        u_hat, force_hat = self.u_hat[part], self.force_hat[part]
        parts = torch.view_as_real(u_hat), torch.view_as_real(force_hat)
        return self.u[part], self.force[part], u_hat, force_hat, *parts, self.keep[part], self.push[part]

    def _advance(
        self,
        u: Tensor,
        force: Tensor,
        u_hat: Tensor,
        force_hat: Tensor,
        u_parts: Tensor,
        force_parts: Tensor,
        keep: Tensor,
        push: Tensor,
    ) -> None:
        torch.addcmul(self.linear, u, u, value=4, out=force).mul_(u)
        torch.fft.rfft2(force, out=force_hat)
        # At k = 0 keep is 1 and push is 0 exactly, which conserves the mean to the last bit.
        u_parts.mul_(keep).addcmul_(force_parts, push)
        torch.fft.irfft2(u_hat, s=self.size, out=u)


def _check_finite(fields: Tensor) -> None:
    if not bool(torch.isfinite(fields).all()):
        raise FloatingPointError(
            "the composition is no longer finite: the time step is too long for fields this far outside "
            "[0, 1]; lower dt_max (and the noise), or raise stabiliser"
        )


def _size(fields: Tensor) -> tuple[int, int]:
    return fields.shape[1], fields.shape[2]
