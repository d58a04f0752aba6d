"""Windows and readings that the pressure heads learn from, and what is held out from each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flows import train_levels
from flows.train_config import TrainConfig
from flows.train_levels import GIVEN, fit_levels, pairs_of, see
from models.tricardio.levels import LEVELS, QUANTILES
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.judge.windows import Windows

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def windows(made_up_uci) -> Windows:
    return draw(read_timelines([made_up_uci], "train"), 4)


def test_a_group_is_the_same_one_by_whichever_signals_it_is_seen(windows) -> None:
    first = windows.groups == np.unique(windows.groups)[0]
    without = replace(windows, fit={**windows.fit, "ecg": windows.fit["ecg"] & ~first})
    by_ecg, by_ppg = (see(without, (m,)) for m in ("ecg", "ppg"))

    assert 0 not in by_ecg.groups
    assert set(by_ppg.groups) == set(by_ecg.groups) | {0}


def test_a_reading_is_that_of_another_window_of_the_same_group(windows, monkeypatch) -> None:
    monkeypatch.setattr(train_levels, "BY_CHOICE", 1e-9)
    seen = see(windows, ("ecg", "ppg"))
    rows = np.flatnonzero(seen.groups != 1)
    chosen, reading = pairs_of(seen, np.random.default_rng(0), rows, 200, 0.0)
    read = seen.truth[:, 0][None] == reading.sbp[:, None]
    of = np.array([seen.groups[np.flatnonzero(row)[0]] for row in read.numpy()])

    np.testing.assert_array_equal(of, seen.groups[chosen])
    assert 1 not in seen.groups[chosen]
    assert (reading.sbp != seen.truth[chosen, 0]).float().mean() > 0.9
    assert (reading.age_s != 0).all()


def test_a_reading_may_be_that_of_a_choice(windows, monkeypatch) -> None:
    monkeypatch.setattr(train_levels, "BY_CHOICE", 1.0)
    seen = see(windows, ("ecg", "ppg"))
    chosen, reading = pairs_of(
        seen, np.random.default_rng(0), np.arange(len(seen.groups)), 200, 0.0
    )
    first = windows.fit_for("abp", "ecg", "ppg").cuffs["first"]
    there = np.isfinite(first.sbp[chosen])

    assert there.any()
    np.testing.assert_array_equal(reading.sbp.numpy()[there], first.sbp[chosen][there])
    np.testing.assert_allclose(reading.age_s.numpy()[there], first.age_s[chosen][there], atol=1e-3)


def test_windows_without_a_reading_are_as_many_as_asked_for(windows) -> None:
    seen = see(windows, ("ppg",))
    rows = np.arange(len(seen.groups))
    _, reading = pairs_of(seen, np.random.default_rng(0), rows, 1000, 0.3)

    assert reading.sbp.isnan().float().mean() == pytest.approx(0.3, abs=0.05)


def test_the_same_seed_fits_the_same_heads_whatever_was_drawn_before(
    windows, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(train_levels, "STEPS", 2)
    fitted = []
    for before in (1, 2):
        torch.manual_seed(before)
        levels, _ = fit_levels(windows, TrainConfig(data=tmp_path, out=tmp_path))
        fitted.append(levels.state_dict())

    for name, value in fitted[0].items():
        torch.testing.assert_close(value, fitted[1][name], rtol=0, atol=0)


def test_every_group_is_told_by_a_head_that_was_fitted_without_it(
    windows, monkeypatch, tmp_path
) -> None:
    fitted, told_of = [], []
    monkeypatch.setattr(train_levels, "STEPS", 1)
    fit, hold = train_levels._fit, train_levels._held_out

    def watched_fit(head, seen, rows, seed):
        fitted.append({int(g) for one, of in zip(seen, rows, strict=True) for g in one.groups[of]})
        fit(head, seen, rows, seed)

    def watched_hold(head, seen, rows):
        told_of.append((len(fitted) - 1, {int(g) for g in seen.groups[rows]}))
        return hold(head, seen, rows)

    monkeypatch.setattr(train_levels, "_fit", watched_fit)
    monkeypatch.setattr(train_levels, "_held_out", watched_hold)
    levels, held_out = fit_levels(windows, TrainConfig(data=tmp_path, out=tmp_path))

    assert all(not groups & fitted[fold] for fold, groups in told_of)
    assert set().union(*(groups for _, groups in told_of)) == set(range(5))
    assert {one.given for one in held_out} == set(GIVEN)
    assert len(levels.heads) == len(fitted)
    for one in held_out:
        assert one.told.shape == (len(one.groups), len(LEVELS), len(QUANTILES))
        assert one.truth.shape == one.told.shape[:2]
