import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import fsspec
import pytest

from infra.demo.s3 import EmbeddedS3, embedded_s3, upload

PARENT = """
import sys, time
from infra.demo.s3 import embedded_s3
with embedded_s3() as s3:
    print(s3.endpoint_url, flush=True)
    time.sleep(600)
"""


def listens(endpoint_url: str) -> bool:
    parts = urlsplit(endpoint_url)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def file_system(s3: EmbeddedS3) -> fsspec.AbstractFileSystem:
    return fsspec.filesystem("s3", **s3.storage_options)


@pytest.fixture(scope="module")
def s3() -> EmbeddedS3:
    with embedded_s3() as running:
        yield running


def test_a_folder_that_was_uploaded_is_served(tmp_path: Path, s3: EmbeddedS3) -> None:
    (tmp_path / "waves" / "p100").mkdir(parents=True)
    (tmp_path / "RECORDS").write_bytes(b"waves/p100/a\n")
    (tmp_path / "waves" / "p100" / "a.dat").write_bytes(bytes(range(256)))

    count = upload(tmp_path, s3.url("archive"), **s3.storage_options)

    assert count == 2
    assert file_system(s3).cat("hospital/archive/waves/p100/a.dat") == bytes(range(256))
    assert sorted(file_system(s3).find("hospital/archive")) == [
        "hospital/archive/RECORDS",
        "hospital/archive/waves/p100/a.dat",
    ]


def test_another_bucket_can_be_made_and_starts_empty(s3: EmbeddedS3) -> None:
    s3.create_bucket("lake")

    assert file_system(s3).ls("lake") == []


def test_the_environment_is_enough_for_another_process(s3: EmbeddedS3) -> None:
    command = "import fsspec; fsspec.filesystem('s3').pipe('hospital/note', b'seen')"

    subprocess.run(  # noqa: S603
        [sys.executable, "-c", command], env={**os.environ, **s3.environment}, check=True
    )

    assert file_system(s3).cat("hospital/note") == b"seen"


def test_the_server_is_gone_afterwards() -> None:
    with embedded_s3() as s3:
        during = listens(s3.endpoint_url)

    assert during
    assert not listens(s3.endpoint_url)


def test_the_server_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as p:  # noqa: S603
        endpoint_url = p.stdout.readline().strip()
        during = listens(endpoint_url)
        p.send_signal(signal.SIGKILL)
        p.wait()
    deadline = time.monotonic() + 10
    while listens(endpoint_url) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert during
    assert not listens(endpoint_url)
