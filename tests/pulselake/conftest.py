"""The lake of one night on a simulated ward, as a researcher finds it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import polars as pl
import pytest

import pulselake
from infra.demo.archive import write_archive
from infra.demo.s3 import EmbeddedS3, embedded_s3
from ops.lake import Lake


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve simulated subjects, filled by the classical restorers; to look at, not to change."""
    folder = tmp_path_factory.mktemp("demo")
    write_archive(folder / "ward", minutes=1)
    night = ["nightly", str(folder / "ward"), str(folder / "lake"), "--restorer", "classical"]
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", *night, "--workers", "0"],
        env={**os.environ, "PREFECT_HOME": str(folder / "prefect")},
        capture_output=True,
        check=True,
    )
    return str(folder / "lake")


@pytest.fixture(scope="session")
def demo(demo_url: str) -> pulselake.Lake:
    """That lake, opened."""
    return pulselake.open(demo_url)


@pytest.fixture(scope="session")
def stored(demo_url: str) -> pl.DataFrame:
    """Its windows as they are stored."""
    return Lake(demo_url).scan("windows").collect()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[EmbeddedS3]:
    """An S3 server with the bucket ``hospital``."""
    with embedded_s3() as server:
        yield server


@pytest.fixture
def s3_url(s3_server: EmbeddedS3, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same lake on S3, as the standard variables set it up."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    url = "s3://hospital/lake"
    fs, root = Lake(url).location.filesystem()
    if not fs.exists(root):
        fs.put(demo_url, root, recursive=True)
    return url
