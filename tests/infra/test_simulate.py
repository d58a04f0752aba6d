import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from infra.demo.simulate import Patient, Strip, draw_patient, reseeded, simulate

FS = 250.0


@pytest.fixture(scope="module")
def strip() -> Strip:
    return simulate(Patient("p1", heart_rate=72, sbp=120, dbp=75, seed=7), 120, FS)


def onset(signal: np.ndarray, around_s: float, fs: float = FS) -> float:
    """Intersect the steepest upstroke after a foot with the foot's own level."""
    first = round((around_s - 0.06) * fs)
    part = signal[first : first + round(0.3 * fs)].astype(float)
    foot = int(part[: round(0.2 * fs)].argmin())
    slope = np.diff(part[foot:])
    steepest = int(slope.argmax())
    return (first + foot + steepest - (part[foot + steepest] - part[foot]) / slope[steepest]) / fs


def variation(strip: Strip) -> float:
    rr = np.diff(strip.beat_times)
    return float(rr.std() / rr.mean())


def test_r_peaks_are_at_the_beat_times(strip: Strip) -> None:
    peaks, _ = find_peaks(strip.ecg, height=0.6, distance=int(0.3 * FS))

    assert len(peaks) == len(strip.beat_times)
    np.testing.assert_allclose(peaks / FS, strip.beat_times, atol=1.01 / FS)


def test_the_pulse_reaches_the_line_after_the_r_peak_and_the_finger_after_the_line(
    strip: Strip,
) -> None:
    beats = slice(1, -2)
    line = [onset(strip.abp, at) for at in strip.abp_feet[beats]]
    finger = [onset(strip.ppg, at) for at in strip.ppg_feet[beats]]
    r_peaks = strip.beat_times[beats]

    assert np.all(np.array(line) - r_peaks > 0.1)
    assert np.all(np.array(finger) - np.array(line) > 0.02)
    assert np.mean(np.array(line) - r_peaks) == pytest.approx(0.18, abs=0.04)


def test_mean_systolic_and_diastolic_pressures_are_the_patients(strip: Strip) -> None:
    peaks, _ = find_peaks(strip.abp, distance=int(0.5 * FS))
    feet, _ = find_peaks(-strip.abp, distance=int(0.5 * FS))

    assert strip.abp[peaks].mean() == pytest.approx(120, abs=2.5)
    assert strip.abp[feet].mean() == pytest.approx(75, abs=2.5)


def test_the_pulse_travels_faster_when_pressure_is_higher(strip: Strip) -> None:
    transit = strip.abp_feet - strip.beat_times

    assert np.corrcoef(transit, strip.sbp + 2 * strip.dbp)[0, 1] == pytest.approx(-1, abs=1e-6)


def test_intervals_shorten_when_the_patient_breathes_in(strip: Strip) -> None:
    middle = (strip.beat_times[1:] + strip.beat_times[:-1]) / 2
    breath = np.interp(middle, np.arange(len(strip.respiration)) / FS, strip.respiration)

    assert np.corrcoef(np.diff(strip.beat_times), breath)[0, 1] < -0.6


def test_the_dicrotic_notch_is_a_dip_after_the_peak(strip: Strip) -> None:
    start = strip.abp_feet[10]
    beat = strip.abp[round(start * FS) : round((start + 0.7) * FS)]
    peak = int(beat.argmax())
    dips, _ = find_peaks(-beat[peak:])

    assert len(dips) >= 1
    assert beat[-1] < beat[peak + dips[0]] < beat[peak]


def test_ectopic_beats_come_early_and_eject_less() -> None:
    strip = simulate(Patient("p1", ectopy=0.1, seed=3), 180, FS)
    rr = np.diff(strip.beat_times)
    early = strip.ectopic[1:]

    assert early.sum() >= 5
    assert rr[early].max() < rr[~early].mean()
    assert (strip.sbp - strip.dbp)[1:][early].mean() < 0.9 * (strip.sbp - strip.dbp).mean()


def test_atrial_fibrillation_is_irregular() -> None:
    sinus = simulate(Patient("p1"), 120, FS)
    fibrillation = simulate(Patient("p1", rhythm="af"), 120, FS)

    spread = [
        np.diff(s.beat_times).std() / np.diff(s.beat_times).mean() for s in (sinus, fibrillation)
    ]
    assert spread[0] < 0.05
    assert spread[1] > 0.15


def test_the_same_patient_gives_the_same_strip_and_another_seed_another_time() -> None:
    patient = draw_patient("p1", 5)

    np.testing.assert_array_equal(simulate(patient, 10, FS).ecg, simulate(patient, 10, FS).ecg)
    assert np.any(simulate(reseeded(patient, 6), 10, FS).ecg != simulate(patient, 10, FS).ecg)


def test_diastolic_above_systolic_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0 < dbp < sbp must hold, got 90, 80 \(p1\)"):
        Patient("p1", sbp=80, dbp=90)


@given(
    seed=st.integers(0, 10**6),
    rate=st.floats(30, 200),
    fs=st.sampled_from([62.4725, 125.0, 360.0]),
    rhythm=st.sampled_from(["sinus", "af"]),
)
@settings(max_examples=40, deadline=None)
def test_whoever_it_is_the_signals_are_whole_and_in_range(
    seed: int, rate: float, fs: float, rhythm: str
) -> None:
    drawn = draw_patient("p1", seed)
    patient = Patient("p1", rate, drawn.sbp, drawn.dbp, seed=seed, rhythm=rhythm, ectopy=0.05)

    strip = simulate(patient, 20.0, fs)

    assert {len(s) for s in (strip.ecg, strip.ppg, strip.abp)} == {round(20 * fs)}
    assert all(np.isfinite(s).all() for s in (strip.ecg, strip.ppg, strip.abp))
    assert 20 < strip.abp.min() < strip.abp.max() < 280
    assert len(strip.beat_times) == pytest.approx(rate / 3, rel=0.12, abs=2.5)
    assert np.all(np.diff(strip.beat_times) > 0)


def test_a_trend_takes_pressures_transit_pulse_and_rate_along() -> None:
    trend = ((0.0, 0.0), (120.0, 0.0), (180.0, -35.0))
    strip = simulate(Patient("p1", sbp=120, dbp=75, seed=7, trend=trend), 300, FS)
    before, after = strip.beat_times < 120, strip.beat_times > 180
    transit = strip.ppg_feet - strip.beat_times
    rr = np.diff(strip.beat_times)

    assert strip.dbp[after].mean() == pytest.approx(75 * 55 / 90, abs=2)
    assert strip.sbp[after].mean() == pytest.approx(120 * 55 / 90, abs=4)
    assert transit[after].mean() - transit[before].mean() == pytest.approx(1.45 * 0.028, abs=0.01)
    assert rr[after[1:]].mean() < 0.93 * rr[before[1:]].mean()


def test_a_trend_changes_the_shape_of_the_fingers_pulse() -> None:
    low, high = (
        simulate(Patient("p1", seed=7, trend=((0.0, change),)), 60, FS) for change in (-30.0, 30.0)
    )

    widths = [np.mean(s.ppg > (s.ppg.min() + s.ppg.max()) / 2) for s in (low, high)]
    assert widths[1] > 1.1 * widths[0]


def test_a_trend_that_leaves_no_pressure_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a mean above 0, got -10 mmHg \(p1\)"):
        Patient("p1", sbp=120, dbp=75, trend=((0.0, -100.0),))
