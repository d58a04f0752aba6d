"""Our way, for the ingest benchmark: plan, read and commit into a Delta lake, in one process."""

import cProfile
import pstats
from pathlib import Path
from typing import Any, Final

import polars as pl

from bench.ingest_timed import run_way
from flows.actors.pool import Done
from flows.actors.reader import Reader
from flows.config import IngestConfig
from flows.ingest import plan_ingest
from flows.ingest_commit import commit_records
from flows.summary import RunSummary
from ops.lake import Lake
from schemas.grid import WINDOW_S
from schemas.modality import MODALITIES

PARTS: Final = {
    "plan": ("flows/ingest.py", "plan_ingest"),
    "decode": ("ops/decode.py", "read_counts"),
    "to physical units": ("ops/decode.py", "to_physical"),
    "resample": ("ops/resample.py", "resample"),
    "grade": ("ops/grade/__init__.py", "grade_windows"),
    "encode": ("ops/encode.py", "encode"),
    "hash": ("ops/window_rows.py", "_hashes"),
    "validate": ("dataframely/schema.py", "validate"),
    "Parquet": ("pyarrow/parquet/core.py", "write_table"),
    "statistics": ("ops/lake/files.py", "add"),
    "commit": ("flows/ingest_commit.py", "commit_records"),
}
"""Functions that the profile is told by; ``commit`` has its own validation and Parquet in it."""


def ingest(archive: Path, lake: Path) -> dict[str, Any]:
    """Ingest an archive as a night with no actors would."""
    config = IngestConfig(lake=str(lake), source=str(archive), workers=0)
    summary = RunSummary(run_id="bench", flow="ingest", lake=config.lake)
    reader = Reader(config, summary.run_id)
    done = [Done(one, 1, reader.work(one)) for one in plan_ingest.fn(config).to_read]
    commit_records(done, config, summary)
    present = sum(
        count
        for grades in summary.grades.values()
        for grade, count in grades.items()
        if grade != "absent"
    )
    return {"windows": summary.windows, "signal_s": present * WINDOW_S}


def committed(lake: Path) -> pl.DataFrame:
    """Read back what a lake holds: windows and seconds of signal."""
    return (
        Lake(str(lake))
        .scan("windows")
        .select(
            windows=pl.len(),
            signal_s=pl.sum_horizontal(pl.col(m).is_not_null().sum() for m in MODALITIES)
            * WINDOW_S,
        )
        .collect()
    )


def profiled(archive: Path, lake: Path) -> dict[str, float]:
    """Tell the seconds of each part under the profiler, which makes them longer."""
    profile = cProfile.Profile()
    profile.runcall(ingest, archive, lake)
    stats = pstats.Stats(profile)
    parts = {part: _cumulative(stats, *where) for part, where in PARTS.items()}
    parts["all"] = _cumulative(stats, "bench/ingest_pulselake.py", "ingest")
    return parts


def _cumulative(stats: pstats.Stats, file: str, function: str) -> float:
    found: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = stats.stats  # type: ignore[attr-defined]
    return sum(
        timing[3]
        for (path, _, name), timing in found.items()
        if path.endswith(file) and name == function
    )


if __name__ == "__main__":
    run_way(ingest, profiled)
