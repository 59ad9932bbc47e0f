"""The scores on a terminal of 80 columns."""

from io import StringIO
from typing import Any

import torch
from rich.console import Console

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.evaluation.evaluate import measure
from alloygan.interfaces.condition import Condition
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.terminal_scores import print_scores
from alloygan_plugins.orientation.specs import OrientationAnisotropy
from alloygan_plugins.phase_statistics.specs import AreaFraction


def printed(scores: dict[str, Any]) -> str:
    screen = StringIO()
    print_scores(Console(file=screen, width=80), scores)
    text = screen.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text, "nothing is cut"
    return text


def test_r2_and_ks_stand_below_the_table_with_their_floors(squares: Any) -> None:
    result = measure(squares.spec(AreaFraction()), squares.data(), squares.right).scores
    overall = result["overall"]["area_fraction"]
    line = next(line for line in printed(result).splitlines() if line.startswith("R² "))
    assert line.startswith(f"R² {overall['r2']:.3g} [{overall['r2_interval'][0]:.3g}, ")
    assert f", floor {overall['floor_r2']:.3g} [" in line
    assert any(line.startswith("KS 0.") and ", floor 0." in line for line in printed(result).splitlines())


def test_it_says_why_a_mean_is_missing(squares: Any) -> None:
    text = printed(measure(squares.spec(OrientationAnisotropy()), squares.data(), squares.right).scores)
    assert "– dev.: 0 does not mean none of it" in text


def test_a_bin_of_conditions_is_a_row_with_its_range(squares: Any) -> None:
    space = ConditionSpace.from_rows([ColumnSpec(name="time", unit="h", low=0, high=100)], [], tabulate=False)

    def patches(seed: int) -> Patches:
        values = torch.linspace(0.1, 0.9, 40)[:, None]
        return Patches(squares.images(8, 40, seed), Condition(values, torch.full((40,), -1)), torch.arange(40))

    given = Data(space, patches(1), patches(2))
    result = measure(squares.spec(AreaFraction()), given, lambda label, count: squares.images(8, count, 3)).scores
    rows = [line.split()[0] for line in printed(result).splitlines() if "–" in line.split(" ")[0]]
    assert rows == ["10–48.97", "51.03–90"]
