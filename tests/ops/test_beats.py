import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.beats import MAX_BEATS, detect_beats, fill_gaps, heart_rate
from schemas.modality import MODALITIES, Modality

FS = 125


def ecg(period_s: float, first_s: float = 0.3) -> np.ndarray:
    """QRS of 80 ms with a T wave of a third of its height, 0.25 s later."""
    t = np.arange(500) / FS
    signal = np.zeros(500)
    for beat in np.arange(first_s, 4, period_s):
        signal += np.exp(-(((t - beat) / 0.015) ** 2)) - 0.3 * np.exp(
            -(((t - beat - 0.03) / 0.015) ** 2)
        )
        signal += 0.33 * np.exp(-(((t - beat - 0.25) / 0.05) ** 2))
    return signal.astype(np.float32)


def pulse(period_s: float, first_s: float = 0.2, notch: float = 0.25) -> np.ndarray:
    """Pulses with a foot at ``first_s`` and each period later, peak 0.15 s after, and a notch."""
    t = np.arange(500) / FS
    signal = np.zeros(500)
    for foot in np.arange(first_s - period_s, 4, period_s):
        since = np.maximum(t - foot, 0)
        signal += (since / 0.15) ** 2 * np.exp(2 * (1 - since / 0.15)) * (since > 0)
        signal += notch * np.exp(-(((t - foot - 0.38) / 0.05) ** 2))
    return signal.astype(np.float32)


@pytest.mark.parametrize("rate", [32, 60, 100, 180, 220])
def test_the_rate_of_a_regular_ecg_is_found(rate: int) -> None:
    beats = detect_beats(ecg(60 / rate)[None], "ecg")

    assert heart_rate(beats)[0] == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("modality", ["ppg", "abp"])
@pytest.mark.parametrize("rate", [32, 60, 100, 150])
def test_the_rate_of_a_regular_pulse_is_found_in_spite_of_its_notch(
    rate: int, modality: Modality
) -> None:
    beats = detect_beats(pulse(60 / rate)[None], modality)

    assert heart_rate(beats)[0] == pytest.approx(rate, rel=0.05)


def test_r_peaks_lie_where_they_were_put() -> None:
    beats = detect_beats(ecg(0.8, first_s=0.4)[None], "ecg")

    np.testing.assert_allclose(beats.index[0, :5], np.array([0.4, 1.2, 2.0, 2.8, 3.6]) * FS, atol=1)
    assert beats.count[0] == 5
    assert (beats.index[0, 5:] == -1).all()
    assert (beats.foot == -1).all()


def test_a_foot_precedes_each_peak() -> None:
    beats = detect_beats(80 + 40 * pulse(0.8, first_s=0.4)[None], "abp")

    told = beats.foot[0] >= 0
    np.testing.assert_allclose(
        beats.foot[0, told], np.array([0.4, 1.2, 2.0, 2.8, 3.6])[: told.sum()] * FS, atol=4
    )
    assert (beats.foot[0, told] < beats.index[0, told]).all()


def test_polarity_and_scale_do_not_matter_for_ecg_and_ppg() -> None:
    for modality, wave in (("ecg", ecg(0.7)), ("ppg", pulse(0.7))):
        upright = detect_beats(wave[None], modality)  # type: ignore[arg-type]
        inverted = detect_beats(-37 * wave[None] + 5, modality)  # type: ignore[arg-type]

        np.testing.assert_array_equal(upright.index, inverted.index)


@pytest.mark.parametrize("modality", MODALITIES)
def test_nothing_beats_in_a_level_or_empty_window(modality: Modality) -> None:
    rows = np.stack([np.full(500, 3.7), np.full(500, np.nan)]).astype(np.float32)

    beats = detect_beats(rows, modality)

    assert (beats.count == 0).all()
    assert np.isnan(heart_rate(beats)).all()


def test_no_beat_lies_on_a_missing_sample() -> None:
    wave = ecg(0.5)
    wave[100:260] = np.nan

    beats = detect_beats(wave[None], "ecg")

    found = beats.index[0, : beats.count[0]]
    assert not ((found >= 100) & (found < 260)).any()
    assert beats.count[0] >= 3


