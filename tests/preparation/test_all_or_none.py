"""Micrographs that are wholly for evaluation (`all`), or not at all (`none`)."""

import numpy as np
import pytest
from PIL import Image

from alloygan.data.manifest import read_manifest
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.prepare import prepare
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy

EXPOSURE = ColumnSpec(name="exposure", unit="h", scale="log")
TEMPERATURE = ColumnSpec(name="temperature")


@pytest.fixture
def three(folder, two_phases):
    Image.fromarray(two_phases((200, 300), seed=3, dark=60, bright=220)).save(folder / "other.png")
    return folder


def test_split_counts_tables_and_data_set(three, prepared, stored, patches_of, read):
    done = prepared(
        "file,exposure,roi,evaluation\nwhole.png,10,,none\nother.png,10,20 10 270 180,ALL\ncracked.png,10,,\n"
    )
    kept = read_manifest(done.manifest, ()).micrographs
    assert [one.evaluation for one in kept[:2]] == ["none", "all"]
    assert kept[2].evaluation.width == 64
    whole, other, cracked = stored(done)["micrographs"]
    assert whole["patches"] == {"training": 22 * 34, "evaluation": 0}
    assert other["patches"] == other["patches_before"] == {"training": 0, "evaluation": 5 * 8}
    assert cracked["patches"]["training"] > 0
    assert cracked["patches"]["evaluation"] > 0
    names = ("whole.png", "other.png", "cracked.png")
    parts = {name: {row["split"] for row in patches_of(done) if row["source"] == name} for name in names}
    assert parts == {
        "whole.png": {"training"},
        "other.png": {"evaluation"},
        "cracked.png": {"training", "evaluation"},
    }
    assert min(float(row["x0"]) for row in patches_of(done) if row["source"] == "other.png") == 20
    data = Micrographs(manifest=done.manifest, patch=32).build([EXPOSURE])
    assert (len(data.train), len(data.evaluation)) == (done.training_patches, done.evaluation_patches)
    assert set(data.train.source.tolist()) == {0, 2}
    assert set(data.evaluation.source.tolist()) == {1, 2}
    np.testing.assert_array_equal(data.evaluation.images[0, 0], read(kept[1].file)[:32, :32])


def test_the_overlay_and_the_page_say_so(three, prepared, read):
    done = prepared("file,exposure,evaluation\nwhole.png,10,none\nother.png,10,all\n")
    training, evaluation = (0, 158, 115), (0, 114, 178)
    for name, has, lacks in (("whole", training, evaluation), ("other", evaluation, training)):
        picture = read(done.out / f"overlays/{name}.png")
        assert (picture == has).all(axis=-1).any()
        assert not (picture == lacks).all(axis=-1).any()
    page = done.summary.read_text(encoding="utf-8")
    for words in ("all for evaluation", "all for training", "evaluation patches</figcaption>"):
        assert page.count(words) == 1
    assert f"0 + {done.evaluation_patches}<" in page.replace(",", "")


@pytest.mark.parametrize("contrast", ["none", "quantile", "match", "clahe"])
def test_contrast_of_what_is_for_evaluation_does_not_touch_training(three, prepared, read, contrast):
    text = "file,exposure,evaluation\nwhole.png,10,none\nother.png,10,{}\n"
    done = prepared(text.format("all"), contrast=contrast)
    trained = read(done.out / "micrographs/whole.png")
    assert np.ptp(read(done.out / "micrographs/other.png")) > 100
    Image.fromarray(255 - read(three / "other.png")).save(three / "other.png")
    again = prepared(text.format("all"), contrast=contrast)
    np.testing.assert_array_equal(read(again.out / "micrographs/whole.png"), trained)
    if contrast == "match":  # a training micrograph does have a part in what others are matched to
        pooled = prepared(text.format("none"), contrast=contrast)
        assert (read(pooled.out / "micrographs/whole.png") != trained).any()


def test_cracks_cost_evaluation_patches(three, prepared):
    done = prepared("file,exposure,evaluation\nwhole.png,10,none\ncracked.png,10,all\n")
    assert done.warnings[0].startswith("cracks in 1 of 2 micrographs: ")
    lost, before = (int(word) for word in done.warnings[0].split() if word.isdigit() and int(word) > 2)
    assert before == 6 * 9
    assert done.evaluation_patches == before - lost
    assert "of their 54 evaluation patches are left out" in done.warnings[0]


