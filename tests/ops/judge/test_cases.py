"""What is asked: the same for every method, with nothing given away."""

import numpy as np
import pytest

from ops.judge.cases import Case, all_cases, choose_cases, pose
from ops.judge.noise import noise_power, qrs_power
from ops.judge.spoil import WINDOW, with_gaps, with_noise
from ops.splices import splices
from schemas.modality import MODALITIES

NOISE = {
    kind: np.random.default_rng(i).normal(size=(2, 4000)).cumsum(axis=1).astype(np.float32)
    for i, kind in enumerate(("bw", "em", "ma"))
}
EVERY = {case.name: case for case in all_cases()}


def test_every_pair_and_two_to_one_are_translated() -> None:
    told = {(c.target, c.given) for c in all_cases() if c.task == "translate"}

    assert len(told) == 9


def test_no_two_cases_share_a_name() -> None:
    assert len(EVERY) == len(all_cases())


def test_cases_are_chosen_by_the_start_of_their_names() -> None:
    chosen = choose_cases(["translate/abp/absent/ppg/cuff"], all_cases())

    assert {case.reference for case in chosen} == {"first", "random", "previous"}


def test_a_case_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no case is called dance"):
        choose_cases(["dance"], all_cases())


def test_the_gap_of_the_paper_is_150_samples_in_a_row(windows) -> None:
    posed = pose(EVERY["impute/abp/gap 30 %/alone"], windows, {})
    missing = np.isnan(posed.batch.signals["abp"])

    assert (missing.sum(axis=1) == 150).all()
    assert (np.abs(np.diff(missing.astype(int), axis=1)).sum(axis=1) <= 2).all()


def test_gaussian_noise_of_15_db_is_what_it_says(windows) -> None:
    posed = pose(EVERY["denoise/ppg/gaussian 15 dB/alone"], windows, {})
    noise = posed.batch.signals["ppg"] - posed.truth
    snr_db = 10 * np.log10(posed.truth.var(axis=1) / noise.var(axis=1))

    np.testing.assert_allclose(snr_db, 15, atol=0.01)


@pytest.mark.parametrize("snr_db", [12, 6, 0, -6])
def test_a_known_ratio_in_is_that_ratio_out_as_nst_defines_it(windows, snr_db) -> None:
    posed = pose(EVERY[f"denoise/ecg/nst {snr_db} dB/alone"], windows, NOISE)
    noise = posed.batch.signals["ecg"] - posed.truth
    measured = 10 * np.log10(qrs_power(posed.truth) / noise_power(noise))

    np.testing.assert_allclose(measured, snr_db, atol=0.01)


def test_the_power_of_a_qrs_of_two_millivolts_is_half() -> None:
    x = np.zeros((1, 500), np.float32)
    for at in (100, 200, 300, 400):
        x[0, at - 2 : at + 3] = [0.5, 1.2, 2, 1.2, 0.5]

    assert qrs_power(x)[0] == pytest.approx(0.5)


def test_a_level_that_stays_within_a_second_is_no_noise() -> None:
    assert noise_power(np.repeat([[1.0, 5.0, -3.0, 2.0]], 125, axis=1))[0] == 0


def test_a_window_is_spoiled_alike_whatever_it_comes_with(windows) -> None:
    sides = (windows.before, windows.signals, windows.after)
    wide = np.concatenate([side["ecg"] for side in sides], axis=1)
    for spoil in (
        lambda x, s: with_gaps(x, s, "many gaps"),
        lambda x, s: with_noise(x, s, "nst 6 dB", NOISE),
        lambda x, s: with_noise(x, s, "motion 6 dB", NOISE),
    ):
        together = spoil(wide, windows.seeds)
        alone = spoil(wide[3:4], windows.seeds[3:4])

        assert together[3:4, WINDOW].tobytes() == alone[:, WINDOW].tobytes()


@pytest.mark.parametrize("name", EVERY)
def test_nothing_of_the_clean_target_or_of_what_is_not_given_is_seen(windows, name) -> None:
    case = EVERY[name]
    posed = pose(case, windows, NOISE)
    batch = posed.batch

    assert len(posed.windows) > 0
    for m in MODALITIES:
        sides = (batch.before[m], batch.signals[m], batch.after[m])
        if m in case.given:
            assert batch.signals[m].tobytes() == posed.windows.signals[m].tobytes()
        elif m != case.target or case.task == "translate":
            assert all(np.isnan(side).all() for side in sides)
    if case.task == "denoise":
        assert (batch.signals[case.target] != posed.truth).mean() > 0.9
        assert not (batch.before[case.target] == posed.windows.before[case.target]).any()
    assert (batch.cuff is not None) == bool(case.reference)
    assert np.isnan(batch.hr).all() == (not case.given)


def test_heart_rate_is_that_of_what_is_given(windows) -> None:
    batch = pose(Case("translate", "abp", ("ppg",), "absent"), windows, {}).batch

    np.testing.assert_array_equal(batch.hr, windows.rates["ppg"])


def test_a_splice_is_found_where_time_was_cut_out() -> None:
    t = np.arange(4000) / 125
    whole = np.sin(2 * np.pi * 1.3 * t).astype(np.float32)
    spliced = np.concatenate([whole[:2000], whole[2040:]])

    assert splices([whole]).tolist() == []
    assert splices([whole[: len(spliced)], spliced]).tolist() == [2000]
