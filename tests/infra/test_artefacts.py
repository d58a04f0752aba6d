import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.demo import artefacts
from infra.demo.simulate import Patient, simulate

FS = 125.0
STRIP = simulate(Patient("p1"), 40, FS)
NOISES = {
    "wander": artefacts.wander,
    "muscle": artefacts.muscle,
    "motion": artefacts.electrode_motion,
}


@given(name=st.sampled_from(sorted(NOISES)), snr_db=st.floats(-12, 30), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_noise_is_added_at_the_ratio_that_was_asked(name: str, snr_db: float, seed: int) -> None:
    noise = NOISES[name](len(STRIP.ecg), FS, np.random.default_rng(seed))

    added = artefacts.at_snr(STRIP.ecg, noise, snr_db).astype(np.float64) - STRIP.ecg

    assert 10 * np.log10(np.var(STRIP.ecg) / np.var(added)) == pytest.approx(snr_db, abs=0.05)


def test_lost_samples_are_missing_and_the_rest_is_untouched() -> None:
    lost = artefacts.lost(STRIP.ppg, FS, start_s=10, length_s=2)

    assert np.flatnonzero(np.isnan(lost)).tolist() == list(range(1250, 1500))
    np.testing.assert_array_equal(lost[:1250], STRIP.ppg[:1250])
    assert not np.isnan(STRIP.ppg).any()


def test_a_flat_line_holds_its_first_value() -> None:
    flat = artefacts.flat_line(STRIP.ecg, FS, start_s=4, length_s=1)

    assert set(flat[500:625].tolist()) == {float(STRIP.ecg[500])}


def test_a_flush_shows_the_bags_pressure() -> None:
    flushed = artefacts.flushed(STRIP.abp, FS, start_s=8, length_s=2)

    assert set(flushed[1000:1250].tolist()) == {300.0}
    np.testing.assert_array_equal(flushed[1300:], STRIP.abp[1300:])


def test_a_damped_line_keeps_the_mean_and_loses_the_pulse() -> None:
    damped = artefacts.damped(STRIP.abp, FS)

    assert damped.mean() == pytest.approx(STRIP.abp.mean(), abs=0.5)
    assert np.ptp(damped[500:-500]) < 0.8 * np.ptp(STRIP.abp[500:-500])


def test_a_span_beyond_the_end_stops_at_the_end() -> None:
    assert np.isnan(artefacts.lost(STRIP.ppg, FS, start_s=39, length_s=60)).sum() == 125
    assert not np.isnan(artefacts.lost(STRIP.ppg, FS, start_s=99, length_s=1)).any()
    np.testing.assert_array_equal(artefacts.flat_line(STRIP.ecg, FS, 99, 1), STRIP.ecg)
