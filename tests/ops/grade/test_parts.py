import numpy as np
import pytest

from ops.beats import Beats
from ops.grade import pressure, spectrum, templates
from ops.grade.agreement import agreement

T = np.arange(500) / 125


def beats(peaks: list[int], feet: list[int]) -> Beats:
    index, foot = np.full((2, 1, 20), -1, np.int16)
    index[0, : len(peaks)], foot[0, : len(feet)] = peaks, feet
    whole = index >= 0
    whole[:, 0] = False
    return Beats(index, foot, np.array([len(peaks)], np.int16), whole)


def test_a_sine_has_all_its_power_in_its_own_band() -> None:
    power = spectrum.power(np.sin(2 * np.pi * 10 * T)[None].astype(np.float32))

    assert spectrum.qrs_ratio(power)[0] == pytest.approx(1, abs=1e-3)
    assert spectrum.baseline_ratio(power)[0] == pytest.approx(1, abs=1e-3)
    assert spectrum.pulse_ratio(power)[0] == pytest.approx(0, abs=1e-3)
    assert spectrum.rough_ratio(power, 40)[0] == pytest.approx(0, abs=1e-3)


def test_equal_beats_are_alike_and_their_noise_is_measured() -> None:
    peaks = [50, 150, 250, 350, 450]
    wave = sum(np.exp(-(((np.arange(500) - p) / 3) ** 2)) for p in peaks)
    noise = 0.05 * np.random.default_rng(0).standard_normal(500)
    rows = np.stack([wave, wave + noise]).astype(np.float32)
    twice = beats(peaks, [])
    both = Beats(
        *(
            np.repeat(part, 2, axis=0)
            for part in (twice.index, twice.foot, twice.count, twice.whole)
        )
    )

    found = templates.likeness(rows, np.ones((2, 500), bool), both, "ecg")

    assert found.correlation[0] == pytest.approx(1, abs=1e-4)
    assert found.snr_db[1] == pytest.approx(10 * np.log10(1 / 8 / 0.05**2), abs=1.5)
    assert found.whole.tolist() == [5, 5]


def test_a_single_beat_is_like_nothing() -> None:
    found = templates.likeness(
        np.ones((1, 500), np.float32), np.ones((1, 500), bool), beats([200], []), "ppg"
    )

    assert np.isnan(found.correlation[0])
    assert np.isnan(found.snr_db[0])


def test_a_beat_in_a_gap_does_not_count() -> None:
    observed = np.ones((1, 500), bool)
    observed[0, 195:205] = False

    found = templates.likeness(
        np.zeros((1, 500), np.float32), observed, beats([100, 200, 300], []), "abp"
    )

    assert found.whole[0] == 2


def test_pressures_are_read_at_peaks_and_feet() -> None:
    row = np.interp(
        np.arange(500), [0, 100, 120, 200, 220, 300, 499], [70, 80, 120, 80, 124, 80, 70]
    )

    found = pressure.pressures(row[None].astype(np.float32), beats([120, 220], [100, 200]))

    assert found.sbp[0] == 122
    assert found.dbp[0] == 80
    assert found.map[0] == pytest.approx((80 + 120) / 2, abs=0.5)
    assert found.unsteady[0] == 4
    assert found.upstroke[0] == pytest.approx((2.0 + 2.2) / 2 * 125 / 42, rel=1e-3)


def test_rates_agree_within_a_tenth_or_six_beats() -> None:
    rates = {
        "ecg": np.float32([60, 60, 60, np.nan]),
        "ppg": np.float32([66, 90, np.nan, 70]),
        "abp": np.float32([np.nan, 88, np.nan, np.nan]),
    }

    agrees = agreement(rates)

    assert agrees["ecg"].tolist() == [True, False, True, True]
    assert agrees["ppg"].tolist() == [True, True, True, True]
    assert agrees["abp"].tolist() == [True, True, True, True]
