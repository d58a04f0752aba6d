"""The classical restorers behind the restorer interface."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ops.restore import ClassicalRestorer
from schemas.modality import GRADES, MODALITIES, Modality
from schemas.restoration import TASKS, RestoreBatch, Restored, Restorer, Task

F32 = NDArray[np.float32]
Ask = Callable[..., RestoreBatch]
Beats = Callable[..., F32]
CASES = list(product(TASKS, MODALITIES))


def others_of(target: Modality) -> tuple[Modality, ...]:
    return tuple(m for m in MODALITIES if m != target)


def take(batch: RestoreBatch, rows: list[int]) -> RestoreBatch:
    return replace(
        batch,
        signals={m: x[rows] for m, x in batch.signals.items()},
        grades={m: [grades[i] for i in rows] for m, grades in batch.grades.items()},
        hr=batch.hr[rows],
        seeds=batch.seeds[rows],
    )


def arrays_of(restored: Restored) -> list[F32]:
    pressures = [p for i in restored.pressures.values() for p in (i.value, i.lower, i.upper)]
    return [restored.mean, restored.lower, restored.upper, *pressures]


def test_it_is_a_restorer(restorer: ClassicalRestorer) -> None:
    interface: Restorer = restorer

    assert interface.model_id == "classical-1"
    assert (interface.sampler, interface.steps, interface.n_samples) == ("none", 0, 1)
    assert len(interface.model_sha256) == 64


@pytest.mark.parametrize(("task", "target"), CASES)
def test_it_can_do_every_task_for_every_modality(
    restorer: ClassicalRestorer, task: Task, target: Modality
) -> None:
    assert restorer.can(task, target)


def test_a_task_without_a_table_is_refused_by_name(tmp_path: Path, ask: Ask, beats: Beats) -> None:
    path = tmp_path / "empty.json"
    path.write_text("{}")
    batch = ask("impute", "abp", beats("abp")[None])

    assert not ClassicalRestorer(path).can("impute", "abp")
    with pytest.raises(ValueError, match="task impute of abp"):
        ClassicalRestorer(path).restore(batch)


def test_tables_over_other_classes_are_refused(tmp_path: Path) -> None:
    part = {"lower": [0.0], "upper": [0.0], "pressures": {}}
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"residuals": {"translate": {"ppg": part}}}))

    with pytest.raises(ValueError, match=r"old.json must have 64 cells for task translate of ppg"):
        ClassicalRestorer(path)


def test_other_tables_have_another_hash(tmp_path: Path, restorer: ClassicalRestorer) -> None:
    path = tmp_path / "empty.json"
    path.write_text("{}")

    assert ClassicalRestorer(path).model_sha256 != restorer.model_sha256


@pytest.mark.parametrize("target", MODALITIES)
def test_a_gap_in_equal_beats_is_filled_with_a_beat(
    restorer: ClassicalRestorer, ask: Ask, beats: Beats, target: Modality
) -> None:
    truth = beats(target)
    x = truth.copy()
    x[170:320] = np.nan

    restored = restorer.restore(ask("impute", target, x[None]))

    error = np.abs(restored.mean[0] - truth).max() / np.ptp(truth)
    assert error < 0.05


def test_a_narrow_band_makes_a_result_fair_and_never_good(
    restorer: ClassicalRestorer, ask: Ask, beats: Beats
) -> None:
    x = beats("abp")
    x[200:215] = np.nan

    restored = restorer.restore(ask("impute", "abp", x[None]))

    width = (restored.upper - restored.lower)[0, 200:215].mean()
    assert width < 0.5 * np.ptp(restored.mean)
    assert restored.grade == ["fair"]


@pytest.mark.parametrize(("task", "target"), CASES)
def test_a_window_with_nothing_known_comes_back_as_nothing(
    restorer: ClassicalRestorer, ask: Ask, task: Task, target: Modality
) -> None:
    nothing = np.full((2, 500), np.nan, dtype=np.float32)

    restored = restorer.restore(ask(task, target, nothing, hr=np.nan))

    assert all(np.isnan(made).all() for made in arrays_of(restored))
    assert restored.grade == ["absent", "absent"]


def test_a_missing_arterial_line_beats_with_the_heart(
    restorer: ClassicalRestorer, ask: Ask
) -> None:
    absent = np.full((1, 500), np.nan, dtype=np.float32)

    restored = restorer.restore(ask("translate", "abp", absent, ("ecg", "ppg")))

    abp = restored.mean[0]
    np.testing.assert_allclose(abp[100:300], abp[200:400], atol=0.1)
    assert restored.grade == ["bad"]
    for name in ("sbp", "dbp", "map"):
        interval = restored.pressures[name]
        assert interval.upper[0] - interval.lower[0] > 20


def test_a_missing_line_stands_at_the_heart_rate_where_no_beat_is_found(
    restorer: ClassicalRestorer, ask: Ask
) -> None:
    absent = np.full((1, 500), np.nan, dtype=np.float32)

    abp = restorer.restore(ask("translate", "abp", absent, hr=75.0)).mean[0]

    np.testing.assert_allclose(abp[:400], abp[100:], atol=1e-3)


@pytest.mark.parametrize("target", MODALITIES)
def test_denoising_brings_equal_beats_nearer_to_the_truth(
    restorer: ClassicalRestorer, ask: Ask, beats: Beats, target: Modality
) -> None:
    truth = beats(target)
    noise = np.random.default_rng(0).standard_normal(500).astype(np.float32) * truth.std()
    x = (truth + noise)[None]

    restored = restorer.restore(ask("denoise", target, x, others_of(target)))

    assert np.std(restored.mean[0] - truth) < 0.5 * np.std(noise)


def test_a_flat_line_can_not_be_denoised(restorer: ClassicalRestorer, ask: Ask) -> None:
    restored = restorer.restore(ask("denoise", "ppg", np.ones((1, 500), dtype=np.float32)))

    assert np.isnan(restored.mean).all()


@pytest.mark.parametrize(("task", "target"), CASES)
def test_a_window_does_not_depend_on_its_batch(
    restorer: ClassicalRestorer, ask: Ask, beats: Beats, task: Task, target: Modality
) -> None:
    rng = np.random.default_rng(1)
    rows = [beats(target, period=rng.uniform(60, 140)) for _ in range(67)]
    x = np.stack(rows) + 0.05 * rng.standard_normal((67, 500)).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[::2, 100:260] = np.nan
    batch = ask(
        task, target, x if task != "translate" else np.full_like(x, np.nan), others_of(target)
    )
    whole = restorer.restore(batch)
    shuffled = rng.permutation(67).tolist()

    for chunk in (shuffled, shuffled[:64], shuffled[:3], *([i] for i in range(12))):
        part = restorer.restore(take(batch, chunk))
        for made, of_whole in zip(arrays_of(part), arrays_of(whole), strict=True):
            np.testing.assert_array_equal(made, of_whole[chunk])
        assert part.grade == [whole.grade[i] for i in chunk]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(CASES),
    arrays(
        np.float32,
        (2, 500),
        elements=st.floats(-300, 300, width=32),
        fill=st.floats(0, 200, width=32),
    ),
    arrays(np.bool_, (2, 500)),
    st.booleans(),
    st.sampled_from([float("nan"), 30.0, 75.0, 190.0]),
)
def test_whatever_goes_in_the_band_holds_the_mean_and_measured_samples_stay(
    restorer: ClassicalRestorer,
    ask: Ask,
    case: tuple[Task, Modality],
    x: F32,
    mask: NDArray[np.bool_],
    given_others: bool,
    hr: float,
) -> None:
    task, target = case
    x = np.where(mask & (task != "translate"), x, np.float32("nan"))

    restored = restorer.restore(ask(task, target, x, others_of(target) if given_others else (), hr))

    spoken = np.array(restored.grade) != "absent"
    assert set(restored.grade) <= set(GRADES) - {"good"}
    for made in (restored.mean, restored.lower, restored.upper):
        assert made.shape == x.shape
        assert made.dtype == np.float32
        assert np.isfinite(made[spoken]).all()
        assert np.isnan(made[~spoken]).all()
        if task == "impute":
            observed = np.isfinite(x)
            assert (made[observed] == x[observed]).all()
    assert (restored.lower[spoken] <= restored.mean[spoken]).all()
    assert (restored.mean[spoken] <= restored.upper[spoken]).all()
    assert set(restored.pressures) == ({"sbp", "dbp", "map"} if target == "abp" else set())
    for interval in restored.pressures.values():
        told = np.isfinite(interval.value)
        assert (interval.lower[told] <= interval.value[told]).all()
        assert (interval.value[told] <= interval.upper[told]).all()
