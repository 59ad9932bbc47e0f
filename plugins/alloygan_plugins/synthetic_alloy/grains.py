"""The grains of the primary phase: drawn from the law, and placed so that none touch.

Grains are ellipses with a lobed outline. In the frame where the ellipse is the unit circle, the outline is

    r(t) = (1 + e3 cos(3 t + p3) + e4 cos(4 t + p4)) / sqrt(1 + (e3^2 + e4^2) / 2)

which leaves the area as it is, and the ratio of the second moments, hence ImageJ's aspect ratio, up to third order.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.errors import DataError
from alloygan_plugins.synthetic_alloy.law import ORIENTATION_SPREAD, Truth

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CELL = 0.5  # µm, side of a cell of the map of what is taken
_MARGIN = 6.0  # mean diameters; no grain is so long that it meets its own image across the box
_CANDIDATES = 16
_MOST_ROUNDS = 1000

AT_ONCE = 1000
"""Grains whose cells are worked on together, to bound the memory."""


@dataclass(frozen=True)
class Grains:
    """G grains, the largest first; every array has G rows.

    `x`, `y`: centre in µm from the left and upper side of the field; it may lie outside, so that grains are cut by the
    border. `diameter` equivalent, in µm; `aspect_ratio`; `angle` of the long axis in degrees, in [0, 180),
    counter-clockwise from the x axis as one sees it; `deformed`: which population; `lobes` (G, 2) complex: e exp(i p)
    of the outline's third and fourth harmonic.
    """

    x: FloatArray
    y: FloatArray
    diameter: FloatArray
    aspect_ratio: FloatArray
    angle: FloatArray
    deformed: NDArray[np.bool_]
    lobes: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.x)

    def chosen(self, which: NDArray[Any]) -> "Grains":
        """Those that an index or a mask (G,) picks."""
        return Grains(**{one.name: getattr(self, one.name)[which] for one in fields(self)})

    def outline(self, number: IntArray, dx: FloatArray, dy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where points lie: each relative to the centre of the grain of its `number`, by (dx, dy) µm, y downwards.

        Returns the radius as a fraction of the outline's, below 1 inside, and its gradient in 1/µm.
        """
        root = np.sqrt(self.aspect_ratio)
        major, minor = (self.diameter / 2 * root)[number], (self.diameter / 2 / root)[number]
        turn = np.radians(self.angle)
        cosine, sine = np.cos(turn)[number], np.sin(turn)[number]
        along, across = (dx * cosine - dy * sine) / major, (dx * sine + dy * cosine) / minor
        radius = np.hypot(along, across)
        safe = np.maximum(radius, 1e-9)
        direction = (along + 1j * across) / safe
        third, fourth = self.lobes[:, 0][number], self.lobes[:, 1][number]
        lobed = 1 + (direction * direction * direction * (third + direction * fourth)).real
        lobed /= np.sqrt(1 + np.square(np.abs(self.lobes)).sum(axis=1) / 2)[number]
        return radius / lobed, np.hypot(along / major, across / minor) / (safe * lobed)

    def reach(self, grow: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Half height and width (G,) in µm of boxes about the centres that hold the grains, half axes `grow` longer."""
        root = np.sqrt(self.aspect_ratio)
        major, minor = self.diameter / 2 * root + grow, self.diameter / 2 / root + grow
        turn, lobed = np.radians(self.angle), 1 + np.abs(self.lobes).sum(axis=1)
        down = np.hypot(major * np.sin(turn), minor * np.cos(turn))
        return down * lobed, np.hypot(major * np.cos(turn), minor * np.sin(turn)) * lobed


def boxes(top: IntArray, left: IntArray, height: IntArray, width: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """All cells of G boxes, one box after another: the number of the box, the row and the column of each cell."""
    sizes = height * width
    number = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(number)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row, column = np.divmod(place, width[number])
    return number, row + top[number], column + left[number]


def draw_grains(
    truth: Truth,
    field: tuple[float, float],
    random: np.random.Generator,
    *,
    gap: float,
    roughness: float,
    elongated_along: float,
) -> Grains:
    """Grains of the law on a field of (height, width) µm and around it.

    They are placed one after another, the largest first, at random places where they keep a `gap` in µm from all others
    (random sequential placement). The box is larger than the field and periodic, so that the density is the same
    everywhere; the field shows no grain twice. `roughness`: largest amplitude of a harmonic of the outline.
    `elongated_along`: direction in degrees that deformed grains are elongated along.

    Raises DataError if there is not room for all.
    """
    margin = _MARGIN * max(one.diameter for one in truth.populations)
    cells = (math.ceil((field[0] + margin) / _CELL), math.ceil((field[1] + margin) / _CELL))
    wanted = truth.number_density * cells[0] * cells[1] * _CELL**2
    # Rounded up or down at random, so that the density is right on average.
    count = int(wanted + random.random())

    deformed = random.random(count) < truth.deformed.share
    median, sigma, aspect_median, aspect_spread = (
        np.where(deformed, getattr(truth.deformed, name), getattr(truth.unaffected, name))
        for name in ("diameter_median", "diameter_sigma", "aspect_median", "aspect_spread")
    )
    diameter = median * np.exp(sigma * random.standard_normal(count))
    order = np.argsort(-diameter, kind="stable")
    deformed, diameter = deformed[order], diameter[order]
    aspect_ratio = 1 + (aspect_median[order] - 1) * np.exp(aspect_spread[order] * random.standard_normal(count))
    aligned = np.where(deformed, truth.deformed.aligned, truth.unaffected.aligned)
    angle = np.where(
        aligned,
        elongated_along + ORIENTATION_SPREAD * random.standard_normal(count),
        180 * random.random(count),
    )
    amplitudes, phases = random.random((count, 2)), random.random((count, 2))
    lobes = roughness * amplitudes * np.exp(2j * math.pi * phases)
    grains = Grains(np.zeros(count), np.zeros(count), diameter, aspect_ratio, angle % 180, deformed, lobes)

    places = _places(grains, cells, gap, random)
    if places is None:
        raise DataError(
            f"at {truth.temperature:g} °C and {truth.strain_rate:g} 1/s there is no room for {count} grains "
            f"{gap:.3g} µm apart, {truth.area_fraction:.0%} of the area; the distance is at least 2 px, so choose a "
            "smaller um_per_px"
        )
    # A place is a cell; the centre lies anywhere in it.
    y, x = (np.stack(places) + random.random((2, count))) * _CELL - margin / 2
    return _near_the_field(replace(grains, x=x, y=y), field, (cells[0] * _CELL, cells[1] * _CELL))


def _places(
    grains: Grains, cells: tuple[int, int], gap: float, random: np.random.Generator
) -> tuple[IntArray, IntArray] | None:
    """A cell (row, column) for each grain, or None if one finds no room."""
    down, across = (np.ceil(half / _CELL).astype(np.int64) for half in grains.reach(gap))
    room = _Room(cells, int(max(down.max(initial=0), across.max(initial=0))) + 1)
    row, column = np.zeros((2, len(grains)), dtype=np.int64)
    for first in range(0, len(grains), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        number, dy, dx = boxes(-down[some], -across[some], 2 * down[some] + 1, 2 * across[some] + 1)
        radius, gradient = grains.outline(number + first, *(_CELL * step.astype(np.float64) for step in (dx, dy)))
        # To first order (radius - 1) / gradient is the distance from the outline.
        near, inside = radius - 1 <= gap * gradient, radius <= 1
        wanted, body = (
            np.split(np.stack([dy, dx], axis=1)[which], np.flatnonzero(np.diff(number[which])) + 1)
            for which in (near, inside)
        )
        for one in range(len(wanted)):
            place = room.find(wanted[one], random)
            if place is None:
                return None
            row[first + one], column[first + one] = place
            room.take(place, body[one])
    return row, column


class _Room:
    """Which cells of a periodic box are taken; a border repeats the other side, so that nothing wraps when read."""

    def __init__(self, cells: tuple[int, int], border: int) -> None:
        self.cells = cells
        self.border = border
        self.taken = np.zeros((cells[0] + 2 * border, cells[1] + 2 * border), dtype=bool)

    def find(self, wanted: IntArray, random: np.random.Generator) -> tuple[int, int] | None:
        """A random cell around which all the cells `wanted` (n, 2), relative to it, are free; None if none is found."""
        flat = self.taken.ravel()
        steps = wanted[:, 0] * self.taken.shape[1] + wanted[:, 1]
        for _ in range(_MOST_ROUNDS):
            row = random.integers(self.cells[0], size=_CANDIDATES)
            column = random.integers(self.cells[1], size=_CANDIDATES)
            centre = (row + self.border) * self.taken.shape[1] + column + self.border
            free = np.flatnonzero(~flat[centre])
            free = free[~flat[centre[free, None] + steps].any(axis=1)]
            if len(free):
                return int(row[free[0]]), int(column[free[0]])
        return None

    def take(self, place: tuple[int, int], body: IntArray) -> None:
        """Mark the cells `body` (n, 2), relative to a place, wherever the box and its border repeat them."""
        for row in self._images(place[0], self.cells[0]):
            for column in self._images(place[1], self.cells[1]):
                rows, columns = row + body[:, 0], column + body[:, 1]
                inside = (rows >= 0) & (rows < self.taken.shape[0]) & (columns >= 0) & (columns < self.taken.shape[1])
                self.taken[rows[inside], columns[inside]] = True

    def _images(self, place: int, cells: int) -> list[int]:
        """Where a place along one side, and its periodic images whose grains may reach into `taken`, lie in it."""
        own = place + self.border
        images = (own - cells, own, own + cells)
        return [image for image in images if -self.border <= image < cells + 3 * self.border]


def _near_the_field(grains: Grains, field: tuple[float, float], box: tuple[float, float]) -> Grains:
    """The grains, and their periodic images, that may show in the field."""
    down, across = grains.reach()
    number, x, y = [], [], []
    for up in (-box[0], 0.0, box[0]):
        for aside in (-box[1], 0.0, box[1]):
            image_x, image_y = grains.x + aside, grains.y + up
            vertically = (image_y > -down) & (image_y < field[0] + down)
            shows = np.flatnonzero(vertically & (image_x > -across) & (image_x < field[1] + across))
            number.append(shows)
            x.append(image_x[shows])
            y.append(image_y[shows])
    every = np.concatenate(number)
    order = np.argsort(every, kind="stable")
    near = grains.chosen(every[order])
    return replace(near, x=np.concatenate(x)[order], y=np.concatenate(y)[order])
