import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wfdb
from typer.testing import CliRunner

from flows.cli import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="session")
def read_as_documented(first_night):
    """Run the README's blocks on a lake; give what each calls ``pressures``."""
    lake = first_night[0].lake
    frames = []
    for block in BLOCKS:
        names = {}
        exec(block.replace("/lake/", f"{lake}/"), names)  # noqa: S102
        frames.append(names["pressures"].sort("record_id", "start_s"))
    return frames


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


def documented_commands() -> list[str]:
    return [
        line.strip().removeprefix(".venv/bin/pulselake ")
        for line in README.splitlines()
        if line.startswith("    .venv/bin/pulselake ")
    ]


@pytest.mark.parametrize("command", documented_commands())
def test_every_command_of_the_readme_is_understood(command) -> None:
    name, *arguments = shlex.split(command)
    flags = [argument for argument in arguments if argument.startswith("--")]
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})

    assert shown.exit_code == 0
    for flag in flags:
        assert flag in shown.output
