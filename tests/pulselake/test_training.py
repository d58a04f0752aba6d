import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pulselake
from bench.bytes_read import bytes_read_by
from ops.fill.signals import physical
from ops.lake import Lake
from ops.lake.compact import compact
from schemas.modality import MODALITIES

KEY = ["dataset", "record_id", "window_index"]
ALL = {"train": 1.0}


@pytest.fixture(scope="module")
def everything(demo):
    """All windows of the lake."""
    return demo.dataset("train", shares=ALL)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, stored) -> pulselake.Lake:
    """Two hundred subjects in two datasets, one of them in both."""
    lake = Lake(str(tmp_path_factory.mktemp("crowd") / "lake"))
    named = [("ward", f"s{i}") for i in range(150)] + [("icu", f"s{i}") for i in range(149, 200)]
    rows = [
        stored.head(1).with_columns(
            dataset=pl.lit(dataset), record_id=pl.lit(name), subject_id=pl.lit(name)
        )
        for dataset, name in named
    ]
    lake.put("windows", rows[:100])
    lake.put("windows", rows[100:])
    return pulselake.open(lake.url)


def subjects(dataset) -> set[str]:
    return {item["subject_id"] for item in dataset.__getitems__(range(len(dataset)))}


def keys(items) -> list[tuple[str, str, int]]:
    return [tuple(item[c] for c in KEY) for item in items]


