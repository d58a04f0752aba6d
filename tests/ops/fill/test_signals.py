"""Stored windows as physical signals, and what range a record's good windows have nearby."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.fill.plan import FillShard, shards
from ops.fill.rules import COLUMNS, wanted
from ops.fill.signals import beside, physical, usual_ranges
from ops.reference.readings import readings, with_references
from schemas.grid import MARGIN_SAMPLES, MISSING, SHARD_WINDOWS, WINDOW_SAMPLES
from schemas.modality import GRADES, MODALITIES
from schemas.numerics import Numeric

Said = tuple[str, Sequence[int]]
"""A window's grade of ECG, and its first counts; the last of them goes on and on."""


@pytest.fixture(scope="module")
def record(make_windows) -> Callable[..., pl.DataFrame]:
    """Make a record of windows by their index, with ECG alone, in mV a count."""

    def made(said: Mapping[int, Said], scale: float = 1.0, zero: float = 0.0) -> pl.DataFrame:
        windows = make_windows(*[{"ecg": (grade, 0)} for grade, _ in said.values()])
        counts = [[*head, *[head[-1]] * (WINDOW_SAMPLES - len(head))] for _, head in said.values()]
        there = pl.col("ecg").is_not_null()
        return windows.with_columns(
            pl.Series("window_index", list(said), dtype=pl.Int32),
            pl.when(there).then(pl.Series(counts, dtype=pl.List(pl.Int16))).alias("ecg"),
            pl.when(there).then(pl.lit(scale, pl.Float32)).alias("ecg_scale"),
            pl.when(there).then(pl.lit(zero, pl.Float32)).alias("ecg_zero"),
        )

    return made


def usual(
    windows: pl.DataFrame, *index: int, unit: str = "mV", lead: str = "ECG"
) -> list[list[float]]:
    asked = pl.DataFrame(
        {"window_index": index, "ecg_unit": unit, "ecg_lead": lead},
        schema={"window_index": pl.Int32, "ecg_unit": pl.String, "ecg_lead": pl.String},
    )
    found = usual_ranges(windows, asked, "ecg")
    assert found.dtype == np.float32
    assert found.shape == (len(index), 2)
    return found.tolist()


THREE = {0: ("good", [0, 10]), 3: ("good", [-2, 90]), 9: ("good", [14, -10])}


def test_a_usual_range_is_the_median_of_lowest_and_of_highest_values(record) -> None:
    assert usual(record(THREE), 0) == [[-2, 14]]


def test_of_an_even_number_it_is_between_the_two_in_the_middle(record) -> None:
    assert usual(record({**THREE, 4: ("good", [1, 21])}), 0) == [[-1, 17.5]]


def test_a_usual_range_is_in_the_signals_unit(record) -> None:
    assert usual(record(THREE, scale=0.5, zero=100.0), 0) == [[99, 107]]


@pytest.mark.parametrize("grade", ["fair", "bad", "absent"])
def test_only_good_windows_have_a_say(record, grade) -> None:
    assert usual(record({**THREE, 5: (grade, [-999, 999])}), 5) == [[-2, 14]]


def test_missing_samples_have_no_say(record) -> None:
    assert usual(record({0: ("good", [MISSING, 3, MISSING, 7])}), 0) == [[3, 7]]


def test_where_no_window_is_good_there_is_no_usual_range(record) -> None:
    windows = record({0: ("fair", [0, 1]), 1: ("absent", [0])})

    assert np.isnan(usual(windows, 0, 1)).all()
    assert np.isnan(usual(windows.clear(), 0)).all()
    assert usual(windows) == []


def test_a_modality_that_no_window_has_has_no_usual_range(record) -> None:
    windows = record(THREE)

    assert np.isnan(usual_ranges(windows, windows, "ppg")).all()


def test_only_windows_of_the_same_lead_in_the_same_unit_have_a_say(record) -> None:
    windows = record({0: ("good", [-1, 1]), 1: ("good", [-1000, 1000]), 2: ("good", [-3, 3])})
    mixed = windows.with_columns(
        ecg_unit=pl.Series(["mV", "NU", "mV"]), ecg_lead=pl.Series(["II", "II", "V"])
    )

    assert usual(mixed, 9, lead="II") == [[-1, 1]]
    assert usual(mixed, 9, lead="II", unit="NU") == [[-1000, 1000]]
    assert usual(mixed, 9, lead="V") == [[-3, 3]]
    assert np.isnan(usual(mixed, 9, lead="III")).all()


