"""The classical methods, each on what it can be checked by."""

import numpy as np
import pytest

from ops.judge.baselines.all import baselines
from ops.judge.baselines.curves import curves
from ops.judge.baselines.pressures import last_cuff, patient_mean, population, true_pressures
from ops.judge.cases import Case, all_cases, pose
from ops.judge.running import Banded, run
from ops.judge.score import know, score
from ops.judge.table import judge
from schemas.restoration import PRESSURES

FROM_BOTH = Case("translate", "abp", ("ecg", "ppg"), "absent")
WITH_CUFF = Case("translate", "abp", ("ecg", "ppg"), "absent", "first")
BY_NAME = {method.model_id: method for method in curves()}


def mean_rmse(posed, method) -> float:
    restored, _ = run(method, posed.batch)
    return score(posed, know(posed), restored, {90: restored})["rmse"]["mean"]


@pytest.mark.parametrize("name", ["linear", "cubic spline"])
def test_what_was_measured_stays_to_the_bit(windows, name) -> None:
    batch = pose(Case("impute", "abp", (), "many gaps"), windows, {}).batch
    restored, _ = run(BY_NAME[name], batch)
    kept = np.isfinite(batch.signals["abp"])

    assert np.isfinite(restored.mean).all()
    assert restored.mean[kept].tobytes() == batch.signals["abp"][kept].tobytes()


def test_a_spline_is_nearer_than_a_line_across_short_gaps_of_a_smooth_signal(windows) -> None:
    posed = pose(Case("impute", "abp", (), "many gaps"), windows, {})

    assert mean_rmse(posed, BY_NAME["cubic spline"]) < mean_rmse(posed, BY_NAME["linear"])


@pytest.mark.parametrize("name", ["band-pass", "wavelet"])
def test_white_noise_gets_less(windows, name) -> None:
    posed = pose(Case("denoise", "abp", (), "gaussian 15 dB"), windows, {})
    restored, _ = run(BY_NAME[name], posed.batch)

    told = score(posed, know(posed), restored, {90: restored})
    assert told["snr_gain_db"]["mean"] > 3


def test_a_method_without_a_band_has_no_coverage(windows) -> None:
    posed = pose(Case("denoise", "abp", (), "gaussian 15 dB"), windows, {})
    restored, _ = run(BY_NAME["wavelet"], posed.batch)
    told = score(posed, know(posed), restored, {90: restored})

    assert told["bands"] == {"50": None, "80": None, "90": None}
    assert told["pressures"]["sbp"]["intervals"]["90"] is None


def test_the_last_cuff_is_held(windows) -> None:
    batch = pose(WITH_CUFF, windows, {}).batch
    restored, _ = run(last_cuff(), batch)

    np.testing.assert_array_equal(restored.pressures["sbp"].value, batch.cuff.sbp)
    np.testing.assert_allclose(
        restored.pressures["map"].value, (2 * batch.cuff.dbp + batch.cuff.sbp) / 3, rtol=1e-6
    )


def test_the_patient_mean_leaves_out_the_window_itself(windows) -> None:
    posed = pose(FROM_BOTH, windows, {})
    restored, _ = run(patient_mean(windows), posed.batch)
    true = true_pressures(posed.windows)["sbp"]
    others = true[(posed.windows.groups == posed.windows.groups[0])][1:]

    assert restored.pressures["sbp"].value[0] == pytest.approx(others.mean(), rel=1e-6)


def test_the_population_is_told_with_the_quantiles_of_people(windows, train) -> None:
    method, batch = population(train), pose(FROM_BOTH, windows, {}).batch
    half, most = (told.pressures["sbp"] for told in method.bands(batch, (0.5, 0.9)))

    assert isinstance(method, Banded)
    assert len(set(most.value.tolist())) == 1
    assert (most.lower < half.lower).all()
    assert (half.upper < most.upper).all()


def test_every_case_is_judged_by_every_method_that_can(windows, train) -> None:
    cases = [case for case in all_cases() if case.spoiled.split()[0] != "nst"]
    methods = baselines(windows, train, cases)
    rows = {one.case.name: one for one in judge(cases, windows, {}, methods, [])}

    assert set(rows) == {case.name for case in cases}
    assert set(rows[WITH_CUFF.name].methods) == {
        *("classical-1", "patient mean (oracle)", "last cuff"),
        *("population mean", "boosting", "boosting on pairs"),
    }
    assert "last cuff" not in rows[FROM_BOTH.name].methods
    assert set(rows[FROM_BOTH.name].methods["boosting"]["pressures"]) == set(PRESSURES)
    gap = rows["impute/ecg/gap 30 %/alone"]
    assert set(gap.methods) == {"classical-1", "linear", "cubic spline"}
    assert gap.best_classical == "classical-1"
    assert gap.functional["clean"]["f1_50"]["mean"] == 1
    assert rows[FROM_BOTH.name].functional is None
