"""Energies of a binary mixture, and what the linear theory of spinodal decomposition says of it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from alloygan_plugins.spinodal.elasticity import MODULI, Moduli, elastic_stiffness
from alloygan_plugins.spinodal.waves import direction_product, wavenumber_squared


def free_energy(
    composition: Tensor, gradient_energy: Tensor, misfit: Tensor | None = None, moduli: Moduli = MODULI
) -> Tensor:
    """The free energy F of periodic fields, its gradient and strain taken in Fourier space as the solver takes them.

    Args:
        composition: (..., H, W), the composition. Pass float64 to compare energies to better than 1e-6.
        gradient_energy: kappa, of a shape that broadcasts to the leading axes: (B,) does for (B, H, W) and
            for (T, B, H, W).
        misfit: likewise; by default there is none.
        moduli: C11, C12 and C44 in units of W.

    Returns:
        (...), in units of W pixel^2: summed over the pixels, not their mean.

    Raises:
        ValueError: ``composition`` has fewer than two axes, or the moduli are not those of a stable crystal.
    """
    if composition.ndim < 2:
        raise ValueError(f"composition must have the shape (..., H, W); got {tuple(composition.shape)}")
    height, width = composition.shape[-2:]
    bulk = (composition * (1 - composition)).square().sum(dim=(-2, -1))
    # Parseval's theorem on half of the plane: every column stands for its mirror image too, but the first
    # and, of an even number of columns, the last are their own.
    weight = wavenumber_squared(height, width, composition.dtype, composition.device) * 2
    weight[:, 0] /= 2
    if width % 2 == 0:
        weight[:, -1] /= 2
    power = torch.view_as_real(torch.fft.rfft2(composition)).square().sum(dim=-1)
    gradient = (power * weight).sum(dim=(-2, -1)) / (height * width)
    energy = bulk + gradient_energy.to(bulk) * gradient
    if misfit is None:
        return energy
    product = direction_product(height, width, composition.dtype, composition.device)
    stiffness = elastic_stiffness(product, moduli)
    stiffness[:, 1 : (width + 1) // 2] *= 2
    stiffness[0, 0] = 0  # the mean strain is free
    return energy + misfit.to(bulk).square() / 2 * (power * stiffness).sum(dim=(-2, -1)) / (height * width)


def bulk_driving_force(composition: Tensor) -> Tensor:
    """The chemical potential of the bulk, f'(c) = 2 c (1 - c) (1 - 2 c), in units of W.

    Args:
        composition: any shape.

    Returns:
        The same shape.
    """
    return 2 * composition * (1 - composition) * (1 - 2 * composition)


def growth_rate(
    wavenumber: Tensor, composition: Tensor, gradient_energy: Tensor, stiffness: Tensor | float = 0.0
) -> Tensor:
    """How fast a faint wave grows on an even mixture: R(k) = -k^2 (f''(c) + 2 kappa k^2 + B(n)).

    Its amplitude goes as exp(R t) (Cahn, Acta Metall. 9 (1961) 795, doi:10.1016/0001-6160(61)90182-1).

    Args:
        wavenumber: k in radians per pixel, not negative.
        composition: the mixture's composition c.
        gradient_energy: kappa.
        stiffness: B of the wave's direction, ``misfit**2 * elastic_stiffness(...)``. The four broadcast together.

    Returns:
        R in units of M W / pixel^2, negative where the wave fades.
    """
    k2 = wavenumber.square()
    return -k2 * (_bulk_curvature(composition) + 2 * gradient_energy * k2 + stiffness)


def fastest_wavelength(composition: Tensor, gradient_energy: Tensor, stiffness: Tensor | float = 0.0) -> Tensor:
    """The wavelength that grows fastest on an even mixture: 4 pi sqrt(kappa / -(f''(c) + B)).

    At c = 0.5 and without a misfit that is 4 pi sqrt(kappa).

    Args:
        composition: the mixture's composition c.
        gradient_energy: kappa, positive.
        stiffness: B of the direction. The three broadcast together.

    Returns:
        In pixels; infinite outside the ``spinodal_limits``, where no wave grows.
    """
    instability = (-_bulk_curvature(composition) - stiffness).clamp(min=0)
    return 4 * math.pi * (gradient_energy / instability).sqrt()


def spinodal_limits(stiffness: float = 0.0) -> tuple[float, float]:
    """The compositions between which an even mixture is unstable, where f'' + B = 0: (0.2113, 0.7887) without a misfit.

    Args:
        stiffness: B of the softest direction; from 1 on no mixture is unstable, and both limits are 0.5.
    """
    half_width = math.sqrt(max(0.0, 1 - stiffness)) / math.sqrt(12)
    return 0.5 - half_width, 0.5 + half_width


def _bulk_curvature(composition: Tensor) -> Tensor:
    """f''(c), which is negative between the spinodal limits."""
    return 2 - 12 * composition * (1 - composition)
