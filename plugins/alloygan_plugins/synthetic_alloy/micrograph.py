"""A micrograph of the synthetic alloy, and what was drawn in it."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alloygan_plugins.synthetic_alloy.defects import draw_cracks, uneven_brightness
from alloygan_plugins.synthetic_alloy.grains import AT_ONCE, Grains, boxes, draw_grains
from alloygan_plugins.synthetic_alloy.lamellae import draw_eutectic
from alloygan_plugins.synthetic_alloy.law import Truth

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

# Grey levels. The dark lamellae are brighter than the primary phase, as where a microscope does not quite resolve
# them: one grey level then separates the primary phase from the eutectic.
_PRIMARY, _EUTECTIC, _LAMELLAE, _CRACK = 72.0, 164.0, 34.0, 10.0
_GRAIN_TO_GRAIN = 4.0  # standard deviation of the grey of whole grains
_GAP = 1.5  # µm between grains, and at least so many px:
_GAP_PX = 2.0


@dataclass(frozen=True)
class Look:
    """How micrographs are taken.

    `size` (height, width) in px. `noise`: standard deviation in grey levels. `contrast_drift`: fraction, see
    `uneven_brightness`. `cracks`: how many, or by the law. `roughness` of the grains' outlines, see `grains`.
    """

    size: tuple[int, int] = (512, 512)
    noise: float = 0.0
    contrast_drift: float = 0.0
    cracks: int | Literal["law"] = 0
    roughness: float = 0.0
    compression: Literal["vertical", "horizontal"] = "vertical"

    @property
    def elongated_along(self) -> float:
        """Direction in degrees, counter-clockwise from the x axis, that deformed grains are elongated along."""
        return 0.0 if self.compression == "vertical" else 90.0


@dataclass(frozen=True)
class Micrograph:
    """What was drawn.

    `image` uint8 (H, W); `mask` (H, W), true on the primary phase; `crack_mask` (H, W), true in cracks, where `mask` is
    false. `grains` are those with at least one pixel in the image; `clear` (G,) tells those that do not touch its
    border.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    crack_mask: NDArray[np.bool_]
    grains: Grains
    clear: NDArray[np.bool_]
    um_per_px: float

    def table(self) -> dict[str, list[object]]:
        """One row a grain: centre in px (the centre of the first pixel at 0.5), size, shape, direction, population."""
        grains = self.grains
        return {
            "x_px": (grains.x / self.um_per_px).round(3).tolist(),
            "y_px": (grains.y / self.um_per_px).round(3).tolist(),
            "equivalent_diameter_um": grains.diameter.round(4).tolist(),
            "aspect_ratio": grains.aspect_ratio.round(4).tolist(),
            "angle_deg": grains.angle.round(2).tolist(),
            "population": np.where(grains.deformed, "deformed", "unaffected").tolist(),
            "clear_of_border": np.where(self.clear, "yes", "no").tolist(),
        }


@dataclass(frozen=True)
class Seed:
    """What a micrograph's random numbers derive from: the seed of the data set, its part, and its number there.

    The condition takes part too, and each step has a stream of its own: more cracks or noise leave the grains where
    they are, and no micrograph depends on another.
    """

    seed: int
    part: Literal["training", "evaluation"] = "training"
    number: int = 0
    _words: str = field(default="alloygan synthetic_alloy", repr=False)

    def stream(self, truth: Truth, step: str) -> np.random.Generator:
        """Random numbers of one step of one micrograph."""
        words = (
            f"{self._words} {self.seed} {self.part} {self.number} {truth.temperature!r} {truth.strain_rate!r} {step}"
        )
        return np.random.default_rng(int.from_bytes(hashlib.sha256(words.encode()).digest()[:16], "little"))


