"""UniCardio as a restorer: made-up weights, so that its signals mean nothing and are huge."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import t as student

from bench.unicardio_golden import save_made_up
from models.unicardio import restorer as under_test
from models.unicardio.architecture import SLOT_SAMPLES
from models.unicardio.draws import seeded
from models.unicardio.network import UniCardio
from models.unicardio.restorer import UniCardioRestorer
from models.unicardio.samplers import DDIM, DDPM
from models.unicardio.sampling import Sampling
from models.unicardio.tasks import restore, translate
from ops.fill.rules import COLUMNS, wanted
from ops.restored import from_samples
from schemas.modality import GRADES, MODALITIES, UNITS, Modality
from schemas.restoration import F32, TASKS, RestoreBatch, Restored, Task
from schemas.windows import Window

Make = Callable[..., UniCardioRestorer]
T = np.arange(SLOT_SAMPLES) / 125
UNKNOWN = (np.nan, np.nan)
MADE_OF: dict[Modality, tuple[float, float]] = {"ecg": (0, 1), "ppg": (5, 3), "abp": (90, 20)}


pytestmark = pytest.mark.usefixtures("one_thread")


def saved(path: Path, **changed: torch.Tensor) -> str:
    save_made_up(path, **changed)
    return str(path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return saved(tmp_path_factory.mktemp("checkpoint") / "u.safetensors")


@pytest.fixture(scope="module")
def make(checkpoint) -> Make:
    """Make a restorer of two samples and one step; ``told`` replaces that."""

    def made(file: str = checkpoint, sampler=None, n_samples=2, **told: Any) -> UniCardioRestorer:
        told = {"code_sha256": "code", **told}
        return UniCardioRestorer(file, sampler or DDIM(1), n_samples, from_samples, **told)

    return made


@pytest.fixture(scope="module")
def restorer(make) -> UniCardioRestorer:
    """One that takes two windows at a time."""
    return make(chunk=4)


def waves(m: Modality, n: int) -> F32:
    """(n, T) waves that differ from window to window."""
    level, height = MADE_OF[m]
    phase = np.arange(n)[:, None]
    return (level + height * np.sin(2 * np.pi * 1.2 * T + phase)).astype(np.float32)


def ask(
    task: Task, target: Modality, conditions: Sequence[Modality], n: int, **told: Any
) -> RestoreBatch:
    """Ask for a target of ``n`` windows in which everything is there; ``told`` replaces signals."""
    signals = {m: told.get(m, waves(m, n)) for m in MODALITIES}
    return RestoreBatch(
        task=task,
        target=target,
        conditions=tuple(conditions),
        signals=signals,
        grades={m: ["good"] * n for m in MODALITIES},
        hr=np.full(n, 72, np.float32),
        seeds=np.arange(n) + 7,
        usual=dict.fromkeys(MODALITIES, np.full((n, 2), told.get("usual", UNKNOWN), np.float32)),
        units={m: told.get("units", [UNITS[m]] * n) if m == "abp" else [None] * n for m in signals},
    )


def only(batch: RestoreBatch, windows: Sequence[int]) -> RestoreBatch:
    """Take some windows of a batch, in this order."""

    def of(part: Any) -> Any:
        if isinstance(part, dict):
            return {m: of(values) for m, values in part.items()}
        return [part[i] for i in windows] if isinstance(part, list) else part[list(windows)]

    per_window = ("signals", "grades", "hr", "seeds", "usual", "units")
    return replace(batch, **{name: of(getattr(batch, name)) for name in per_window})


def arrays_of(restored: Restored) -> list[F32]:
    parts = [restored.mean, restored.lower, restored.upper]
    for interval in restored.pressures.values():
        parts += [getattr(interval, field.name) for field in fields(interval)]
    return parts


def with_gap(x: F32) -> F32:
    return np.where((T > 1) & (T < 2), np.float32("nan"), x)


def test_samples_are_those_of_the_scaled_signals_in_the_targets_unit(restorer) -> None:
    batch = ask("denoise", "ecg", ["ppg"], 1, usual=(-2, 6))
    network = UniCardio(restorer._weights)
    slots = np.zeros((1, 3, SLOT_SAMPLES), np.float32)
    ppg = batch.signals["ppg"]
    slots[:, 0] = (ppg - ppg.min()) / (ppg.max() - ppg.min()) * 2 - 1
    slots[:, 2] = (batch.signals["ecg"] + 2) / 8 * 2 - 1
    task = restore("ecg", "ppg")
    draws = seeded({task: [7]}, 2, 1)
    expected = Sampling(network, DDIM(1), 2)(torch.from_numpy(slots), [task], draws)[task]

    made = restorer.samples(batch)
    assert made.shape == (1, 2, SLOT_SAMPLES)
    scale = float(expected.std())
    np.testing.assert_allclose((made + 2) / 4 - 1, expected.numpy(), rtol=1e-3, atol=1e-3 * scale)


def test_mean_and_band_are_over_the_samples_and_a_gap_is_what_is_made(restorer) -> None:
    batch = ask("impute", "abp", ["ecg"], 2, abp=with_gap(waves("abp", 2)))
    samples, made = restorer.samples(batch), restorer.restore(batch)
    x = batch.signals["abp"]
    kept = np.isfinite(x)

    for part in (made.mean, made.lower, made.upper):
        assert part[kept].tobytes() == x[kept].tobytes()
    gap = ~kept
    np.testing.assert_allclose(made.mean[gap], samples.mean(axis=1)[gap], rtol=1e-4)
    n = samples.shape[1]
    half = (
        student.ppf(0.95, n - 1)
        * np.sqrt(1 + 1 / n)
        * samples.std(axis=1, ddof=1, dtype=np.float64)
    )
    reach = 1e-4 * np.abs(made.mean[gap]).max()
    np.testing.assert_allclose((made.mean - made.lower)[gap], half[gap], rtol=1e-3, atol=reach)
    np.testing.assert_allclose((made.upper - made.mean)[gap], half[gap], rtol=1e-3, atol=reach)
    assert set(made.pressures) == {"sbp", "dbp", "map"}


@pytest.mark.parametrize("task", TASKS)
def test_windows_that_lack_a_scale_are_abstained_from_and_their_neighbours_unharmed(
    restorer, task
) -> None:
    target: Modality = "abp" if task != "translate" else "ecg"
    given: list[Modality] = ["ppg"] if task != "translate" else ["ppg", "abp"]
    ppg, abp = waves("ppg", 5), with_gap(waves("abp", 5))
    ppg[1] = 5
    batch = ask(task, target, given, 5, ppg=ppg, abp=abp, units=[*["mmHg"] * 3, "NU", "mmHg"])
    made, fit = restorer.restore(batch), [4, 0, 2]

    assert [grade == "absent" for grade in made.grade] == [False, True, False, True, False]
    for part in arrays_of(made):
        assert np.isnan(part[[1, 3]]).all()
    assert np.isfinite(made.mean[fit]).all()
    alone = restorer.restore(only(batch, fit))
    assert [grade == "absent" for grade in alone.grade] == [False] * 3
    for mine, theirs in zip(arrays_of(alone), arrays_of(made), strict=True):
        assert mine.tobytes() == theirs[fit].tobytes()


def test_where_no_window_can_be_told_nothing_is_sampled(make) -> None:
    restorer = make()
    made = restorer.restore(ask("translate", "abp", ["ppg"], 3, ppg=np.ones((3, 500), np.float32)))

    assert made.grade == ["absent"] * 3
    assert np.isnan(made.mean).all()
    assert "_sampling" not in vars(restorer)


def test_a_window_is_made_the_same_whatever_it_comes_with(restorer) -> None:
    batch = ask("translate", "abp", ["ecg", "ppg"], 4)
    whole = restorer.restore(batch)
    order = [3, 1, 2]
    some = restorer.restore(only(batch, order))

    for mine, theirs in zip(arrays_of(some), arrays_of(whole), strict=True):
        assert mine.tobytes() == theirs[order].tobytes()
    assert some.grade == [whole.grade[i] for i in order]


@pytest.mark.parametrize("target", MODALITIES)
def test_what_was_there_of_a_target_that_is_made_changes_nothing(restorer, target) -> None:
    """Three windows of one seed that are alike but for the truth: one restores the same thrice."""
    alike = only(ask("translate", target, [m for m in MODALITIES if m != target], 1), [0, 0, 0])
    truth = np.concatenate([waves(target, 1), -9 * waves(target, 1), waves(target, 1) * np.nan])
    made = restorer.restore(replace(alike, signals={**alike.signals, target: truth}))

    for part in arrays_of(made):
        assert part[1:].tobytes() == part[[0, 0]].tobytes()
    assert len(set(made.grade)) == 1


@pytest.mark.parametrize("target", MODALITIES)
def test_a_modality_that_is_no_condition_changes_nothing(restorer, target) -> None:
    given, unread = (m for m in MODALITIES if m != target)
    alike = only(ask("impute", target, [given], 1, **{target: with_gap(waves(target, 1))}), [0, 0])
    told = np.concatenate([waves(unread, 1), np.full((1, SLOT_SAMPLES), 1e6, np.float32)])
    made = restorer.restore(replace(alike, signals={**alike.signals, unread: told}))

    for part in arrays_of(made):
        assert part[1].tobytes() == part[0].tobytes()


def test_a_seed_decides_a_windows_samples_and_no_others(restorer) -> None:
    batch = ask("translate", "abp", ["ppg"], 2)
    one = restorer.samples(batch)
    other = restorer.samples(replace(batch, seeds=np.array([7, 9])))

    assert one[0].tobytes() == other[0].tobytes()
    assert not np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0, 0], one[0, 1])


def every_want() -> list[tuple[Task, Modality, tuple[Modality, ...]]]:
    """All that the rules can ask for, by asking them about windows of every kind."""
    rows = []
    kinds = list(product(GRADES, [0.0, 0.3, 0.9]))
    for index, (ecg, ppg, abp, hr) in enumerate(product(kinds, kinds, kinds, [None, 72.0])):
        row = dict.fromkeys(COLUMNS) | {"window_index": index, "abp_unit": "mmHg", "hr_abp": hr}
        for m, (grade, missing) in (("ecg", ecg), ("ppg", ppg), ("abp", abp)):
            row |= {f"{m}_grade": grade, f"{m}_missing": missing}
        rows.append(row)
    schema = {c: t for c, t in Window.create_empty().schema.items() if c in COLUMNS}
    asked = wanted(pl.LazyFrame(rows, schema), translate=MODALITIES, restore=MODALITIES)
    found = asked.select("task", "modality", "conditions").collect().rows()
    return sorted({(task, target, tuple(given)) for task, target, given in found})


def test_all_that_the_rules_can_ask_for_is_made(make, monkeypatch) -> None:
    monkeypatch.setitem(under_test.ROWS_AT_ONCE, "cpu", 1)
    restorer = make(n_samples=1)
    wants = every_want()

    assert len(wants) == 33
    for task, target, given in wants:
        x = with_gap(waves(target, 1)) if task == "impute" else waves(target, 1)
        made = restorer.restore(ask(task, target, given, 1, **{target: x}))
        assert restorer.can(task, target)
        assert made.grade[0] in {"fair", "bad"}, (task, target, given)


def test_a_model_is_named_by_its_card_and_the_first_of_its_checksum(restorer) -> None:
    card = restorer._card

    assert restorer.model_id == f"made-up-{card.sha256[:8]}"
    assert len(card.sha256) == 64


@pytest.mark.parametrize(
    ("sampler", "name", "steps"), [(DDIM(), "ddim", 6), (DDIM(3), "ddim", 3), (DDPM(), "ddpm", 50)]
)
def test_a_restorer_tells_how_its_samples_are_drawn(make, sampler, name, steps) -> None:
    restorer = make(sampler=sampler, n_samples=4)

    assert (restorer.sampler, restorer.steps, restorer.n_samples) == (name, steps, 4)


def test_the_hash_is_that_of_weights_code_and_precision(make, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", sys.executable)  # asked for, not run
    bias = torch.full((288,), 0.5)
    changed = saved(tmp_path / "v.safetensors", **{"diffmodel.output_projection1_1.bias": bias})
    restorers = [make(), make(changed), make(code_sha256="other"), make(fast=True)]

    assert len({restorer.model_sha256 for restorer in restorers}) == 4
    assert len({restorer.model_id for restorer in restorers}) == 2


def test_the_hash_is_not_that_of_where_and_in_what_portions_it_runs(make) -> None:
    restorers = [make(), make(device="cuda"), make(chunk=3)]

    assert len({restorer.model_sha256 for restorer in restorers}) == 1


def test_compiled_kernels_without_a_compiler_are_refused_before_the_night(
    make, monkeypatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)

    with pytest.raises(ValueError, match=r"need a C\+\+ compiler; there is none: say --no-fast"):
        make(fast=True)


def test_the_chunk_changes_rounding_alone(make) -> None:
    batch = ask("translate", "abp", ["ppg"], 2)
    together, apart = (make(chunk=chunk).samples(batch) for chunk in (4, 1))

    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-4 * float(apart.std()))


def test_a_checkpoint_is_read_before_anything_is_asked(make, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.safetensors is not there"):
        make(str(tmp_path / "gone.safetensors"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_gpu_makes_the_samples_of_the_cpu_and_the_same_whatever_the_batch(make) -> None:
    batch = ask("impute", "abp", ["ecg", "ppg"], 5, abp=with_gap(waves("abp", 5)))
    gpu = make(device="cuda")
    far, near = gpu.samples(batch), make().samples(batch)

    np.testing.assert_allclose(far, near, rtol=1e-3, atol=1e-3 * float(near.std()))
    assert gpu.samples(only(batch, [3, 1])).tobytes() == far[[3, 1]].tobytes()


def test_a_slot_is_named_by_the_task(restorer) -> None:
    named = under_test._slot_task

    assert named(ask("translate", "abp", ["ecg", "ppg"], 1)) == translate(("ecg", "ppg"), "abp")
    assert named(ask("impute", "abp", [], 1)) == restore("abp")
    assert named(ask("denoise", "ecg", ["ppg"], 1)) == restore("ecg", "ppg")
