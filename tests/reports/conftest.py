"""Run folders made by hand, whose every number a test knows."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from alloygan.assembler import build_generator, site_of
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.evaluation.evaluate import SCHEMA
from alloygan.evaluation.r_squared import r_squared
from alloygan.sharing import load_generator, save_generator
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.training.run_folder import RunFolder
from alloygan.zoo import Zoo

SPEC = """
name: made
data: {kind: spinodal, size: 32, time: [100], design: grid, runs: 1, evaluation_runs: 1}
conditions:
- {name: composition, unit: UNIT}
- {name: gradient_energy}
- {name: time, scale: log}
generator: {kind: dcgan_attention, width: 4, noise: 8, conditioner: CONDITIONER}
critic: {kind: dcgan_contrastive, width: 4, conditioner: CONDITIONER}
losses: {adversarial: wgan}
training: {images: 64, batch_size: 16}
"""

Score = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A run folder, and the data set that its report is written with."""

    path: Path
    data: Data

    def write(self, name: str, values: Any) -> None:
        (self.path / name).write_text(json.dumps(values), encoding="utf-8")

    def halve_phases(self, zoo: Zoo) -> float:
        """Put the evaluation's threshold, which it gives, at the middle grey level of the untrained generator."""
        model = load_generator(self.path, zoo)
        threshold = float(model.sample(model.space.table[0], 8, 0).float().median()) + 0.5
        evaluation = self.evaluation()
        evaluation["segmentation"]["threshold"] = threshold
        self.write("evaluation.json", evaluation)
        return threshold

    def evaluation(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads((self.path / "evaluation.json").read_text(encoding="utf-8"))
        return values


MakeRun = Callable[..., Made]


@pytest.fixture
def make_run(tmp_path: Path, zoo: Zoo) -> MakeRun:
    """Make a run of `count` conditions (0: a data set without a table), with everything that a run has."""

    def make(
        count: int = 3,
        *,
        name: str = "run",
        shape: tuple[int, int, int] = (1, 32, 48),
        held_out: Sequence[int] = (),
        unit: str = "at%",
        evaluation_patches: int = 4,
        alloys: Sequence[str] = (),
    ) -> Made:
        path = tmp_path / name
        spec_file = tmp_path / "spec.yaml"
        conditioner = "one_hot" if count else "continuous_mlp"
        text = SPEC.replace("UNIT", json.dumps(unit)).replace("CONDITIONER", conditioner)
        spec_file.write_text(text, encoding="utf-8")
        spec = zoo.read_spec(spec_file)
        RunFolder(path).start(spec, torch.device("cpu"))
        data = made_data(count, shape, held_out, unit, evaluation_patches, alloys)
        save_generator(
            path,
            build_generator(spec.generator, site_of(shape, data.space)),
            spec.generator,
            data.space,
            name=spec.name,
            image_shape=shape,
            um_per_px=None,
            images_seen=1234,
        )
        made = Made(path, data)
        texts = [data.space.text(row) for row in data.space.table] or ["all conditions"]
        about = {"evaluation_spec": spec.evaluation.model_dump(mode="json"), "set": []}
        made.write("evaluation.json", made_evaluation(texts, held_out, off_table=not count) | about)
        made.write("evaluation_samples.json", made_samples(len(texts), off_table=not count))
        lines = [
            {
                "images": 1000 * i,
                "terms": {"adversarial.critic": 1 / i, "adversarial.generator": -0.5},
                "observed": {"adversarial.wasserstein_distance": 2.0 * i},
                "images_per_s": 5.0,
            }
            for i in range(1, 20)
        ]
        (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return made

    return make


@pytest.fixture
def page_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures for a paper, which take most of a report's time and are tested alone."""

    def nothing(run: Path, figures: Any, progress: Any) -> list[Path]:
        return []

    monkeypatch.setattr("alloygan.reports.page.write_figures", nothing)


@pytest.fixture
def make_score() -> Callable[..., Score]:
    """Make one descriptor's scores."""
    return score


@pytest.fixture
def make_findings() -> Callable[[int], dict[str, Any]]:
    """Make what judge, nearest training patches and comparisons leave in an evaluation of so many conditions."""
    return made_findings


@pytest.fixture
def evaluation() -> dict[str, Any]:
    """An evaluation of three conditions."""
    return made_evaluation(["c = 1", "c = 2", "c = 3"])


@pytest.fixture
def make_evaluation() -> Callable[..., dict[str, Any]]:
    """Make an evaluation of conditions with these texts."""
    return made_evaluation


@pytest.fixture
def samples() -> dict[str, Any]:
    """The values behind it."""
    return made_samples(3)


def made_data(
    count: int,
    shape: tuple[int, int, int],
    held_out: Sequence[int],
    unit: str,
    evaluation_patches: int,
    alloys: Sequence[str] = (),
) -> Data:
    """Patches whose grey levels tell which one each is. `alloys`: classes, which make a further column."""
    rows: list[dict[str, Any]] = [
        {"composition": 0.1 + 0.2 * i, "gradient_energy": 0.4 + i % 3, "time": 10 ** (i % 4)} for i in range(count or 6)
    ]
    specs = [ColumnSpec(name="composition", unit=unit), ColumnSpec(name="gradient_energy")]
    specs.append(ColumnSpec(name="time", scale="log"))
    if alloys:
        specs.append(ColumnSpec(name="alloy", scale="category"))
        rows = [row | {"alloy": alloys[i % len(alloys)]} for i, row in enumerate(rows)]
    space = ConditionSpace.from_rows(specs, rows, tabulate=count > 0)
    space = ConditionSpace(space.columns, space.table, frozenset(held_out))
    table = [space.row(row) for row in rows]

    def patches(per_condition: int, seed: int) -> Patches:
        random = torch.Generator().manual_seed(seed)
        n = per_condition * len(table)
        images = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=random)
        conditions = [row for row in table for _ in range(per_condition)]
        return Patches(images, space.condition(conditions), torch.arange(n) % 2 + 10 * seed)

    return Data(space, patches(4, 1), patches(evaluation_patches, 2))


def score(real: float | None, generated: float | None, training: float | None, unit: str = "", note: str = "") -> Score:
    """One descriptor's scores in one condition, consistent as the evaluation makes them."""

    def off(value: float | None) -> float | None:
        return abs(value - real) / abs(real) if value is not None and real else None

    def gap(value: float | None) -> float | None:
        return abs(value - real) if value is not None and real is not None else None

    return {
        "unit": unit,
        "real": real,
        "generated": generated,
        "training": training,
        "distance": gap(generated),
        "floor": gap(training),
        "distance_unit": unit,
        "deviation": off(generated),
        "floor_deviation": off(training),
    } | ({"note": note} if note else {})


def made_evaluation(
    texts: Sequence[str], held_out: Sequence[int] = (), *, off_table: bool = False, images_seen: int = 1234
) -> dict[str, Any]:
    """Diameters 10 % off with a floor of 2 %, and area fractions that are right where training is 4 % off."""
    conditions = []
    for i, text in enumerate(texts):
        size, share = 20.0 + 3 * i, 0.25 + 0.01 * i
        conditions.append(
            {
                "condition": {},
                "text": text,
                "label": -1 if off_table else i,
                "held_out": i in held_out,
                "images": 4,
                "primary": "bright",
                "floor_from": "training images",
                "scores": {
                    "equivalent_diameter": score(size, 1.1 * size, 1.02 * size, "um"),
                    "area_fraction": score(share, share, 1.04 * share),
                    "two_point": score(5.0, 6.0, 5.5, "px"),
                },
            }
        )
    names = list(conditions[0]["scores"])

    def overall(chosen: list[dict[str, Any]]) -> dict[str, Any]:
        def mean(name: str, key: str) -> float | None:
            values = [one["scores"][name][key] for one in chosen if one["scores"][name][key] is not None]
            return sum(values) / len(values) if values else None

        def r2(name: str, key: str) -> float | None:
            scores = [one["scores"][name] for one in chosen]
            some = [(one["real"], one[key]) for one in scores if None not in (one["real"], one[key])]
            return r_squared([real for real, _ in some], [other for _, other in some])

        return {
            name: {
                "mean_deviation": mean(name, "deviation"),
                "mean_floor_deviation": mean(name, "floor_deviation"),
                "mean_distance": mean(name, "distance"),
                "mean_floor": mean(name, "floor"),
                "worst_deviation": mean(name, "deviation"),
                "r2": r2(name, "generated"),
                "floor_r2": r2(name, "training"),
                "absent": {} if r2(name, "generated") is not None else {"r2": f"no R² of {name}"},
            }
            for name in names
        }

    result = {
        "name": "made",
        "images_seen": images_seen,
        "schema": SCHEMA,
        "segmentation": {"threshold": 127.5, "smooth": 0.0, "phase": "bright"},
        "descriptors": [
            {
                "name": name,
                "unit": conditions[0]["scores"][name]["unit"],
                "summary": f"About {name}.",
                "spec": {"kind": name},
            }
            for name in names
        ],
        "conditions": conditions,
        "overall": overall([one for one in conditions if not one["held_out"]]),
    }
    if held_out:
        result["overall_held_out"] = overall([one for one in conditions if one["held_out"]])
    return result


def made_findings(count: int) -> dict[str, Any]:
    """What the judge, the search for nearest training patches and a comparison leave in an evaluation."""
    right = [[6 if i == j else 2 if j == (i + 1) % count else 0 for j in range(count)] for i in range(count)]
    nearest = [
        {"label": i, "sample": i % 4, "distance": 11.0 + i, "training": 4 * i + 1, "transform": t, "shift": [1, -2]}
        for i, t in zip(range(count), ["as it is", "turned by 180°", *["flipped left-right"] * count], strict=False)
    ]
    scores = {"kid": {"generated": 0.21, "floor": -0.002, "interval": [0.1, 0.3], "floor_interval": [-0.01, 0.01]}}
    return {
        "fidelity": {
            "classes": list(range(count)),
            "confusion": {
                "real": [[8 * (i == j) for j in range(count)] for i in range(count)],
                "generated": right,
            },
            "accuracy": {
                "real": 1.0, "generated": 0.75, "real_interval": [0.9, 1.0], "generated_interval": [0.61, 0.87],
                "chance": 1 / count,
            },
            "columns": [
                {
                    "name": "composition", "unit": "at%", "scale": "linear",
                    "real": {"error": 0.021, "r2": 0.97}, "generated": {"error": 0.084, "r2": 0.71},
                    "real_interval": [0.018, 0.025], "generated_interval": [0.07, 0.1], "held_out": None,
                }
            ],
            "conditions": [
                {"label": i, "asked": [i / count], "real": [i / count + 0.01], "generated": [i / count - 0.05]}
                for i in range(count)
            ],
            "training_images": 32,
            "held_out": [],
            "note": "The judge saw few images.",
        },
        "memorising": {
            "conditions": [
                {
                    "label": i,
                    "generated": {"images": 4, "median": 41.5, "smallest": 11.0 + i, "contrast": 30.0},
                    "real": {"images": 4, "median": 40.0, "smallest": 30.0, "contrast": 60.0, "low": 30.0},
                    "closer": 0.25,
                    "expected": 0.2,
                    "note": "generated images have less contrast than real ones",
                }
                for i in range(count)
            ],
            "closer": {"share": 0.25, "interval": [0.1, 0.4], "expected": 0.2, "quantile": 0.05},
            "nearest": nearest,
            "shift": 4,
            "group": "d4",
        },
        "comparisons": [
            {
                "kind": "some_features",
                "spec": {},
                "notes": ["Features of nothing known."],
                "names": {"kid": {"higher_is_better": False}},
                "conditions": [{"label": i, "held_out": False, "scores": scores} for i in range(count)],
                "overall": {"kid": {"generated": 0.31, "floor": 0.003}},
                "pooled": {"kid": {"generated": 0.18, "floor": 0.001}},
            },
            {"kind": "other_features", "spec": {}, "missing": "its weights are not installed"},
        ],
    }  # fmt: skip


def made_samples(count: int, *, off_table: bool = False) -> dict[str, Any]:
    labels = ["-1"] if off_table else [str(i) for i in range(count)]
    axis = [0.0, 1.0, 2.0, 3.0]
    return {
        "equivalent_diameter": {
            label: {
                "unit": "um",
                "real": [15.0 + 0.7 * i + 3 * int(label) for i in range(14)],
                "generated": [16.0 + 0.9 * i + 3 * int(label) for i in range(14)],
                "training": [15.0 + 0.8 * i + 3 * int(label) for i in range(14)],
            }
            for label in labels
        },
        "area_fraction": {
            label: {"unit": "", "real": [0.2, 0.3], "generated": [0.2, 0.3], "training": [0.2, 0.3]} for label in labels
        },
        "two_point": {
            label: {
                "unit": "",
                "axis": axis,
                "axis_unit": "px",
                "real": [0.3, 0.2, 0.1, 0.09],
                "generated": [0.31, 0.22, 0.11, 0.1],
                "training": [0.3, 0.2, 0.1, 0.08],
            }
            for label in labels
        },
    }
