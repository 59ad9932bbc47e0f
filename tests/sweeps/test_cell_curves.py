"""Learning curves of many cells in one panel: means over seeds, and lines that can be told apart."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from alloygan import Zoo
from alloygan.reports.style import Panel
from alloygan.sweeps.cell_curves import _apart, _mean, curve_panels, line_style
from alloygan.sweeps.cell_folder import CELLS, CellFolder, Status
from alloygan.sweeps.grid import Ablation, CellRun, read_ablation
from alloygan.sweeps.letters import cell_letters

Write = Callable[[str], Path]

TWO = "vary: {contrastive: {with: {}, without: {losses.contrastive: null}}}\nseeds: 2\n"


def record(out: Path, run: CellRun, values: dict[str, list[float]]) -> None:
    folder = CellFolder(out / CELLS / run.key).run
    folder.mkdir(parents=True)
    count = max(map(len, values.values()))
    lines = [
        {"images": 16 * (i + 1), "terms": {name: column[i] for name, column in values.items() if i < len(column)}}
        for i in range(count)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def panels_of(ablation: Ablation, out: Path, *failed: CellRun) -> list[Panel]:
    statuses = {run.key: Status("failed" if run in failed else "done") for run in ablation.runs}
    return curve_panels(ablation, out, statuses, cell_letters(ablation), "terms")


def test_a_panel_has_the_means_of_the_cells_that_have_the_term(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = read_ablation(write(TWO), zoo)
    for cell in ablation.cells:
        for run in cell.runs:
            values = {"adversarial.critic": [3.0, 2.0, 1.0 + 2 * run.seed]}
            if cell.name == "with":
                values["contrastive.critic"] = [5.0, 4.0, 3.0]
            record(tmp_path, run, values)
    first, second = panels_of(ablation, tmp_path)
    assert 'aria-label="adversarial.critic over the images seen: A ends at 2, B ends at 2"' in str(first.svg)
    assert first.notes == []
    assert "A ends at 3" in str(second.svg)
    assert second.notes == ["Not in B."]


def test_a_run_that_failed_early_does_not_cut_the_mean_off(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = read_ablation(write(TWO), zoo)
    whole, failed = ablation.cells[0].runs
    record(tmp_path, whole, {"adversarial.critic": [1.0, 2.0, 3.0, 4.0]})
    record(tmp_path, failed, {"adversarial.critic": [1.0, 90.0]})
    (panel,) = panels_of(ablation, tmp_path, failed)
    assert "A ends at 4" in str(panel.svg)


def test_a_value_far_out_is_cut_off_and_told(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    ablation = read_ablation(write(TWO), zoo)
    values = [*np.linspace(0, 1, 199), 1e30]
    for run in ablation.runs:
        record(tmp_path, run, {"adversarial.critic": values})
    (panel,) = panels_of(ablation, tmp_path)
    assert panel.notes == ["Far outlying values are cut off."]


def test_nothing_recorded_draws_nothing(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    assert panels_of(read_ablation(write(TWO), zoo), tmp_path) == []


def test_means_are_over_what_all_seeds_cover() -> None:
    one = np.array([[10.0, 1.0], [20.0, 2.0], [30.0, 3.0]])
    other = np.array([[15.0, 3.0], [25.0, 5.0]])
    assert _mean([one, other]).tolist() == [[20.0, 3.0]]
    assert _mean([one]).tolist() == one.tolist()


def test_no_two_of_24_lines_look_alike() -> None:
    assert len({line_style(i) for i in range(24)}) == 24
    assert len({line_style(i).dashes for i in range(4)}) == 4, "told apart without colour"


@pytest.mark.parametrize("wanted", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.2, 0.5, 0.51, 0.9]])
def test_letters_at_the_ends_do_not_overlap(wanted: list[float]) -> None:
    heights = _apart(wanted, 0.1)
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(heights))
    assert min(heights) >= 0
    assert max(heights) <= 1
    assert max(abs(a - b) for a, b in zip(heights, wanted, strict=True)) <= 0.2 + 1e-9


def test_letters_go_on_after_z(zoo: Zoo, write: Write) -> None:
    levels = ", ".join(f"l{i}: {{generator.noise: {i + 6}}}" for i in range(28))
    letters = cell_letters(read_ablation(write(f"vary: {{noise: {{{levels}}}}}\nseeds: 1\n"), zoo))
    assert [letters[f"l{i}"] for i in (0, 25, 26, 27)] == ["A", "Z", "AA", "AB"]
