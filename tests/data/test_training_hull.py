"""Whether a condition lies between those that were trained on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import Delaunay

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.training_hull import in_convex_hull, in_words, nearest_trained, place
from alloygan.specs.condition_columns import ColumnSpec


def square(held_out: set[Row] = frozenset()) -> ConditionSpace:  # type: ignore[assignment]
    columns = (ColumnSpec(name="x"), ColumnSpec(name="t", scale="log"))
    space = ConditionSpace.from_rows(columns, [{"x": x, "t": t} for x in (0, 1, 2) for t in (1, 10, 100)])
    return replace(space, held_out=frozenset(space.label(row) for row in held_out))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_it_is_the_hull_that_a_triangulation_has(dimensions: int) -> None:
    random = np.random.default_rng(dimensions)
    points = random.random((30, dimensions))
    asked = random.random((300, dimensions)) * 1.4 - 0.2
    inside = np.array([in_convex_hull(one, points) for one in asked])
    if dimensions == 1:
        expected = (asked[:, 0] >= points.min()) & (asked[:, 0] <= points.max())
    else:
        expected = Delaunay(points).find_simplex(asked) >= 0
    assert 20 < inside.sum() < 290
    assert (inside == expected).all()


def test_points_on_a_line_span_only_the_line() -> None:
    line = np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
    assert in_convex_hull(np.array([0.25, 0.25]), line)
    assert not in_convex_hull(np.array([0.25, 0.3]), line)
    assert not in_convex_hull(np.array([1.01, 1.01]), line)


def test_places() -> None:
    space = square({(1.0, 10.0), (2.0, 100.0)})
    assert place(space, (0.0, 1.0)) == "trained"
    assert place(space, (1.0, 10.0)) == "between"
    assert place(space, (0.3, 40.0)) == "between", "off the grid, on the logarithm's scale"
    assert place(space, (2.0, 100.0)) == "beyond", "a corner, although within all bounds"
    assert place(space, (1.9, 90.0)) == "beyond"
    assert place(space, (1.0, 200.0)) == "beyond"
    assert in_words(space, (1.0, 10.0)) == "held out, interpolated"
    assert in_words(space, (2.0, 100.0)) == "held out, extrapolated"
    assert in_words(space, (0.3, 40.0)) == "interpolated"


def test_classes_are_no_directions() -> None:
    columns = (ColumnSpec(name="alloy", scale="category"), ColumnSpec(name="x"))
    space = ConditionSpace.from_rows(columns, [{"alloy": a, "x": x} for a in "ab" for x in (0, 1, 2)])
    space = replace(space, held_out=frozenset({space.label(("a", 1.0)), space.label(("b", 2.0))}))
    assert place(space, ("a", 1.0)) == "between"
    assert place(space, ("b", 2.0)) == "beyond", "of the other alloy there are images, which do not help"
    assert nearest_trained(space, ("a", 1.4)) == ("a", 2.0)
    assert nearest_trained(space, ("b", 2.0)) == ("b", 1.0)
    unseen = replace(space, held_out=frozenset(range(3)))
    assert place(unseen, ("a", 1.0)) == "beyond"


def test_without_a_table_nothing_is_known() -> None:
    space = ConditionSpace.from_rows([ColumnSpec(name="x")], [{"x": 1}, {"x": 2}], tabulate=False)
    assert place(space, (1.5,)) is None
    assert in_words(space, (1.5,)) == ""
