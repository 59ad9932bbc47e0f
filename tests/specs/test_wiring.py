"""Whether parts fit together is found before anything is built, and told with the place in the file."""

from pathlib import Path

import pytest

from alloygan import load_zoo
from alloygan.errors import SpecError

VICINAL = Path(__file__).parents[1] / "third_party" / "hard_shapes" / "vicinal.py"
SPEC = """
name: vicinal
data: {kind: spinodal, composition: [0.4, 0.6], time: [20], size: 32, patch: 16}
generator: {kind: dcgan_attention, conditioner: continuous_mlp}
critic: {kind: dcgan_contrastive, conditioner: continuous_mlp}
losses: {adversarial: hard_vicinal_hinge}
training: {images: 8, batch_size: 4, sampler: hard_vicinal}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_a_sampler_off_the_table_goes_with_continuous_kinds(spec: Path) -> None:
    assert load_zoo([VICINAL]).read_spec(spec).training.sampler.kind == "hard_vicinal"


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("generator.conditioner=one_hot", "generator.conditioner"),
        ("critic.conditioner=one_hot", "critic.conditioner"),
        ("losses.contrastive=contragan_2c", "losses.contrastive"),
    ],
)
def test_and_refuses_kinds_that_need_an_id(spec: Path, override: str, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_zoo([VICINAL]).read_spec(spec, [override])
    message = str(caught.value)
    assert message.count("\n") == 0
    assert f"{path}: " in message
    assert "the sampler 'hard_vicinal' asks for conditions off the table" in message
