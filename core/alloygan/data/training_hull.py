"""How a condition lies to those that were trained on: one of them, between them, or beyond."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alloygan.data.condition_space import ConditionSpace, Row

Place = Literal["trained", "between", "beyond"]

_TOLERANCE = 1e-6  # of scaled values, which are float32


def place(space: ConditionSpace, row: Row) -> Place | None:
    """`trained`: a condition with training images. `between`: in the convex hull of those (in scaled values), so that
    reaching it is interpolation. `beyond`: extrapolation. None where the space has no table to tell it by.

    Classes are in no order, so only conditions of the same classes count for the hull.
    """
    if not space.table:
        return None
    if space.label(row) >= 0 and space.label(row) not in space.held_out:
        return "trained"
    around = trained_rows(space, row)
    if not around:
        return "beyond"
    points = _continuous(space, around)
    return "between" if in_convex_hull(_continuous(space, [row])[0], points) else "beyond"


def in_words(space: ConditionSpace, row: Row) -> str:
    """The place for beside a picture, such as `held out, interpolated`; empty where it is not known."""
    found = place(space, row)
    if found is None:
        return ""
    if found == "trained":
        return "trained on"
    held_out = "held out, " if space.label(row) in space.held_out else ""
    return held_out + ("interpolated" if found == "between" else "extrapolated")


def nearest_trained(space: ConditionSpace, row: Row) -> Row | None:
    """The condition with training images that lies nearest in scaled values, of the same classes if there is one."""
    rows = trained_rows(space, row) or trained_rows(space)
    if not rows:
        return None
    distance = (space.condition(rows).values - space.condition([row]).values).norm(dim=1)
    return rows[int(distance.argmin())]


def blend_weights(space: ConditionSpace, row: Row) -> dict[Row, float]:
    """Weights > 0 of the conditions trained on whose mean is the row: those of the neighbours that linear interpolation
    takes, on a grid or in a triangulation. Beyond all of them it is the nearest one alone.
    """
    from scipy.optimize import linprog

    around = trained_rows(space, row)
    near = nearest_trained(space, row)
    if near is None:
        return {}
    if place(space, row) == "beyond" or not around:
        return {near: 1.0}
    points, point = _continuous(space, around), _continuous(space, [row])[0]
    # Of all weights with this mean, those of the least mean squared distance are Delaunay's.
    far = ((points - point) ** 2).sum(axis=1)
    system = np.vstack([points.T, np.ones(len(points))])
    solved = linprog(far, A_eq=system, b_eq=np.append(point, 1.0), bounds=(0, None))
    if solved.x is None:
        return {near: 1.0}
    return {one: float(weight) for one, weight in zip(around, solved.x, strict=True) if weight > _TOLERANCE}


def gap_width(space: ConditionSpace, row: Row) -> float:
    """How far apart in scaled values the conditions trained on are between which a condition is interpolated: the
    largest distance of two of its `blend_weights`. Beyond all of them, its distance from the nearest.
    """
    around = list(blend_weights(space, row))
    if not around:
        return math.inf
    if len(around) == 1:
        around.append(row)
    values = space.condition(around).values
    return float((values[:, None] - values[None]).norm(dim=2).amax())


def trained_rows(space: ConditionSpace, row: Row | None = None) -> list[Row]:
    """The conditions with training images; with a row, those of its classes."""
    classes = [i for i, column in enumerate(space.columns) if column.scale == "category"]
    return [
        one
        for label, one in enumerate(space.table)
        if label not in space.held_out and (row is None or all(one[i] == row[i] for i in classes))
    ]


def in_convex_hull(point: NDArray[np.float64], points: NDArray[np.float64]) -> bool:
    """Whether a point (F,) is a mean, with weights ≥ 0, of points (N, F), which may all lie in a plane or on a line."""
    from scipy.optimize import nnls  # half a second, which most commands can do without

    if not points.shape[1]:
        return True
    # Weights ≥ 0 with Σ w p = x and Σ w = 1; the least residual is 0 exactly inside of the hull.
    system = np.vstack([points.T, np.ones(len(points))])
    _, residual = nnls(system, np.append(point, 1.0))
    return bool(residual < _TOLERANCE)


def _continuous(space: ConditionSpace, rows: list[Row]) -> NDArray[np.float64]:
    """Scaled values (N, F') of the continuous columns."""
    return np.array(
        [
            [column.scaled(v)[0] for column, v in zip(space.columns, row, strict=True) if column.scale != "category"]
            for row in rows
        ],
        dtype=np.float64,
    ).reshape(len(rows), -1)
