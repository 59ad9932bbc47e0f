"""Coherent elasticity of a cubic crystal whose lattice parameter depends on the composition. Imports no torch.

A lattice that stays coherent across phases is strained where the composition is not the mean. With moduli that do not
depend on the composition, the energy of that strain is a sum over waves (Khachaturyan's microelasticity),

    F_elastic = 1/2 sum over k != 0 of B(n) |c_k|^2,    n = k / |k|
    B(n) = C_ijkl e_ij e_kl - n_i s_ij Omega_jk(n) s_kl n_l

with the stress-free strain e = misfit times the unit tensor per unit of composition, s = C e, and the inverse of
Omega C_ijkl n_j n_k. B depends on the direction alone, not on the wavelength: it lessens the driving force of all waves
alike, and most that of waves along the stiff directions. The mean strain is free (k = 0 has no energy).

Here n lies in the plane of the box, (001) of the crystal with its axes along those of the box, and nothing varies
across it: plane strain, with the misfit in all three directions. For a cubic crystal B then has a closed form.

A. G. Khachaturyan, Theory of Structural Transformations in Solids, Wiley, New York, 1983. For the coherent spinodal:
J. W. Cahn, Acta Metall. 10 (1962) 179, doi:10.1016/0001-6160(62)90114-1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Moduli = tuple[float, float, float]
"""C11, C12 and C44, in units of W."""

MODULI: Moduli = (1.0, 0.245, 0.388)
"""98, 24 and 38 GPa, about those of Mg2Si and Mg2Sn, over C11. Only moduli times misfit^2 count, so the misfit that
goes with these numbers is the strain times sqrt(C11 / W): were W 0.4 GPa, a strain of 0.0185 would be a misfit
of 0.29."""


def moduli_problem(moduli: Moduli) -> str | None:
    """Why no crystal has these moduli, or None. One that is not stable could gain energy by straining alone."""
    c11, c12, c44 = moduli
    if not all(map(math.isfinite, moduli)):
        return f"must be finite; got {moduli}"
    if not (c44 > 0 and c11 > abs(c12) and c11 + 2 * c12 > 0):
        return (
            "C11, C12 and C44 must be those of a stable crystal: C44 > 0, C11 > |C12| and C11 + 2 C12 > 0; "
            f"got {c11:g}, {c12:g} and {c44:g}"
        )
    return None


def zener_ratio(moduli: Moduli) -> float:
    """2 C44 / (C11 - C12): 1 for an isotropic solid; above 1 the axes are soft, below 1 the diagonals."""
    c11, c12, c44 = moduli
    return 2 * c44 / (c11 - c12)


def elastic_stiffness(direction_product: Tensor, moduli: Moduli = MODULI) -> Tensor:
    """B(n) for a misfit of 1, in units of W; it grows with the square of the misfit.

    Args:
        direction_product: n1^2 n2^2, any shape: 0 along the axes of the crystal, 1/4 along the diagonals.
        moduli: C11, C12 and C44.

    Returns:
        The same shape, positive. Along the axes it is 2 (C11 - C12) (C11 + 2 C12) / C11.

    Raises:
        ValueError: the moduli are not those of a stable crystal.
    """
    problem = moduli_problem(moduli)
    if problem is not None:
        raise ValueError(f"moduli: {problem}")
    c11, c12, c44 = moduli
    anisotropy = c11 - c12 - 2 * c44
    # n . Omega(n) . n of the cubic Christoffel matrix, as one fraction.
    compliance = (c44 + 2 * anisotropy * direction_product) / (c11 * c44 + (c11 + c12) * anisotropy * direction_product)
    stress = c11 + 2 * c12
    return stress * (3 - stress * compliance)
