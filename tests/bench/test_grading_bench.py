from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench import grading
from bench.grading_signals import CleanEcg
from bench.grading_trials import add_noise, failing_signals, is_caught, noise_power, plant, roc_area


def test_noise_is_scaled_as_nst_scales_it() -> None:
    clean = CleanEcg(np.zeros((4, 500), np.float32), qrs_power=2.0**2 / 8)
    noise = np.tile(np.float32([3, -3]), 5000)

    noisy = add_noise(clean, noise, 0, np.random.default_rng(0))

    assert noise_power(noise) == pytest.approx(9, rel=0.01)
    assert (noisy**2).mean() == pytest.approx(0.5, rel=0.01)


def test_the_area_is_the_chance_of_the_right_order() -> None:
    higher, lower = np.float32([0.9, 0.5]), np.float32([0.5, 0.1])

    assert roc_area(higher, lower) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_a_planted_fault_lasts_a_second_or_more() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 500)).astype(np.float32)

    clipped = plant(rows, "clipped above", np.random.default_rng(0))
    missing = plant(rows, "missing", np.random.default_rng(0))

    assert ((clipped == clipped.max(axis=1, keepdims=True)).sum(axis=1) >= 125).all()
    assert (np.isnan(missing).sum(axis=1) >= 125).all()
    assert not np.isnan(rows).any()


def test_a_missing_stretch_is_caught_when_it_is_not_good() -> None:
    grades = pl.Series(["good", "fair", "bad", "bad"])

    assert is_caught(grades, "missing") == 0.75
    assert is_caught(grades, "flat") == 0.5


def test_the_index_names_what_fails() -> None:
    sound = {
        "sigs": "II|PLETH|ABP",
        **{f"{k}_{m}": 0.0 for k in ("nan", "flat") for m in ("PLETH", "ABP")},
        **dict.fromkeys(("hr_ecg", "hr_PLETH", "hr_ABP"), 80.0),
        "abp_p50": 85.0,
        "abp_p99": 130.0,
    }

    assert failing_signals(sound) == []
    assert failing_signals(sound | {"sigs": "II|PLETH"}) == ["abp"]
    assert failing_signals(sound | {"flat_PLETH": 0.3}) == ["ppg"]
    assert failing_signals(sound | {"hr_PLETH": 100.0}) == ["ppg"]


def test_faults_planted_in_real_windows_are_caught(real_uci: Path) -> None:
    report = grading.faults(real_uci.parent, records=4)

    assert report.bars
    assert all(bar.met for bar in report.bars)
