"""Noise that is made has the size and the band that it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.corrupt.noise import BANDS_HZ, KINDS, noise, noise_of
from schemas.grid import GRID_FS
from schemas.modality import MODALITIES

SAMPLES = 600


@pytest.mark.parametrize("kind", ["wander", "muscle"])
def test_power_lies_in_the_band_of_its_kind(kind) -> None:
    rows = noise_of(kind, 32, SAMPLES, np.random.default_rng(0))
    power = (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(SAMPLES, 1 / GRID_FS)
    low, high = BANDS_HZ[kind]

    # Bursts smear the band a little.
    inside = (frequency >= low - 1) & (frequency <= high + 1)
    assert power[inside].sum() > 0.98 * power.sum()


@given(
    modality=st.sampled_from(MODALITIES),
    n=st.integers(0, 5),
    samples=st.sampled_from([500, 600]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_drawn_is_finite_and_of_unit_size(modality, n, samples, seed) -> None:
    rows = noise(modality, n, samples, np.random.default_rng(seed))

    assert rows.shape == (n, samples)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows.std(axis=1), 1, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_makes_the_same_noise(kind) -> None:
    one, other = (noise_of(kind, 3, SAMPLES, np.random.default_rng(5)) for _ in range(2))

    np.testing.assert_array_equal(one, other)
