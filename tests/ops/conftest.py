"""A small archive on disk, an S3 server that is one, and windows and a restorer made up."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from schemas.grid import GRID_FS, MISSING, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import Interval, RestoreBatch, Restored, Task, Trained
from schemas.windows import Window

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


Told = Mapping[str, Any]
Make = Callable[..., pl.DataFrame]
T = np.arange(WINDOW_SAMPLES) / GRID_FS
SHAPES = {"ecg": (0.01, 0.0, 0.5), "ppg": (0.02, 10.0, 5.0), "abp": (0.05, 90.0, 20.0)}
"""Scale, zero and amplitude of a made-up signal a modality."""


def made_up(index: int, m: Modality, missing: int) -> list[int]:
    """A 1.25 Hz wave as counts, without its first ``missing`` samples."""
    scale, _, amplitude = SHAPES[m]
    counts = np.rint(amplitude / scale * np.sin(2 * np.pi * 1.25 * T + index)).astype(np.int16)
    counts[:missing] = MISSING
    return counts.tolist()


@pytest.fixture(scope="session")
def make_windows() -> Make:
    """Make windows of one record, each by ``(grade, missing samples)`` of ECG, PPG and ABP."""

    def make(
        *windows: Mapping[Modality, tuple[str, int]], record_id: str = "a", **told: object
    ) -> pl.DataFrame:
        rows = []
        for index, said in enumerate(windows):
            row = dict.fromkeys(Window.column_names()) | {
                "dataset": "ward",
                "record_id": record_id,
                "window_index": index,
                "subject_id": "subject",
                "start_s": index * WINDOW_S,
                "grader_version": "1",
                "input_sha256": f"input {index}",
                "run_id": "run",
            }
            for m in MODALITIES:
                row |= _signal(index, m, *said.get(m, ("absent", WINDOW_SAMPLES)))
            rows.append(row | told)
        return pl.DataFrame(rows, schema=Window.create_empty().schema)

    return make


def _signal(index: int, m: Modality, grade: str, missing: int) -> Told:
    row: dict[str, Any] = {f"{m}_grade": grade, f"{m}_missing": missing / WINDOW_SAMPLES}
    row[f"{m}_sqi"] = {"good": 0.9, "fair": 0.5}.get(grade, 0.0)
    if grade == "absent":
        return row
    scale, zero, _ = SHAPES[m]
    row |= {m: made_up(index, m, missing), f"{m}_scale": scale, f"{m}_zero": zero}
    row |= {f"{m}_unit": {"ecg": "mV", "ppg": "NU", "abp": "mmHg"}[m], f"{m}_lead": m.upper()}
    return row | ({f"hr_{m}": 75.0} if grade in {"good", "fair"} else {})


@dataclass
class Sawtooth:
    """A restorer that draws a sawtooth of the window's seed, level and heart rate.

    It abstains where the heart rate is not known, and says what it was asked in ``asked``.
    """

    tasks: tuple[Task, ...] = ("translate", "impute", "denoise")
    band: float = 10.0
    height: float = 40.0
    asked: list[RestoreBatch] = field(default_factory=list)

    model_id = "sawtooth-1"
    model_sha256 = "5a"
    sampler = "none"
    steps = 0
    n_samples = 1
    calibrates = True
    trained = Trained(hr=(20.0, 240.0))

    def can(self, task: Task, target: Modality) -> bool:
        return task in self.tasks

    def restore(self, batch: RestoreBatch) -> Restored:
        self.asked.append(batch)
        level = 70 + (batch.seeds % 7)[:, None] + batch.hr[:, None] / 75
        mean = (level + self.height * (T * 1.25 % 1)).astype(np.float32)
        value = mean.mean(axis=1)
        interval = Interval(value, value - np.float32(5), value + np.float32(5))
        return Restored(
            mean=mean,
            lower=mean - np.float32(self.band),
            upper=mean + np.float32(self.band),
            pressures=dict.fromkeys(("sbp", "dbp", "map"), interval)
            if batch.target == "abp"
            else {},
            grade=["fair" if known else "absent" for known in np.isfinite(batch.hr)],
        )


@pytest.fixture(scope="session")
def sawtooth() -> Callable[..., Sawtooth]:
    return Sawtooth
