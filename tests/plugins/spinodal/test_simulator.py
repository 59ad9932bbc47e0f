"""The Cahn-Hilliard solver against what is known of the equation, and against its own promises."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.simulator import simulate
from alloygan_plugins.spinodal.solver import evolve
from alloygan_plugins.spinodal.thermodynamics import free_energy, growth_rate


def alike(count: int, composition: float = 0.5, gradient_energy: float = 1.0) -> tuple[Tensor, Tensor]:
    """Both parameters, (count,) each, of fields that differ by their noise alone."""
    return torch.full((count,), composition), torch.full((count,), gradient_energy)


def smooth_fields(height: int, width: int) -> Tensor:
    """(2, H, W) in float64: a few waves that no symmetry of the grid maps on themselves."""
    rows = 2 * math.pi * torch.arange(height, dtype=torch.float64)[:, None] / height
    columns = 2 * math.pi * torch.arange(width, dtype=torch.float64) / width
    first = 0.45 + 0.1 * torch.cos(rows + 0.3) + 0.07 * torch.sin(2 * columns + rows) + 0.03 * torch.cos(3 * columns)
    return torch.stack([first, 0.6 + 0.1 * torch.sin(rows - 2 * columns)])


def wavenumber_squared(height: int, width: int) -> Tensor:
    """(H, W) on the full plane of fft2."""
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64).mul(2 * math.pi) for n in (height, width))
    squared: Tensor = rows.square()[:, None] + columns.square()
    return squared


def structure_length(fields: Tensor) -> Tensor:
    """2 pi over the mean wavenumber of the structure factor: (..., H, W) to (...)."""
    fields = fields.double()
    power = torch.fft.fft2(fields - fields.mean(dim=(-2, -1), keepdim=True)).abs().square()
    wavenumber = wavenumber_squared(*fields.shape[-2:]).sqrt()
    mean_wavenumber = (power * wavenumber).sum(dim=(-2, -1)) / power.sum(dim=(-2, -1))
    length: Tensor = 2 * math.pi / mean_wavenumber
    return length


def uncut_times(stop: float) -> list[float]:
    """The moments at which the default steps end, so that a snapshot there cuts no step."""
    steps = (min(0.05 * 1.01**n, 1.0) for n in itertools.count())
    return list(itertools.takewhile(lambda t: t < stop, itertools.accumulate(steps)))


COARSENING_TIMES = torch.logspace(math.log10(50), math.log10(1500), 12, dtype=torch.float64)


@pytest.fixture(scope="module")
def coarsened() -> Tensor:
    """(12, 8, 128, 128) in float32, over 1700 steps."""
    return simulate(*alike(8), COARSENING_TIMES, (128, 128), seed=0)


@pytest.fixture(scope="module")
def step_by_step() -> tuple[Tensor, Tensor]:
    """(T, 3, 48, 64) in float64 after every one of 600 steps, and the three gradient energies."""
    gradient_energy = torch.tensor([0.5, 1.0, 2.0])
    compositions = torch.tensor([0.35, 0.5, 0.65], dtype=torch.float64)
    return (
        simulate(compositions, gradient_energy, uncut_times(400), (48, 64), seed=0, dtype=torch.float64),
        gradient_energy,
    )


# The physics


def test_mean_composition_is_conserved_in_float64(step_by_step: tuple[Tensor, Tensor]) -> None:
    drift = step_by_step[0].mean(dim=(-2, -1)) - torch.tensor([0.35, 0.5, 0.65], dtype=torch.float64)
    assert drift.abs().max() < 1e-13


def test_mean_composition_is_conserved_in_float32(coarsened: Tensor) -> None:
    assert (coarsened.double().mean(dim=(-2, -1)) - 0.5).abs().max() < 1e-6


def test_free_energy_never_rises(step_by_step: tuple[Tensor, Tensor]) -> None:
    energy = free_energy(*step_by_step)
    assert energy.shape == step_by_step[0].shape[:2]
    rise = energy.diff(dim=0) / energy[:-1]
    assert rise.max() < 1e-9
    assert (energy[-1] < 0.8 * energy[0]).all(), "nothing decomposed"


@pytest.mark.slow
def test_free_energy_never_rises_in_a_long_run() -> None:
    composition, gradient_energy = torch.tensor([0.4, 0.5], dtype=torch.float64), torch.tensor([0.5, 1.0])
    fields = simulate(composition, gradient_energy, uncut_times(4400), (64, 64), seed=1, dtype=torch.float64)
    energy = free_energy(fields, gradient_energy)
    assert len(energy) > 4568
    assert (energy.diff(dim=0) / energy[:-1]).max() < 1e-9


@pytest.mark.parametrize(("composition", "gradient_energy"), [(0.5, 1.0), (0.4, 1.0), (0.3, 1.0), (0.55, 2.5)])
def test_faint_waves_grow_at_the_linear_rate(composition: float, gradient_energy: float) -> None:
    height, width = 64, 48
    c, kappa = (torch.tensor([x], dtype=torch.float64) for x in (composition, gradient_energy))
    # So faint and so finely stepped that neither the cubic term nor the scheme shows at 1 %.
    before, after = simulate(
        c,
        kappa,
        [1.0, 2.0],
        (height, width),
        1,
        noise=1e-6,
        dt_start=0.002,
        dt_max=0.002,
        dtype=torch.float64,
    )
    measured = (torch.fft.fft2(after)[0].abs() / torch.fft.fft2(before)[0].abs()).log()
    k = wavenumber_squared(height, width).sqrt()
    expected = growth_rate(k, c, kappa)
    k_cut = math.sqrt(-(2 - 12 * composition * (1 - composition)) / (2 * gradient_energy))
    # Close to the cut the rate goes through zero, and a relative error means nothing.
    waves = (k > 0) & (k < 0.93 * k_cut)
    assert waves.sum() > 10
    torch.testing.assert_close(measured[waves], expected[waves], rtol=0.01, atol=0)
    # Far beyond the cut waves fade so fast that only what the others feed them is left.
    assert (measured[(k > 1.05 * k_cut) & (k < 1.5 * k_cut)] < 0).all()


def test_flat_interface_costs_a_third_of_the_root_of_kappa() -> None:
    gradient_energy = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    column = torch.arange(64)
    stripe = ((column >= 16) & (column < 48)).double().expand(4, 8, 64)
    energy = free_energy(evolve(stripe, gradient_energy, [400.0])[0], gradient_energy)
    length = 2 * 8
    torch.testing.assert_close(
        energy / (length * gradient_energy.sqrt()), torch.full((4,), 1 / 3).double(), rtol=1e-3, atol=0
    )


def test_structure_coarsens_with_the_cube_root_of_time(coarsened: Tensor) -> None:
    length = structure_length(coarsened).mean(dim=1)
    assert (length.diff() > 0).all()
    # Not by the slope of log L: the constant is far from small, and the slope is about 0.26 here.
    correlation = torch.corrcoef(torch.stack([COARSENING_TIMES ** (1 / 3), length]))[0, 1]
    assert correlation**2 > 0.99


def test_long_run_stays_between_the_phases(coarsened: Tensor) -> None:
    # Rounding that no real field has grows to infinity within 500 steps if the scheme lets it.
    assert coarsened.min() > -0.1
    assert coarsened.max() < 1.1
    assert (coarsened[-1] < 0.1).float().mean() > 0.3
    assert (coarsened[-1] > 0.9).float().mean() > 0.3


def test_longer_time_steps_change_the_structure_little() -> None:
    def length(dt_start: float, dt_max: float) -> float:
        fields = simulate(*alike(6), [100.0], (96, 96), 5, dt_start=dt_start, dt_max=dt_max)
        return float(structure_length(fields).mean())

    exact = length(0.05, 0.05)
    assert length(0.1, 0.1) == pytest.approx(exact, rel=0.005)
    assert length(0.5, 0.5) == pytest.approx(exact, rel=0.02)
    assert length(1.0, 1.0) == pytest.approx(exact, rel=0.03)
    assert length(0.05, 1.0) == pytest.approx(exact, rel=0.03)


def test_each_step_descends_the_gradient_of_the_free_energy() -> None:
    height, width = 16, 21
    fields, gradient_energy = smooth_fields(height, width), torch.tensor([0.7, 1.6], dtype=torch.float64)
    leaf = fields.clone().requires_grad_()
    (potential,) = torch.autograd.grad(free_energy(leaf, gradient_energy).sum(), leaf)
    k2 = wavenumber_squared(height, width)
    expected = torch.fft.ifft2(-k2 * torch.fft.fft2(potential)).real
    dt = 1e-6
    moved = evolve(fields, gradient_energy, [dt], dt_start=dt, dt_max=dt)[0]
    torch.testing.assert_close((moved - fields) / dt, expected, rtol=1e-4, atol=1e-6)


def test_both_phases_are_alike() -> None:
    fields, gradient_energy = smooth_fields(20, 24), torch.tensor([1.0, 2.0])
    torch.testing.assert_close(
        evolve(1 - fields, gradient_energy, [5.0, 30.0]), 1 - evolve(fields, gradient_energy, [5.0, 30.0])
    )


@pytest.mark.parametrize("size", [(20, 24), (8, 31), (33, 9)])
def test_rows_and_columns_are_alike_in_a_rectangle(size: tuple[int, int]) -> None:
    fields, gradient_energy = smooth_fields(*size), torch.tensor([1.0, 2.0])
    upright = evolve(fields, gradient_energy, [5.0, 30.0])
    assert upright.shape == (2, 2, *size)
    turned = evolve(fields.mT.contiguous(), gradient_energy, [5.0, 30.0])
    torch.testing.assert_close(turned.mT, upright)


# The promises


def test_same_call_gives_the_same_bits() -> None:
    first, second = (simulate(*alike(3), [2.0, 9.0], (32, 32), seed=4) for _ in range(2))
    assert torch.equal(first, second)


def test_field_depends_on_its_own_parameters_and_index_alone() -> None:
    composition = torch.tensor([0.3, 0.4, 0.5, 0.6, 0.7], dtype=torch.float64)
    gradient_energy = torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5], dtype=torch.float64)
    whole = simulate(composition, gradient_energy, [3.0, 40.0], (32, 24), 7, dtype=torch.float64)
    part = simulate(
        composition[2:4], gradient_energy[2:4], [3.0, 40.0], (32, 24), 7, first_index=2, dtype=torch.float64
    )
    torch.testing.assert_close(part, whole[:, 2:4], rtol=0, atol=1e-9)

    neighbours_changed = composition.flip(0)
    assert neighbours_changed[2] == composition[2]
    other = simulate(neighbours_changed, gradient_energy, [3.0, 40.0], (32, 24), 7, dtype=torch.float64)
    torch.testing.assert_close(other[:, 2], whole[:, 2], rtol=0, atol=1e-9)
    assert not torch.allclose(other[:, 1], whole[:, 1], atol=1e-3)


def test_batch_too_large_for_the_cache_is_the_same_in_parts() -> None:
    fields = simulate(*alike(3), [0.3], (256, 256), seed=0)
    last = simulate(*alike(1), [0.3], (256, 256), seed=0, first_index=2)
    torch.testing.assert_close(fields[:, 2:], last, rtol=0, atol=1e-6)


def test_snapshots_are_taken_at_the_asked_times() -> None:
    fields, gradient_energy = smooth_fields(12, 16), torch.tensor([1.0, 2.0])
    steps: dict[str, Any] = {"dt_start": 0.1, "dt_max": 0.1}
    both = evolve(fields, gradient_energy, [1.0, 2.5], **steps)
    onwards = evolve(both[0], gradient_energy, [1.5], **steps)
    torch.testing.assert_close(both[1], onwards[0])
    # Three steps of 0.3 and one of 0.1.
    cut = evolve(fields, gradient_energy, [1.0], dt_start=0.3, dt_max=0.3)
    thrice = evolve(fields, gradient_energy, [0.9], dt_start=0.3, dt_max=0.3)
    torch.testing.assert_close(cut[0], evolve(thrice[0], gradient_energy, [0.1], **steps)[0])


@pytest.mark.parametrize(("until", "expected"), [(0.05, 1), (0.06, 2), (500.0, 707), (1500.0, 1707)])
def test_number_of_default_steps(until: float, expected: int) -> None:
    reports: list[float] = []
    simulate(*alike(1), [until], (8, 8), 0, progress=reports.append)
    assert len(reports) == expected


def test_progress_rises_to_one_over_all_parts() -> None:
    reports: list[float] = []
    simulate(*alike(3), [0.1, 0.2], (256, 256), 0, progress=reports.append)
    assert reports == sorted(reports)
    assert reports[0] > 0
    assert reports[-1] == 1


def test_result_has_the_asked_type_and_no_gradient() -> None:
    composition, gradient_energy = (x.requires_grad_() for x in alike(2))
    for dtype in (torch.float32, torch.float64):
        fields = simulate(composition, gradient_energy, torch.tensor([1, 2]), (8, 10), 0, dtype=dtype)
        assert fields.shape == (2, 2, 8, 10)
        assert fields.dtype == dtype
        assert not fields.requires_grad


def test_initial_fields_are_left_as_they_were() -> None:
    fields = smooth_fields(8, 8)
    kept = fields.clone()
    evolve(fields, torch.ones(2), [1.0])
    assert torch.equal(fields, kept)


def test_even_mixture_stays_even() -> None:
    torch.testing.assert_close(simulate(*alike(1, 0.4), [50.0], (8, 8), 0, noise=0.0), torch.full((1, 1, 8, 8), 0.4))


# The errors

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"composition": torch.tensor([0.5, 0.0])},
            r"composition must lie between 0 and 1.*got \[0\.5, 0\.0\]",
        ),
        ({"composition": torch.tensor([0.5, 1.0])}, "composition must lie between 0 and 1"),
        ({"composition": torch.tensor([0.5, NAN])}, "composition must be finite"),
        ({"composition": torch.tensor(0.5)}, r"composition must have the shape \(B,\)"),
        ({"composition": torch.empty(0)}, r"composition must have the shape \(B,\)"),
        (
            {"gradient_energy": torch.tensor([1.0, 0.0])},
            r"gradient_energy must be positive; got \[1\.0, 0\.0\]",
        ),
        ({"gradient_energy": torch.tensor([1.0, INF])}, "gradient_energy must be finite"),
        ({"gradient_energy": torch.ones(3)}, "gradient_energy must have one value a field: 2; got 3"),
        ({"gradient_energy": torch.ones(2, 1)}, r"gradient_energy must have the shape \(B,\)"),
        ({"times": []}, "times must name at least one moment"),
        ({"times": [0.0, 1.0]}, "times must be finite and positive"),
        ({"times": [1.0, NAN]}, "times must be finite and positive"),
        ({"times": [1.0, 1.0]}, "times must rise"),
        ({"times": torch.tensor([2.0, 1.0])}, "times must rise"),
        ({"times": torch.tensor(2.0)}, r"times must have the shape \(T,\)"),
        ({"size": (7, 8)}, "size must be at least 8 x 8; got 7 x 8"),
        ({"size": (8, 7)}, "size must be at least 8 x 8; got 8 x 7"),
        ({"first_index": -1}, "first_index must not be negative"),
        ({"noise": -0.1}, "noise must be finite and not negative"),
        ({"noise": NAN}, "noise must be finite and not negative"),
        ({"stabiliser": 0.9}, "stabiliser must be finite and at least 1"),
        ({"dt_start": 0.0}, "dt_start must be finite and positive"),
        ({"dt_growth": 0.99}, "dt_growth must be finite and at least 1"),
        ({"dt_max": 0.01}, "dt_max must be finite and at least dt_start = 0.05; got 0.01"),
        ({"dt_max": INF}, "dt_max must be finite"),
        ({"dtype": torch.float16}, "dtype must be torch.float32 or torch.float64; got torch.float16"),
    ],
)
def test_arguments_out_of_range_are_named(change: dict[str, Any], message: str) -> None:
    composition, gradient_energy = alike(2)
    arguments: dict[str, Any] = {
        "composition": composition,
        "gradient_energy": gradient_energy,
        "times": [1.0],
        "size": (8, 8),
        "seed": 0,
    }
    with pytest.raises(ValueError, match=message):
        simulate(**(arguments | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evolve(torch.zeros(8, 8), torch.ones(1), [1.0]), r"fields must have the shape \(B, H, W\)"),
        (lambda: evolve(torch.full((1, 8, 8), NAN), torch.ones(1), [1.0]), "fields must be finite"),
        (lambda: evolve(torch.zeros(1, 8, 8, dtype=torch.int64), torch.ones(1), [1.0]), "dtype must be"),
        (
            lambda: free_energy(torch.zeros(8), torch.ones(1)),
            r"composition must have the shape \(\.\.\., H, W\)",
        ),
    ],
)
def test_fields_of_the_wrong_kind_are_refused(call: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_field_that_explodes_is_an_error() -> None:
    wild = 100 * initial_composition(*alike(1)[:1], (8, 8), 0, noise=1.0)
    with pytest.raises(FloatingPointError, match="lower dt_max"):
        evolve(wild, torch.ones(1), [100.0])
