"""The page of an ablation: its numbers are the results, and what is missing is said."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from alloygan import Zoo
from alloygan.evaluation.score_list import ListedScore
from alloygan.reports.wording import number
from alloygan.sweeps.ablation_page import write_ablation_page
from alloygan.sweeps.against_baseline import AgainstBaseline
from alloygan.sweeps.cell_folder import Status
from alloygan.sweeps.chance import chance_rate
from alloygan.sweeps.grid import Ablation, read_ablation
from alloygan.sweeps.results import Results
from alloygan.sweeps.statistics import summary

Write = Callable[[str], Path]

SCORES = {"mean_deviation": False, "area_fraction.deviation": False, "two_point.r2": True, "fidelity.accuracy": True}


def made(zoo: Zoo, path: Path) -> Ablation:
    return read_ablation(path, zoo)


def results_of(ablation: Ablation, value: Callable[[str, str, int], float | None]) -> Results:
    """Scores by cell, score and seed; None for no value."""
    values: dict[str, dict[str, dict[int, ListedScore]]] = {}
    for cell in ablation.cells:
        for score, higher in SCORES.items():
            found = values.setdefault(cell.name, {}).setdefault(score, {})
            for seed in ablation.seeds:
                one = value(cell.name, score, seed)
                if one is not None:
                    found[seed] = ListedScore(score, one, 0.01, higher)
    return Results(ablation, values, tuple(SCORES), SCORES)


def page_of(
    zoo: Zoo, ablation: Ablation, results: Results, out: Path, states: Callable[[int], Status] | None = None
) -> str:
    statuses = {run.key: (states or (lambda i: Status("done")))(i) for i, run in enumerate(ablation.runs)}
    return write_ablation_page(ablation, out, statuses, results, zoo).read_text(encoding="utf-8")


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


TWO = "vary: {width: {narrow: {}, wide: {generator.width: 8}}}\nseeds: [0, 1, 2]\n"


def scattered(cell: str, score: str, seed: int) -> float:
    return 0.2 + 0.01 * seed + (0.1 + 0.002 * seed if cell == "wide" else 0)


def test_means_intervals_and_differences_are_those_of_the_results(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(TWO))
    results = results_of(ablation, scattered)
    text = words(page_of(zoo, ablation, results, tmp_path))
    one = results.of("wide", "area_fraction.deviation")
    assert one is not None
    assert one.difference is not None
    assert one.difference.mean == pytest.approx(0.102)
    for value in (one.mean.mean, one.difference.mean, *(one.difference.interval or ()), one.floor):
        assert number(value) in text
    assert "4 of 4 scores of the other cell differ" in text
    assert "2 better, 2 worse" in text, "higher is worse for deviations and better for R² and accuracy"


GRID = """
vary:
  width: {narrow: {}, wide: {generator.width: 8}}
  batch: {small: {}, large: {training.batch_size: 8}}
