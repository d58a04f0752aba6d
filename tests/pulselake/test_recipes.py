import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ops.lake import Lake
from schemas.audit import Audit
from schemas.backfill import Backfill
from schemas.windows import Window
from tests.ops.cohort.rows import audited_row, frame_of, made, window

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(
    re.findall(r"^## (\d+)\. .*?```python\n(.*?)```", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
)


@pytest.fixture
def cooked(demo_url):
    """Run a recipe on the demo's lake; give the names that it makes."""

    def run(number: int, url: str = demo_url) -> dict[str, object]:
        names: dict[str, object] = {}
        exec(RECIPES[str(number)].replace('"/lake"', f'"{url}"'), names)  # noqa: S102
        return names

    return run


@pytest.fixture(scope="module")
def lines(stored) -> pl.DataFrame:
    """Windows whose pressure was measured."""
    return stored.filter(pl.col("sbp").is_not_null())


def test_there_are_ten_recipes() -> None:
    assert [*RECIPES] == [str(i) for i in range(1, 11)]


def test_good_pressure_is_in_mmhg(cooked, stored) -> None:
    good = cooked(1)["good"]

    assert good.height == (stored["abp_grade"] == "good").sum() > 0
    highest = good["abp"].list.max().to_numpy()
    assert (highest >= good["sbp"].to_numpy() - 15).all()
    assert (highest < 300).all()


def test_hours_of_hypotension_are_those_of_measured_windows(cooked, lines) -> None:
    hypotension = cooked(2)["hypotension"]

    assert hypotension["measured_h"].sum() == pytest.approx(lines.height * 4 / 3600)
    low = (lines["map"] < 65).sum() * 4 / 3600
    assert hypotension["below_65_h"].sum() == pytest.approx(low)
    assert hypotension["subject_id"].to_list() == sorted(set(lines["subject_id"]))


def test_measured_and_synthetic_stay_in_columns_of_their_own(cooked) -> None:
    beside = cooked(3)["beside"]
    measured, synthetic = (
        beside[f"map_{kind}"].is_not_null() for kind in ("measured", "synthetic")
    )

    assert measured.any()
    assert synthetic.any()
    assert not (measured & synthetic).any()
    assert beside.select("dataset", "record_id", "window_index").is_unique().all()
    assert (beside["map_lower"].is_not_null() == synthetic).all()


def test_a_cuff_stands_beside_the_line_of_its_minute(cooked, demo) -> None:
    beside = cooked(4)["beside"]
    cuff = demo.numerics().filter(quantity="nbp_systolic").collect()

    assert beside.height == cuff["value"].is_between(20, 300).sum() > 0
    both = beside.drop_nulls("line_sbp")
    assert (both["line_above_cuff"].abs() < 60).all()


def test_the_audit_is_told_by_model_and_calibration(cooked, demo) -> None:
    audited = cooked(5)["audited"]
    rows = demo.audit().filter(pl.col("half") == "judges", pl.col("abstained").is_null())
    judged = rows.select("model_id", "calibration").unique().collect()

    assert audited.height == judged.height
    assert audited["coverage"].is_between(0, 1).all()
    assert (audited["mae"] >= audited["me"].abs() - 1e-5).all()


def test_a_lake_that_nobody_audited_has_no_row_to_tell(cooked, demo_url, tmp_path) -> None:
    shutil.copytree(demo_url, tmp_path / "lake", ignore=shutil.ignore_patterns("audit"))

    assert cooked(5, f"{tmp_path}/lake")["audited"].is_empty()


def test_every_row_of_a_model_is_counted(cooked, demo) -> None:
    told = cooked(6)["told"]

    assert told["windows"].sum() == demo.synthetic().collect().height > 0


def test_a_network_is_judged_on_others_than_it_was_trained_on(cooked, one_thread) -> None:
    names = cooked(7)
    sides = [
        {item["subject_id"] for item in names[split].__getitems__(range(len(names[split])))}
        for split in ("train", "test")
    ]

    assert all(sides)
    assert not sides[0] & sides[1]
    assert 0 < names["mae_mmhg"] < 60


def test_sql_aggregates_what_polars_does(cooked, stored) -> None:
    by_hour = cooked(8)["by_hour"]
    good = stored.filter(pl.col("abp_grade") == "good")

    assert by_hour["windows"].sum() == good.height
    mean = np.average(by_hour["sbp"], weights=by_hour["windows"])
    assert mean == pytest.approx(good["sbp"].mean(), rel=1e-5)


def test_the_lake_is_read_as_it_was(cooked, stored) -> None:
    assert cooked(9)["n_windows"] == stored.height


def test_a_cohort_in_pandas_keeps_its_sources_apart(cooked, lines) -> None:
    cohort = cooked(10)["cohort"]

    assert set(cohort["source"]) == {"measured", "synthetic"}
    assert cohort.loc[cohort["source"] == "measured", "windows"].sum() == lines.height


def test_a_synthetic_mean_in_pandas_has_bounds_and_a_measured_one_none(cooked) -> None:
    cohort = cooked(10)["cohort"]
    measured, synthetic = (cohort[cohort["source"] == s] for s in ("measured", "synthetic"))
    told = synthetic.dropna(subset="sbp")

    assert len(told) > 0
    assert (told["sbp_lower"] <= told["sbp"]).all()
    assert (told["sbp"] <= told["sbp_upper"]).all()
    assert measured[["sbp_lower", "map_upper"]].isna().all(axis=None)


@pytest.fixture
def two_wards(tmp_path):
    """A record of one name in two datasets: with a line in the one, filled in the other."""
    store = Lake(str(tmp_path / "wards"))
    name, other = "ward-b/b0109", "another"
    lined = [window(name, i, 100.0) for i in range(2)]
    filled = [window(name, i, None, dataset=other) for i in range(2)]
    answers = [made(name, i, 70.0, dataset=other) for i in range(2)]
    store.put("windows", [frame_of(Window, lined + filled)])
    store.put("backfill", [frame_of(Backfill, answers)])
    store.put("audit", [frame_of(Audit, [audited_row(name, 0, 90.0, 100.0, "judges")])])
    return store


def test_records_of_one_name_in_two_datasets_stay_apart(cooked, two_wards) -> None:
    two_wards.put(
        "windows", [frame_of(Window, [window("ward-b/b0109", 2, 90.0, dataset="another")])]
    )
    url = two_wards.url

    assert cooked(1, url)["good"]["dataset"].value_counts().sort("dataset").rows() == [
        ("another", 1),
        ("ward", 2),
    ]
    beside = cooked(3, url)["beside"].select("dataset", "map_measured", "map_synthetic")
    assert beside.rows() == [
        *[("another", None, 35.0)] * 2,
        ("another", 55.0, None),
        *[("ward", 65.0, None)] * 2,
    ]
    assert cooked(8, url)["by_hour"].select("dataset", "windows").rows() == [
        ("another", 1),
        ("ward", 2),
    ]


def test_an_audited_window_that_has_changed_is_told_no_more(cooked, two_wards) -> None:
    newer = window("ward-b/b0109", 0, 100.0, input_sha256="new")
    before = cooked(5, two_wards.url)["audited"]["mae"].to_list()
    of_record = pl.DataFrame({"dataset": ["ward"], "record_id": ["ward-b/b0109"]})
    two_wards.put("windows", [frame_of(Window, [newer])], replacing=of_record)

    assert before == [10.0]
    assert cooked(5, two_wards.url)["audited"].is_empty()
