"""The energies and the linear theory, each against another way to find it."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.thermodynamics import (
    bulk_driving_force,
    fastest_wavelength,
    free_energy,
    growth_rate,
    spinodal_limits,
)


def wavenumber_squared(height: int, width: int) -> Tensor:
    """(H, W) on the full plane of fft2."""
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64).mul(2 * math.pi) for n in (height, width))
    squared: Tensor = rows.square()[:, None] + columns.square()
    return squared


@pytest.mark.parametrize("size", [(16, 12), (9, 15), (8, 32)])
def test_free_energy_of_one_wave(size: tuple[int, int]) -> None:
    height, width = size
    k = 2 * math.pi * 3 / width
    wave = (0.4 + 0.1 * torch.cos(k * torch.arange(width, dtype=torch.float64))).expand(size)
    bulk = (wave * (1 - wave)).square().sum()
    kappa = torch.tensor(1.7, dtype=torch.float64)
    torch.testing.assert_close(free_energy(wave, kappa), bulk + kappa * height * width * (0.1 * k) ** 2 / 2)


@pytest.mark.parametrize("size", [(8, 10), (9, 10), (10, 9), (9, 11)])
def test_free_energy_counts_every_wave_of_a_noisy_field_once(size: tuple[int, int]) -> None:
    noisy = initial_composition(torch.tensor([0.4]), size, 0, noise=0.2, dtype=torch.float64)
    squared_gradient = (wavenumber_squared(*size) * torch.fft.fft2(noisy).abs().square()).mean(dim=(-2, -1))
    gradient_share = free_energy(noisy, torch.tensor([1.0])) - free_energy(noisy, torch.tensor([0.0]))
    torch.testing.assert_close(gradient_share, squared_gradient)


def test_driving_force_is_the_slope_of_the_bulk_energy() -> None:
    c = torch.linspace(-0.1, 1.1, 64, dtype=torch.float64).reshape(8, 8).requires_grad_()
    (slope,) = torch.autograd.grad(free_energy(c, torch.tensor(0.0)), c)
    torch.testing.assert_close(bulk_driving_force(c), slope)


def test_fastest_wavelength_has_the_greatest_growth_rate() -> None:
    k = torch.linspace(0.01, 1.0, 100_001, dtype=torch.float64)
    for c, kappa in itertools.product((0.25, 0.5, 0.7), (0.5, 2.0)):
        composition, gradient_energy = (torch.tensor(x, dtype=torch.float64) for x in (c, kappa))
        greatest = k[growth_rate(k, composition, gradient_energy).argmax()]
        wavelength = fastest_wavelength(composition, gradient_energy)
        torch.testing.assert_close(wavelength, 2 * math.pi / greatest, rtol=1e-3, atol=0)
    half = fastest_wavelength(torch.tensor(0.5), torch.tensor(4.0))
    torch.testing.assert_close(half, torch.tensor(8 * math.pi))


def test_no_wave_grows_outside_the_spinodal_limits() -> None:
    low, high = spinodal_limits()
    assert low == pytest.approx(0.2113, abs=5e-5)
    assert high == pytest.approx(0.7887, abs=5e-5)
    one = torch.tensor(1.0)
    outside, inside = torch.tensor([low - 0.01, high + 0.01]), torch.tensor([low + 0.01, high - 0.01])
    assert fastest_wavelength(outside, one).isinf().all()
    assert fastest_wavelength(inside, one).isfinite().all()
    assert (growth_rate(torch.tensor(0.05), outside, one) < 0).all()
    assert (growth_rate(torch.tensor(0.05), inside, one) > 0).all()


def test_a_misfit_narrows_the_limits_and_coarsens_the_fastest_wave() -> None:
    low, high = spinodal_limits(0.3)
    one = torch.tensor(1.0, dtype=torch.float64)
    c = torch.tensor([low - 0.001, low + 0.001, high - 0.001, high + 0.001], dtype=torch.float64)
    assert fastest_wavelength(c, one, 0.3).isfinite().tolist() == [False, True, True, False]
    half = one / 2
    torch.testing.assert_close(fastest_wavelength(half, one, 0.75), 2 * fastest_wavelength(half, one))
    k = 2 * math.pi / fastest_wavelength(half, one, 0.3)
    assert growth_rate(k, half, one, 0.3) > growth_rate(0.99 * k, half, one, 0.3)
    assert growth_rate(k, half, one, 0.3) > growth_rate(1.01 * k, half, one, 0.3)
    assert spinodal_limits(1.0) == spinodal_limits(2.0) == (0.5, 0.5)