seeds: [0, 1, 2]
baseline: {width: narrow}
"""


def test_cells_are_compared_with_the_baseline_of_their_own_levels(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(GRID))
    means = {"narrow, small": 0.1, "narrow, large": 0.5, "wide, small": 0.2, "wide, large": 0.4}
    results = results_of(ablation, lambda cell, score, seed: means[cell] + 0.001 * seed)
    small, large = (results.of(f"wide, {batch}", "mean_deviation") for batch in ("small", "large"))
    assert small is not None
    assert large is not None
    assert small.difference is not None
    assert large.difference is not None
    assert small.difference.mean == pytest.approx(0.1)
    assert large.difference.mean == pytest.approx(-0.1)
    assert results.of("narrow, large", "mean_deviation").difference is None  # type: ignore[union-attr]
    text = words(page_of(zoo, ablation, results, tmp_path))
    assert (
        "8 of 8 scores of 2 other cells differ from the baseline of their cell (A (narrow, small), B (narrow, large))"
        in text
    )
    assert text.count("(baseline)") >= 2
    assert "2 better, 2 worse than A" in text
    assert "2 better, 2 worse than B" in text
    assert "C − A" in text
    assert "D − B" in text
    assert "C − B" not in text


def test_every_page_is_whole_in_itself(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(TWO))
    page = page_of(zoo, ablation, results_of(ablation, scattered), tmp_path)
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"https?:", page)
    assert "nan" not in words(page).lower().split()


def test_names_cannot_break_the_page(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    name = "<b>bold</b>\" onload=alert(1) '$x$"
    quoted = "'" + name.replace("'", "''") + "'"
    ablation = made(zoo, write(f"vary: {{width: {{narrow: {{}}, {quoted}: {{generator.width: 8}}}}}}\nseeds: 2\n"))
    page = page_of(zoo, ablation, results_of(ablation, scattered), tmp_path)
    assert "<b>bold" not in page
    assert name in words(page)


def test_what_is_missing_is_said(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(TWO))
    states = [Status("done"), Status("failed", error="it <broke>"), Status("interrupted"), Status("waiting")]

    def value(cell: str, score: str, seed: int) -> float | None:
        return scattered(cell, score, seed) if (cell, seed) == ("narrow", 0) else None

    page = page_of(zoo, ablation, results_of(ablation, value), tmp_path, lambda i: states[min(i, 3)])
    text = words(page)
    assert "So far, 1 of 6 runs are done" in text
    assert "it <broke>" in text
    assert "interrupted; the same command goes on" in text
    assert "none of 3 runs done" in text


def test_nothing_done_yet(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(TWO))
    page = page_of(zoo, ablation, Results(ablation, {}), tmp_path, lambda i: Status("waiting"))
    assert "No run is done yet (0 of 6)" in words(page)


def test_one_seed_shows_no_difference(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = made(zoo, write(TWO.replace("[0, 1, 2]", "1")))
    text = words(page_of(zoo, ablation, results_of(ablation, scattered), tmp_path))
    assert "may be chance, however large it is" in text


def test_what_is_at_its_floor_in_both_cells_is_no_finding(zoo: Zoo, write: Write) -> None:
    ablation = made(zoo, write(TWO))
    results = results_of(ablation, lambda cell, score, seed: 0.001 if cell == "narrow" else 0.002)
    found = AgainstBaseline(results).of("wide", "area_fraction.deviation")
    assert found is not None
    assert found.at_floor


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 20])
def test_the_rate_of_chance_is_what_a_simulation_gives(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    if seeds <= 3:  # the interval is the range
        values = random.normal(size=(20_000, seeds))
        rate = float(((values > 0).all(axis=1) | (values < 0).all(axis=1)).mean())
    else:
        out = 0
        for values in random.normal(size=(600, seeds)):
            means = values[random.integers(0, seeds, (800, seeds))].mean(axis=1)
            low, high = np.percentile(means, [2.5, 97.5])
            out += low > 0 or high < 0
        rate = out / 600
    assert chance_rate(seeds) == pytest.approx(rate, abs=0.04)


def test_the_interval_is_of_the_seeds() -> None:
    found = summary({0: 1.0, 1: 2.0, 2: 4.0})
    assert found is not None
    assert found.mean == pytest.approx(7 / 3)
    assert found.interval == (1.0, 4.0)
    assert summary({3: 5.0}) is not None
    assert summary({}) is None


@pytest.fixture
def many(zoo: Zoo, write: Write, tmp_path: Path) -> Path:
    levels = ", ".join(f"a level with a long name number {i}: {{generator.width: {i + 1}}}" for i in range(12))
    ablation = made(zoo, write(f"vary: {{width: {{{levels}}}}}\nseeds: 2\n"))
    random = np.random.default_rng(0)
    results = results_of(ablation, lambda cell, score, seed: float(random.normal(0.2, 0.05)))
    page_of(zoo, ablation, results, tmp_path)
    return tmp_path / "ablation.html"


def test_twelve_cells_stay_small(many: Path) -> None:
    assert many.stat().st_size < 5e6


@pytest.mark.system
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_sideways(browser, many: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(many.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
