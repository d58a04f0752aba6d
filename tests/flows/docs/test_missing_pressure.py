"""The runbook's way to a missing pressure, walked on the lake of a small ward."""

import re
import shutil

import polars as pl
import pytest

from ops.lake import Lake
from schemas.tables import TABLES
from tests.flows.docs.pages import PAGES, code_of, section_of

PAGE = PAGES["docs/operate.md"]
STEPS = code_of(section_of(PAGE, "Why is this window's pressure missing?"), "python")
NAMED = re.compile(r"^record_id, at_s = .*$", flags=re.MULTILINE)


def asked(lake: str, record_id: str, at_s: float, dataset: str = "ward") -> dict[str, pl.DataFrame]:
    """Walk all steps for a window, and give what each found."""
    code = NAMED.sub(f"record_id, at_s = {record_id!r}, {at_s}", "".join(STEPS))
    code = code.replace('dataset = "ward"', f"dataset = {dataset!r}")
    names: dict[str, pl.DataFrame] = {}
    exec(code.replace('"/lake"', repr(lake)), names)  # noqa: S102
    return {name: names[name] for name in ("record", "refused", "window", "made")}


@pytest.fixture
def lake(first_night) -> str:
    return first_night[0].lake


def test_the_page_has_a_step_for_each_table() -> None:
    assert len(STEPS) == 5
    assert NAMED.search(STEPS[0])


def test_a_record_that_was_never_read_is_in_no_table(lake) -> None:
    assert all(found.is_empty() for found in asked(lake, "ward-a/a0999", 8.0).values())


def test_a_file_that_was_cut_short_is_told_by_quarantine(lake) -> None:
    found = asked(lake, "ward-b/b0112", 8.0)

    assert found["record"]["status"].to_list() == ["partial"]
    assert found["refused"]["path"].to_list() == ["ward-b/b0112.dat"]
    assert found["window"].is_empty()


def test_a_record_of_the_same_name_in_another_dataset_is_none_of_this_one(lake) -> None:
    found = [asked(lake, name, 8.0, "icu") for name in ("ward-b/b0112", "ward-b/b0105")]

    assert all(one.is_empty() for tables in found for one in tables.values())


def test_a_pressure_that_was_measured_is_in_its_window(lake) -> None:
    found = asked(lake, "ward-a/a0102", 9.5)

    assert found["window"]["window_index"].to_list() == [2]
    assert found["window"]["sbp"].null_count() == 0
    assert found["made"].is_empty()


def test_a_pressure_that_was_made_is_in_its_row(lake) -> None:
    found = asked(lake, "ward-b/b0105", 8.0)

    assert found["window"]["abp_grade"].to_list() == ["absent"]
    assert found["made"]["task"].to_list() == ["translate"]
    assert found["made"]["sbp"].null_count() == 0


def test_a_second_beyond_the_end_has_no_window(lake) -> None:
    found = asked(lake, "ward-b/b0105", 4000.0)

    assert found["record"]["duration_s"].item() < 4000
    assert found["window"].is_empty()


def test_a_model_that_kept_silent_says_why(lake, tmp_path) -> None:
    copied = str(shutil.copytree(lake, tmp_path / "lake"))
    parts = ["samples", "lower", "upper", "scale", "zero", "unit"]
    parts += [f"{p}{end}" for p in ("sbp", "dbp", "map") for end in ("", "_lower", "_upper")]
    there = (pl.col("record_id") == "ward-b/b0105") & (pl.col("start_s") == 8)
    spoken = Lake(copied).scan("backfill").filter(there).collect()
    nothing = [pl.lit(None).cast(spoken.schema[part]).alias(part) for part in parts]
    silent = spoken.with_columns(*nothing, grade=pl.lit("absent"), abstained=pl.lit("range"))
    Lake(copied).put("backfill", [silent], replacing=spoken.select(TABLES["backfill"].key))

    assert asked(copied, "ward-b/b0105", 8.0)["made"]["abstained"].to_list() == ["range"]


def test_where_nothing_was_attempted_there_is_no_row(lake, tmp_path) -> None:
    only_read = shutil.copytree(lake, tmp_path / "lake", ignore=shutil.ignore_patterns("backfill"))
    found = asked(str(only_read), "ward-b/b0105", 8.0)

    assert found["window"]["sbp"].null_count() == 1
    assert found["made"].is_empty()


def test_the_last_run_is_told_as_the_page_asks_for_it(lake) -> None:
    (block,) = code_of(section_of(PAGE, "The morning after"), "python")
    names: dict[str, dict[str, object]] = {}
    exec(block.replace('"/lake"', repr(lake)), names)  # noqa: S102

    assert names["told"]["outcome"] == "done"
    assert names["told"]["inputs_quarantined"] == 1


@pytest.mark.parametrize("reason", ["conditions", "range", "reference_age", "silent", "still_bad"])
def test_every_reason_to_keep_silent_is_explained_where_the_page_points(reason) -> None:
    page = section_of(PAGES["docs/pressure.md"], "Where the model keeps silent")

    assert f"`{reason}`" in page
