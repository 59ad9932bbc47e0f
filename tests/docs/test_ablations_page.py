"""What docs/ablations.md says of ablation files is true, and its commands run."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from alloygan import Zoo
from alloygan.cli import main
from alloygan.sweeps.ablation_spec import KEYS, AblationSpec
from alloygan.sweeps.chance import chance_rate
from alloygan.sweeps.grid import Ablation, read_ablation

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ablations.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line for text in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for line in text.splitlines()
]
# What the commands are run with here, to be quick.
QUICKER = " ".join(
    f"--set {one}"
    for one in (
        "seeds=1", "training.images=64", "training.batch_size=16", "data.composition=[0.4,0.6]", "data.runs=1",
        "data.evaluation_runs=2", "data.size=32", "generator.channels=[8,4,4]", "critic.width=2", "evaluation.images=4",
        "evaluation.judge_images=0", "evaluation.memorising_images=0", "evaluation.comparisons=[]",
        "evaluation.bootstrap=0",
    )
)  # fmt: skip

Read = Callable[[int], Ablation]


@pytest.fixture
def example(tmp_path: Path, zoo: Zoo) -> Read:
    """Read one of the page's files."""
    for number, text in enumerate(EXAMPLES):
        (tmp_path / ("contrastive.yaml" if number == 0 else f"{number}.yaml")).write_text(text, encoding="utf-8")

    def read(number: int) -> Ablation:
        return read_ablation(tmp_path / ("contrastive.yaml" if number == 0 else f"{number}.yaml"), zoo)

    return read


def test_every_block_is_tested_here() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"yaml", "sh"}
    assert len(EXAMPLES) == 3
    assert len(COMMANDS) == 3


def test_the_first_file_has_the_cells_that_are_told(example: Read) -> None:
    ablation = example(0)
    assert (len(ablation.cells), len(ablation.runs)) == (6, 18)
    assert "Six cells, eighteen runs" in PAGE
    assert "without, concat" in [cell.name for cell in ablation.cells]
    assert "weak, film" not in [cell.name for cell in ablation.cells]
    assert ablation.baseline == "with, concat"
    (longer,) = [cell for cell in ablation.cells if cell.name == "twice as long"]
    base = ablation.cells[0].runs[0].spec.training.images
    assert base is not None
    assert longer.runs[0].spec.training.images == 2 * base
    assert ablation.notes == ()


def test_each_change_alone(example: Read) -> None:
    ablation = example(1)
    assert [len(cell.changes) for cell in ablation.cells] == [0, 1, 1, 1]
    assert ablation.baseline == "all of it"
    assert len(ablation.seeds) == 5


def test_an_extended_file_adds_a_level_and_seeds(example: Read) -> None:
    first, more = example(0), example(2)
    assert {cell.name for cell in more.cells} - {cell.name for cell in first.cells} == {
        "strong, concat", "strong, film",
    }  # fmt: skip
    assert more.seeds == (0, 1, 2, 3, 4)
    assert {run.key for run in first.runs} < {run.key for run in more.runs}, "what has run does not run again"


def test_the_table_has_every_key_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", PAGE, re.MULTILINE))
    assert set(rows) == set(KEYS)
    fields = AblationSpec.model_fields
    assert rows["max_runs"] == str(fields["max_runs"].default)
    assert rows["seeds"].strip() == str(len(fields["seeds"].default))
    assert rows["launcher"] == fields["launcher"].default
    assert rows["product"] == str(fields["product"].default).lower()


def test_the_shares_by_chance_are_told() -> None:
    (seeds,) = re.findall(r"^\| seeds \| (.*) \|$", PAGE, re.MULTILINE)
    (shares,) = re.findall(r"^\| marked by chance \| (.*) \|$", PAGE, re.MULTILINE)
    told = dict(zip(seeds.split(" | "), shares.split(" | "), strict=True))
    assert told == {count: f"{100 * chance_rate(int(count)):.0f} %" for count in told}


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)h][^)]*)\)", PAGE):
        assert (DOCS / link.split("#")[0]).exists(), link


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert "{training.images: 89600}" in EXAMPLES[0]
    Path("contrastive.yaml").write_text(EXAMPLES[0].replace("89600", "128"), encoding="utf-8")
    out = Path("ablations/contrastive")
    for command in COMMANDS:
        arguments = shlex.split(f"{command} {QUICKER}")
        assert arguments[:2] == ["alloygan", "ablate"]
        code: object = 0
        try:
            main(arguments[1:])
        except SystemExit as exit_:
            code = exit_.code
        assert not code, capsys.readouterr().err
        if "--dry-run" in command:
            assert "twice as long" in capsys.readouterr().out
            assert not out.exists()
    files = re.findall(r"^\| `([\w.]+\.(?:html|csv|json))` \|", PAGE, re.MULTILINE)
    assert len(files) == 5
    for name in files:
        assert (out / name).is_file() == (name != "held_out.csv"), "of held-out conditions, which this one has not"
    for cell in out.glob("cells/*"):
        assert {"run", "state.json", "log.txt"} <= {path.name for path in cell.iterdir()}
    page = (out / "ablation.html").read_text(encoding="utf-8")
    assert "alloygan ablate contrastive.yaml --out ablations/contrastive --jobs 2 --set seeds=1" in page
