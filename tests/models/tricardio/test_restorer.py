"""TriCardio as a restorer: weights made up, so that its signals mean nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from models.tricardio.calibration import Calibration, Correction, key_of
from models.tricardio.checkpoint import Checkpoint
from models.tricardio.restorer import TriCardioRestorer
from ops.features import described
from ops.judge.rows import take_rows
from ops.restored import from_made
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import PRESSURES, Cuff, RestoreBatch, Restored, Task

T = np.arange(-50, 550) / 125

pytestmark = pytest.mark.usefixtures("one_thread")


Make = Callable[..., Checkpoint]


def corrected(make: Make, **corrections: Correction) -> Checkpoint:
    return make(calibration=Calibration(corrections=corrections))


def restorer_of(known: Checkpoint, code: str = "code") -> TriCardioRestorer:
    return TriCardioRestorer(known, 2, 3, from_made, described, code_sha256=code, rows=8)


@pytest.fixture(scope="module")
def restorer(small_tricardio) -> TriCardioRestorer:
    return restorer_of(small_tricardio())


def batch_of(
    task: Task = "translate",
    target: Modality = "abp",
    given: tuple[Modality, ...] = ("ecg", "ppg"),
    n: int = 5,
    cuff: Cuff | None = None,
) -> RestoreBatch:
    rng = np.random.default_rng(0)
    rate = rng.uniform(0.9, 1.6, (n, 1))
    wide = {
        "ecg": np.exp(-(((T * rate % 1) - 0.3) ** 2) / 0.001),
        "ppg": 2 + np.sin(2 * np.pi * rate * T),
        "abp": 90 + 20 * np.sin(2 * np.pi * rate * T + 0.5),
    }
    wide = {m: (x + 0.01 * rng.normal(size=x.shape)).astype(np.float32) for m, x in wide.items()}
    if task == "translate":
        wide[target][:] = np.nan
    elif task == "impute":
        wide[target][:, 200:350] = np.nan
    return RestoreBatch(
        task=task,
        target=target,
        conditions=given,
        signals={m: x[:, 50:550] for m, x in wide.items()},
        grades={m: ["good"] * n for m in MODALITIES},
        hr=np.full(n, 70, np.float32),
        seeds=np.arange(n, dtype=np.int64) * 7919,
        usual={m: np.full((n, 2), np.nan, np.float32) for m in MODALITIES},
        units={m: [UNITS[m]] * n for m in MODALITIES},
        before={m: x[:, :50] for m, x in wide.items()},
        after={m: x[:, 550:] for m, x in wide.items()},
        cuff=cuff,
    )


def asked(batch: RestoreBatch) -> tuple[Task, Modality, tuple[Modality, ...]]:
    return batch.task, batch.target, batch.conditions


def cuff_of(batch: RestoreBatch, sbp: float) -> Cuff:
    n = len(batch.seeds)
    signals = {m: batch.signals[m] for m in batch.conditions}
    each = [np.full(n, value, np.float32) for value in (sbp, sbp / 2, 300)]
    return Cuff(*each, signals)


def same(one: Restored, other: Restored, rtol: float = 1e-5) -> None:
    for name in ("mean", "lower", "upper"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=1e-4)
    for name, interval in one.pressures.items():
        np.testing.assert_allclose(interval.value, other.pressures[name].value, rtol=rtol)


@pytest.mark.parametrize("task", ["translate", "impute", "denoise"])
@pytest.mark.parametrize("target", MODALITIES)
def test_every_task_is_answered_with_a_band_around_the_mean(restorer, task, target) -> None:
    given = tuple(m for m in MODALITIES if m != target)
    told = restorer.restore(batch_of(task, target, given))

    assert told.mean.shape == (5, 500)
    assert (told.lower <= told.mean).all()
    assert (told.mean <= told.upper).all()
    assert set(told.pressures) == (set(PRESSURES) if target == "abp" else set())


def test_a_measured_sample_of_an_imputed_signal_stays_to_the_bit(restorer) -> None:
    batch = batch_of("impute", "ecg", ())
    told = restorer.restore(batch)
    kept = np.isfinite(batch.signals["ecg"])

    for side in (told.mean, told.lower, told.upper):
        np.testing.assert_array_equal(side[kept], batch.signals["ecg"][kept])
    assert (told.upper > told.lower)[~kept].all()


def test_a_window_is_the_same_whatever_it_is_made_with(restorer) -> None:
    batch = batch_of(n=9)
    together = restorer.restore(batch)
    for rows in (slice(0, 1), slice(3, 9)):
        alone = restorer.restore(take_rows(batch, rows))
        same(alone, take_rows(together, rows))


def test_another_seed_draws_other_samples_and_leaves_the_mean(restorer) -> None:
    batch = batch_of("impute", "abp", ())
    (one,) = restorer.make(batch, (0.9,))
    (other,) = restorer.make(replace(batch, seeds=batch.seeds + 1), (0.9,))

    np.testing.assert_array_equal(one.mean, other.mean)
    assert (one.samples != other.samples).any(axis=(1, 2)).all()


def test_nothing_of_the_target_is_looked_at_where_it_is_to_be_made(restorer) -> None:
    batch = batch_of()
    known = replace(batch, signals={**batch.signals, "abp": np.full((5, 500), 80, np.float32)})

    same(restorer.restore(batch), restorer.restore(known), rtol=0)


def test_nothing_of_what_is_no_condition_is_looked_at(restorer) -> None:
    batch = batch_of(given=("ppg",))
    other = replace(batch, signals={**batch.signals, "ecg": batch.signals["ppg"][::-1].copy()})

    same(restorer.restore(batch), restorer.restore(other), rtol=0)


def test_a_higher_cuff_is_a_higher_pressure(restorer) -> None:
    batch = batch_of()
    low, high = (
        restorer.restore(replace(batch, cuff=cuff_of(batch, sbp))).pressures["sbp"].value
        for sbp in (100, 180)
    )

    assert (high > low).all()


def test_a_pressure_made_from_nothing_lies_within_its_interval_and_levels_nest(restorer) -> None:
    batch = batch_of()
    wide, narrow = restorer.bands(batch, (0.9, 0.5))
    for name in PRESSURES:
        outer, inner = wide.pressures[name], narrow.pressures[name]
        assert (outer.lower <= inner.lower).all()
        assert (inner.lower <= inner.value).all()
        assert (inner.value <= inner.upper).all()
        assert (inner.upper <= outer.upper).all()
    assert (wide.upper - wide.lower >= narrow.upper - narrow.lower).all()


def test_a_correction_of_its_own_case_widens_band_and_interval(small_tricardio) -> None:
    batch = batch_of()
    correction = Correction(widen={"0.9": 2.0}, outward={"0.9": {"sbp": (3.0, 5.0)}})
    plain = restorer_of(small_tricardio()).restore(batch)
    moved = restorer_of(
        corrected(small_tricardio, **{key_of(*asked(batch), cuff=False): correction})
    ).restore(batch)

    np.testing.assert_allclose(
        moved.upper - moved.lower, 2 * (plain.upper - plain.lower), rtol=1e-4
    )
    one, other = plain.pressures["sbp"], moved.pressures["sbp"]
    np.testing.assert_allclose(one.lower - other.lower, 3, atol=1e-3)
    np.testing.assert_allclose(other.upper - one.upper, 5, atol=1e-3)
    np.testing.assert_array_equal(plain.pressures["dbp"].lower, moved.pressures["dbp"].lower)


def test_flat_lines_alone_are_abstained_from(restorer) -> None:
    batch = batch_of(n=3)
    flat = {m: x.copy() for m, x in batch.signals.items()}
    for m in batch.conditions:
        flat[m][1] = 1
    nothing = {m: np.full((3, 50), np.nan, np.float32) for m in MODALITIES}
    told = restorer.restore(replace(batch, signals=flat, before=nothing, after=nothing))

    assert told.grade[1] == "absent"
    assert np.isnan(told.mean[1]).all()
    assert np.isnan(told.pressures["sbp"].value[1])
    assert np.isfinite(told.mean[[0, 2]]).all()


@pytest.mark.parametrize("task", ["impute", "denoise"])
def test_a_pressure_without_a_unit_is_not_mended(restorer, task) -> None:
    batch = batch_of(task, "abp", ("ecg",), n=2)
    told = restorer.restore(replace(batch, units={**batch.units, "abp": ["NU", "mmHg"]}))

    assert told.grade[0] == "absent"
    assert np.isfinite(told.mean[1]).all()


def test_a_result_is_another_by_calibration_and_code(small_tricardio) -> None:
    known = small_tricardio()
    others = [
        restorer_of(known),
        restorer_of(corrected(small_tricardio, a=Correction(widen={"0.9": 2.0}))),
        restorer_of(known, code="other"),
    ]

    assert len({one.model_sha256 for one in others}) == 3


def test_an_ecg_made_from_pulses_has_the_usual_beat_where_beats_are_likely(restorer) -> None:
    batch = batch_of("translate", "ecg", ("ppg",))
    (made,) = restorer.make(batch, (0.9,))

    assert set(np.unique(made.mean).tolist()) == {0.0, 1.0}
    assert (made.upper > made.mean).all()


def test_where_an_r_peak_is_drawn_there_may_be_none(restorer) -> None:
    (made,) = restorer.make(batch_of("translate", "ecg", ("ppg",)), (0.9,))

    assert (made.lower[made.mean == 1] < 0).all()


def test_a_window_without_a_reading_is_told_as_one_of_a_batch_without_cuffs(
    small_tricardio,
) -> None:
    batch = batch_of()
    alone, told = (key_of(*asked(batch), cuff=cuff) for cuff in (False, True))
    moves = {alone: (1.0, 1.0), told: (20.0, 30.0)}
    corrections = {
        key: Correction(widen={"0.9": 1 + up}, outward={"0.9": {"sbp": (down, up)}})
        for key, (down, up) in moves.items()
    }
    restorer = restorer_of(corrected(small_tricardio, **corrections))
    cuff = cuff_of(batch, 130)
    cuff.sbp[2] = np.nan
    without, mixed = (restorer.restore(replace(batch, cuff=one)) for one in (None, cuff))

    same(take_rows(mixed, slice(2, 3)), take_rows(without, slice(2, 3)))
    assert (mixed.pressures["sbp"].lower != without.pressures["sbp"].lower)[[0, 1, 3, 4]].all()


@pytest.mark.parametrize(
    ("sbp", "dbp", "age_s"),
    [(120, 70, np.nan), (70, 120, 60), (1000, 50, 60), (120, -5, 60), (0, 0, 60), (np.inf, 70, 1)],
)
def test_a_reading_that_cannot_be_one_is_none(restorer, sbp, dbp, age_s) -> None:
    batch = batch_of(n=2)
    each = [np.full(2, value, np.float32) for value in (sbp, dbp, age_s)]
    absurd = Cuff(*each, {m: batch.signals[m] for m in batch.conditions})

    same(restorer.restore(replace(batch, cuff=absurd)), restorer.restore(batch), rtol=0)


@pytest.mark.parametrize(("m", "gain"), [("ecg", 1), ("ppg", 100)])
def test_gain_of_the_ppg_and_offsets_have_no_say_in_pressures(restorer, m, gain) -> None:
    batch = batch_of()
    cuff = cuff_of(batch, 130)
    scaled = {**batch.signals, m: gain * batch.signals[m] + 7}
    there = {**cuff.signals, m: gain * cuff.signals[m] + 7}
    one = restorer.restore(replace(batch, cuff=cuff))
    other = restorer.restore(replace(batch, signals=scaled, cuff=replace(cuff, signals=there)))

    for name in PRESSURES:
        np.testing.assert_allclose(
            one.pressures[name].value, other.pressures[name].value, atol=0.05
        )