def test_nearby_is_the_same_256_windows_by_index(record) -> None:
    windows = record({255: ("good", [0, 1]), 256: ("good", [0, 2]), 511: ("good", [0, 4])})

    assert usual(windows, 0, 255) == [[0, 1]] * 2
    assert usual(windows, 256, 300, 511) == [[0, 3]] * 3
    assert np.isnan(usual(windows, 512)).all()


def test_a_windows_usual_range_is_its_own_whatever_else_is_asked(record) -> None:
    windows = record({1: ("good", [0, 1]), 300: ("good", [0, 2]), 600: ("bad", [0, 4])})
    asked = [600, 1, 300, 2, 1, 299]
    together = usual(windows, *asked)
    alone = [usual(windows, index)[0] for index in asked]

    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(usual(windows.reverse(), *asked), together)
    np.testing.assert_array_equal(usual(windows[:2], 1, 300), [[0, 1], [0, 2]])


def test_what_lies_beside_a_window_is_the_edges_of_its_neighbours(record) -> None:
    windows = record({3: ("good", [0, 7]), 4: ("bad", [5]), 5: ("fair", [9, 2])}, scale=0.5)
    asked = windows.filter(pl.col("window_index") == 4)
    before, after = beside(windows, asked, "ecg", -1), beside(windows, asked, "ecg", 1)

    assert before.shape == after.shape == (1, MARGIN_SAMPLES)
    assert before[0].tolist() == [3.5] * MARGIN_SAMPLES
    assert after[0, :3].tolist() == [4.5, 1, 1]


def test_a_bad_neighbour_one_of_another_lead_and_none_at_all_are_not_looked_at(record) -> None:
    windows = record({0: ("bad", [1]), 1: ("good", [2]), 2: ("good", [3]), 9: ("good", [4])})
    other = windows.with_columns(ecg_lead=pl.Series(["ECG", "ECG", "V", "ECG"]))
    asked = other.filter(pl.col("window_index").is_in([1, 9]))

    assert np.isnan(beside(other, asked, "ecg", -1)).all()
    assert np.isnan(beside(other, asked, "ecg", 1)).all()


def planned(windows: pl.DataFrame) -> list[FillShard]:
    rows = windows.select(COLUMNS).lazy()
    wants = wanted(rows, translate=["abp"], restore=MODALITIES).collect()
    return list(
        shards(with_references(wants, readings(windows.lazy(), Numeric.create_empty(lazy=True))))
    )


@pytest.mark.parametrize(
    ("index", "span"),
    [
        ([0], (-1, 256)),
        ([255], (-1, 256)),
        ([256, 300], (255, 512)),
        ([250, 260], (-1, 512)),
        ([300, 900], (255, 1024)),
    ],
)
def test_a_shard_reads_all_of_the_blocks_that_it_touches_and_a_window_beside(
    make_windows, index, span
) -> None:
    windows = make_windows(*[{"ecg": ("bad", 0)}] * len(index))
    (shard,) = planned(windows.with_columns(pl.Series("window_index", index, dtype=pl.Int32)))

    assert (shard.first, shard.last) == (index[0], index[-1])
    assert shard.spans == [span]


def test_physical_units_are_counts_by_scale_and_zero(record) -> None:
    windows = record({0: ("good", [MISSING, 2, -4]), 1: ("absent", [0])}, scale=0.5, zero=10.0)
    x = physical(windows, "ecg")

    np.testing.assert_array_equal(x[0, :4], [np.nan, 11, 8, 8])
    assert np.isnan(x[1]).all()
    assert x.dtype == np.float32


HEAD = st.lists(st.integers(MISSING, -MISSING - 1), max_size=3).map(lambda head: [*head, 5])
WINDOW = st.tuples(st.sampled_from(GRADES), HEAD)
INDEX = st.integers(0, 3 * SHARD_WINDOWS)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(INDEX, WINDOW, max_size=8), st.lists(INDEX, max_size=6))
def test_whatever_there_is_the_range_is_that_of_the_good_windows_of_the_block(
    record, said, asked
) -> None:
    found = usual(record(said), *asked)

    for index, ends in zip(asked, found, strict=True):
        good = [
            [count for count in head if count != MISSING]
            for at, (grade, head) in said.items()
            if grade == "good" and at // SHARD_WINDOWS == index // SHARD_WINDOWS
        ]
        expected = [np.median([end(head) for head in good]) for end in (min, max) if good]
        np.testing.assert_array_equal(ends, expected or [np.nan, np.nan])
