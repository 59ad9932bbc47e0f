"""Lineal path and chord length against answers by hand, by brute force, and of models whose law is known."""

import math
from itertools import product

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.line_statistics.chord_length import chord_lengths
from alloygan_plugins.line_statistics.lineal_path import lineal_path
from alloygan_plugins.line_statistics.specs import ChordLength, LinealPath

DIRECTIONS = ("both", "rows", "columns")


def specimens(masks: np.ndarray, um_per_px: float | None = None) -> Specimens:
    return Specimens((masks[:, None] * 255).astype(np.uint8), masks, um_per_px)


def random_masks(count: int, height: int, width: int, share: float) -> np.ndarray:
    return np.random.default_rng(0).random((count, height, width)) < share


def stripes(height: int, width: int, dark: int, bright: int) -> np.ndarray:
    """Vertical stripes of the primary phase, `bright` px thick, `dark` px apart."""
    return np.broadcast_to(np.arange(width) % (dark + bright) >= dark, (1, height, width))


def boolean_discs(radius: float, density: float, count: int) -> np.ndarray:
    """Boolean model of discs on a torus, true where no disc is: the matrix of overlapping grains."""
    size, reach = 96, math.ceil(radius) + 1
    random = np.random.default_rng(1)
    near = np.arange(-reach, reach + 1)
    masks = np.ones((count, size, size), dtype=bool)
    for mask in masks:
        for y, x in random.random((random.poisson(density * size**2), 2)) * size:
            rows, columns = int(y) + near, int(x) + near
            inside = (rows[:, None] - y) ** 2 + (columns - x) ** 2 <= radius**2
            mask[np.ix_(rows % size, columns % size)] &= ~inside
    return masks


RADIUS, DENSITY = 6.0, 0.006


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return boolean_discs(RADIUS, DENSITY, 300)


class TestLinealPath:
    @pytest.mark.parametrize("direction", DIRECTIONS)
    @pytest.mark.parametrize("shape", [(9, 14), (16, 7), (12, 12)])
    def test_equals_brute_force(self, direction: str, shape: tuple[int, int]) -> None:
        masks = random_masks(3, *shape, 0.8)
        height, width = shape
        for found, mask in zip(lineal_path(masks, direction), masks, strict=True):
            for r, value in enumerate(found):
                rows = np.mean([mask[y, x : x + r + 1].all() for y in range(height) for x in range(width - r)])
                columns = np.mean([mask[y : y + r + 1, x].all() for y in range(height - r) for x in range(width)])
                expected = {"rows": rows, "columns": columns, "both": (rows + columns) / 2}[direction]
                assert value == pytest.approx(expected, abs=1e-14)
            assert len(found) == min(shape) // 2 + 1

    def test_stripes(self) -> None:
        # Whole periods: along rows (5 - r) / 8, along columns always the share of the phase.
        masks = stripes(48, 8 * 1000 + 24, 3, 5)
        lengths = np.arange(25)
        np.testing.assert_allclose(lineal_path(masks, "rows")[0], np.maximum(5 - lengths, 0) / 8, atol=2e-3)
        np.testing.assert_allclose(lineal_path(masks, "columns")[0], 5 / 8)
        np.testing.assert_allclose(lineal_path(masks.transpose(0, 2, 1), "rows")[0], 5 / 8)

    def test_checkerboard(self) -> None:
        board = (np.indices((16, 16)).sum(axis=0) % 2 == 0)[None]
        np.testing.assert_allclose(lineal_path(board)[0], [0.5] + [0] * 8)

    def test_random_pixels(self) -> None:
        # r + 1 independent pixels.
        found = lineal_path(random_masks(40, 64, 48, 0.8)).mean(axis=0)
        np.testing.assert_allclose(found, 0.8 ** np.arange(1, 26), atol=0.003)

    def test_boolean_model(self, matrix: np.ndarray) -> None:
        # No disc's centre in the stadium around the segment (S. Torquato 2002, chapter 5): φ exp(-2 R λ r).
        found = lineal_path(matrix).mean(axis=0)
        lengths = np.arange(len(found))
        expected = np.exp(-DENSITY * (math.pi * RADIUS**2 + 2 * RADIUS * lengths))
        np.testing.assert_allclose(found, expected, atol=0.004)

    def test_summary_is_where_the_curve_is_1_over_e(self, matrix: np.ndarray) -> None:
        descriptor = LinealPath().build()
        assert descriptor.summary(descriptor.measure(specimens(matrix))) == pytest.approx(
            1 / (2 * RADIUS * DENSITY), rel=0.015
        )

    def test_phases_units_and_distance(self) -> None:
        masks = random_masks(4, 16, 20, 0.7)
        primary, rest = (LinealPath(phase=phase).build() for phase in ("primary", "matrix"))
        found = primary.measure(specimens(masks, um_per_px=0.5))
        np.testing.assert_array_equal(found.values, rest.measure(specimens(~masks)).values)
        assert found.image is not None
        assert found.image.tolist() == [0, 1, 2, 3]
        np.testing.assert_array_equal(found.axis, np.arange(9) * 0.5)
        assert (found.unit, primary.summary_unit(found, specimens(masks, 0.5))) == ("", "um")
        assert primary.distance(found, found) == 0
        other = primary.measure(specimens(~masks, um_per_px=0.5))
        assert primary.distance(found, other) == pytest.approx(
            np.abs((found.values - other.values).mean(axis=0)).mean()
        )

    @pytest.mark.parametrize(("fill", "reason"), [(False, "no primary phase"), (True, "longer than 5 px")])
    def test_one_phase_has_no_path_length(self, fill: bool, reason: str) -> None:
        descriptor = LinealPath().build()
        found = descriptor.measure(specimens(np.full((2, 10, 14), fill)))
        assert np.all(found.values == fill)
        assert descriptor.summary(found) is None
        assert reason in found.notes[0]


