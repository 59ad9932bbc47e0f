"""A picture of a micrograph to review: what was found, what is left out, and what is used for what."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from alloygan.data.image_parts import ImageParts
from alloygan.data.region import Region
from alloygan.preparation.rescaled import Rescaled
from alloygan.preparation.survey import Survey

LONGEST = 1600  # px of the picture's longer side
_SHORTEST = 800  # smaller micrographs are enlarged to about this

# Colours that the colour-blind can tell apart (Okabe and Ito).
CRACK, LEFT_OUT, TRAINING, EVALUATION = (213, 94, 0), (240, 228, 66), (0, 158, 115), (0, 114, 178)
_OUTSIDE = 0.45  # brightness outside of the roi

Rgb = NDArray[np.uint8]


def overlay(parts: ImageParts, found: Survey) -> Rgb:
    """The picture (H, W, 3): at most about 1,600 px a side, grey levels stretched for the eye.

    Cracks are filled, regions that are left out tinted, training and evaluation region outlined, what lies outside of
    the roi is dark, and a line of words below says which is which.
    """
    height, width = parts.size
    step = max(1, math.ceil(max(height, width) / LONGEST))
    larger = max(1, _SHORTEST // max(1, max(height, width) // step))
    small = Rescaled(parts, found.micrograph.file, Region(0, 0, width, height), step).whole()
    low, high = np.percentile(small, (0.5, 99.5))
    grey = ((small - low) / max(1.0, high - low)).clip(0, 1) * 255
    picture = np.repeat(grey[..., None], 3, axis=2).repeat(larger, axis=0).repeat(larger, axis=1)
    scale = larger / step  # px of the picture for a px of the file
    roi = _box(found.roi, scale, (0, 0))
    outside = np.ones(picture.shape[:2], dtype=bool)
    outside[roi.rows, roi.columns] = False
    picture[outside] *= _OUTSIDE
    for region in _left_out(found):
        box = _box(region, scale * found.factor, (found.roi.x * scale, found.roi.y * scale))
        picture[box.rows, box.columns] = 0.55 * picture[box.rows, box.columns] + 0.45 * np.array(LEFT_OUT)
    _fill_cracks(picture, found, scale)
    image = Image.fromarray(np.rint(picture).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    thick = max(2, max(picture.shape) // 400)
    if found.split is not None:
        evaluation = found.split.evaluation_region
        outlined = [(roi, TRAINING if found.micrograph.trains else EVALUATION)]
        if evaluation is not None:
            at = (found.roi.x * scale, found.roi.y * scale)
            outlined.append((_box(evaluation, scale * found.factor, at), EVALUATION))
        for box, colour in outlined:
            draw.rectangle((box.x, box.y, box.right - 1, box.bottom - 1), outline=colour, width=thick)
    return _with_words(image, _words(found))


def _box(region: Region, scale: float, origin: tuple[float, float]) -> Region:
    """Where a region lies in the picture."""
    x, y = round(origin[0] + region.x * scale), round(origin[1] + region.y * scale)
    right, bottom = round(origin[0] + region.right * scale), round(origin[1] + region.bottom * scale)
    return Region(x, y, max(1, right - x), max(1, bottom - y))


def _left_out(found: Survey) -> Sequence[Region]:
    if found.split is None:
        return [Region(0, 0, found.size[1], found.size[0])]
    return found.split.avoid


def _fill_cracks(picture: NDArray[np.float64], found: Survey, scale: float) -> None:
    mask = found.cracks.mask
    if not mask.any():
        return
    box = _box(found.roi, scale, (0, 0))
    rows = np.minimum(mask.shape[0] - 1, ((np.arange(box.height) / scale) / found.cracks.step).astype(np.int64))
    columns = np.minimum(mask.shape[1] - 1, ((np.arange(box.width) / scale) / found.cracks.step).astype(np.int64))
    inside = picture[box.rows, box.columns]
    crack = mask[rows][:, columns][: inside.shape[0], : inside.shape[1]]
    inside[crack] = CRACK


def _words(found: Survey) -> list[tuple[str, tuple[int, int, int] | None]]:
    if found.split is None:
        return [("left out", LEFT_OUT), *([("crack", CRACK)] if found.cracks.found else [])]
    words: list[tuple[str, tuple[int, int, int] | None]] = []
    if found.micrograph.trains:
        words.append(("training", TRAINING))
    if found.split.places.evaluation is not None:
        words.append(("evaluation", EVALUATION))
    if found.split.avoid:
        words.append(("left out", LEFT_OUT))
    if found.cracks.found:
        words.append(("crack", CRACK))
    elif not found.cracks.told:
        words.append(("no crack found", None))
    return words


def _with_words(image: Image.Image, words: Sequence[tuple[str, tuple[int, int, int] | None]]) -> Rgb:
    size = 18
    whole = Image.new("RGB", (max(image.width, 420), image.height + 2 * size), (255, 255, 255))
    whole.paste(image, (0, 0))
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(size)
    x, y = 8.0, image.height + size // 2
    for word, colour in words:
        if colour is not None:
            draw.rectangle((x, y, x + size, y + size), fill=colour, outline=(90, 90, 90))
            x += size + 6
        draw.text((x, y - 2), word, fill=(26, 26, 26), font=font)
        x += draw.textlength(word, font=font) + 18
    return np.asarray(whole)