def test_items_are_the_windows_in_physical_units(everything, stored) -> None:
    rows = stored.sort(KEY)
    items = everything.__getitems__(range(len(everything)))

    assert keys(items) == rows.select(KEY).rows()
    for m in MODALITIES:
        expected = physical(rows, m)
        signals = torch.stack([item[m] for item in items])
        masks = torch.stack([item[f"{m}_mask"] for item in items])
        assert signals.dtype == torch.float32
        assert masks.dtype == torch.bool
        np.testing.assert_array_equal(masks, np.isfinite(expected))
        np.testing.assert_allclose(signals, np.nan_to_num(expected), rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(asked=st.lists(st.integers(-164, 163), max_size=20))
def test_windows_come_in_the_order_asked_for(everything, asked) -> None:
    items = everything.__getitems__(asked)

    assert keys(items) == keys([everything[i] for i in asked])


def test_a_number_beyond_the_last_window_is_refused(everything) -> None:
    with pytest.raises(IndexError):
        everything[len(everything)]


def test_a_subject_is_on_one_side_alone(crowd) -> None:
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    sides = [subjects(crowd.dataset(split, shares=shares)) for split in shares]

    assert [len(side) > 20 for side in sides] == [True, True, True]
    assert sum(len(side) for side in sides) == len(set.union(*sides)) == 200
    assert sum(len(crowd.dataset(split, shares=shares)) for split in shares) == 201


def test_subjects_stay_where_they_are_when_others_come(crowd, tmp_path, stored) -> None:
    few = Lake(str(tmp_path / "lake"))
    rows = [stored.head(1).with_columns(subject_id=pl.lit(f"s{i}")) for i in range(0, 150, 3)]
    few.put("windows", [r.with_columns(record_id=pl.col("subject_id")) for r in rows])
    for split in ("train", "validation", "test"):
        before = subjects(pulselake.open(few.url).dataset(split))

        assert before == subjects(crowd.dataset(split)) & {f"s{i}" for i in range(0, 150, 3)}


def test_another_seed_puts_others_to_the_test(crowd) -> None:
    first, second = (subjects(crowd.dataset("test", seed=seed)) for seed in (1, 2))

    assert first == subjects(crowd.dataset("test", seed=1))
    assert first != second


def test_windows_are_chosen_by_any_of_their_columns(demo, stored) -> None:
    good = demo.dataset("train", shares=ALL, where=pl.col("abp_grade") == "good")
    high = demo.dataset("train", shares=ALL, where=pl.col("abp").list.max() > 120)
    tops = np.nanmax(np.nan_to_num(physical(stored, "abp"), nan=-1.0), axis=1)

    assert len(good) == (stored["abp_grade"] == "good").sum()
    assert len(high) == (tops > 120).sum() > 0


def test_a_window_without_any_of_the_signals_is_left_out(demo, stored) -> None:
    abp = demo.dataset("train", shares=ALL, modalities=["abp"])

    assert len(abp) == stored["abp"].count() < stored.height
    assert "ecg" not in abp[0]


def test_synthetic_signals_come_only_when_asked_for_and_flagged(demo, everything) -> None:
    ours = demo.dataset("train", shares=ALL, synthetic="classical-1")
    made = demo.synthetic().filter(task="translate", modality="abp").collect()
    by_key = dict(zip(made.select(KEY).rows(), made["samples"], strict=True))
    flagged = [item for item in ours.__getitems__(range(len(ours))) if item["abp_synthetic"]]

    assert "abp_synthetic" not in everything[0]
    assert len(ours) == len(everything)
    assert sorted(keys(flagged)) == sorted(by_key)
    for key, item in zip(keys(flagged), flagged, strict=True):
        np.testing.assert_allclose(item["abp"], by_key[key], rtol=1e-5)


def loaded(url: str, *, method: str) -> dict[str, list]:
    """Load a lake in a process of its own: this one's threads may not bear a fork."""
    script = Path(__file__).with_name("loading.py")
    command = [sys.executable, str(script), url, method]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(told.stdout)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_may_be_forked_or_spawned(demo_url, everything, method) -> None:
    items = everything.__getitems__(range(len(everything)))
    told = loaded(demo_url, method=method)

    assert sorted(map(tuple, told["keys"])) == sorted(keys(items))
    assert told["abp"] == pytest.approx(sum(item["abp"].sum().item() for item in items), rel=1e-4)


def test_workers_read_a_lake_on_s3(s3_url, demo_url) -> None:
    assert loaded(s3_url, method="fork") == loaded(demo_url, method="fork")


def test_batches_hold_every_window_once_and_read_each_row_group_once(tmp_path, stored) -> None:
    store = Lake(str(tmp_path / "lake"))
    rng = np.random.default_rng(0)
    names = [pl.lit(f"r{i:02}") for i in range(24)]
    for some in (names[:12], names[12:]):
        store.put("windows", [stored.with_columns(record_id=n).unique(KEY) for n in some])
    compact(store.location, "windows")
    many = pulselake.open(store.url).dataset("train", shares=ALL)
    batches = many.batches(32, seed=3)
    _, mixed = bytes_read_by(lambda: [many.__getitems__(batch) for batch in batches])
    plain = rng.permutation(len(many))
    again = pulselake.open(store.url).dataset("train", shares=ALL)
    _, shuffled = bytes_read_by(
        lambda: [again.__getitems__(plain[i : i + 32]) for i in range(0, len(many), 32)]
    )

    assert sorted(i for batch in batches for i in batch) == list(range(len(many)))
    assert {len(batch) for batch in batches[:-1]} == {32}
    assert many.batches(32, seed=4) != batches == many.batches(32, seed=3)
    assert mixed <= shuffled


def test_an_empty_split_is_no_fault(demo) -> None:
    none = demo.dataset("test", shares={"train": 1.0, "test": 0.0})

    assert len(none) == 0
    assert none.batches(8) == []
    assert none.__getitems__([]) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"modalities": ["eeg"]}, r"modalities are some of .*'abp'\), got \['eeg'\]"),
        ({"modalities": []}, r"modalities are some of"),
        ({"shares": {"train": 0.5, "test": 0.4}}, "shares add up to 1, got 0.9"),
        ({"shares": {"tain": 1.0}}, "shares are those of some of"),
        ({"shares": {"train": 1.5, "test": -0.5}}, "none below 0"),
        ({"shares": {"test": 1.0}}, r"split is one of \['test'\], got 'train'"),
        ({"where": pl.col("abp_grde") == "good"}, r"where asks for \['abp_grde'\]"),
        ({"dataset": "wards"}, "has no dataset 'wards'"),
        ({"synthetic": "nobody-1"}, "no model 'nobody-1' has translated"),
    ],
)
def test_what_can_not_be_a_training_set_is_told(demo, wrong, told) -> None:
    with pytest.raises(ValueError, match=told):
        demo.dataset("train", **wrong)
