import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.resample import grid_span, nearest_sample, resample, source_span

MIMIC_IV_FS = 62.4725 * 4


def sine(hz: float, fs: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * fs)) / fs).astype(np.float32)


def test_a_signal_on_the_grid_passes_untouched() -> None:
    samples = np.array([0.1, np.nan, 0.3, 1e30], np.float32)
    resampled = resample(samples, first=10, fs=125.0, k=9, k_stop=15)

    assert np.array_equal(resampled[1:5], samples, equal_nan=True)
    assert np.isnan(resampled[[0, 5]]).all()


def test_a_gap_stays_missing_and_does_not_leak() -> None:
    samples = np.full(1000, 2.0, np.float32)
    samples[400:600] = np.nan
    resampled = resample(samples, 0, 250.0, 0, 500)

    assert np.isnan(resampled[200:300]).all()
    assert np.allclose(resampled[:200], 2.0)
    assert np.allclose(resampled[300:], 2.0)


def test_an_hour_at_the_true_rate_does_not_drift() -> None:
    first = int(3590 * MIMIC_IV_FS)
    time_s = (first + np.arange(5000)) / MIMIC_IV_FS
    samples = np.sin(2 * np.pi * time_s).astype(np.float32)
    k = 3600 * 125
    resampled = resample(samples, first, MIMIC_IV_FS, k, k + 125)

    expected = np.sin(2 * np.pi * np.arange(k, k + 125) / 125)
    assert np.abs(resampled - expected).max() < 1e-4


@pytest.mark.parametrize("fs", [62.4725, 100.0, MIMIC_IV_FS, 250.0, 360.0, 1000.0])
@pytest.mark.parametrize("hz", [0.5, 5.0, 20.0])
def test_what_the_grid_can_hold_is_kept(fs: float, hz: float) -> None:
    resampled = resample(sine(hz, fs, 12), 0, fs, 0, 1500)

    expected = np.sin(2 * np.pi * hz * np.arange(1500) / 125)
    inner = slice(250, 1250)
    assert np.abs(resampled[inner] - expected[inner]).max() < 5e-4


@pytest.mark.parametrize("fs", [249.89, 250.0, 360.0, 1000.0])
def test_what_the_grid_can_not_hold_is_removed(fs: float) -> None:
    resampled = resample(sine(75.0, fs, 12), 0, fs, 0, 1500)

    assert np.abs(resampled[250:1250]).max() < 1e-3


@pytest.mark.parametrize("fs", [1.0, 100_000.0])
def test_an_odd_rate_is_evaluated_in_bounded_memory(fs: float) -> None:
    samples = np.ones(int(4 * fs), np.float32)
    resampled = resample(samples, 0, fs, 0, 500)

    assert np.nanmin(resampled) == pytest.approx(1.0, abs=1e-5)
    assert np.nanmax(resampled) == pytest.approx(1.0, abs=1e-5)


def test_a_rate_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="fs must be in"):
        resample(np.zeros(3, np.float32), 0, 1e-9, 0, 3)


rates = st.sampled_from([62.4725, 125.0, MIMIC_IV_FS, 250.0, 360.0, 1000.0])


@settings(max_examples=30, deadline=None)
@given(rates, st.integers(0, 10**7), st.integers(1, 400), st.integers(0, 2**31))
def test_pieces_give_the_same_floats_as_the_whole(
    fs: float, k: int, length: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    first, stop = source_span(k, k + 500, fs)
    samples = random.normal(size=stop - first).astype(np.float32)
    samples[random.random(len(samples)) < 0.1] = np.nan
    whole = resample(samples, first, fs, k, k + 500)
    pieces = []
    for start in range(k, k + 500, length):
        piece_stop = min(start + length, k + 500)
        a, b = source_span(start, piece_stop, fs)
        pieces.append(resample(samples[a - first : b - first], a, fs, start, piece_stop))

    assert np.array_equal(np.concatenate(pieces), whole, equal_nan=True)


@settings(max_examples=30, deadline=None)
@given(rates, st.integers(0, 10**8), st.integers(1, 10**6))
def test_neighbouring_segments_share_no_grid_sample(fs: float, first: int, length: int) -> None:
    k, k_stop = grid_span(first, first + length, fs)
    following, _ = grid_span(first + length, first + length + 1, fs)
    ends = nearest_sample(np.array([k - 1, k, k_stop - 1, k_stop], np.int64), fs)

    assert following == k_stop
    assert k == 0 or ends[0] < first
    assert ends[1] >= first
    assert ends[2] < first + length <= ends[3]
