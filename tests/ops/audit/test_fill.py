from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ops.audit.fill import AuditShard, audit_rows, without_line
from ops.audit.halves import half_of
from ops.audit.sample import audit_sample
from ops.fill.answer import Seen, Terms
from ops.fill.plan import ASKED
from ops.reference.readings import readings
from schemas.audit import Audit
from schemas.numerics import Numeric
from schemas.restoration import PRESSURES, Trained

WHOLE = {"ecg": ("good", 0), "ppg": ("good", 0), "abp": ("good", 0)}
LINE = {"sbp": 110.0, "dbp": 70.0, "map": 85.0}
TERMS = Terms(0, "run")


def shard_of(windows: pl.DataFrame) -> AuditShard:
    read = readings(windows.lazy(), Numeric.create_empty(lazy=True))
    wants = audit_sample(windows.lazy(), read, Trained(), 10, most_age_s=3600.0)
    about = {"care_unit": "micu", "age_years": 60.0}
    return AuditShard("ward", "a", "subject", wants.sort("window_index").select(ASKED), about)


def audited(windows: pl.DataFrame, restorer) -> pl.DataFrame:
    return Audit.validate(audit_rows(shard_of(windows), Seen(windows, windows), restorer, TERMS))


def test_a_row_puts_what_is_said_beside_the_line(make_windows, sawtooth) -> None:
    (row,) = audited(make_windows(WHOLE, **LINE), sawtooth()).rows(named=True)

    assert [row[f"true_{p}"] for p in PRESSURES] == [110.0, 70.0, 85.0]
    assert all(row[f"{p}_lower"] < row[p] < row[f"{p}_upper"] for p in PRESSURES)
    assert (row["care_unit"], row["age_years"], row["sex"]) == ("micu", 60.0, None)
    assert row["half"] == half_of("ward", "subject")
    assert (row["hr"], row["conditions"]) == (75.0, ["ecg", "ppg"])


def test_nothing_of_the_line_reaches_the_model(make_windows, sawtooth) -> None:
    windows = make_windows(WHOLE, WHOLE, WHOLE, hr_abp=99.0, **LINE)
    restorer = sawtooth()
    audited(windows, restorer)

    for batch in restorer.asked:
        for part in (batch.signals, batch.before, batch.after, batch.usual):
            assert np.isnan(part["abp"]).all()
        assert set(batch.grades["abp"]) == {"absent"}
        assert set(batch.units["abp"]) == {None}
        assert set(batch.hr) == {75.0}


def test_another_line_changes_no_answer(make_windows, sawtooth) -> None:
    windows = make_windows(WHOLE, **LINE)
    other = windows.with_columns(pl.col("sbp") + 20, abp_zero=pl.col("abp_zero") + 20)
    said = [audited(w, sawtooth()).drop("audited_at", "true_sbp") for w in (windows, other)]

    assert said[0].equals(said[1])


def test_a_window_whose_rate_is_told_by_the_line_alone_is_not_answered(
    make_windows, sawtooth
) -> None:
    windows = make_windows(WHOLE, hr_ecg=None, hr_ppg=None, **LINE)
    (row,) = audited(windows, sawtooth()).rows(named=True)

    assert (row["abstained"], row["sbp"], row["true_sbp"]) == ("conditions", None, 110.0)


def test_a_model_that_has_nothing_to_say_is_silent(make_windows, sawtooth) -> None:
    class Mute(sawtooth):
        def restore(self, batch):
            return replace(super().restore(batch), pressures={})

    (row,) = audited(make_windows(WHOLE, **LINE), Mute()).rows(named=True)

    assert (row["abstained"], row["map"]) == ("silent", None)


def test_a_window_that_changed_since_has_no_row(make_windows, sawtooth) -> None:
    windows = make_windows(WHOLE, WHOLE, **LINE)
    shard = shard_of(windows)
    now = windows.with_columns(input_sha256=pl.lit("changed"))

    assert audit_rows(shard, Seen(now, now), sawtooth(), TERMS).is_empty()


def test_a_shard_reads_its_windows_and_those_beside_them(make_windows) -> None:
    shard = shard_of(make_windows(WHOLE, **LINE))

    assert shard.spans == [(-1, 1)]
    assert shard.path == "a#audit=0-0"


@pytest.mark.parametrize("column", ["abp", "abp_scale", "abp_lead", "hr_abp", "sbp", "map"])
def test_hidden_columns_are_null_and_keep_their_types(make_windows, column) -> None:
    windows = make_windows(WHOLE, **LINE)
    hidden = without_line(windows)

    assert hidden[column].null_count() == 1
    assert hidden.schema == windows.schema
