import re
from datetime import timedelta

import polars as pl
import pytest

from ops.cohort.pressures import SERIES, MixedError, measured, pressures, synthetic
from ops.lake import Lake
from schemas.backfill import Backfill
from tests.ops.cohort.rows import MADE_AT, audited_row, frame_of, made, of_halves, record, window


def biased_audit(windows: int = 2, by: float = 8.0) -> list[dict]:
    """Twenty subjects in either half, whose line reads ``by`` more than the model says."""
    return [
        audited_row(f"{subject}-1", i, 100.0, 100.0 + by, half)
        for subject, half in of_halves(20)
        for i in range(windows)
    ]


def as_audited(rows: list[dict]) -> list[dict]:
    return [window(row["record_id"], row["window_index"], row["true_sbp"]) for row in rows]


def test_both_scans_have_the_same_columns(ward) -> None:
    assert measured(ward).collect_schema() == SERIES
    assert synthetic(ward).collect_schema() == SERIES


def test_a_measured_pressure_has_no_interval_and_its_patient(ward) -> None:
    rows = measured(ward).collect()

    assert rows.height == 20
    assert rows["source"].unique().to_list() == ["measured"]
    assert rows["sbp"].unique().to_list() == [100.0]
    assert rows["care_unit"].unique().to_list() == ["micu"]
    for column in ("sbp_lower", "map_upper", "calibration", "correction", "model_id"):
        assert rows[column].null_count() == 20


def test_no_window_is_measured_and_synthetic(make_lake, tmp_path) -> None:
    windows = [window("a-1", 0, 100.0), window("a-1", 1, None)]
    lake = make_lake(
        tmp_path / "l", windows=windows, backfill=[made("a-1", i, 90.0) for i in (0, 1)]
    )

    assert synthetic(lake).collect()["window_index"].to_list() == [1]


def test_what_was_made_of_a_window_that_has_changed_is_no_answer(make_lake, tmp_path) -> None:
    lake = make_lake(
        tmp_path / "l",
        windows=[window("a-1", 0, None)],
        backfill=[made("a-1", 0, 90.0, input_sha256="before")],
    )

    assert synthetic(lake).collect().is_empty()


def test_the_newest_of_two_models_counts_unless_one_is_named(make_lake, tmp_path) -> None:
    newer = made("a-1", 0, 91.0, model_id="a-model", created_at=MADE_AT + timedelta(days=1))
    lake = make_lake(
        tmp_path / "l", windows=[window("a-1", 0, None)], backfill=[made("a-1", 0, 90.0), newer]
    )

    assert synthetic(lake).collect()["sbp"].to_list() == [91.0]
    assert synthetic(lake, model_id="model-1").collect()["sbp"].to_list() == [90.0]


def test_an_abstention_stays_with_its_reason(ward) -> None:
    (row,) = synthetic(ward).filter(pl.col("abstained").is_not_null()).collect().rows(named=True)

    assert row["abstained"] == "reference_age"
    assert row["sbp"] is None
    assert row["correction"] is None


def test_a_site_whose_lines_read_high_moves_what_is_told(make_lake, tmp_path) -> None:
    audit = biased_audit(by=8.0)
    windows = [*as_audited(audit), window("z-1", 0, None)]
    lake = make_lake(tmp_path / "l", windows=windows, audit=audit, backfill=[made("z-1", 0, 100.0)])
    (row,) = synthetic(lake).collect().rows(named=True)

    assert row["sbp"] == pytest.approx(108.0, abs=0.01)
    assert row["sbp_lower"] <= row["sbp"] <= row["sbp_upper"]
    assert (row["correction"], row["correction_subjects"]) == ("site", 20)


def test_an_audited_window_that_has_changed_since_says_nothing(make_lake, tmp_path) -> None:
    audit = biased_audit()
    windows = [{**row, "input_sha256": "after"} for row in as_audited(audit)]
    lake = make_lake(
        tmp_path / "l",
        windows=[*windows, window("z-1", 0, None)],
        audit=audit,
        backfill=[made("z-1", 0, 100.0)],
    )
    (row,) = synthetic(lake).collect().rows(named=True)

    assert row["sbp"] == 100.0
    assert (row["correction"], row["correction_subjects"]) == ("shipped", 0)


def test_of_a_window_audited_twice_the_newest_run_counts(make_lake, tmp_path) -> None:
    first = biased_audit(by=8.0)
    later = {"run_id": "later", "audited_at": MADE_AT + timedelta(days=1)}
    again = [{**row, **later} for row in biased_audit(by=8.0)]
    again = [
        {**row, **{f"true_{p}": row[f"true_{p}"] - 5 for p in ("sbp", "dbp", "map")}}
        for row in again
    ]
    lake = make_lake(
        tmp_path / "l",
        windows=[*as_audited(first), window("z-1", 0, None)],
        audit=[*first, *again],
        backfill=[made("z-1", 0, 100.0)],
    )

    assert synthetic(lake).collect()["sbp"].item() == pytest.approx(103.0, abs=0.01)


def test_mixing_without_asking_is_refused(ward) -> None:
    with pytest.raises(MixedError, match="don't share a column unless that is asked for"):
        pressures(ward, "measured", "synthetic")
    with pytest.raises(MixedError):
        pressures(ward)


def test_what_is_mixed_says_which_is_which(ward) -> None:
    mixed = pressures(ward, "measured", "synthetic", mix=True).collect()

    assert dict(mixed["source"].value_counts().iter_rows()) == {"measured": 20, "synthetic": 16}


def test_one_source_needs_no_mix_and_another_word_is_none(ward) -> None:
    assert pressures(ward, "measured", "measured").collect().height == 20
    with pytest.raises(ValueError, match="measured or synthetic, got 'made'"):
        pressures(ward, "made")


def test_what_was_made_before_calibrations_were_kept_went_by_no_reading(
    make_lake, tmp_path
) -> None:
    lake = make_lake(tmp_path / "l", windows=[window("a-1", i, None) for i in range(2)])
    rows = [made("a-1", 0, 90.0), made("a-1", 1, 90.0, task="impute")]
    older = frame_of(Backfill, rows).drop("calibration", "reference_age_s", "abstained")
    older = older.drop("reference_sha256")
    older.write_delta(f"{lake.url}/backfill", delta_write_options={"partition_by": ["dataset"]})

    assert synthetic(lake).sort("window_index").collect()["calibration"].to_list() == ["none", None]


def test_a_dataset_that_is_named_is_the_only_one(make_lake, tmp_path) -> None:
    other = {"dataset": "other"}
    lake = make_lake(
        tmp_path / "l",
        windows=[window("a-1", 0, 90.0), window("a-1", 0, 80.0, **other)],
        records=[record("a-1")],
    )

    assert measured(lake, "other").collect()["sbp"].to_list() == [80.0]


def test_an_empty_lake_has_no_pressures(tmp_path) -> None:
    lake = Lake(str(tmp_path / "none"))

    assert pressures(lake, mix=True).collect().is_empty()


def test_no_signal_is_read_for_pressures(ward) -> None:
    plan = pressures(ward, mix=True).explain()
    wide = [
        (int(read), int(there))
        for read, there in re.findall(r"PROJECT (\d+)/(\d+) COLUMNS", plan)
        if int(there) > 30
    ]

    assert len(wide) >= 3
    assert all(there - read >= len(("ecg", "ppg", "abp")) * 5 for read, there in wide)
