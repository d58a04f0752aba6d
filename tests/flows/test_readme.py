import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wfdb

from ops.lake import Lake

PAGES = Path(__file__).parents[2]


def blocks_of(page: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


IN_SHORT, OF_WORDS = blocks_of("README.md")
OF_PRESSURES = blocks_of("docs/lake.md")
(IN_SQL,) = blocks_of("docs/annotate.md")


@pytest.fixture(scope="session")
def read_as_documented(first_night):
    """Run the blocks of the lake's page on a lake; give what each calls ``pressures``."""
    lake = first_night[0].lake
    frames = []
    for block in OF_PRESSURES:
        names = {}
        exec(block.replace("/lake/", f"{lake}/"), names)  # noqa: S102
        frames.append(names["pressures"].sort("record_id", "start_s"))
    return frames


def test_the_query_of_the_readme_tells_measured_and_synthetic_apart(first_night) -> None:
    names: dict[str, pl.DataFrame] = {}
    exec(IN_SHORT.replace('"/lake"', f'"{first_night[0].lake}"'), names)  # noqa: S102

    assert set(names["pressures"]["source"]) == {"measured", "synthetic"}


def test_polars_and_duckdb_read_the_same_pressures(read_as_documented) -> None:
    with_polars, with_duckdb = read_as_documented

    assert with_polars.height > 0
    assert with_polars.drop("abp_mmhg").equals(with_duckdb.drop("abp_mmhg"))
    for ours, theirs in zip(with_polars["abp_mmhg"], with_duckdb["abp_mmhg"], strict=True):
        np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-6)


def test_units_come_out_as_wfdb_reads_them(read_as_documented, first_night) -> None:
    config, _ = first_night
    with_polars, _ = read_as_documented
    for record_id in with_polars["record_id"].unique():
        header = wfdb.rdheader(str(Path(config.source, record_id)))
        if getattr(header, "seg_name", None) or header.fs != 125:
            continue
        record = wfdb.rdrecord(str(Path(config.source, record_id)))
        column = record.sig_name.index("ABP")
        for row in with_polars.filter(pl.col("record_id") == record_id).iter_rows(named=True):
            first = round(row["start_s"] * 125)
            truth = record.p_signal[first : first + 500, column]
            ours = np.array(row["abp_mmhg"], dtype=float)[: len(truth)]
            half_a_step = 0.5 / record.adc_gain[column] + 1e-4
            np.testing.assert_allclose(ours, truth, atol=half_a_step, equal_nan=True)
        return
    pytest.fail("the archive has no record at 125 Hz with a good arterial line")


def test_windows_are_found_by_what_is_said_of_them(annotated_night, tmp_path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    rows = Lake(annotated_night[0].lake).scan("annotations").collect()[:4]
    found = {"rhythm": "atrial_fibrillation", "abp_quality": "absent", "abp_artefact": "none"}
    found |= {"pressure_source": "none", "pressure_band": "unknown", "evidence_signal": "ecg"}
    fibrillating = rows.with_columns(pl.lit(v).alias(c) for c, v in found.items())
    lined = fibrillating[3:].with_columns(abp_quality=pl.lit("good"))
    poor = fibrillating[2:3].with_columns(ppg_quality=pl.lit("fair"))
    lake.put("annotations", [rows[:1], fibrillating[1:2], poor, lined])
    names: dict[str, pl.DataFrame] = {}
    exec(OF_WORDS.replace('"/lake"', f'"{lake.url}"'), names)  # noqa: S102

    assert names["fibrillating"]["start_s"].to_list() == fibrillating["start_s"][1:2].to_list()


def test_the_queries_of_its_own_page_run(annotated_night) -> None:
    names: dict[str, pl.DataFrame] = {}
    exec(IN_SQL.replace('"/lake"', f'"{annotated_night[0].lake}"'), names)  # noqa: S102

    assert {"dataset", "subject_id", "low_min"} == set(names["low"].columns)
    assert names["waves"]["ecg"].list.len().unique().to_list() == [500]
    assert "evidence_from_s" in names["damped"].columns
