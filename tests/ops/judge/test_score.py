"""A score of anything: what a restorer gives is measured, or told as nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.judge.baselines.plain import Plain
from ops.judge.cases import Case, pose
from ops.judge.running import BATCH, bands_of, run
from ops.judge.score import know, score
from schemas.restoration import F32, PRESSURES, Interval, RestoreBatch, Restored

CASES = [
    Case("impute", "abp", (), "gap 30 %"),
    Case("denoise", "ecg", (), "gaussian 15 dB"),
    Case("translate", "ppg", ("ecg",), "absent"),
    Case("translate", "abp", ("ecg", "ppg"), "absent"),
]


@dataclass(frozen=True, kw_only=True)
class Told(Plain):
    """Says what it was given to say, by the row."""

    mean: F32
    width: float = 0.0

    def restore(self, batch: RestoreBatch) -> Restored:
        return self._at(batch, 0.9)

    def bands(self, batch: RestoreBatch, levels: Sequence[float]) -> list[Restored]:
        return [self._at(batch, level) for level in levels]

    def _at(self, batch: RestoreBatch, level: float) -> Restored:
        n, half = len(batch.seeds), np.float32(self.width * level / 2)
        mean = np.resize(self.mean, (n, 500)).astype(np.float32)
        value = mean[:, 0]
        interval = Interval(value, value - half, value + half)
        pressures = dict.fromkeys(PRESSURES, interval) if batch.target == "abp" else {}
        return Restored(mean, mean - half, mean + half, pressures, ["bad"] * n)


def told(mean: F32, width: float = 0.0) -> Told:
    return Told("told", ("impute", "denoise", "translate"), mean=mean, width=width)


def scored(posed, method):
    restored, _ = run(method, posed.batch)
    return score(posed, know(posed), restored, bands_of(method, posed.batch, restored))


def test_the_truth_itself_has_no_error(windows) -> None:
    posed = pose(CASES[3], windows, {})
    figures = scored(posed, told(posed.truth))

    assert (figures["rmse"]["mean"], figures["mae"]["mean"], figures["ks"]["mean"]) == (0, 0, 0)
    assert figures["f1_50"]["mean"] == 1
    assert figures["correlation"]["mean"] == pytest.approx(1)
    assert figures["timing_ms"]["mean"] == figures["hr_error"]["mean"] == 0


def test_ten_mmhg_too_much_is_a_fifth_in_the_units_of_the_paper(windows) -> None:
    posed = pose(CASES[3], windows, {})

    assert scored(posed, told(posed.truth + 10))["rmse"]["mean"] == pytest.approx(0.2, rel=1e-5)


def test_half_of_the_noise_is_six_decibels_gained(windows) -> None:
    posed = pose(CASES[1], windows, {})
    half = (posed.batch.signals["ecg"] + posed.truth) / 2

    assert scored(posed, told(half))["snr_gain_db"]["mean"] == pytest.approx(6.02, abs=0.01)


def test_bands_are_told_at_each_level(windows) -> None:
    """A band of 100 mmHg at 100 % is one of 50 at 50 %, and an error of 30 is beyond that."""
    posed = pose(CASES[3], windows, {})
    bands = scored(posed, told(posed.truth + 30, width=100))["bands"]

    assert [bands[level]["coverage"]["mean"] for level in ("50", "80", "90")] == [0, 1, 1]
    assert bands["50"]["width"]["mean"] == pytest.approx(1, rel=1e-5)


def test_a_window_abstained_from_is_counted_and_not_measured(windows) -> None:
    posed = pose(CASES[3], windows, {})
    mean = posed.truth.copy()
    mean[0] = np.nan
    mean[1, 7] = np.inf
    figures = scored(posed, told(mean))

    assert figures["answered"] == len(mean) - 2
    assert figures["rmse"]["windows"] == len(mean) - 2


def test_more_windows_than_a_batch_come_back_in_order(windows) -> None:
    many = windows.take(np.arange(BATCH + 10) % len(windows))
    batch = pose(CASES[0], many, {}).batch
    restored, seconds = run(told(np.zeros((1, 500), np.float32)), batch)

    assert restored.mean.shape == (BATCH + 10, 500)
    assert seconds > 0


@given(
    st.sampled_from(CASES),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-20, 1.0, 1e11, 1e30]),
    st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 3e38]), max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_whatever_a_restorer_gives_its_figures_are_json(windows, case, seed, height, odd) -> None:
    posed = pose(case, windows.take(slice(0, 4)), {})
    mean = height * np.random.default_rng(seed).standard_normal((3, 500))
    for i, value in enumerate(odd):
        mean[i, seed % 500 :] = value

    json.dumps(scored(posed, told(mean.astype(np.float32))), allow_nan=False)
