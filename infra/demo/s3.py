"""An S3 server for the demo and the tests, gone when they are done.

It runs in a process of its own: with the server as a thread of a busy process, a client in another
one got 0.17 MB/s from it, and 7 MB/s with the server apart (36 small files, two cores).
"""

import http.client
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import fsspec

READY_S: Final = 60.0
STOP_S: Final = 5.0
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "demo"
SECRET_KEY: Final = "demo-secret"  # noqa: S105


@dataclass(frozen=True)
class EmbeddedS3:
    """A running server and how to reach it from this process and others.

    Attributes:
        endpoint_url: ``http://127.0.0.1:PORT``.
        bucket: that is there from the start.
        pid: of the server.
    """

    endpoint_url: str
    bucket: str
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """Standard AWS variables, as boto, s3fs, polars and delta-rs read them."""
        passed_by = filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": ",".join(passed_by),
        }

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """Set the standard variables for the block, also for the processes that it starts."""
        variables = self.environment
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options of s3fs, for where the environment is not set."""
        return {
            "key": ACCESS_KEY,
            "secret": SECRET_KEY,
            "endpoint_url": self.endpoint_url,
            "client_kwargs": {"region_name": REGION},
        }

    def url(self, *parts: str) -> str:
        """Give the ``s3://`` URL of something in the bucket."""
        return "/".join([f"s3://{self.bucket}", *parts])

    def create_bucket(self, bucket: str) -> None:
        """Make another bucket.

        Raises:
            OSError: where the server refuses.
        """
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=READY_S)
        try:
            connection.request("PUT", f"/{bucket}")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != http.client.OK:
            message = f"bucket {bucket} could not be made: status {status}"
            raise OSError(message)


@contextmanager
def embedded_s3(
    bucket: str = "hospital", server: Sequence[str] = ("infra.demo.s3_server",)
) -> Iterator[EmbeddedS3]:
    """Run an S3 server on a free port of the loopback interface.

    Args:
        bucket: made empty.
        server: module that serves, and its arguments; one of a benchmark's own may hold more.

    Raises:
        RuntimeError: where it does not start, with what it said.
    """
    command = [sys.executable, "-m", *server]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        ) as process,
    ):
        try:
            s3 = EmbeddedS3(f"http://127.0.0.1:{_port(process, log)}", bucket, process.pid)
            s3.create_bucket(bucket)
            yield s3
        finally:
            _stop(process)


def upload(folder: Path, url: str, **storage_options: Any) -> int:
    """Put the files of a folder below ``url`` and give their number.

    Args:
        folder: on local disk.
        url: any fsspec URL, such as ``s3://hospital/archive``.
        storage_options: of its file system, such as ``EmbeddedS3.storage_options``.
    """
    file_system, root = fsspec.core.url_to_fs(url, **storage_options)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    targets = [f"{root.rstrip('/')}/{path.relative_to(folder).as_posix()}" for path in files]
    file_system.put([str(path) for path in files], targets)
    return len(files)


def _port(server: subprocess.Popen[bytes], log: IO[bytes]) -> int:
    """Wait until the server says where it listens."""
    if server.stdout is None:
        message = "the S3 server was started without a pipe"
        raise RuntimeError(message)
    ready, _, _ = select.select([server.stdout], [], [], READY_S)
    line = server.stdout.readline() if ready else b""
    if not line.strip().isdigit():
        log.seek(0)
        said = log.read()[-2000:].decode(errors="replace").strip()
        message = f"the S3 server did not start within {READY_S:g} s: {said or 'it said nothing'}"
        raise RuntimeError(message)
    return int(line)


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin is not None:
        server.stdin.close()
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
