from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.fill.plan import (
    NEAR_WINDOWS,
    missing_rows,
    shards,
    spans_of,
    spec_sha256,
    stale_rows,
    window_seed,
)
from ops.fill.rules import KEY
from ops.reference.choose import SCHEMA
from schemas.grid import SHARD_WINDOWS

WANTED = {
    "dataset": pl.String,
    "record_id": pl.String,
    "window_index": pl.Int32,
    "subject_id": pl.String,
    "input_sha256": pl.String,
    "modality": pl.String,
    "task": pl.String,
    "conditions": pl.List(pl.String),
    **SCHEMA,
}


def wants(
    indices, *, record_id="a", dataset="ward", modality="abp", task="translate", sha="0"
) -> pl.DataFrame:
    nothing = [None] * len(SCHEMA)
    rows = [
        (dataset, record_id, index, f"subject {record_id}", sha, modality, task, ["ppg"], *nothing)
        for index in indices
    ]
    return pl.DataFrame(rows, schema=WANTED, orient="row")


def there(rows: pl.DataFrame, spec: str) -> pl.LazyFrame:
    return (
        rows.select(*KEY, "input_sha256", "reference_sha256")
        .with_columns(spec_sha256=pl.lit(spec))
        .lazy()
    )


def test_a_shard_is_256_windows_in_the_order_of_time() -> None:
    one, two, three = shards(wants(range(600)).sample(fraction=1, shuffle=True, seed=1))

    assert [(s.first, s.last) for s in (one, two, three)] == [(0, 255), (256, 511), (512, 599)]
    assert one.wants["window_index"].is_sorted()
    assert three.path == "a#windows=512-599"


def test_a_shard_counts_windows_and_not_targets() -> None:
    both = pl.concat([wants(range(256)), wants(range(256), modality="ecg", task="denoise")])
    (one,) = shards(both)

    assert one.wants.height == 512
    assert one.wants["modality"].to_list()[:2] == ["abp", "ecg"]


def test_a_shard_is_of_one_record_of_one_dataset() -> None:
    cut = list(
        shards(pl.concat([wants([0, 1]), wants([0], record_id="b"), wants([5], dataset="other")]))
    )

    assert [(s.dataset, s.record_id, s.first, s.last) for s in cut] == [
        ("other", "a", 5, 5),
        ("ward", "a", 0, 1),
        ("ward", "b", 0, 0),
    ]
    assert cut[2].subject_id == "subject b"


def test_nothing_missing_is_no_shard() -> None:
    assert list(shards(wants([]))) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 900), st.sampled_from(["abp", "ecg"])),
        unique=True,
        max_size=40,
    ),
    st.integers(1, 700),
)
def test_shards_hold_every_want_once_and_at_most_256_windows(some, n) -> None:
    parts = [wants(range(n), record_id="long")]
    parts += [wants([index], record_id=record, modality=m) for record, index, m in some]
    missing = pl.concat(parts)
    cut = list(shards(missing))

    assert all(s.wants["window_index"].n_unique() <= SHARD_WINDOWS for s in cut)
    assert sum(s.wants.height for s in cut) == missing.height
    keys = [s.wants.select("window_index", "modality", record=pl.lit(s.record_id)) for s in cut]
    assert pl.concat(keys).is_unique().all()
    assert len({s.path for s in cut}) == len(cut)


def test_a_fingerprint_changes_with_the_spec_the_input_and_what_is_asked() -> None:
    (shard,) = shards(wants([0]))
    others = [wants([0], sha="1"), wants([0], modality="ecg"), wants([0], task="denoise")]
    fingerprints = {other.fingerprint("spec") for want in others for other in shards(want)}
    (again,) = shards(wants([0]))

    assert again.fingerprint("spec") == shard.fingerprint("spec")
    assert len({*fingerprints, shard.fingerprint("spec"), shard.fingerprint("other")}) == 5


