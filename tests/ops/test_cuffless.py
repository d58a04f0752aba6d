"""The cuff-less set is read by split, and repeated samples are counted once."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ops.cuffless import SCALES, counted_once, physical, read_records
from ops.split import SHARES, split_of
from schemas.modality import MODALITIES

NAMES = [f"r{i}" for i in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"record": name, "block": f"b{i // 2}"} | {m: [i, 2 * i, 3 * i] for m in MODALITIES}
        for i, name in enumerate(NAMES)
    ]
    schema = {m: pl.List(pl.Int16) for m in MODALITIES}
    pl.DataFrame(rows, schema_overrides=schema).write_parquet(tmp_path / "set-0.parquet")
    return tmp_path


def write_groups(folder: Path, overlaps: dict[str, str]) -> None:
    lines = ["record,block,group,seconds,overlaps"]
    lines += [f"{n},b{i // 2},g{i // 4},9,{overlaps.get(n, '')}" for i, n in enumerate(NAMES)]
    (folder / "records.csv").write_text("\n".join(lines) + "\n")


def test_every_record_is_in_one_split_with_all_of_its_group(folder) -> None:
    write_groups(folder, {})
    told = {split: read_records([folder / "set-0.parquet"], split) for split in SHARES}

    assert sorted(r.name for records in told.values() for r in records) == sorted(NAMES)
    for split, records in told.items():
        assert all(split_of(r.group) == split for r in records)


def test_without_groups_a_block_is_one(folder) -> None:
    records = read_records([folder / "set-0.parquet"], "train")

    assert records
    assert {r.group for r in records} == {g for g in (r.group for r in records) if g[0] == "b"}


def test_of_records_that_repeat_samples_the_first_is_read(folder) -> None:
    write_groups(folder, {"r0": "r1", "r1": "r0"})
    told = [r.name for s in SHARES for r in read_records([folder / "set-0.parquet"], s)]

    assert "r0" in told
    assert "r1" not in told


def test_records_that_repeat_samples_are_counted_once(tmp_path) -> None:
    (tmp_path / "records.csv").write_text(
        "record,block,group,seconds,overlaps\na,1,g,8,\nb,1,g,8,a;c\nc,2,g,8,b\n"
    )

    assert counted_once(tmp_path) == {"a": "g", "c": "g"}


def test_signals_come_in_their_order_and_unit(folder) -> None:
    records = [r for s in SHARES for r in read_records([folder / "set-0.parquet"], s)]
    third = next(r for r in records if r.name == "r3")

    assert third.counts.tolist() == [[3, 6, 9]] * 3
    assert third.counts.dtype == np.int16
    expected = [[SCALES[m] * count for count in (3, 6, 9)] for m in MODALITIES]
    np.testing.assert_allclose(physical(third.counts), expected, rtol=1e-6)


def test_a_file_of_another_form_is_refused_by_name(tmp_path) -> None:
    pl.DataFrame({"record": ["a"], "ecg": [[1]]}).write_parquet(tmp_path / "x.parquet")

    with pytest.raises(ValueError, match=r"x\.parquet has no column abp, block, ppg"):
        read_records([tmp_path / "x.parquet"], "train")


def test_the_real_set_has_about_seven_tenths_to_train_on(real_uci) -> None:
    paths = [real_uci / "uci-0.parquet"]
    groups = {s: {r.group for r in read_records(paths, s)} for s in SHARES}

    assert not groups["train"] & groups["test"]
    assert len(groups["train"]) > sum(len(groups[s]) for s in groups if s != "train")
