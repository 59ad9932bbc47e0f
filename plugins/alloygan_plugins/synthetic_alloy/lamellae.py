"""The eutectic between the grains: colonies of lamellae that lose their order."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import KDTree

from alloygan_plugins.synthetic_alloy.law import Truth

FloatArray = NDArray[np.float32]

_COLONY_ASPECT = 1.6  # of a colony, along the perpendicular to the compression
_TURN = 0.5  # tan of a lamella's angle from that perpendicular, after over before the compression
_SPACING_SPREAD = 0.05  # of the logarithm of the spacing, between colonies
_WAVINESS, _WAVE_LENGTH = 0.5, 6.0  # rad and µm: phase of the lamellae, and how far it stays
_RING_WIDTH = 0.15  # of the globular eutectic's wavenumber, relative
_SATURATION = 1.2
_PADDING = 32  # px beyond the image, since random fields are periodic


def draw_eutectic(
    truth: Truth,
    size: tuple[int, int],
    um_per_px: float,
    random: np.random.Generator,
    *,
    elongated_along: float,
) -> FloatArray:
    """The eutectic's pattern (H, W) in [-1, 1], its brighter phase positive; the mean is near 0.

    Colonies are the cells of random points, each with its own direction and phase of the lamellae. A lamellar wave of
    the law's spacing and an isotropic random field of the same wavelength (globular eutectic) are added in the shares
    of variance that the law's order gives. The contrast falls as a square pixel averages it, and is 0 for spacings
    below 2 px, which no pixel shows.
    """
    # An even number of columns, which irfft2 needs to be told apart from an odd one.
    shape = fft.next_fast_len(size[0] + _PADDING), 2 * fft.next_fast_len((size[1] + _PADDING + 1) // 2)
    y, x = np.meshgrid(np.arange(size[0]) * um_per_px, np.arange(size[1]) * um_per_px, indexing="ij")
    resolved = um_per_px / truth.lamellar_spacing
    contrast = float(np.sinc(resolved)) if resolved <= 0.5 else 0.0

    colony = _colonies(truth, x, y, random, elongated_along)
    count = int(colony.max()) + 1
    angle = math.pi * random.random(count)
    angle = np.arctan2(_TURN * np.sin(angle), np.cos(angle)) + math.radians(elongated_along)
    wavenumber = 2 * math.pi / truth.lamellar_spacing * np.exp(_SPACING_SPREAD * random.standard_normal(count))
    phase = 2 * math.pi * random.random(count)
    # Lamellae run along `angle`, counter-clockwise from the x axis as one sees it; the wave runs across.
    across = (wavenumber * np.sin(angle))[colony] * x + (wavenumber * np.cos(angle))[colony] * y
    frequency = _frequency(shape, um_per_px)
    waviness = _random_field(np.exp(-((math.pi * _WAVE_LENGTH * frequency) ** 2)), random)[: size[0], : size[1]]
    lamellar = math.sqrt(2) * np.cos(across + phase[colony] + _WAVINESS * waviness)

    centre = 1 / truth.lamellar_spacing
    # Divided by the root of the wavenumber, so that the power of all directions together is symmetric about the ring.
    ring = np.exp(-(((frequency / centre - 1) / _RING_WIDTH) ** 2) / 2) / np.sqrt(np.maximum(frequency, 0.1 * centre))
    globular = _random_field(ring, random)[: size[0], : size[1]]

    mixed = math.sqrt(truth.lamellar_order) * lamellar + math.sqrt(1 - truth.lamellar_order) * globular
    pattern: FloatArray = (contrast * np.tanh(_SATURATION * mixed)).astype(np.float32)
    return pattern


def _colonies(
    truth: Truth,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    random: np.random.Generator,
    elongated_along: float,
) -> NDArray[np.int64]:
    """Number of the colony (H, W) of each pixel: of the nearest point, in a frame where colonies are round."""
    margin = 2 * truth.colony_size
    height, width = y[-1, 0] + 2 * margin, x[0, -1] + 2 * margin
    count = max(1, int(height * width / truth.colony_size**2 + random.random()))
    points = random.random((count, 2)) * (height, width) - margin
    turn, root = math.radians(elongated_along), math.sqrt(_COLONY_ASPECT)

    def rounded(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        along, across = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        return np.stack([along / root, across * root], axis=-1)

    # Every second pixel is looked up, and stands for four: no one sees it, and it takes a quarter of the time.
    coarse = rounded(x[::2, ::2], y[::2, ::2])
    nearest = KDTree(rounded(points[:, 1], points[:, 0])).query(coarse.reshape(-1, 2))[1].reshape(coarse.shape[:2])
    colony: NDArray[np.int64] = nearest.repeat(2, axis=0).repeat(2, axis=1)[: x.shape[0], : x.shape[1]]
    return colony


def _frequency(shape: tuple[int, int], um_per_px: float) -> NDArray[np.float64]:
    """Cycles per µm on the half plane of rfft2."""
    down, across = fft.fftfreq(shape[0], um_per_px), fft.rfftfreq(shape[1], um_per_px)
    frequency: NDArray[np.float64] = np.hypot(down[:, None], across)
    return frequency


def _random_field(spectrum: NDArray[np.float64], random: np.random.Generator) -> FloatArray:
    """A Gaussian random field with this amplitude spectrum on the half plane, of variance 1 on average."""
    height, width = spectrum.shape[0], 2 * (spectrum.shape[1] - 1)
    noise = random.standard_normal((height, width), dtype=np.float32)
    field = fft.irfft2(fft.rfft2(noise) * spectrum.astype(np.float32), s=(height, width))
    # The columns in the middle of the half plane stand for two.
    power = 2 * np.square(spectrum).sum() - np.square(spectrum[:, 0]).sum() - np.square(spectrum[:, -1]).sum()
    scaled: FloatArray = field / np.float32(max(math.sqrt(power / (height * width)), 1e-12))
    return scaled
