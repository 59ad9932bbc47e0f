"""The page as a whole: what it says, and that it is one file that needs nothing else and runs only its own script."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from alloygan.data.patches import Data
from alloygan.errors import DataError, RunFolderError
from alloygan.reports import page
from alloygan.reports.page import write_report
from alloygan.training.loop import train
from alloygan.zoo import Zoo

pytestmark = pytest.mark.usefixtures("page_only")

HOSTILE = "</pre><script>alert(1)</script> $x_{$ & \"'"


class Read(HTMLParser):
    """A page's elements and text; fails on elements that are not closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "line", "circle", "path", "use", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.tables: list[list[list[str]]] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "script":
            self.scripts.append("")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        if "script" in self._open:
            self.scripts[-1] += data
            return
        self.text += data
        if "td" in self._open or "th" in self._open:
            self.tables[-1][-1][-1] += data

    def rows(self, first_cell: str) -> list[list[str]]:
        """Rows of any table by their first or second cell (the first holds the condition's id)."""
        return [row for table in self.tables for row in table if first_cell in [cell.strip() for cell in row[:2]]]


def report_of(made: Any, zoo: Zoo) -> tuple[str, Read]:
    text = write_report(made.path, zoo, data=made.data).read_text(encoding="utf-8")
    read = Read(text)
    assert len(text) < 5_000_000
    own = files("alloygan.reports").joinpath("atlas.js").read_text(encoding="utf-8")
    assert read.scripts[1:] == [own], "the atlas' data, and the report's own script"
    policy = next(attrs["content"] for tag, attrs in read.elements if tag == "meta" and "http-equiv" in attrs)
    digest = b64encode(sha256(own.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert not re.search(r"\b(nan|NaN|inf|Infinity|None|Undefined)\b", read.text), "a value that is none"
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids)), "two elements of one id"
    targets = {f"#{name}" for name in ids}
    for tag, attrs in read.elements:
        assert tag not in ("iframe", "object", "embed", "metadata")
        assert tag != "script" or "src" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "xlink:href"):
            value = attrs.get(name)
            assert value is None or value.startswith("data:") or value in targets, f"{name}={value}"
        for used in re.findall(r"url\(([^)]*)\)", " ".join(value or "" for value in attrs.values())):
            assert used in targets
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return text, read


