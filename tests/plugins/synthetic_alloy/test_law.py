"""The law: its trends, its exact expectations against numbers drawn from it, its range, and the README's table."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import alloygan_plugins
from alloygan.errors import DataError
from alloygan_plugins.synthetic_alloy.law import Truth, truth_at

README = Path(alloygan_plugins.__file__).parent / "synthetic_alloy" / "README.md"
EIGHT = [(t, e) for t in (800.0, 900.0, 1000.0, 1100.0) for e in (0.001, 0.1)]


def test_the_trends_of_the_paper() -> None:
    cold_slow, cold_fast, hot_slow, hot_fast = (truth_at(t, e) for t in (800, 1100) for e in (0.001, 0.1))
    # Low temperature and high rate: cracks.
    assert cold_fast.cracks > 5 * max(one.cracks for one in (cold_slow, hot_slow, hot_fast))
    # High temperature and low rate: coarser, and no longer lamellar.
    assert hot_slow.mean_diameter > 1.4 * max(cold_slow.mean_diameter, hot_fast.mean_diameter)
    assert hot_slow.lamellar_order < 0.25
    # High temperature and high rate: wider spacing, still lamellar.
    assert hot_fast.lamellar_spacing > 1.4 * cold_fast.lamellar_spacing
    assert hot_fast.lamellar_order > 0.9
    # 900 °C and 0.1 /s: two populations, the smaller grains unaffected.
    mixed = truth_at(900, 0.1)
    assert 0.4 < mixed.unaffected.share < 0.6
    assert mixed.unaffected.diameter < 0.75 * mixed.deformed.diameter
    assert all(truth_at(t, e).unaffected.share < 0.1 for t, e in EIGHT if (t, e) != (900, 0.1))


def test_expectations_are_those_of_the_distributions() -> None:
    truth = truth_at(900, 0.1)
    random = np.random.default_rng(0)
    count = 400_000
    deformed = random.random(count) < truth.deformed.share
    diameter, aspect = np.empty(count), np.empty(count)
    for one, which in ((truth.deformed, deformed), (truth.unaffected, ~deformed)):
        n = int(which.sum())
        diameter[which] = one.diameter_median * np.exp(one.diameter_sigma * random.standard_normal(n))
        aspect[which] = 1 + (one.aspect_median - 1) * np.exp(one.aspect_spread * random.standard_normal(n))
    assert diameter.mean() == pytest.approx(truth.mean_diameter, rel=3e-3)
    assert diameter.std() / diameter.mean() == pytest.approx(truth.diameter_cv, rel=1e-2)
    assert aspect.mean() == pytest.approx(truth.mean_aspect_ratio, rel=3e-3)
    assert (math.pi / 4 * diameter**2).mean() * truth.number_density == pytest.approx(truth.area_fraction, rel=1e-2)
    for limit in (3.0, 5.0, 8.0):
        assert truth.diameter_cdf([limit]) == pytest.approx([(diameter <= limit).mean()], abs=3e-3)
    for limit in (1.2, 1.8, 3.0):
        assert truth.aspect_ratio_cdf([limit]) == pytest.approx([(aspect <= limit).mean()], abs=3e-3)
    assert truth.diameter_cdf([-1.0, 0.0]) == [0.0, 0.0]
    assert truth.aspect_ratio_cdf([0.5, 1.0]) == [0.0, 0.0]


def test_the_law_is_smooth_and_sound_over_its_whole_range() -> None:
    def numbers(truth: Truth) -> np.ndarray:
        return np.array(
            [
                truth.mean_diameter,
                truth.diameter_cv,
                truth.mean_aspect_ratio,
                truth.number_density,
                truth.area_fraction,
                truth.lamellar_spacing,
                truth.lamellar_order,
            ]
        )

    for rate in np.geomspace(1e-5, 10, 25):
        over_temperature = np.array([numbers(truth_at(t, float(rate))) for t in np.linspace(600, 1200, 241)])
        assert (over_temperature > 0).all()
        # 2.5 °C change nothing by more than a few per cent.
        assert (np.abs(np.diff(np.log(over_temperature), axis=0)) < 0.08).all()
        assert over_temperature[:, 4].max() <= 0.35
        assert over_temperature[:, 6].max() <= 1
        assert over_temperature[:, 2].min() > 1


@pytest.mark.parametrize(
    ("temperature", "strain_rate", "words"),
    [(500, 0.01, "temperature: 500 °C"), (900, 0, "strain_rate: 0 1/s"), (float("nan"), 0.01, "from 600 to 1200 °C")],
)
def test_outside_its_range_the_law_says_so(temperature: float, strain_rate: float, words: str) -> None:
    with pytest.raises(DataError, match=words):
        truth_at(temperature, strain_rate)


def test_the_readme_has_the_truth_of_the_eight_conditions() -> None:
    rows = re.findall(r"^\| (\d+) \| (0\.\d+) \| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(float(t), float(e)) for t, e, _ in rows] == EIGHT
    for temperature, rate, cells in rows:
        truth = truth_at(float(temperature), float(rate))
        exact = (
            truth.mean_diameter,
            truth.diameter_cv,
            truth.mean_aspect_ratio,
            1000 * truth.number_density,
            truth.area_fraction,
            truth.alignment,
            truth.unaffected.share,
            truth.lamellar_spacing,
            truth.lamellar_order,
            truth.cracks,
        )
        for printed, number in zip(cells.split(" | "), exact, strict=True):
            digits = len(printed.partition(".")[2])
            assert float(printed) == pytest.approx(number, abs=0.501 * 10**-digits)
