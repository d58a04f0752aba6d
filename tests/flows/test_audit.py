import re

import polars as pl
import pytest
from rich.console import Console

from flows.audit import audit
from flows.config import AuditConfig, NightlyConfig
from flows.nightly import nightly
from flows.show import show
from flows.status import lake_status
from flows.summary import RunSummary
from flows.upkeep_config import StatusConfig
from infra.demo.ward import write_ward
from ops.audit.current import current_audit
from ops.lake import Lake
from schemas.audit import Audit
from schemas.demographics import Demographic
from schemas.numerics import Numeric


@pytest.fixture(scope="module")
def monitored_night(tmp_path_factory) -> tuple[NightlyConfig, RunSummary]:
    """A night by the model on eight subjects with lines and cuffs."""
    folder = tmp_path_factory.mktemp("monitored")
    write_ward(folder / "icu", subjects=8, minutes=4, cuff_every_s=60)
    config = NightlyConfig(
        source=str(folder / "icu"), lake=str(folder / "lake"), workers=0, audit_per_subject=6
    )
    return config, nightly(config)


def test_a_night_audits_windows_of_good_lines_and_tells_how_wrong_it_is(first_night) -> None:
    config, summary = first_night
    rows = Audit.validate(Lake(config.lake).scan("audit").collect())
    windows = Lake(config.lake).scan("windows").collect()
    key = ["dataset", "record_id", "window_index", "input_sha256"]
    truth = rows.join(windows, on=key)

    assert summary.windows_audited == rows.height == truth.height > 0
    assert (truth["abp_grade"] == "good").all()
    assert truth["true_sbp"].equals(truth["sbp_right"], check_names=False)
    assert rows.group_by("subject_id").len()["len"].max() <= config.audit_per_subject
    assert {row["pressure"] for row in summary.audit} == {"sbp", "dbp", "map"}


def test_a_second_audit_finds_nothing_to_do_and_tells_the_same(first_night, config) -> None:
    summary = audit(AuditConfig(lake=config.lake, workers=0, restorer="classical"))

    assert (summary.windows_audited, summary.rows_changed) == (0, 0)
    assert summary.audit == first_night[1].audit


def test_readings_by_cuff_and_line_reach_the_model_and_are_told(monitored_night) -> None:
    config, summary = monitored_night
    rows = Lake(config.lake).scan("audit").collect()
    read = rows.filter(pl.col("calibration") != "none")
    told = rows.filter(pl.col("abstained").is_null())
    held = read.filter((pl.col("reference_map") - pl.col("true_map")).abs() < 15)

    assert summary.windows_audited == rows.height
    assert set(told["calibration"]) == {"cuff", "line", "none"}
    assert set(rows["care_unit"].drop_nulls()) > {"micu"}
    assert (held["map"] - held["reference_map"]).abs().median() < 10


def test_made_pressures_say_what_they_were_calibrated_by_and_others_why_not(
    monitored_night,
) -> None:
    lake = Lake(monitored_night[0].lake)
    made = lake.scan("backfill").filter(task="translate", modality="abp").collect()
    kinds = made.group_by("calibration").agg(pl.col("reference_age_s").null_count() == 0).rows()

    assert dict(kinds)["cuff"]
    assert dict(kinds)["line"]
    assert (made["abstained"].is_null() == made["sbp"].is_not_null()).all()


def test_an_unzeroed_line_becomes_no_truth(tmp_path) -> None:
    records = write_ward(tmp_path / "icu", subjects=10, minutes=2, cuff_every_s=30)
    unzeroed = {record.subject_id for record in records if record.line == "unzeroed"}
    config = NightlyConfig(
        source=str(tmp_path / "icu"), lake=str(tmp_path / "lake"), workers=0, restorer="classical"
    )
    nightly(config)
    audited = set(Lake(config.lake).scan("audit").collect()["subject_id"])

    assert unzeroed
    assert audited
    assert not audited & unzeroed


def test_no_audit_is_made_where_none_is_asked_for(config) -> None:
    before = Lake(config.lake).scan("audit").collect().height
    asked = {"restorer": "tricardio", "audit_per_subject": 0, "translate": ("abp",)}
    summary = nightly(config.model_copy(update=asked))

    assert (summary.windows_audited, summary.audit) == (0, [])
    assert Lake(config.lake).scan("audit").collect().height == before


