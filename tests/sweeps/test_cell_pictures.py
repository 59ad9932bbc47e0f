"""Pictures of all cells on the page of an ablation: of the same noise and conditions, and small enough."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloygan import Zoo
from alloygan.assembler import build_generator, site_of
from alloygan.errors import DataError
from alloygan.reports.pictures import Shrink, uri
from alloygan.sharing import load_generator, save_generator
from alloygan.sweeps import cell_pictures as module
from alloygan.sweeps.ablation_page import write_ablation_page
from alloygan.sweeps.cell_folder import CELLS, CellFolder, Status
from alloygan.sweeps.cell_pictures import Pictures, cell_pictures
from alloygan.sweeps.grid import Ablation, CellRun, read_ablation
from alloygan.sweeps.letters import cell_letters
from alloygan.sweeps.results import Results

Write = Callable[[str], Path]

WIDTHS = "vary: {width: {narrow: {}, wide: {generator.width: 8}}}\nseeds: 2\n"


def save_model(run: CellRun, out: Path, shape: tuple[int, int, int] = (1, 16, 16)) -> None:
    """The run folder of an untrained generator, with learning curves."""
    folder = CellFolder(out / CELLS / run.key).run
    space = run.spec.data.condition_space(run.spec.conditions)
    save_generator(
        folder, build_generator(run.spec.generator, site_of(shape, space)), run.spec.generator, space,
        name=run.spec.name, image_shape=shape, um_per_px=None, images_seen=64,
    )  # fmt: skip
    lines = [{"images": 16 * i, "terms": {"adversarial.critic": 1 / i}, "observed": {}} for i in range(1, 1000)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def statuses_of(ablation: Ablation, *not_done: CellRun) -> dict[str, Status]:
    return {run.key: Status("failed" if run in not_done else "done") for run in ablation.runs}


def pictures_of(ablation: Ablation, out: Path, zoo: Zoo, *not_done: CellRun) -> Pictures:
    return cell_pictures(ablation, out, statuses_of(ablation, *not_done), cell_letters(ablation), zoo)


def gone(*arguments: Any) -> None:
    """A data set that cannot be built any more."""
    raise DataError("the micrographs have moved")


@pytest.fixture
def made(zoo: Zoo, write: Write, tmp_path: Path) -> Callable[..., Ablation]:
    """Read an ablation and write a model for each of its runs."""

    def make(text: str, *overrides: str, shape: tuple[int, int, int] = (1, 16, 16)) -> Ablation:
        ablation = read_ablation(write(text), zoo, overrides)
        for run in ablation.runs:
            save_model(run, tmp_path, shape)
        return ablation

    return make


def test_every_cell_has_the_noises_and_conditions_of_the_others(
    made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path
) -> None:
    ablation = made(WIDTHS)
    pictures = pictures_of(ablation, tmp_path, zoo)
    assert [name for name, _ in pictures.rows] == ["composition = 0.4", "composition = 0.6"]
    assert [column.name for column in pictures.columns] == ["real", "narrow", "wide"]
    assert [len(row) for row in pictures.columns[0].pictures] == [2, 2]
    for cell, column in zip(ablation.cells, pictures.columns[1:], strict=True):
        model = load_generator(tmp_path / CELLS / cell.runs[0].key / "run", zoo)
        for row, found in zip(model.space.table, column.pictures, strict=True):
            seed = cell.runs[0].spec.evaluation.seed
            assert found == [uri(image, Shrink(1, 16)) for image in model.sample(row, pictures.noises, seed)]
    assert pictures.notes == []


def test_other_widths_of_noise_are_told(made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path) -> None:
    ablation = made("vary: {noise: {short: {}, long: {generator.noise: 9}}}\nseeds: 1\n")
    (note,) = pictures_of(ablation, tmp_path, zoo).notes
    assert "not the same" in note
    assert "6 in A; 9 in B" in note


def test_the_first_seed_that_is_done_is_shown(made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path) -> None:
    ablation = made(WIDTHS)
    pictures = pictures_of(ablation, tmp_path, zoo, ablation.cells[1].runs[0])
    assert len(pictures.columns) == 3
    assert pictures.notes == ["B is of seed 1, since the run of the first seed is not done."]


def test_cells_without_a_model_are_told(made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path) -> None:
    ablation = made(WIDTHS)
    (tmp_path / CELLS / ablation.cells[0].runs[0].key / "run" / "model.json").write_text("{")
    pictures = pictures_of(ablation, tmp_path, zoo, *ablation.cells[1].runs)
    assert pictures.columns == ()
    assert "A has no pictures: " in pictures.notes[0]
    assert "No run is done of B" in pictures.notes[1]


def test_without_the_data_set_real_images_are_missing(
    made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation = made(WIDTHS)

    monkeypatch.setattr(type(ablation.cells[0].runs[0].spec.data), "build", gone)
    pictures = pictures_of(ablation, tmp_path, zoo)
    assert [column.name for column in pictures.columns] == ["narrow", "wide"]
    assert "the micrographs have moved" in pictures.notes[0]


def test_the_data_set_is_built_once_and_only_if_there_is_something_to_show(
    made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation = made(WIDTHS)
    built = []
    kind = type(ablation.cells[0].runs[0].spec.data)
    build = kind.build
    monkeypatch.setattr(kind, "build", lambda self, columns: built.append(1) or build(self, columns))
    assert pictures_of(ablation, tmp_path, zoo, *ablation.runs).columns == ()
    assert built == []
    pictures_of(ablation, tmp_path, zoo)
    assert built == [1]


def test_conditions_off_a_table_are_those_of_the_data(made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path) -> None:
    ablation = made(
        WIDTHS, "data.design=random", "data.runs=9", "generator.conditioner=continuous_mlp",
        "critic.conditioner=continuous_mlp", "losses.contrastive=null", "data.evaluation_runs=9",
        "data.composition=[0.4,0.6]",
    )  # fmt: skip
    pictures = pictures_of(ablation, tmp_path, zoo)
    assert len(pictures.rows) == module.MOST_CONDITIONS
    assert all(pictures.columns[0].pictures), "each row is the condition of an evaluation patch"
    assert all(len(row) == pictures.noises for column in pictures.columns[1:] for row in column.pictures)


@pytest.fixture
def twelve(made: Callable[..., Ablation], zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of twelve cells of large colour patches, whose data set is gone."""
    levels = ", ".join(f"a long name of the level number {i}: {{generator.noise: {i + 6}}}" for i in range(12))
    ablation = made(
        f"vary: {{noise: {{{levels}}}}}\nseeds: 1\n", "data.size=256", "data.patch=256",
        "data.composition=[0.35,0.4,0.45,0.5,0.55,0.6,0.65]", "generator.width=1", shape=(3, 256, 256),
    )  # fmt: skip
    monkeypatch.setattr(type(ablation.runs[0].spec.data), "build", gone)
    return write_ablation_page(ablation, tmp_path, statuses_of(ablation), Results(ablation, {}), zoo)


def test_many_large_pictures_are_made_smaller(twelve: Path) -> None:
    text = twelve.read_text(encoding="utf-8")
    assert text.count("<img ") == 6 * 12
    assert "Pictures are shown at 1/2 of their size, averaged." in text
    assert "6 of 7 conditions, chosen to lie far apart." in text
    assert len(text) < 15e6
    assert len(text) > 1e5
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids)), "two elements of one id"


@pytest.mark.system
@pytest.mark.parametrize(("width", "media"), [(1280, "screen"), (390, "screen"), (718, "print")])
def test_pictures_and_curves_stay_within_the_page(browser: Any, twelve: Path, width: int, media: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    wrong: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(twelve.as_uri())
    page.emulate_media(media=media)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pictures = page.query_selector_all(".beside-real img")
    tops = [picture.bounding_box()["y"] for picture in pictures]
    assert len(set(tops[:12])) == 1, "a row a condition"
    if media == "print":
        assert all(box["x"] + box["width"] <= width for picture in pictures if (box := picture.bounding_box()))
    assert wrong == []
    assert [url for url in asked if not url.startswith("data:")] == [twelve.as_uri()]
    page.close()
