"""What spoils a micrograph: cracks, uneven brightness, noise."""

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_LENGTH = (80.0, 200.0)  # µm from end to end, along the crack
_WIDTH = (1.8, 3.6)  # µm
_STEP = 4.0  # µm between two kinks
_KINK = 0.55  # rad, standard deviation of the direction about the crack's own
_LIGAMENT = 0.04  # share of the steps that are not open
_MOST_OF_FIELD = 0.7  # of the longer side


def draw_cracks(
    count: int,
    size: tuple[int, int],
    um_per_px: float,
    random: np.random.Generator,
    *,
    elongated_along: float,
) -> FloatArray:
    """Share of each pixel (H, W) in [0, 1] that lies in a crack.

    A crack is a jagged line about 45° to the compression, where the shear is largest, 80 to 200 µm long (at most 0.7 of
    the field's longer side) and 1.8 to 3.6 µm wide, at least 3 px; it narrows to its ends, has gaps, and up to three
    branches. Its middle lies at least a tenth of the field from each side, so that most of it shows.
    """
    cover = np.zeros(size, dtype=np.float32)
    height, width = size[0] * um_per_px, size[1] * um_per_px
    for _ in range(count):
        length = min(random.uniform(*_LENGTH), _MOST_OF_FIELD * max(height, width))
        thickness = max(random.uniform(*_WIDTH), 3 * um_per_px)
        side = 1 if random.random() < 0.5 else -1
        direction = math.radians(elongated_along) + side * math.radians(45 + 10 * random.standard_normal())
        line = _jagged(length, direction, random)
        middle = np.array([random.uniform(0.1, 0.9) * width, random.uniform(0.1, 0.9) * height])
        line += middle - line[len(line) // 2]
        _draw(cover, line, thickness, um_per_px, random)
        for _ in range(int(random.integers(4))):
            start = line[int(random.integers(len(line) // 5, max(len(line) // 5 + 1, 4 * len(line) // 5)))]
            fork = math.radians(random.uniform(25, 65)) * (1 if random.random() < 0.5 else -1)
            branch = _jagged(length * random.uniform(0.12, 0.35), direction + fork, random)
            _draw(cover, branch + start, 0.7 * thickness, um_per_px, random)
    return cover


def uneven_brightness(image: FloatArray, drift: float, random: np.random.Generator) -> FloatArray:
    """The image (H, W), grey levels, with another gain and a slow gradient of brightness.

    The gain about grey level 128 is 1 ± at most `drift`; the brightness changes from side to side by up to ± `drift`
    times 128 grey levels, in a random direction and slightly curved.
    """
    height, width = image.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    gain = 1 + drift * random.uniform(-1, 1)
    turn, bend = random.uniform(0, 2 * math.pi), random.uniform(-0.3, 0.3)
    slope = x * math.cos(turn) + y * math.sin(turn)
    plane = (slope + bend * (slope**2 - 0.5)) / (abs(math.cos(turn)) + abs(math.sin(turn)) + abs(bend))
    uneven: FloatArray = (128 + gain * (image - 128) + 128 * drift * plane).astype(np.float32)
    return uneven


def _jagged(length: float, direction: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Points (n, 2) as (x, y) in µm of a jagged line from the origin, y downwards, kinked about its direction."""
    steps = max(2, round(length / _STEP))
    turns = direction + _KINK * random.standard_normal(steps)
    moves = length / steps * np.stack([np.cos(turns), -np.sin(turns)], axis=1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])


def _draw(
    cover: FloatArray, line: NDArray[np.float64], thickness: float, um_per_px: float, random: np.random.Generator
) -> None:
    """Lay a line of points in µm into the cover, from `thickness` in its middle to a third at its ends."""
    place = np.linspace(-1, 1, len(line))
    half = thickness / 2 * (1 - 2 / 3 * place**4) * np.exp(0.15 * random.standard_normal(len(line)))
    open_here = random.random(len(line) - 1) >= _LIGAMENT
    points, half = line / um_per_px, half / um_per_px
    for number in np.flatnonzero(open_here):
        (x0, y0), (x1, y1) = points[number], points[number + 1]
        reach = max(half[number], half[number + 1]) + 1
        left, top = max(0, math.floor(min(x0, x1) - reach)), max(0, math.floor(min(y0, y1) - reach))
        right = min(cover.shape[1], math.ceil(max(x0, x1) + reach))
        bottom = min(cover.shape[0], math.ceil(max(y0, y1) + reach))
        if left >= right or top >= bottom:
            continue
        # Pixel centres lie at halves: the first pixel reaches from 0 to 1.
        x, y = np.arange(left, right) + 0.5 - x0, np.arange(top, bottom)[:, None] + 0.5 - y0
        along = np.clip((x * (x1 - x0) + y * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        distance = np.hypot(x - along * (x1 - x0), y - along * (y1 - y0))
        inside = np.clip(half[number] + along * (half[number + 1] - half[number]) - distance + 0.5, 0, 1)
        window = cover[top:bottom, left:right]
        np.maximum(window, inside.astype(np.float32), out=window)
