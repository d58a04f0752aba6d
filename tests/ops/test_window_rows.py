import hashlib
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ops.encode import decode_counts
from ops.grade import GRADER_VERSION, grade_windows
from ops.window_block import WindowBlock
from ops.window_rows import signal_list, window_rows
from schemas.grid import MISSING
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.windows import Window

SAMPLES = 500
LEADS: dict[Modality, str] = {"ecg": "II", "ppg": "PLETH", "abp": "ABP"}


def block(
    signals: dict[Modality, np.ndarray], step: float = 0.5, index: list[int] | None = None
) -> WindowBlock:
    """A block of what is given, (n, 500) a modality; the others are absent."""
    n = len(next(iter(signals.values())))
    rows = {
        m: np.asarray(signals.get(m, np.full((n, SAMPLES), np.nan)), np.float32) for m in MODALITIES
    }
    there = {m: np.atleast_1d(np.isfinite(rows[m]).any(axis=1)) for m in MODALITIES}
    return WindowBlock(
        window_index=np.array(range(n) if index is None else index, np.int32),
        signals=rows,
        steps={m: np.where(there[m], np.float32(step), np.float32(np.nan)) for m in MODALITIES},
        units={m: [UNITS[m] if t else None for t in there[m]] for m in MODALITIES},
        leads={m: [LEADS[m] if t else None for t in there[m]] for m in MODALITIES},
        exact={m: there[m].copy() for m in MODALITIES},
    )


def rows_of(one: WindowBlock, start_time: datetime | None = None) -> pl.DataFrame:
    return window_rows(
        one, dataset="ward", record_id="a", subject_id="p", start_time=start_time, run_id="run"
    )


def physical(rows: pl.DataFrame, m: Modality) -> np.ndarray:
    """What a reader makes of the stored columns."""
    counts = np.stack([np.asarray(c, np.int16) for c in rows[m].drop_nulls()])
    stored = rows.filter(pl.col(m).is_not_null())
    return decode_counts(counts, stored[f"{m}_scale"].to_numpy(), stored[f"{m}_zero"].to_numpy())


def pressure(n: int = 1) -> np.ndarray:
    """ABP of 75 beats/min between 80 and 120 mmHg in steps of 0.5."""
    t = np.arange(n * SAMPLES) / 125
    wave = 100 + 20 * np.sin(2 * np.pi * 1.25 * t)
    return np.reshape(np.rint(wave * 2) / 2, (n, SAMPLES))


def test_a_row_says_where_it_lies_and_whose_it_is() -> None:
    one = block({"abp": pressure(2)}, index=[0, 3])
    rows = rows_of(one, start_time=datetime.fromisoformat("2896-10-10T00:31"))

    assert rows.columns == Window.column_names()
    assert rows["window_index"].to_list() == [0, 3]
    assert rows["start_s"].to_list() == [0.0, 12.0]
    assert rows["start_time"].to_list() == [
        datetime.fromisoformat("2896-10-10T00:31"),
        datetime.fromisoformat("2896-10-10T00:31:12"),
    ]
    named = rows.select("dataset", "record_id", "subject_id", "run_id", "grader_version").row(1)
    assert named == ("ward", "a", "p", "run", GRADER_VERSION)


def test_a_record_without_a_date_has_no_clock() -> None:
    rows = rows_of(block({"abp": pressure()}))

    assert rows["start_time"].to_list() == [None]


def test_a_clock_is_null_where_no_calendar_reaches() -> None:
    last = datetime.fromisoformat("9999-12-31T23:59:52")
    rows = rows_of(block({"abp": pressure(3)}, index=[0, 1, 2]), start_time=last)

    assert rows["start_time"].to_list() == [
        last,
        datetime.fromisoformat("9999-12-31T23:59:56"),
        None,
    ]
    assert rows["start_s"].to_list() == [0.0, 4.0, 8.0]


