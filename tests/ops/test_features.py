"""Features of PPG and ECG: numbers or untold, and no monitor's gain in those that are described."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.demo.simulate import Patient, simulate
from models.tricardio.levels import FEATURES
from ops.beats import detect_beats, heart_rate
from ops.features import described, features
from schemas.restoration import F32

MV = np.ones(6, np.bool_)
NU = ~MV


@pytest.fixture(scope="module")
def signals() -> dict[str, F32]:
    strip = simulate(Patient("a", seed=3), 24.0, 125.0)
    return {m: getattr(strip, m).reshape(6, 500).astype(np.float32) for m in ("ppg", "ecg")}


def test_a_window_has_as_many_as_the_pressure_heads_take(signals) -> None:
    told = features(signals["ppg"], signals["ecg"])

    assert told.shape == (6, FEATURES)
    assert np.isfinite(told).mean() > 0.95
    np.testing.assert_allclose(told[:, 4], heart_rate(detect_beats(signals["ppg"], "ppg")))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-9, 1.0, 1e4, 1e9]))
@settings(max_examples=20, deadline=None)
def test_of_anything_they_are_numbers_or_untold(seed, height) -> None:
    rng = np.random.default_rng(seed)
    ppg, ecg = (height * rng.standard_normal((2, 3, 500))).astype(np.float32)
    ppg[1, :], ecg[2, 100:150] = np.nan, np.nan

    for told in (features(ppg, ecg), described(ppg, ecg, np.array([True, False, True]))):
        assert told.shape == (3, FEATURES)
        assert not np.isinf(told).any()


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (300, -7), (1, 5), (0.3, 0.4)])
def test_gains_and_offsets_are_not_described(signals, gain, offset) -> None:
    ppg, ecg = signals["ppg"], signals["ecg"]
    one = described(ppg, ecg, NU)
    other = described(gain * ppg + offset, gain * ecg + offset, NU)

    np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-2)
    assert np.isnan(one).all(axis=0).sum() == 5


def test_the_size_of_an_ecg_in_mv_is_told_and_its_offset_is_not(signals) -> None:
    ppg, ecg = signals["ppg"], signals["ecg"]
    one, moved, twice = (described(ppg, x, MV) for x in (ecg, ecg + 3, 2 * ecg))
    differ = np.flatnonzero(
        ~np.isclose(one, twice, rtol=0.05, atol=0.05, equal_nan=True).all(axis=0)
    )

    np.testing.assert_allclose(one, moved, rtol=2e-2, atol=2e-2)
    assert differ.tolist() == [34, 39]


def test_a_short_gap_is_bridged_and_a_long_one_not_described(signals) -> None:
    short, long = signals["ppg"].copy(), signals["ppg"].copy()
    short[0, 200:210], long[0, 200:400] = np.nan, np.nan
    whole, bridged, none = (
        described(x, signals["ecg"], MV)[0] for x in (signals["ppg"], short, long)
    )

    assert np.isfinite(bridged[:33]).sum() == np.isfinite(whole[:33]).sum()
    assert np.isnan(none[:33]).all()
    assert np.isfinite(none[33:45]).any()