def test_a_window_that_is_no_longer_as_it_was_does_not_count(config) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("audit").collect()
    changed = rows[:1].with_columns(input_sha256=pl.lit("before"), run_id=pl.lit("an older run"))
    lake.put("audit", [changed])

    assert lake.scan("audit").collect().height == rows.height + 1
    assert current_audit(lake).height == rows.height


def test_a_window_that_is_no_truth_any_more_leaves_the_audit(config) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("audit").collect()
    (record,) = rows["record_id"][:1]
    contradicting = [
        (name, quantity, at_s, value)
        for at_s in (4.0, 24.0, 44.0)
        for name, quantity, value in (
            ("NBPs", "nbp_systolic", 200.0 + at_s),
            ("NBPd", "nbp_diastolic", 150.0),
            ("NBPm", "nbp_mean", 170.0),
        )
    ]
    told = {
        "dataset": "ward",
        "record_id": record,
        "subject_id": "s",
        "unit": "mmHg",
        "run_id": "r",
    }
    columns = ["name", "quantity", "start_s", "value"]
    new = pl.DataFrame(contradicting, schema=columns, orient="row").with_columns(
        **{name: pl.lit(value) for name, value in told.items()}
    )
    first = new[:1].with_columns(name=pl.lit("HR"), quantity=pl.lit("heart_rate"), start_s=0.0)
    keys = new.select("dataset", "record_id").unique()
    lake.put(
        "numerics",
        [Numeric.cast(pl.concat([first, new]).select(Numeric.column_names()))],
        replacing=keys,
    )
    audit(AuditConfig(lake=config.lake, workers=0, restorer="classical"))

    assert record not in set(lake.scan("audit").collect()["record_id"])


def test_whose_a_window_is_and_who_that_is_are_told_as_they_are_now(config) -> None:
    lake = Lake(config.lake)
    rows = current_audit(lake)
    told = {"subject_id": "s", "sex": "F", "run_id": "r"} | dict.fromkeys(
        ("care_unit", "age_years", "race", "skin_tone")
    )
    keys = rows.select("dataset", "record_id").unique()
    about = keys.with_columns(**{name: pl.lit(value) for name, value in told.items()})
    lake.put(
        "demographics", [Demographic.cast(about.select(Demographic.column_names()))], replacing=keys
    )

    assert set(current_audit(lake)["sex"]) == {"F"}
    assert current_audit(lake).height == rows.height


def test_of_two_audits_of_a_window_the_newest_counts(config) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("audit").collect()
    later = pl.col("audited_at") + pl.duration(hours=1)
    lake.put("audit", [rows[:1].with_columns(later, run_id=pl.lit("a later run"))])
    current = current_audit(lake)

    assert current.height == rows.height
    assert current.filter(run_id="a later run").height == 1


def test_status_says_what_is_audited_next(config) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("audit").collect()
    lake.commit("audit", replacing=rows.select("dataset", "record_id"))
    work = lake_status(StatusConfig(lake=config.lake)).next

    assert [(w.step, w.count) for w in work or []] == [("audit", rows.height)]


def test_a_person_is_shown_the_errors_of_each_calibration(first_night) -> None:
    console = Console(record=True, width=200)
    show(first_night[1], console)
    text = console.export_text()

    assert "Made pressures beside hidden arterial lines, mmHg" in text
    assert re.search(r"ward\W+none\W+map\W+\d+", text)


def test_a_shard_that_is_given_up_waits_in_quarantine_until_something_changes(
    config, monkeypatch
) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("audit").collect()
    lake.commit("audit", replacing=rows.select("dataset", "record_id"))
    again = AuditConfig(lake=config.lake, workers=0, restorer="classical", attempts=1)
    with monkeypatch.context() as patched:
        patched.setattr("flows.actors.auditor.audit_rows", _broken)
        broken = audit(again)
    held = audit(again)
    there = lake.scan("quarantine").filter(step="audit").collect()

    assert broken.windows_audited == held.windows_audited == 0
    assert there.height == broken.shards_quarantined == rows["record_id"].n_unique()
    assert there["reason"].str.contains("no such beat").all()


def _broken(*_: object) -> pl.DataFrame:
    message = "no such beat"
    raise ValueError(message)