def test_a_gap_is_bridged_by_a_straight_line() -> None:
    filled, observed = fill_gaps(np.array([[np.nan, 1, np.nan, 3, np.nan]], np.float32))

    np.testing.assert_array_equal(filled, [[1, 1, 2, 3, 3]])
    np.testing.assert_array_equal(observed, [[False, True, False, True, False]])


def test_reference_beats_of_the_arrhythmia_database_are_found(real_wfdb) -> None:
    wfdb = pytest.importorskip("wfdb")
    from scipy.signal import resample_poly

    path = str(real_wfdb / "mitdb" / "219")
    wave = resample_poly(wfdb.rdrecord(path, sampto=36000).p_signal[:, 0], 25, 72)
    rows = wave[:12500].reshape(-1, 500).astype(np.float32)
    reference = wfdb.rdann(path, "atr", sampto=36000)
    at = reference.sample[np.isin(reference.symbol, list("NAVF"))] * 125 / 360

    beats = detect_beats(rows, "ecg")

    row, k = np.nonzero(beats.index >= 0)
    found = row * 500 + beats.index[row, k].astype(int)
    distance = np.abs(at[:, None] - found[None])
    assert (distance.min(axis=1) <= 12.5).mean() > 0.97
    assert (distance.min(axis=0) <= 12.5).mean() > 0.97


@given(
    rows=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=1, max_dims=1, min_side=1, max_side=3).map(lambda s: (*s, 500)),
        elements=st.floats(-200, 300, width=32) | st.just(np.nan),
        fill=st.floats(-5, 5, width=32),
    ),
    modality=st.sampled_from(MODALITIES),
)
@settings(max_examples=30, deadline=None)
def test_beats_ascend_within_the_window_and_do_not_depend_on_the_batch(rows, modality) -> None:
    beats = detect_beats(rows, modality)

    assert beats.index.shape == beats.foot.shape == (len(rows), MAX_BEATS)
    for row in range(len(rows)):
        found = beats.index[row, : beats.count[row]]
        assert (np.diff(found) > 0).all()
        assert ((found >= 0) & (found < 500)).all()
        assert (beats.index[row, beats.count[row] :] == -1).all()
        assert np.isfinite(rows[row, found]).all()
        alone = detect_beats(rows[row : row + 1], modality)
        np.testing.assert_array_equal(alone.index[0], beats.index[row])
        np.testing.assert_array_equal(alone.foot[0], beats.foot[row])


@pytest.mark.parametrize("modality", ["ecg", "ppg", "abp"])
def test_the_time_across_a_gap_that_hides_a_beat_is_no_interval(modality: Modality) -> None:
    rows = (ecg(0.8) if modality == "ecg" else pulse(0.8))[None].copy()
    found = detect_beats(rows, modality)
    for hidden in found.index[0][1 : found.count[0] - 1 : 2]:
        rows[0, hidden - 20 : hidden + 20] = np.nan
    left = detect_beats(rows, modality)

    assert left.count[0] < found.count[0]
    assert heart_rate(left)[0] == pytest.approx(75, rel=0.03) or np.isnan(heart_rate(left)[0])


def test_a_beat_that_falls_into_a_short_gap_makes_no_longer_interval() -> None:
    rows = ecg(0.8)[None].copy()
    found = detect_beats(rows, "ecg")
    rows[0, found.index[0, 2] - 1 : found.index[0, 2] + 2] = np.nan
    left = detect_beats(rows, "ecg")

    assert heart_rate(left)[0] == pytest.approx(75, rel=0.03)
    assert left.count[0] == found.count[0] - 1
    assert left.whole.sum() == left.count[0] - 2


def test_a_short_gap_between_beats_costs_no_interval() -> None:
    rows = ecg(0.8)[None].copy()
    found = detect_beats(rows, "ecg")
    middle = (int(found.index[0, 1]) + int(found.index[0, 2])) // 2
    rows[0, middle - 5 : middle + 5] = np.nan
    left = detect_beats(rows, "ecg")

    assert (left.whole == found.whole).all()
