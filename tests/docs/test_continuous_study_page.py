"""What docs/continuous-study.md says can be typed is right."""

import csv
import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from alloygan import Zoo, assemble
from alloygan.data.held_out import condition_space_of
from alloygan.sweeps.grid import read_ablation

PAGE = (Path(__file__).parents[2] / "docs" / "continuous-study.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    shlex.split(line)
    for text in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines()
]


def overrides(command: list[str]) -> list[str]:
    return [value for key, value in pairwise(command) if key == "--set"]


def write_micrographs(folder: Path) -> None:
    """A manifest of four exposures, with an image of noise each."""
    rows = ["file,exposure"]
    for hours in (10, 150, 300, 500):
        pixels = np.random.default_rng(hours).integers(0, 256, (512, 512), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{hours}.png")
        rows.append(f"{hours}.png,{hours}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")


def test_the_study_s_commands_name_specs_that_can_be_built(zoo: Zoo) -> None:
    studies = [command for command in COMMANDS if command[:2] == ["alloygan", "ablate"] and ":" in command[2]]
    shapes = []
    for command in studies:
        study = read_ablation(command[2], zoo, overrides(command))
        spec = study.cells[0].runs[0].spec
        assemble(spec, condition_space_of(spec))
        shapes.append(spec.data.image_shape)
    assert shapes == [(1, 64, 64), (1, 128, 128), (1, 64, 64)], "the study, that for a GPU, and the improved one"


def test_the_study_of_one_s_own_data_is_one_spec(zoo: Zoo, tmp_path: Path) -> None:
    (text,) = [example for example in EXAMPLES if "name: my-study" in example]
    (tmp_path / "my-study.yaml").write_text(text)
    write_micrographs(tmp_path)
    study = read_ablation(tmp_path / "my-study.yaml", zoo)
    assert study.baselines == ("projection, middle",)
    table = PAGE.split("| method | what it is |")[1].split("\n\n")[0]
    cells = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    named = {name for cell in cells for name in (cell.split(", ") if "vicinal" in cell else [cell])}
    assert {cell.name.removesuffix(", middle") for cell in study.cells} == named
    for cell in study.cells:
        spec = cell.runs[0].spec
        assemble(spec, condition_space_of(spec))


def test_the_example_on_real_micrographs_is_a_spec(zoo: Zoo, tmp_path: Path) -> None:
    (text,) = [example for example in EXAMPLES if "name: ni-between" in example]
    (tmp_path / "ni-between.yaml").write_text(text)
    write_micrographs(tmp_path)
    spec = zoo.read_spec(tmp_path / "ni-between.yaml")
    space = condition_space_of(spec)
    assert [space.table[label] for label in space.held_out] == [(300,)]
    assemble(spec, space)


def test_the_pilots_that_can_be_repeated_are_those_whose_values_are_kept(zoo: Zoo) -> None:
    results = Path(__file__).parents[2] / "benchmarks" / "results"
    pilots = read_ablation(results / "continuous_pilots_cpu_202611.yaml", zoo)
    with (results / "continuous_pilots_cpu_202611.csv").open() as file:
        tried = {row["tried"] for row in csv.DictReader(file)}
    methods = {cell.levels["method"] for cell in pilots.cells}
    gone = {one for one in tried if one.startswith("asked between")}
    assert {one for one in tried if one not in gone} <= methods
    assert gone
