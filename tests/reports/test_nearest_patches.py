"""The pairs of generated images and their nearest training patches."""

from base64 import b64decode
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from alloygan.reports.nearest_patches import _sentence, nearest_patches
from alloygan.sharing import load_generator
from alloygan.zoo import Zoo


def pixels(uri: str) -> Any:
    return np.asarray(Image.open(BytesIO(b64decode(uri.partition(",")[2]))))


def test_a_training_patch_is_mapped_onto_its_generated_image(make_run: Any, make_findings: Any, zoo: Zoo) -> None:
    made = make_run(3)
    model = load_generator(made.path, zoo)
    found = nearest_patches(made.evaluation() | make_findings(3), model, made.data, 0)
    assert found is not None
    assert found.sentence == (
        "25.0 % of the generated images are closer to a training patch than all but the nearest 5.0 % of "
        "the real images of their condition; 20.0 % are expected of a generator that has memorised nothing."
    )
    train = made.data.train.images.numpy()[:, 0]
    maps = (lambda image: image, lambda image: image[::-1, ::-1], lambda image: image[:, ::-1])
    for label, (pair, mapped) in enumerate(zip(found.pairs, maps, strict=True)):
        image = model.sample(model.space.table[label], 4, 0).numpy()[label % 4, 0]
        np.testing.assert_array_equal(pixels(pair.generated), image)
        shown = pixels(pair.training)
        # Moved by 1 px down and 2 px to the left.
        np.testing.assert_array_equal(shown[1:, :-2], mapped(train[4 * label + 1])[:-1, 2:])
        assert (shown[0] == 255).all()
        assert (shown[:, -2:] == 255).all()
    assert found.pairs[1].words == (
        "RMS difference 12.0 grey levels; training patch 5, turned by 180°, moved by 1 px down and 2 px left"
    )
    assert [cell.text for cell in found.rows[0].cells] == ["41.5", "40.0", "11.0", "30.0", "25.0 %", "20.0 %"]
    assert found.rows[0].note == "generated images have less contrast than real ones"


def test_pairs_that_cannot_be_shown_are_left_out_in_words(make_run: Any, make_findings: Any, zoo: Zoo) -> None:
    made = make_run(2)
    model = load_generator(made.path, zoo)
    findings = make_findings(2)
    for wrong in ({"training": 8}, {"training": -1}, {"sample": 4}, {"label": 7}, {"transform": "turned inside out"}):
        findings["memorising"]["nearest"].append({**findings["memorising"]["nearest"][0], **wrong})
    found = nearest_patches(made.evaluation() | findings, model, made.data, 0)
    assert found is not None
    assert len(found.pairs) == 2
    assert found.notes == ["Some of the nearest training patches are not in the data set as it is now."]
    found = nearest_patches(made.evaluation() | findings, model, None, 0)
    assert found is not None
    assert not found.pairs
    assert found.notes == ["The pairs are missing, since the data set could not be used."]


def test_nothing_was_looked_for(make_run: Any, zoo: Zoo) -> None:
    made = make_run(2)
    model = load_generator(made.path, zoo)
    assert nearest_patches(made.evaluation(), model, made.data, 0) is None
    empty = {"conditions": [], "closer": None, "nearest": [], "note": "there are no training patches to compare with"}
    found = nearest_patches(made.evaluation() | {"memorising": empty}, model, made.data, 0)
    assert found is not None
    assert (found.sentence, found.pairs, found.rows) == ("", [], [])
    assert found.notes == ["there are no training patches to compare with"]


def test_likeness_is_told_beside_closeness_and_both_against_chance() -> None:
    shares = {"share": 0.3, "expected": 0.05, "expected_interval": [0.01, 0.1], "quantile": 0.05}
    said = _sentence({"closer": shares | {"share": 0.04}, "alike": shares})
    assert "4.0 % of the generated images are closer" in said
    assert "5.0 % [1.0, 10.0] are expected of a generator that has memorised nothing, so that is within chance." in said
    assert "30.0 % correlate with it more" in said
    assert said.endswith("so that is more than chance.")
