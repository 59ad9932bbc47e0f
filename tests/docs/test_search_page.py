"""What docs/search.md says of search files is true."""

import re
from pathlib import Path

from alloygan import load_zoo
from alloygan.sweeps.search import read_search
from alloygan.sweeps.search_spec import SearchSpec

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text(encoding="utf-8")


def test_the_example_is_a_search(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "search.yaml"
    path.write_text(example)
    search = read_search(path, load_zoo())
    assert search.spec.trials == 30
    assert len(search.parameters) == 3


def test_the_default_ranges_are_those_of_the_table() -> None:
    search = read_search("zoo:jain2024-simulated", load_zoo())
    rows = re.findall(r"^\| `([^`]+)`.*\| ([\d.]+) to ([\d.]+)(, by its logarithm)? \|$", PAGE, re.MULTILINE)
    of_its_own = "training.critic_optimizer.lr"  # where there is one
    told = {name.replace("…", "adversarial"): (float(low), float(high), bool(log)) for name, low, high, log in rows}
    assert told.pop(of_its_own) == told["training.optimizer.lr"]
    assert told == {
        name: (one.low, one.high, one.log) for name, one in search.parameters.items()
    }  # fmt: skip


def test_the_defaults_are_told() -> None:
    assert SearchSpec.model_fields["objective"].default == "mean_deviation"
    assert SearchSpec.model_fields["looks"].default == (0.25, 0.5)
    assert "(a quarter and a half by default)" in PAGE
