import datetime as dt
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.report.grades import MOST_PLACES, OTHERS, grades_by_place, places_of
from ops.report.pressures import abstentions, made_by_kind, pressure_rows
from ops.report.quarantine import quarantine_classes, quarantine_listed
from ops.report.runs import last_runs
from ops.report.sample import sample_strips
from schemas.demographics import Demographic
from schemas.quarantine import Quarantined
from schemas.runs import Run

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
NOBODY = Demographic.create_empty(lazy=True)


def patients(**units: str | None) -> pl.LazyFrame:
    rows = [
        {"dataset": "icu", "record_id": r, "subject_id": r, "care_unit": unit, "run_id": "r"}
        for r, unit in units.items()
    ]
    columns = {name: [row.get(name) for row in rows] for name in Demographic.column_names()}
    return Demographic.validate(pl.DataFrame(columns, strict=False), cast=True).lazy()


def test_grades_are_told_by_care_unit(windows) -> None:
    rows = windows(
        {"record_id": "a", "ecg": [0] * 500},
        {"record_id": "a", "window_index": 1, "ecg": [0] * 500, "ecg_grade": "bad"},
        {"record_id": "b", "ecg": [0] * 500},
    )

    graded = grades_by_place(rows.lazy(), patients(a="micu", b=None))

    micu, other = places_of(graded, "ecg")
    assert (micu.name, micu.grades["good"], micu.grades["bad"]) == ("micu", 1, 1)
    assert (other.name, other.windows) == ("unit not given", 1)


def test_without_units_grades_are_told_by_dataset(windows) -> None:
    graded = grades_by_place(windows({"ppg": [0] * 500}).lazy(), NOBODY)

    assert [place.name for place in places_of(graded, "ppg")] == ["icu"]


@given(st.integers(1, 40))
def test_no_window_is_lost_where_places_are_many(n) -> None:
    graded = pl.DataFrame(
        {
            "place": [f"u{i}" for i in range(n)],
            "modality": "ecg",
            "grade": "good",
            "windows": list(range(1, n + 1)),
        }
    )

    places = places_of(graded, "ecg")

    assert sum(place.windows for place in places) == n * (n + 1) // 2
    assert len(places) == min(n, MOST_PLACES)
    assert (places[-1].name == OTHERS) == (n > MOST_PLACES)


def test_pressures_are_told_by_what_calibrated_them_and_measured_ones_apart(windows, made) -> None:
    seen = windows({"abp": [0] * 500, "sbp": 120.0, "dbp": 80.0, "map": 93.0})
    told = dict.fromkeys(("sbp", "dbp", "map"), 100.0)
    bounds = {f"{p}_lower": 90.0 for p in told} | {f"{p}_upper": 115.0 for p in told}
    filled = made(
        {"calibration": "cuff", "reference_age_s": 60.0, **told, **bounds},
        {"window_index": 1, **told, **bounds},
        {"window_index": 2, "abstained": "range"},
        {"window_index": 3, "task": "denoise", "calibration": None, **told, **bounds},
    )

    rows = pressure_rows(seen.lazy(), filled.lazy())

    assert [(row.kind, row.windows) for row in rows] == [("measured", 1), ("cuff", 1), ("none", 1)]
    assert rows[0].widths["sbp"] is None
    assert rows[1].widths["sbp"] == pytest.approx(25)


def test_abstentions_are_counted_by_reason(made) -> None:
    rows = made(
        {},
        {"window_index": 1, "abstained": "range"},
        {"window_index": 2, "abstained": "range"},
        {"window_index": 3, "abstained": "conditions"},
    )

    reasons = abstentions(rows.lazy()).select("reason", "windows").rows()

    assert reasons == [("range", 2), ("conditions", 1)]
    assert made_by_kind(rows.lazy()).select("made", "abstained").row(0) == (1, 3)


def test_no_count_takes_a_signal(windows, made) -> None:
    """A signal is the most of a row; a million rows are counted without."""
    seen = windows({"abp": [0] * 500, "sbp": 120.0, "dbp": 80.0, "map": 93.0})
    filled = made({"window_index": 1})
    lean, thin = (
        seen.drop("ecg", "ppg", "abp").lazy(),
        filled.drop("samples", "lower", "upper").lazy(),
    )

    assert grades_by_place(lean, NOBODY).equals(grades_by_place(seen.lazy(), NOBODY))
    assert pressure_rows(lean, thin) == pressure_rows(seen.lazy(), filled.lazy())
    assert abstentions(thin).is_empty()
    assert sample_strips(thin).equals(sample_strips(filled.lazy()))


def runs(*told: tuple[str, str, int]) -> pl.LazyFrame:
    """Runs by dataset, flow and the hour that they began at."""
    rows = [
        {
            "run_id": f"{dataset}-{flow}-{hour}",
            "flow": flow,
            "dataset": dataset,
            "source": None,
            "outcome": "done",
            "started_at": NOON + dt.timedelta(hours=hour),
            "seconds": 1.0,
            "config": "{}",
            "versions": "{}",
            "summary": json.dumps({"windows": hour}),
        }
        for dataset, flow, hour in told
    ]
    return Run.cast(pl.DataFrame(rows, schema_overrides={"source": pl.String})).lazy()


def test_the_last_night_of_each_dataset_is_told_with_what_came_after_it() -> None:
    told = runs(
        ("a", "nightly", 1), ("a", "nightly", 5), ("a", "ingest", 3), ("a", "backfill", 7),
        ("b", "ingest", 2), ("b", "backfill", 4), ("a", "withdraw", 9),
    )  # fmt: skip

    chosen = last_runs(told)

    ids = [run.run_id for run in chosen]
    assert ids == ["a-backfill-7", "a-nightly-5", "b-backfill-4", "b-ingest-2"]
    assert chosen[1].number("windows") == 5


def test_a_page_of_a_deidentified_night_does_not_name_its_source() -> None:
    told = runs(("a", "nightly", 1)).with_columns(
        source=pl.lit("/archive/doe"),
        config=pl.lit(json.dumps({"deidentify": True, "source": "/archive/doe", "seed": 1})),
    )

    (run,) = last_runs(told)

    assert run.source == ""
    assert dict(run.config) == {"deidentify": True, "seed": 1}


def test_quarantine_is_told_by_class_and_the_first_are_listed() -> None:
    rows = [
        {"dataset": "icu", "path": f"p{i}", "step": "read", "record_id": f"r{i}", "error": e}
        | {"reason": f"{e} of p{i}", "fingerprint": "", "code_version": "1", "attempts": 1}
        | {"run_id": "r", "created_at": NOON}
        for i, e in enumerate(["Short", "Short", "Torn"])
    ]
    quarantine = Quarantined.cast(pl.DataFrame(rows)).lazy()

    classes = quarantine_classes(quarantine)

    assert [(c["error"], c["inputs"], c["example"]) for c in classes] == [
        ("Short", 2, "Short of p0"),
        ("Torn", 1, "Torn of p2"),
    ]
    assert [row["path"] for row in quarantine_listed(quarantine, most=2)] == ["p0", "p1"]