class TestChordLength:
    @pytest.mark.parametrize("direction", DIRECTIONS)
    @pytest.mark.parametrize("shape", [(9, 14), (16, 7), (12, 12)])
    def test_equals_brute_force(self, direction: str, shape: tuple[int, int]) -> None:
        masks = random_masks(3, *shape, 0.8)
        half = min(shape) // 2
        expected: list[tuple[int, int]] = []
        for image, mask in enumerate(masks):
            lines = {"rows": list(mask), "columns": list(mask.T)}
            for line in lines["rows"] + lines["columns"] if direction == "both" else lines[direction]:
                # A chord begins behind a pixel of the other phase, and so does one that is read from behind.
                for read in (line, line[::-1]):
                    for start in range(1, len(read) - half + 1):
                        if read[start] and not read[start - 1]:
                            ahead = read[start : start + half]
                            expected.append((image, half if ahead.all() else int(np.argmin(ahead))))
        lengths, images = chord_lengths(masks, direction)
        assert sorted(zip(images.tolist(), lengths.tolist(), strict=True)) == sorted(expected)

    def test_stripes_are_exact(self) -> None:
        masks = stripes(20, 101, 3, 5)
        assert set(chord_lengths(masks, "rows")[0]) == {5}
        assert set(chord_lengths(~masks, "rows")[0]) == {3}
        assert len(chord_lengths(masks, "columns")[0]) == 0
        assert set(chord_lengths(masks.transpose(0, 2, 1), "columns")[0]) == {5}

    def test_random_pixels_have_geometric_chords_whatever_their_length(self) -> None:
        # Chords are long for the image: leaving out those that the border cuts would give a mean of 6.0, not 9.7.
        share, half = 0.9, 16
        lengths, _ = chord_lengths(random_masks(400, 32, 32, share))
        for r in range(half):
            assert (lengths > r).mean() == pytest.approx(share**r, abs=0.01)
        masks = random_masks(400, 32, 32, share)
        padded = np.pad(masks, ((0, 0), (0, 0), (1, 1)))
        edges = np.diff(padded.astype(np.int8), axis=2)
        start, end = np.nonzero(edges == 1)[2], np.nonzero(edges == -1)[2]
        clear = (start > 0) & (end < 32)
        assert (end - start)[clear].mean() < 0.8 * lengths.mean()

    def test_boolean_model(self, matrix: np.ndarray) -> None:
        # Chords in the matrix are exponential with mean a = 1 / (2 R λ). Those that pass no pixel's centre are not
        # seen, and those of 48 px and more are read as 48 px: the mean of what is left is geometric.
        mean = 1 / (2 * RADIUS * DENSITY)
        stays = math.exp(-1 / mean)
        lengths, _ = chord_lengths(matrix)
        assert lengths.mean() == pytest.approx((1 - stays**48) / (1 - stays), rel=0.01)
        for r in (5, 10, 20, 40):
            assert (lengths > r).mean() == pytest.approx(stays**r, abs=0.006)

    def test_mean_is_the_area_over_the_crossings(self) -> None:
        # φ / (share of pairs that enter the phase), which needs no chords (S. Torquato 2002, chapter 2).
        wave = np.random.default_rng(0).standard_normal((60, 96, 96))
        kernel = np.exp(-((np.minimum(np.arange(96), 96 - np.arange(96)) / 2) ** 2))
        spectrum = np.fft.fft(kernel)[:, None] * np.fft.fft(kernel)
        masks = np.fft.ifft2(np.fft.fft2(wave) * spectrum).real > 0
        entered = (~masks[:, :, :-1] & masks[:, :, 1:]).mean()
        lengths, _ = chord_lengths(masks, "rows")
        assert (lengths == 48).mean() < 0.001
        assert lengths.mean() == pytest.approx(masks.mean() / entered, rel=0.01)

    def test_phases_units_and_distance(self) -> None:
        masks = stripes(16, 64, 3, 5)
        descriptor = ChordLength(direction="rows").build()
        found = descriptor.measure(specimens(masks, um_per_px=0.5))
        assert found.unit == "um"
        assert descriptor.summary(found) == 2.5
        other = ChordLength(direction="rows", phase="matrix").build().measure(specimens(masks, um_per_px=0.5))
        assert descriptor.distance(found, other) == pytest.approx(1.0)
        assert descriptor.distance(found, found) == 0

    def test_images_without_chords_are_told(self) -> None:
        masks = np.concatenate([np.zeros((1, 16, 64), bool), stripes(16, 64, 3, 5), np.ones((1, 16, 64), bool)])
        descriptor = ChordLength().build()
        found = descriptor.measure(specimens(masks))
        assert found.image is not None
        assert set(found.image.tolist()) == {1}
        assert found.notes == ("in 2 of 3 images no chord of the primary phase begins or ends",)
        nothing = descriptor.measure(specimens(masks[:1]))
        assert descriptor.summary(nothing) is None
        assert descriptor.distance(found, nothing) is None

    def test_chords_longer_than_half_an_image_are_told(self) -> None:
        found = ChordLength(direction="rows").build().measure(specimens(stripes(32, 64, 20, 20), um_per_px=0.5))
        assert set(found.values) == {8.0}
        assert found.notes == ("100% of the chords reach half an image and count as 8 um, so the mean is too low",)


@pytest.mark.parametrize(("spec", "shape"), list(product([LinealPath(), ChordLength()], [(1, 1), (1, 9), (2, 3)])))
@pytest.mark.parametrize("count", [0, 1, 3])
def test_tiny_images(spec: LinealPath | ChordLength, shape: tuple[int, int], count: int) -> None:
    descriptor = spec.build()
    found = descriptor.measure(specimens(random_masks(count, *shape, 0.5)))
    assert np.isfinite(found.values).all()
    assert found.image is not None
    assert len(found.image) == len(found.values)
    assert descriptor.summary(found) is not None or bool(found.notes) == bool(count)


@pytest.mark.parametrize("spec", [LinealPath(), ChordLength()])
def test_parts_make_no_difference(spec: LinealPath | ChordLength, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = random_masks(7, 16, 20, 0.7)
    whole = spec.build().measure(specimens(masks))
    monkeypatch.setattr("alloygan_plugins.line_statistics.runs._PIXELS_AT_ONCE", 1)
    parts = spec.build().measure(specimens(masks))
    np.testing.assert_array_equal(np.sort(parts.values, axis=0), np.sort(whole.values, axis=0))
    assert sorted(parts.image.tolist()) == sorted(whole.image.tolist())
