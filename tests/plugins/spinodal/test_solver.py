"""Fields that each have a time of their own: the same as each alone."""

import pytest
import torch

from alloygan_plugins.spinodal.elasticity import Moduli
from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.solver import evolve, evolve_each, fields_at_a_time

MODULI: Moduli = (1.0, 0.3, 0.8)


def test_each_field_is_as_with_its_time_alone() -> None:
    times = [30.0, 0.02, 7.5, 30.0, 50.0, 0.05, 12.34]
    kappa = torch.linspace(0.5, 2, len(times))
    misfit = torch.linspace(0.3, 0, len(times))
    start = initial_composition(torch.linspace(0.3, 0.7, len(times)), (24, 20), 3, dtype=torch.float64)
    together = evolve_each(start, kappa, times, misfit=misfit, moduli=MODULI)
    for i, time in enumerate(times):
        part = slice(i, i + 1)
        alone = evolve(start[part], kappa[part], [time], misfit=misfit[part], moduli=MODULI)[0, 0]
        torch.testing.assert_close(together[i], alone, rtol=0, atol=1e-10)
    assert not torch.allclose(together[0], together[3], atol=1e-3)


def test_more_fields_than_are_stepped_together() -> None:
    size = (160, 160)
    count = 2 * fields_at_a_time(size) + 1
    start = initial_composition(torch.full((count,), 0.5), size, 0)
    times = [0.4 - 0.03 * i for i in range(count)]
    together = evolve_each(start, torch.ones(count), times)
    for i in (0, count // 2, count - 1):
        alone = evolve(start[i : i + 1], torch.ones(1), times[i : i + 1])[0, 0]
        torch.testing.assert_close(together[i], alone, rtol=0, atol=1e-6)


def test_steps_that_do_not_grow_and_other_settings_are_taken_over() -> None:
    start = initial_composition(torch.tensor([0.4, 0.6]), (16, 16), 0, dtype=torch.float64)
    settings = {"stabiliser": 2.0, "dt_start": 0.2, "dt_growth": 1.0, "dt_max": 0.5}
    together = evolve_each(start, torch.ones(2), [3.0, 5.1], **settings)
    alone = evolve(start[1:], torch.ones(1), [5.1], **settings)
    torch.testing.assert_close(together[1:], alone[0])


@pytest.mark.parametrize(
    ("times", "words"),
    [([1.0], "one value a field: 2; got 1"), ([1.0, 0.0], "finite and positive"), ([], "at least one moment")],
)
def test_times_that_cannot_be(times: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        evolve_each(torch.full((2, 8, 8), 0.5), torch.ones(2), times)


def test_field_that_explodes_is_an_error() -> None:
    wild = 100 * initial_composition(torch.full((2,), 0.5), (8, 8), 0, noise=1.0)
    with pytest.raises(FloatingPointError, match="lower dt_max"):
        evolve_each(wild, torch.ones(2), [80.0, 100.0])
