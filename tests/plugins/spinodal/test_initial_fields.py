"""Fields at time 0: their mean, their spread, and the same noise for ever."""

import torch
from torch import Tensor

from alloygan_plugins.spinodal.initial_fields import initial_composition


def even(count: int) -> Tensor:
    """(count,) compositions of 0.5."""
    return torch.full((count,), 0.5)


def test_every_seed_and_index_has_noise_of_its_own() -> None:
    noise = torch.cat([initial_composition(even(3), (32, 32), seed) for seed in (-1, 0, 1, 2**70)]).flatten(1)
    correlation = torch.corrcoef(noise) - torch.eye(12)
    assert correlation.abs().max() < 5 / 32  # five standard errors


def test_initial_noise_has_the_asked_mean_and_spread() -> None:
    composition = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
    fields = initial_composition(composition, (128, 96), 0, noise=0.03, dtype=torch.float64)
    assert (fields.mean(dim=(-2, -1)) - composition).abs().max() < 1e-15
    torch.testing.assert_close(fields.std(dim=(-2, -1)), torch.full((3,), 0.03).double(), rtol=0.03, atol=0)


def test_initial_noise_is_the_same_in_every_precision_and_release() -> None:
    double = initial_composition(even(2), (8, 8), seed=2024, dtype=torch.float64)
    single = initial_composition(even(2), (8, 8), seed=2024)
    assert torch.equal(double.float(), single)
    golden = [[0.5169827496, 0.5252578426, 0.4819196232], [0.5253197067, 0.476327996, 0.5159222357]]
    # A change here changes every data set that was ever drawn from a seed.
    torch.testing.assert_close(double[:, 0, :3], torch.tensor(golden, dtype=torch.float64), rtol=0, atol=1e-9)