def test_whole_steps_come_back_as_they_were() -> None:
    samples = np.arange(SAMPLES, dtype=np.float32)[None] / 2
    samples[0, 7] = np.nan
    rows = rows_of(block({"abp": samples}, step=0.5))

    assert rows["abp_scale"].to_list() == [0.5]
    assert rows["abp_unit"].to_list() == ["mmHg"]
    assert rows["abp_lead"].to_list() == ["ABP"]
    assert rows["abp"][0][7] == MISSING
    assert rows["abp_missing"][0] == pytest.approx(1 / 500)
    assert np.array_equal(physical(rows, "abp"), samples, equal_nan=True)


def test_what_is_absent_has_no_columns_filled() -> None:
    (row,) = rows_of(block({"abp": pressure()})).rows(named=True)

    assert [row[f"ecg_{part}"] for part in ("scale", "zero", "unit", "lead")] == [None] * 4
    assert (row["ecg"], row["ecg_missing"], row["ecg_grade"]) == (None, 1.0, "absent")
    assert row["abp_grade"] != "absent"


def test_a_signal_is_null_where_its_window_has_none() -> None:
    counts = np.array([[1] * SAMPLES, [2] * SAMPLES], np.int16)
    lists = signal_list(counts, np.array([True, False]))

    assert lists.dtype == pl.List(pl.Int16)
    assert lists.to_list() == [[1] * SAMPLES, None]


def test_grading_what_was_stored_gives_the_same_grades() -> None:
    noise = np.random.default_rng(0).normal(0, 3, (3, SAMPLES))
    rows = rows_of(block({"abp": pressure(3) + noise, "ppg": pressure(3) / 100}))
    again = grade_windows(
        {
            m: physical(rows, m)
            if rows[m].null_count() == 0
            else np.full((3, SAMPLES), np.nan, np.float32)
            for m in MODALITIES
        },
        {m: rows[f"{m}_unit"].to_list() for m in MODALITIES},
        {m: np.where(rows[m].is_null(), np.nan, 0.5).astype(np.float32) for m in MODALITIES},
    )

    assert rows.select(again.columns).equals(
        Window.cast(rows.with_columns(again)).select(again.columns)
    )


def test_the_hash_is_of_what_a_model_reads() -> None:
    samples = pressure()
    touched = samples.copy()
    touched[0, 250] += 0.5
    other_unit = block({"abp": samples})
    other_unit.units["abp"][0] = "NU"
    same = rows_of(block({"abp": samples}))["input_sha256"]
    hashes = [
        same[0],
        rows_of(block({"abp": touched}))["input_sha256"][0],
        rows_of(block({"abp": samples + 10}))["input_sha256"][0],
        rows_of(other_unit)["input_sha256"][0],
    ]

    assert len(set(hashes)) == 4
    assert all(len(h) == len(hashlib.sha256().hexdigest()) for h in hashes)
    assert rows_of(block({"abp": samples}, index=[9]))["input_sha256"][0] == same[0]


@settings(max_examples=25, deadline=None)
@given(
    drawn=st.dictionaries(
        st.sampled_from(MODALITIES),
        arrays(
            np.float32,
            (2, SAMPLES),
            elements=st.floats(-1e6, 1e6, width=32) | st.just(float("nan")),
            fill=st.floats(-500, 500, width=32),
        ),
        min_size=1,
    ),
    step=st.sampled_from([1e-3, 0.5, 1.0]),
)
def test_whatever_goes_in_rows_satisfy_their_schema(
    drawn: dict[Modality, np.ndarray], step: float
) -> None:
    present = np.any([np.isfinite(rows).any(axis=1) for rows in drawn.values()], axis=0)
    kept = {m: rows[present] for m, rows in drawn.items()}
    if present.any():
        rows = Window.validate(rows_of(block(kept, step)))
        for m, samples in kept.items():
            there = np.isfinite(samples).any(axis=1)
            error = np.abs(physical(rows, m) - samples[there]) if there.any() else np.zeros((0, 1))
            half = rows[f"{m}_scale"].drop_nulls().to_numpy()[:, None] / 2
            # Scale and zero are float32: they round by the largest of their row.
            largest = np.nanmax(np.abs(samples[there]), axis=1, keepdims=True, initial=0)
            assert (np.isnan(error) | (error <= half + 1e-6 * largest)).all()
