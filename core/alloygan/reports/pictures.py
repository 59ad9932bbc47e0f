"""Microstructures as pictures on a page: data URIs, made smaller where there are too many bytes."""

import math
from base64 import b64encode
from dataclasses import dataclass

import torch
from torch import Tensor

from alloygan.pictures import png_bytes

CRISP_UP_TO = 128
"""Patches up to so many pixels wide are enlarged with hard pixels; larger ones are not enlarged on a page."""

_PNG_OVERHEAD = 120


@dataclass(frozen=True)
class Shrink:
    """By what factor pictures of a set are made smaller, and how wide they then are in px."""

    factor: int
    width: int

    @classmethod
    def to_fit(cls, shape: tuple[int, int, int], pictures: int, most_bytes: int) -> "Shrink":
        """The least factor at which so many pictures of images (C, H, W) surely fit into `most_bytes` of PNG."""
        factor = 1
        while pictures * most_png_bytes(shape, factor) > most_bytes and factor < min(shape[1:]):
            factor += 1
        return cls(factor, math.ceil(shape[2] / factor))

    @property
    def note(self) -> str:
        """What the page says of it, if anything."""
        return f"Pictures are shown at 1/{self.factor} of their size, averaged." if self.factor > 1 else ""

    @property
    def crisp(self) -> bool:
        """Whether the page enlarges them with hard pixels."""
        return self.width <= CRISP_UP_TO


def most_png_bytes(shape: tuple[int, int, int], factor: int) -> int:
    """The size of a PNG of an image (C, H, W) of noise, which does not compress, at 1/factor."""
    channels, height, width = shape
    row = math.ceil(width / factor) * (3 if channels == 3 else 1) + 1
    return math.ceil(1.001 * math.ceil(height / factor) * row) + _PNG_OVERHEAD


def base64_png(image: Tensor, shrink: Shrink) -> str:
    """A PNG of an image (C, H, W) uint8 as text: grey, colour (3 channels) or the mean of any other number."""
    return b64encode(png_bytes(_smaller(image, shrink.factor).cpu().numpy())).decode()


def uri(image: Tensor, shrink: Shrink) -> str:
    """The same as a data URI."""
    return f"data:image/png;base64,{base64_png(image, shrink)}"


def _smaller(image: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return image
    smaller = torch.nn.functional.avg_pool2d(image.float(), factor, ceil_mode=True)
    return smaller.round().to(torch.uint8)
