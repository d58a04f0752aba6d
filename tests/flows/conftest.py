"""A simulated archive, an S3 server, and Prefect's own test harness."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from prefect.testing.utilities import prefect_test_harness

from flows.annotate import annotate
from flows.annotate_config import AnnotateConfig
from flows.config import NightlyConfig
from flows.nightly import nightly
from flows.report import report
from flows.report_config import ReportConfig
from flows.summary import RunSummary
from infra.demo.archive import write_archive
from infra.demo.s3 import EmbeddedS3, embedded_s3
from ops.lake import Lake
from schemas.quarantine import Quarantined
from schemas.tables import TABLES

HOSTILE = "<script>window.caught = true</script>"
TIMELESS = ["run_id", "created_at", "ingested_at", "audited_at"]


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    """Flows run against a Prefect server of their own, which leaves with the tests."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def s3_server() -> Iterator[EmbeddedS3]:
    """An S3 server with the bucket ``hospital``."""
    with embedded_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> EmbeddedS3:
    """The server, as the standard variables set it up."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[NightlyConfig, RunSummary]:
    """One night of twelve simulated subjects, one of them corrupt; to look at, not to change.

    The classical restorers fill it, which are there at once: the model has nights of its own.
    """
    folder = tmp_path_factory.mktemp("first")
    write_archive(folder / "ward", minutes=1)
    config = NightlyConfig(
        source=str(folder / "ward"), lake=str(folder / "lake"), workers=0, restorer="classical"
    )
    return config, nightly(config)


@pytest.fixture
def ward(first_night: tuple[NightlyConfig, RunSummary], tmp_path: Path) -> Path:
    """A copy of that night's archive, to change."""
    return Path(shutil.copytree(first_night[0].source, tmp_path / "ward"))


@pytest.fixture
def config(
    first_night: tuple[NightlyConfig, RunSummary], ward: Path, tmp_path: Path
) -> NightlyConfig:
    """A next night: of the copy, on a copy of the first night's lake."""
    lake = shutil.copytree(first_night[0].lake, tmp_path / "lake")
    return first_night[0].model_copy(update={"source": str(ward), "lake": str(lake)})


@pytest.fixture(scope="session")
def annotated_night(
    first_night: tuple[NightlyConfig, RunSummary], tmp_path_factory: pytest.TempPathFactory
) -> tuple[AnnotateConfig, RunSummary]:
    """The first night's lake, annotated by the rules; to look at, not to change."""
    lake = tmp_path_factory.mktemp("annotated") / "lake"
    shutil.copytree(first_night[0].lake, lake)
    config = AnnotateConfig(lake=str(lake), workers=0, annotator="rules")
    return config, annotate(config)


@pytest.fixture
def annotating(
    annotated_night: tuple[AnnotateConfig, RunSummary], tmp_path: Path
) -> AnnotateConfig:
    """A copy of that lake, to annotate again."""
    lake = shutil.copytree(annotated_night[0].lake, tmp_path / "annotated")
    return annotated_night[0].model_copy(update={"lake": str(lake)})


@pytest.fixture(scope="session")
def made_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty made-up records of 12 s in as many blocks, in the form of the cuff-less set."""
    folder = tmp_path_factory.mktemp("set")
    t = np.arange(1500) / 125
    rows = []
    for i in range(30):
        beats = np.arange(-1, 12, 0.7 + 0.01 * i)[:, None]
        ecg = np.exp(-(((t - beats) / 0.015) ** 2)) + 0.25 * np.exp(
            -(((t - beats - 0.25) / 0.05) ** 2)
        )
        since = np.maximum(t - beats - 0.2, 0) / 0.15
        wave = (since**2 * np.exp(2 * (1 - since))).sum(axis=0)
        signals = {"ecg": 500 * ecg.sum(axis=0), "ppg": 500 * wave, "abp": 1600 + 700 * wave}
        counts = {m: x.astype(np.int16).tolist() for m, x in signals.items()}
        rows.append({"record": f"r{i}", "block": f"b{i}"} | counts)
    schema = {m: pl.List(pl.Int16) for m in ("ecg", "ppg", "abp")}
    pl.DataFrame(rows, schema_overrides=schema).write_parquet(folder / "made-0.parquet")
    return folder


@pytest.fixture(scope="session")
def rows_of() -> Callable[[str], dict[str, pl.DataFrame]]:
    """Give every row of a lake but those of ``runs``, sorted by key, without run and time."""

    def rows(lake_url: str) -> dict[str, pl.DataFrame]:
        lake = Lake(lake_url)
        tables = {name: lake.scan(name).collect() for name in TABLES if name != "runs"}
        return {
            name: rows.drop(TIMELESS, strict=False).sort(
                [column for column in TABLES[name].key if column not in TIMELESS]
            )
            for name, rows in tables.items()
        }

    return rows


@pytest.fixture(scope="session")
def page_file(annotated_night, tmp_path_factory) -> Path:
    """The page of the first night, annotated, with one input whose name is hostile."""
    folder = tmp_path_factory.mktemp("page")
    lake = shutil.copytree(annotated_night[0].lake, folder / "lake")
    row = {"dataset": "ward", "path": HOSTILE, "step": "read", "record_id": HOSTILE}
    row |= {"error": "TornError", "reason": f"{HOSTILE} is torn", "fingerprint": ""}
    row |= {"code_version": "1", "attempts": 1, "run_id": "r", "created_at": datetime.now(UTC)}
    Lake(str(lake)).put("quarantine", [Quarantined.cast(pl.DataFrame([row]))])
    return Path(report(ReportConfig(lake=str(lake), out=str(folder / "page.html"))).out)