def draw_micrograph(truth: Truth, um_per_px: float, look: Look, seed: Seed) -> Micrograph:
    """Draw the micrograph with this seed at a condition. Raises DataError if the grains have no room."""
    height, width = look.size
    grains = draw_grains(
        truth,
        (height * um_per_px, width * um_per_px),
        seed.stream(truth, "grains"),
        gap=max(_GAP, _GAP_PX * um_per_px),
        roughness=look.roughness,
        elongated_along=look.elongated_along,
    )
    pattern = draw_eutectic(
        truth, look.size, um_per_px, seed.stream(truth, "eutectic"), elongated_along=look.elongated_along
    )
    grey = _EUTECTIC + _LAMELLAE * pattern
    grain_to_grain = _GRAIN_TO_GRAIN * seed.stream(truth, "grey").standard_normal(len(grains))
    mask, shown, clear = _lay_grains(grey, grains, um_per_px, np.clip(grain_to_grain, -10, 10))

    random = seed.stream(truth, "cracks")
    count = crack_count(truth, um_per_px, look, random)
    cracks = draw_cracks(count, look.size, um_per_px, random, elongated_along=look.elongated_along)
    grey += cracks * (_CRACK - grey)
    crack_mask = cracks > 0.5

    if look.contrast_drift:
        grey = uneven_brightness(grey, look.contrast_drift, seed.stream(truth, "drift"))
    if look.noise:
        grey += look.noise * seed.stream(truth, "noise").standard_normal(look.size, dtype=np.float32)
    image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return Micrograph(image, mask & ~crack_mask, crack_mask, grains.chosen(shown), clear[shown], um_per_px)


def crack_count(truth: Truth, um_per_px: float, look: Look, random: np.random.Generator) -> int:
    """How many cracks a micrograph has: as many as asked for, or a Poisson number at the law's density."""
    if look.cracks != "law":
        return look.cracks
    area = look.size[0] * look.size[1] * um_per_px**2 / 1e6
    return int(random.poisson(truth.cracks * area))


def _lay_grains(
    grey: FloatArray, grains: Grains, um_per_px: float, grain_to_grain: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw the grains into the grey levels (H, W), edges smooth over a pixel.

    Returns the mask (H, W) of the primary phase, and which grains (G,) show and which are clear of the border.
    """
    mask = np.zeros(grey.shape, dtype=bool)
    cover, level = np.zeros_like(grey), np.zeros_like(grey)
    shown, clear = np.zeros(len(grains), dtype=bool), np.zeros(len(grains), dtype=bool)
    for first in range(0, len(grains), AT_ONCE):
        some = np.arange(first, min(first + AT_ONCE, len(grains)))
        number, row, column, share, inside = _pixels(grains.chosen(some), um_per_px)
        # The outermost pixels of the image and what lies beyond.
        border = (row <= 0) | (column <= 0) | (row >= grey.shape[0] - 1) | (column >= grey.shape[1] - 1)
        seen = (row >= 0) & (column >= 0) & (row < grey.shape[0]) & (column < grey.shape[1])
        clear[some] = np.bincount(number[inside & border], minlength=len(some)) == 0
        shown[some] = np.bincount(number[inside & seen], minlength=len(some)) > 0
        mask[row[inside & seen], column[inside & seen]] = True
        # Where the soft edges of two grains share a pixel, the larger share stands: it is written last.
        order = np.flatnonzero(seen)
        order = order[share[order] > cover[row[order], column[order]]]
        order = order[np.argsort(share[order], kind="stable")]
        cover[row[order], column[order]] = share[order]
        level[row[order], column[order]] = _PRIMARY + grain_to_grain[number[order] + first]
    grey += cover * (level - grey)
    return mask, shown, clear


def _pixels(grains: Grains, um_per_px: float) -> tuple[IntArray, IntArray, IntArray, FloatArray, NDArray[np.bool_]]:
    """The pixels about each grain, also outside the image: its number, row, column, share, and if the centre is in."""
    down, across = grains.reach(um_per_px)
    top, left = (np.floor(low / um_per_px).astype(np.int64) for low in (grains.y - down, grains.x - across))
    bottom, right = (np.ceil(high / um_per_px).astype(np.int64) for high in (grains.y + down, grains.x + across))
    number, row, column = boxes(top, left, bottom - top, right - left)
    radius, gradient = grains.outline(
        number, (column + 0.5) * um_per_px - grains.x[number], (row + 0.5) * um_per_px - grains.y[number]
    )
    share = np.clip(0.5 - (radius - 1) / np.maximum(gradient * um_per_px, 1e-9), 0, 1)
    return number, row, column, share.astype(np.float32), radius <= 1
