"""Grey-level arrays as pictures: PNG bytes and grids."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

_TEXT_PX = 13


def png_bytes(image: Pixels) -> bytes:
    """A PNG of one image (C, H, W) uint8: grey, colour (3 channels), or the mean of any other number of channels."""
    if image.shape[0] == 3:
        picture = Image.fromarray(rearrange(image, "c h w -> h w c"))
    elif image.shape[0] == 1:
        picture = Image.fromarray(image[0])
    else:
        picture = Image.fromarray(image.mean(axis=0).round().astype(np.uint8))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def enlarged(image: Pixels, side: int = 96) -> Pixels:
    """A small image (C, H, W) with each pixel as a square block, so that the shorter side has at least `side` px."""
    factor = max(1, -(-side // min(image.shape[1:])))
    return image.repeat(factor, axis=1).repeat(factor, axis=2)


def grid_of(rows: Sequence[Sequence[Pixels]], gap: int = 2) -> Pixels:
    """Images (C, H, W) in rows and columns with white gaps: one picture (C, H', W'). Short rows end in white."""
    channels, height, width = rows[0][0].shape
    columns = max(len(row) for row in rows)
    size = (channels, len(rows) * (height + gap) - gap, columns * (width + gap) - gap)
    picture = np.full(size, 255, dtype=np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top, left = i * (height + gap), j * (width + gap)
            picture[:, top : top + height, left : left + width] = image
    return picture


def captioned(rows: Sequence[Sequence[Pixels]], captions: Sequence[str]) -> Pixels:
    """`grid_of` with words above each row; the picture is as wide as its longest caption needs."""
    font = ImageFont.load_default(_TEXT_PX)
    strip = _TEXT_PX + 6
    parts = [grid_of([row]) for row in rows]
    channels = parts[0].shape[0]
    widest = max([int(font.getlength(caption)) + 6 for caption in captions] + [part.shape[2] for part in parts])
    lines = []
    for part, caption in zip(parts, captions, strict=True):
        text = Image.new("L", (widest, strip), 255)
        ImageDraw.Draw(text).text((2, 2), caption, fill=0, font=font)
        words = np.broadcast_to(np.asarray(text), (channels, strip, widest))
        filled = np.full((channels, part.shape[1] + 4, widest), 255, dtype=np.uint8)
        filled[:, : part.shape[1], : part.shape[2]] = part
        lines += [words, filled]
    return np.concatenate(lines, axis=1)