def test_a_spec_changes_with_the_model_the_seed_and_the_age_of_a_reading(sawtooth) -> None:
    other = sawtooth()
    other.model_sha256 = "5b"

    assert spec_sha256(sawtooth(), 0, 60) == spec_sha256(sawtooth(), 0, 60.0)
    asked = [(sawtooth(), 0, 60), (sawtooth(), 1, 60), (sawtooth(), 0, 61), (other, 0, 60)]
    assert len({spec_sha256(*parts) for parts in asked}) == 4


@settings(max_examples=50)
@given(
    st.text(max_size=8),
    st.text(max_size=8),
    st.integers(0, 2**31 - 1),
    st.sampled_from(["ecg", "abp"]),
    st.integers(0, 2**63 - 1),
)
def test_a_seed_is_a_non_negative_int64_of_key_and_run_alone(
    dataset, record_id, index, modality, seed
) -> None:
    made = window_seed(dataset, record_id, index, modality, seed)

    assert 0 <= made < 2**63
    assert made == window_seed(dataset, record_id, index, modality, seed)


def test_every_part_of_a_key_and_the_runs_seed_change_a_seed() -> None:
    keys = [
        ("ward", "a", 0, "abp", 0),
        ("unit", "a", 0, "abp", 0),
        ("ward", "b", 0, "abp", 0),
        ("ward", "a", 1, "abp", 0),
        ("ward", "a", 0, "ecg", 0),
        ("ward", "a", 0, "abp", 1),
    ]

    assert len({window_seed(*key) for key in keys}) == len(keys)


def test_what_is_there_is_not_missing() -> None:
    wanted = wants(range(5))
    missing = missing_rows(wanted.lazy(), there(wanted[:3], "spec"), "spec").collect()

    assert missing.sort("window_index").equals(wanted[3:])


@pytest.mark.parametrize(
    "row",
    [
        wants([0], dataset="other"),
        wants([0], record_id="b"),
        wants([1]),
        wants([0], modality="ecg"),
        wants([0], task="denoise"),
        wants([0], sha="old"),
    ],
)
def test_a_row_of_another_key_or_input_answers_nothing(row) -> None:
    assert missing_rows(wants([0]).lazy(), there(row, "spec"), "spec").collect().height == 1


def test_a_row_of_another_spec_answers_nothing() -> None:
    old = there(wants([0]), "old")

    assert missing_rows(wants([0]).lazy(), old, "spec").collect().height == 1
    assert missing_rows(wants([0]).lazy(), old, "old").collect().is_empty()


def test_a_row_is_stale_where_its_window_is_gone_or_has_changed() -> None:
    windows = pl.concat([wants([0]), wants([1], sha="new")]).lazy()
    stale = stale_rows(windows, there(wants([0, 1, 2]), "spec")).collect()

    assert stale.columns == KEY
    assert sorted(stale["window_index"]) == [1, 2]


def test_a_window_that_nothing_was_made_from_is_not_stale() -> None:
    windows = pl.concat([wants([0]), wants([0], record_id="b")]).lazy()

    assert stale_rows(windows, there(wants([0]), "spec")).collect().is_empty()


def test_windows_near_each_other_are_read_in_one_stretch() -> None:
    assert spans_of([3, 400, 5, 9], beside=1) == [(2, 10), (399, 401)]
    assert spans_of([]) == []


@given(st.lists(st.integers(0, 5000), max_size=40), st.integers(0, 2))
def test_whatever_is_asked_stretches_hold_it_lie_apart_and_are_not_long(indexes, beside) -> None:
    spans = spans_of(indexes, beside)
    read = {i for first, last in spans for i in range(first, last + 1)}

    assert {i + d for i in indexes for d in (-beside, 0, beside)} <= read
    assert all(b[0] - a[1] > NEAR_WINDOWS for a, b in pairwise(spans))
    assert len(read) <= len(set(indexes)) * (NEAR_WINDOWS + 2 * beside + 1)
