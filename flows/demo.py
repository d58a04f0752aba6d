"""A whole night on a simulated archive, with nothing to set up."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from flows.config import NightlyConfig
from flows.nightly import nightly
from flows.show import say, show
from flows.summary import RunSummary
from infra.demo.archive import ArchiveRecord, write_archive
from infra.demo.s3 import EmbeddedS3, embedded_s3, upload
from ops.lake.location import Location

DATASET: Final = "ward"
LAKE_BUCKET: Final = "lake"
QUERIES: Final = """
The lake is in LAKE. To try, in .venv/bin/python:

  import polars as pl
  windows = pl.scan_delta("LAKE/windows")
  print(windows.group_by("record_id", "abp_grade").agg(pl.len(), pl.mean("sbp", "dbp")).collect())

  import duckdb, duckdb_extension_delta, pathlib
  extension = next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension"))
  db = duckdb.connect()
  db.load_extension(str(extension))
  db.sql('''
    SELECT record_id, count(*) AS windows, avg(sbp) AS sbp, avg(sbp_lower), avg(sbp_upper)
    FROM delta_scan('LAKE/backfill') WHERE task = 'translate' GROUP BY record_id
  ''').show()
"""


def run_demo(out: Path, console: Console) -> RunSummary:
    """Simulate an archive, put it on an embedded S3 server, run the night, say where to look.

    The night's lake lies on that server; what stays in ``out`` afterwards is a copy of it.
    """
    with embedded_s3() as server, server.in_environment():
        records = _put_archive(server)
        console.print(_stories(records))
        server.create_bucket(LAKE_BUCKET)
        lake_url = f"s3://{LAKE_BUCKET}/pulselake"
        source = server.url(DATASET)
        say(console, f"pulselake nightly {source} {lake_url}\n", style="bold")
        summary = nightly(NightlyConfig(source=source, lake=lake_url, dataset=DATASET))
        lake = _keep(lake_url, out)
    show(summary, console)
    say(console, QUERIES.replace("LAKE", str(lake)))
    return summary


def _put_archive(server: EmbeddedS3) -> list[ArchiveRecord]:
    with tempfile.TemporaryDirectory(prefix="pulselake-demo-") as folder:
        records = write_archive(Path(folder))
        upload(Path(folder), server.url(DATASET), **server.storage_options)
    return records


def _keep(lake_url: str, out: Path) -> Path:
    """Copy a lake to a local folder; Delta tables name their files relatively, so it can move."""
    fs, root = Location.parse(lake_url).filesystem()
    lake = out.resolve() / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    lake.parent.mkdir(parents=True, exist_ok=True)
    fs.get(root, str(lake), recursive=True)
    return lake


def _stories(records: list[ArchiveRecord]) -> Table:
    table = Table("subject", "record", "what it shows", title="A simulated ward")
    for record in records:
        table.add_row(record.subject_id, record.record_id, record.story)
    return table