def test_every_score_stands_in_its_row_beside_its_floor(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    _, read = report_of(made, zoo)
    first = made.evaluation()["conditions"][0]["text"]
    # equivalent diameter: real 20, generated 22, training 20.4; area fraction: 0.25, 0.25, 0.26
    rows = [[cell.strip() for cell in row] for row in read.rows(first)]
    assert ["0", first, "20.0", "22.0", "20.4", "10.0 %", "2.0 %", "2.00", "0.400"] in rows
    assert ["0", first, "0.250", "0.250", "0.260", "0.00 %", "4.0 %", "0", "0.0100"] in rows
    for condition in made.evaluation()["conditions"]:
        assert len(read.rows(condition["text"])) == 4, "three descriptors and the table of the phases"
    assert ["equivalent diameter", "10.0 %", "2.0 %", "5.00", "10.0 %", "2.30 µm", "0.460 µm"] in read.rows(
        "equivalent diameter"
    )
    assert ["equivalent diameter", "0.108", "0.964"] in read.rows("equivalent diameter")
    assert "– two point: no R² of two_point" in read.text
    assert "About equivalent_diameter." in read.text
    assert "127 of 255" in read.text or "128 of 255" in read.text


def test_the_verdict_and_the_explanation_of_the_floor_come_first(make_run: Any, zoo: Zoo) -> None:
    _, read = report_of(make_run(3), zoo)
    verdict = (
        "On average over 3 conditions, 1 of 3 descriptors is as close to the real images as real images are to each "
        "other; farthest off is equivalent diameter, which deviates by 10.0 % against a floor of 2.0 % (5.00 times as "
        "much)."
    )
    assert verdict in read.text
    assert read.text.index(verdict) < read.text.index("Keep the floor in mind") < read.text.rindex("Every condition")


def test_the_page_says_how_to_make_the_run_again(make_run: Any, zoo: Zoo) -> None:
    made = make_run(2)
    _, read = report_of(made, zoo)
    assert (made.path / "spec.yaml").read_text(encoding="utf-8") in read.text
    for command in ("alloygan train spec.yaml --out again", "alloygan evaluate again", "alloygan report again"):
        assert command in read.text
    environment = json.loads((made.path / "environment.json").read_text(encoding="utf-8"))
    assert ["package torch", environment["packages"]["torch"]] in read.rows("package torch")


def test_the_same_run_gives_the_same_bytes(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    first = write_report(made.path, zoo, data=made.data).read_bytes()
    assert write_report(made.path, zoo, data=made.data).read_bytes() == first
    assert not [file for file in made.path.iterdir() if file.suffix == ".part"]


def test_what_a_spec_or_a_plugin_says_cannot_run(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3, unit=HOSTILE)
    evaluation = made.evaluation()
    for descriptor in evaluation["descriptors"]:
        descriptor["summary"] = HOSTILE
        descriptor["unit"] = HOSTILE
    evaluation["segmentation"]["phase"] = HOSTILE
    for condition in evaluation["conditions"]:
        condition["primary"] = condition["floor_from"] = HOSTILE
        for score in condition["scores"].values():
            score |= {"note": HOSTILE, "unit": HOSTILE, "distance_unit": HOSTILE}
    made.write("evaluation.json", evaluation)
    samples = json.loads((made.path / "evaluation_samples.json").read_text(encoding="utf-8"))
    for sets in samples.values():
        for one in sets.values():
            one |= {"unit": HOSTILE, "generated": []} | ({"axis_unit": HOSTILE} if "axis" in one else {})
    made.write("evaluation_samples.json", samples)
    made.write("environment.json", {HOSTILE: HOSTILE, "packages": {HOSTILE: HOSTILE}})
    line = {"images": 5, "terms": {f"a.{HOSTILE}": 1.0, "a.b": 2.0}, "observed": {HOSTILE: 1.0}}
    (made.path / "metrics.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    text, read = report_of(made, zoo)
    assert text.count("<script") == text.count("</script") == 2, "the page's own"
    assert HOSTILE in read.text, "still said, as text"
    assert json.loads(read.scripts[0])["points"][1]["columns"][0] == f"0.3 {HOSTILE}"
    assert f"equivalent diameter ({HOSTILE})" in read.text, "and in the figures"


def test_what_a_run_lacks_is_said_in_words(make_run: Any, zoo: Zoo) -> None:
    made = make_run(2)
    for name in ("evaluation_samples.json", "metrics.jsonl", "environment.json"):
        (made.path / name).unlink()
    _, read = report_of(made, zoo)
    assert "The values behind the scores were not kept" in read.text
    assert "The curves were not kept" in read.text
    assert "the course of the training is not known" in read.text
    assert "no readable environment.json" in read.text


def test_no_particles_anywhere(make_run: Any, make_score: Any, zoo: Zoo) -> None:
    made = make_run(2)
    evaluation = made.evaluation()
    for condition in evaluation["conditions"]:
        note = "real: 4 of 4 images have no particle; generated: 4 of 4 images have no particle"
        condition["scores"]["equivalent_diameter"] = make_score(None, None, None, "um", note)
    evaluation["overall"]["equivalent_diameter"] = dict.fromkeys(evaluation["overall"]["equivalent_diameter"])
    made.write("evaluation.json", evaluation)
    samples = json.loads((made.path / "evaluation_samples.json").read_text(encoding="utf-8"))
    for one in samples["equivalent_diameter"].values():
        one |= {"real": [], "generated": [], "training": []}
    made.write("evaluation_samples.json", samples)
    _, read = report_of(made, zoo)
    assert "Not comparable in every condition: equivalent diameter." in read.text
    assert "n = 0 real, 0 generated, 0 training" in read.text
    rows = read.rows(evaluation["conditions"][0]["text"])
    assert [[cell.strip() for cell in row[2:9]] for row in rows if len(row) == 10] == [["–"] * 7]
    assert "4 of 4 images have no particle" in read.text


def test_values_that_are_not_finite_in_a_damaged_file_are_absent(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    evaluation = made.evaluation()
    evaluation["conditions"][0]["scores"]["area_fraction"] |= {"generated": float("nan"), "deviation": float("inf")}
    evaluation["overall"]["area_fraction"]["mean_deviation"] = float("nan")
    made.write("evaluation.json", evaluation)
    samples = json.loads((made.path / "evaluation_samples.json").read_text(encoding="utf-8"))
    samples["equivalent_diameter"]["0"]["real"][3] = float("nan")
    samples["two_point"]["1"]["generated"][1] = float("nan")
    made.write("evaluation_samples.json", samples)
    lines = '{"images": 5, "terms": {"a.b": NaN, "a.c": 1.0}}\n{"images": 9, "terms": {"a.b": 1}}\n{"images": 12, "te'
    (made.path / "metrics.jsonl").write_text(lines, encoding="utf-8")
    report_of(made, zoo)


def test_one_condition(make_run: Any, zoo: Zoo) -> None:
    _, read = report_of(make_run(1), zoo)
    assert "In the one condition, 1 of 3 descriptors is" in read.text
    assert "R² =" not in read.text


def test_forty_conditions_with_held_out_ones(make_run: Any, zoo: Zoo) -> None:
    made = make_run(40, held_out=(3, 17))
    _, read = report_of(made, zoo)
    assert "12 of 40 conditions, chosen to lie far apart; the tables have all." in read.text
    assert sum(tag == "img" and bool(attrs["alt"]) for tag, attrs in read.elements) == 12 * 6
    for condition in made.evaluation()["conditions"]:
        text = condition["text"] + (" (held out)" if condition["held_out"] else "")
        assert len(read.rows(text)) == 4
    assert "On average over 38 conditions" in read.text
    assert "Means over the held-out conditions" in read.text
    for name in ("mean over conditions seen in training", "mean over held-out conditions"):
        sizes, shares, curves = read.rows(name)
        assert sizes[5:7] == ["10.0 %", "2.0 %"]
        assert shares[5:8] == ["0.00 %", "4.0 %", "0"]
        assert curves[5:] == ["20.0 %", "10.0 %", "1.00", "0.500"]


def test_a_data_set_without_a_table(make_run: Any, zoo: Zoo) -> None:
    _, read = report_of(make_run(0), zoo)
    assert "Over all conditions taken together" in read.text
    assert sum(tag == "img" and bool(attrs["alt"]) for tag, attrs in read.elements) == 6 * 6, (
        "six conditions of the evaluation patches"
    )
    assert "composition = 0.3 at%, gradient_energy = 1.4, time = 10" in read.text
    assert "-1" not in read.text
    assert len(read.rows("all conditions")) == 4


def test_a_data_set_that_is_gone_is_said_in_words(make_run: Any, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_run(2)
    spec = page.run_spec(made.path, zoo)

    def gone(self: Any, asked: Any) -> Data:
        raise DataError("ni/manifest.csv: there is <b>no</b> such file")

    monkeypatch.setattr(type(spec.data), "build", gone)
    read = Read(write_report(made.path, zoo).read_text(encoding="utf-8"))
    assert "the data set could not be used: ni/manifest.csv: there is <b>no</b> such file" in read.text
    assert sum(tag == "img" and bool(attrs["alt"]) for tag, attrs in read.elements) == 2 * 4, "the generated ones"
    (made.path / "evaluation.json").unlink()
    with pytest.raises(DataError, match=r"manifest\.csv"):
        write_report(made.path, zoo)


def test_real_patches_of_other_conditions_are_not_shown_under_these_names(make_run: Any, zoo: Zoo) -> None:
    made, other = make_run(2), make_run(3, name="other")
    read = Read(write_report(made.path, zoo, data=other.data).read_text(encoding="utf-8"))
    assert "its conditions are no longer those that the model was trained on" in read.text
    assert not [attrs for tag, attrs in read.elements if tag == "img" and (attrs["alt"] or "").startswith("real")]


@pytest.mark.parametrize("damage", ["missing", "stale", "broken", "incomplete", "spec"])
def test_measures_first_where_evaluation_json_is_not_of_this_model(
    make_run: Any, zoo: Zoo, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    made = make_run(2)
    right = made.evaluation()
    file = made.path / "evaluation.json"
    if damage == "missing":
        file.unlink()
    elif damage == "stale":
        made.write("evaluation.json", right | {"images_seen": 1000})
    elif damage == "broken":
        file.write_text("{", encoding="utf-8")
    elif damage == "spec":
        spec = right["evaluation_spec"]
        made.write("evaluation.json", right | {"evaluation_spec": spec | {"smooth": spec["smooth"] + 1}})
    else:
        wrong = made.evaluation()
        del wrong["conditions"][1]["scores"]["two_point"]["floor"]
        made.write("evaluation.json", wrong)
    asked = []

    def evaluate(run: Path, zoo: Zoo, *, overrides: Any, data: Data | None, report: Any) -> dict[str, Any]:
        asked.append((run, data is made.data))
        return right

    monkeypatch.setattr(page, "evaluate_run", evaluate)
    report_of(made, zoo)
    assert asked == [(made.path, True)]
    made.write("evaluation.json", right)
    report_of(made, zoo)
    assert len(asked) == 1, "not again where it is fresh"


def test_no_run_and_a_run_without_a_model_are_refused(make_run: Any, zoo: Zoo, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such folder"):
        write_report(tmp_path / "nowhere", zoo)
    made = make_run(2)
    (made.path / "generator.safetensors").unlink()
    with pytest.raises(RunFolderError, match="no checkpoint yet"):
        write_report(made.path, zoo, data=made.data)
    assert not (made.path / "report.html").exists()


TINY = """
name: tiny
data: {kind: spinodal, size: 32, composition: [0.4, 0.6], gradient_energy: [0.5], time: [30], runs: 2,
       evaluation_runs: 2}
generator: {kind: dcgan_attention, width: 4, noise: 8}
critic: {kind: dcgan_contrastive, width: 4}
losses: {adversarial: wgan, contrastive: contragan_2c}
training: {images: 128, batch_size: 8, critic_updates: 2, log_every: 16, checkpoint_every: 64}
evaluation: {images: 8, bootstrap: 10, comparisons: [], judge_images: 128, memorising_images: 4}
"""


def test_a_real_run_from_training_to_page(tmp_path: Path, zoo: Zoo) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    spec = zoo.read_spec(tmp_path / "tiny.yaml")
    data = spec.data.build(spec.conditions)
    run = train(spec, tmp_path / "run", data=data)
    told: list[tuple[str, int, int]] = []
    path = write_report(run, zoo, data=data, report=lambda *state: told.append(state))
    assert path == run / "report.html"
    parts = [part for part, *_ in told]
    assert {"measure", "draw", "atlas"} <= set(parts)
    assert parts.index("measure") < parts.index("draw")
    for part in set(parts):
        _, done, total = [state for state in told if state[0] == part][-1]
        assert done == total, part
    read = Read(path.read_text(encoding="utf-8"))
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["images_seen"] == 128
    for condition in evaluation["conditions"]:
        share = condition["scores"]["area_fraction"]["real"]
        assert any(f"{share:.3f}" in row for row in read.rows(condition["text"]))
    assert "128 real images in training" in read.text
    assert "wasserstein_distance" in read.text
    first = path.read_bytes()
    assert write_report(run, zoo).read_bytes() == first, "also with the data set built anew"
