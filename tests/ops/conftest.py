"""A small archive on disk to write headers into, and an S3 server that is one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import s3fs
from moto.server import ThreadedMotoServer

NOBODY = 65534
Write = Callable[[dict[str, str | bytes]], Path]


@pytest.fixture
def archive(tmp_path: Path) -> Write:
    """Write files by path; a header may be given as its text."""
    root = tmp_path / "archive"
    root.mkdir()

    def write(files: dict[str, str | bytes]) -> Path:
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write


@pytest.fixture
def unreadable() -> Iterator[Callable[..., Path]]:
    """Write files by path and shut one folder, seen as a user whom permissions bind."""
    root = Path(tempfile.mkdtemp())
    user = os.geteuid()
    shut: list[Path] = []

    def write(files: dict[str, str], folder: str, mode: int = 0) -> Path:
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        root.chmod(0o755)
        shut.append(root / folder)
        shut[0].chmod(mode)
        if user == 0:
            os.seteuid(NOBODY)
        return root

    yield write
    os.seteuid(user)
    for one in shut:
        one.chmod(0o755)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server that holds nothing yet."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    """An S3 file system with an empty ``archive-bucket``, set up by the standard variables."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fs = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    fs.mkdir("archive-bucket")
    yield fs
    fs.rm("archive-bucket", recursive=True)