def test_a_scale_of_its_own(three, prepared, stored):
    text = "file,exposure,um_per_px,evaluation\nwhole.png,10,0.1,none\nother.png,10,0.06,all\n"
    done = prepared(text, side_um=3.2)
    assert stored(done)["micrographs"][1]["patches"] == {"training": 0, "evaluation": 3 * 5}
    with pytest.raises(DataError, match=r"manifest.csv:3: .* have no room for an evaluation patch of 64 × 64 px"):
        prepared(text.replace("0.06", "0.03"), side_um=6.4, patch=64)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (
            "whole.png,10,all\nother.png,100,all\n",
            {},
            r"manifest\.csv: evaluation: all micrographs .* say all",
        ),
        (
            "whole.png,10,\nother.png,100,all\n",
            {},
            r"csv:3: evaluation: all, .* exposure = 100, so it has",
        ),
        ("whole.png,10,\nother.png,1e2,all\ncracked.png,100.0,all\n", {}, r"csv:3: evaluation: all.* exposure = 1e2"),
        (
            "whole.png,10,\ncracked.png,100,none\nother.png,100,all\n",
            {"cracks": "micrograph"},
            "csv:4: evaluation: all, as in all rows that are kept of the condition exposure = 100",
        ),
        ("whole.png,10,some\n", {}, r"csv:2: evaluation: 'some' is not known; .* all \(.*none \(.*`x y width height`"),
    ],
)
def test_what_leaves_nothing_to_train_on_is_refused(three, prepared, rows, options, said):
    with pytest.raises(DataError, match=said) as caught:
        prepared(f"file,exposure,evaluation\n{rows}", **options)
    assert len(str(caught.value).splitlines()) == 1
    assert not (three / "out").exists()


def test_nothing_to_evaluate_is_told(three, prepared):
    (warning,) = prepared("file,exposure,evaluation\nwhole.png,10,none\nother.png,100,none\n").warnings
    assert warning.startswith("there are no evaluation patches, so evaluation will use those of training")
    (warning,) = prepared("file,exposure,evaluation\nwhole.png,10,none\nother.png,100,\n").warnings
    assert warning == "no evaluation patches of: exposure = 10"


def alloy(**fields):
    few = {"temperature": (900.0,), "strain_rate": (0.001, 0.1), "training_micrographs": 2, "evaluation_micrographs": 1}
    return SyntheticAlloy(**few | {"size": (96, 128), "patch": (32, 32), "stride": (16, 16)} | fields)


def test_simulated_and_prepared_evaluation_micrographs_stay_out_of_training(tmp_path, read):
    spec = alloy()
    write_simulation(spec.micrographs(()), tmp_path / "alloy", {})
    options = PrepareOptions(patch=(32, 32), side_um=16, contrast="none", cracks="off")
    done = prepare(tmp_path / "alloy/manifest.csv", tmp_path / "out", options)
    simulated = list(spec.micrographs(()))
    kept = read_manifest(done.manifest, ()).micrographs
    assert [one.evaluation for one in kept] == ["none" if one.training else "all" for one in simulated]
    asked = [ColumnSpec(name="strain_rate", scale="log")]
    data = Micrographs(manifest=done.manifest, patch=32, stride=16).build(asked)
    truth = spec.build(asked)
    np.testing.assert_array_equal(data.train.images, truth.train.images)
    np.testing.assert_array_equal(data.evaluation.images, truth.evaluation.images)
    np.testing.assert_array_equal(data.train.condition.values, truth.train.condition.values)
    np.testing.assert_array_equal(data.evaluation.source, truth.evaluation.source)


def test_a_random_design_is_evaluated_at_other_conditions(tmp_path):
    spec = alloy(
        design="random", temperature=(800.0, 1000.0), training_micrographs=4, evaluation_micrographs=2,
        um_per_px=(0.5, 0.4),
    )  # fmt: skip
    write_simulation(spec.micrographs(()), tmp_path / "alloy", {})
    done = prepare(tmp_path / "alloy/manifest.csv", tmp_path / "out", PrepareOptions(patch=32, side_um=16))
    assert any(line.startswith("no condition has both training and evaluation patches") for line in done.warnings)
    assert "  table: false\n" in done.summary.read_text(encoding="utf-8")
    data = Micrographs(manifest=done.manifest, patch=32, table=False).build([TEMPERATURE])
    assert sorted(set(data.train.source.tolist())) == [0, 1, 2, 3]
    assert sorted(set(data.evaluation.source.tolist())) == [4, 5]
    with pytest.raises(DataError, match=r"csv:6: evaluation: all, as in every row of the condition temperature = .*"):
        Micrographs(manifest=done.manifest, patch=32).check_inputs([TEMPERATURE])
