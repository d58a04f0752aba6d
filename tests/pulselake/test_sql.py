import duckdb
import numpy as np
import polars as pl
import pytest

import pulselake
from bench.bytes_read import bytes_read_by
from ops.lake import Lake
from pulselake.units import BAND
from schemas.audit import Audit
from schemas.modality import MODALITIES
from schemas.windows import Window
from tests.ops.cohort.rows import audited_row, frame_of, window

KEY = ["dataset", "record_id", "window_index"]


@pytest.fixture(scope="module")
def views(demo):
    """A connection to the lake's views."""
    return demo.duckdb()


def alike(ours: pl.Series, theirs: pl.Series) -> None:
    """Both are the same up to the last digit of a float32."""
    assert ours.dtype == theirs.dtype == pl.List(pl.Float32)
    assert ours.is_null().equals(theirs.is_null())
    np.testing.assert_allclose(
        *(x.explode().to_numpy() for x in (ours, theirs)), rtol=1e-5, atol=1e-5
    )


def test_windows_are_those_of_polars(views, demo) -> None:
    theirs = views.sql("SELECT * FROM windows").pl().sort(KEY)
    ours = demo.windows().collect().sort(KEY)

    assert theirs.columns == ours.columns
    assert theirs.drop(MODALITIES).equals(ours.drop(MODALITIES))
    for m in MODALITIES:
        alike(ours[m], theirs[m])


def test_backfill_is_that_of_polars(views, demo) -> None:
    key = [*KEY, "modality", "task"]
    theirs = views.sql("SELECT * FROM backfill").pl().sort(key)
    ours = demo.synthetic().collect().sort(key)

    assert theirs.drop(*BAND, "created_at").equals(ours.drop(*BAND, "created_at"))
    for part in BAND:
        alike(ours[part], theirs[part])


@pytest.mark.parametrize(
    "table", ["records", "numerics", "annotations", "quarantine", "audit", "demographics"]
)
def test_other_tables_are_there_with_every_column(views, demo, table) -> None:
    rows = views.sql(f"SELECT * FROM {table}").pl()  # noqa: S608
    ours = getattr(demo, table)().collect()

    assert rows.columns == ours.columns
    assert rows.height == ours.height


def test_the_audit_is_that_of_polars_without_rows_of_windows_that_changed(tmp_path) -> None:
    lines = [window("a-1", i, 110.0) for i in range(2)]
    changed = audited_row("a-1", 1, 100.0, 110.0, "judges", input_sha256="before")
    store = Lake(str(tmp_path / "lake"))
    store.put("windows", [frame_of(Window, lines)])
    store.put("audit", [frame_of(Audit, [audited_row("a-1", 0, 100.0, 110.0, "judges"), changed])])
    lake = pulselake.open(store.url)
    theirs = lake.duckdb().sql("SELECT * FROM audit").pl()
    ours = lake.audit().collect()

    assert theirs["window_index"].to_list() == [0]
    assert theirs.drop("audited_at").equals(ours.drop("audited_at"))
    assert theirs["audited_at"].dt.epoch().equals(ours["audited_at"].dt.epoch())


def test_pressures_lie_in_views_of_their_own(views, demo) -> None:
    for source in ("measured", "synthetic"):
        rows = views.sql(f"SELECT source, count(*) FROM pressures_{source} GROUP BY ALL")  # noqa: S608

        assert rows.fetchall() == [(source, demo.pressures(source).collect().height)]


def test_a_filter_by_grade_reads_no_signal(tmp_path, stored) -> None:
    store = Lake(str(tmp_path / "it's"))
    many = [
        stored.with_columns(record_id=pl.format("{}-{}", "record_id", pl.lit(i))) for i in range(9)
    ]
    store.put("windows", many)
    views = pulselake.open(store.url).duckdb()
    question = "SELECT {} FROM windows WHERE abp_grade = 'good'"
    views.sql(question.format("count(sbp)")).fetchall()
    _, few = bytes_read_by(views.sql(question.format("avg(sbp)")).fetchall)
    _, many_bytes = bytes_read_by(views.sql(question.format("avg(list_avg(abp))")).fetchall)

    assert few < many_bytes / 5


def test_datasets_of_any_name_are_in_one_view(tmp_path, stored) -> None:
    store = Lake(str(tmp_path / "lake"))
    names = ["unit [2]/%20", "it's", "ward"]
    store.put("windows", [stored.head(1).with_columns(dataset=pl.lit(name)) for name in names])
    views = pulselake.open(store.url).duckdb()

    assert views.sql("SELECT dataset FROM windows ORDER BY ALL").fetchall() == [
        (name,) for name in sorted(names)
    ]


def test_views_can_not_be_written_to(views) -> None:
    for change in ("DELETE FROM windows", "INSERT INTO audit SELECT * FROM audit"):
        with pytest.raises(duckdb.Error, match=r"(?i)view|table"):
            views.execute(change)


def test_views_read_a_lake_on_s3(s3_url, views) -> None:
    question = "SELECT count(*), sum(sbp), sum(list_sum(abp)) FROM windows WHERE abp_grade = 'good'"
    there = pulselake.open(s3_url).duckdb().sql(question).fetchone()

    assert there == pytest.approx(views.sql(question).fetchone())
