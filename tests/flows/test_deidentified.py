"""Nights over an archive in which every text, number and date names somebody."""

import gzip
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import fsspec
import numpy as np
import polars as pl
import pytest
import ray
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from flows import cli
from flows.actors.reader import Reader
from flows.config import IngestConfig, NightlyConfig
from flows.ingest import ingest
from flows.nightly import nightly
from flows.status import lake_status
from flows.upkeep_config import StatusConfig
from infra.demo.s3 import upload
from infra.demo.simulate import Patient, simulate
from infra.demo.wfdb_write import Clock, Signal, write_master, write_record
from ops.lake import Lake

NAMED = (b"vorlun", b"90210417", b"23/11/1931", b"1931-11-23")
"""A name, a number and a birthday; text of the archive holds one of them."""
BORN = datetime(1931, 11, 23, 10, 30)  # noqa: DTZ001
KEY = "zekrit-key-of-24-characters"
TOKEN = "zekrit-session-token"  # noqa: S105
SECRET = b"zekrit"
SCRATCH = b"yobsin"

BROKEN = (
    "Vorlun, born 23/11/1931, was here",
    "{name} 90210417 125 100",
    "{name} 1 90210417 100\nvorlun.dat 16 II",
    "{name} 1 vorlun 100\nvorlun.dat 16 II",
    "{name} 1 125 90210417902104179021\nvorlun.dat 16 II",
    "{name} 1 125 100\nvorlun.dat 16 vorlun(0)/mV 16 0 0 0 0 II",
    "{name} 1 125 100\nvorlun.dat 16 90210417e20(0)/mV 16 0 0 0 0 II",
    "{name} 1 125 100\nvorlun.dat 16 200(0)/mV 16 9021041790210417 0 0 0 II",
    '{name} 1 125 100\nvorlun was born on 23/11/1931, "wasn\'t he"',
    "{name} 1 125 100\n../vorlun.dat 16 200",
    "{name} 1 125 100\nvorlun.hea 16 200",
    "{name}/1 1 125 100\nvorlun nought",
    "{name}/1 1 125 100\nvorlun 90210417902104179021",
    "{name}/1 1 125 100\n{name} 100",
    "{name} 1 125 100\nvorlun.dat 777 200 16 0 0 0 0 II",
    "{name} 1 125 100\nvorlun-absent.dat 16 200 16 0 0 0 0 II",
    "{name} 1 125 100000\nvorlun.dat 16 200 16 0 0 0 0 II",
    "{name} 1 125 100\nvorlun.dat 516 200 16 0 0 0 0 II",
)
LINES = ("../vorlun/90210417", "/vorlun", "vorlun born 23/11/1931", "vorlun://90210417", "vorlun\a")


class Doomed(Reader):
    """A reader that one record fails, and one takes along."""

    def work(self, planned):
        if planned.record_id.endswith("dies"):
            os._exit(1)
        if planned.record_id.endswith("fails"):
            message = f"{planned.record_id} of vorlun, born 23/11/1931, is `90210417`"
            raise RuntimeError(message)
        return super().work(planned)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    ward = folder / "vorlun-ward"
    strip = simulate(Patient("90210417", 74, 122, 76, 15, 0.185), 24.0, 125.0)
    comments = ("Vorlun, born 23/11/1931", "<subject_id>: 90210417")
    dated = Clock(125.0, BORN)
    signals = [
        Signal("II", "mV", strip.ecg, 200),
        Signal("PLETH", "vorluns", strip.ppg, 4096),
        Signal("ABP", "mmHg", strip.abp, 16),
        Signal("Mood of Vorlun", "vorlun/day", strip.ecg, 200),
    ]
    write_record(ward / "p90210417", "vorlun_one", signals, dated, comments)
    heading = '"time","HR [bpm]","Vorlun [vorluns]","Pulse of Vorlun [bpm]"\n'
    table = heading + "".join(f"{125 * i},{60 + i},{i},vorlun{i}\n" for i in range(20))
    table += "19311123000000,61,62,63\n"
    numerics = ward / "p90210417" / "vorlun_onen.csv.gz"
    numerics.write_bytes(gzip.compress(table.encode()))

    numbered = [Signal("ECG 90210417", "mV", strip.ecg, 200), signals[1]]
    write_record(ward, "vorlun_two", numbered, dated, comments)
    minutes = [Signal("Vorlun's sleep", "vorluns", np.arange(1, 5, dtype=np.float32), 1)]
    write_record(ward, "vorlun_twon", minutes, Clock(1 / 60, BORN))
    for name in ("vorlun_leaves", "vorlun_fails", "vorlun_cut", "vorlun_seg1"):
        write_record(ward, name, signals[:2], dated, comments)
    (ward / "vorlun_cut.dat").write_bytes(b"vorlun")
    (ward / "vorlun_dies.hea").write_text("vorlun_dies 0 125 0\n")  # the smallest comes last
    (ward / "vorlun_seg2.hea").write_text("vorlun_seg2 1 125 9\nVorlun fell asleep at 90210417\n")
    parts = [("vorlun_seg1", 3000), ("~", 500), ("vorlun_seg2", 9), ("vorlun_seg3", 9)]
    write_master(ward, "vorlun_multi", parts, 2, dated, comments)

    (ward / "vorlun.dat").write_bytes(b"vorlun")
    for number, body in enumerate(BROKEN):
        name = f"vorlun_{number}"
        (ward / f"{name}.hea").write_text(body.format(name=name) + "\n# Vorlun\n")
    (ward / "vorlun\a.hea").write_text("vorlun")
    (ward / "vorlun_out.hea").symlink_to("/vorlun/90210417.hea")
    (ward / "vorlun_folder").symlink_to(ward)
    found = sorted(str(path.relative_to(folder))[:-4] for path in ward.rglob("*.hea"))
    listed = [name for name in found if "\a" not in name and not name.endswith(("seg1", "seg2"))]
    (folder / "RECORDS").write_text("\n".join([*listed, *LINES, "vorlun-absent"]) + "\n")
    return folder


@pytest.fixture
def hidden(archive, tmp_path, monkeypatch) -> NightlyConfig:
    """A night on a copy of the archive, whose readers fail one record."""
    monkeypatch.setattr("flows.ingest.Reader", Doomed)
    monkeypatch.delenv("PULSELAKE_DEID_KEY", raising=False)
    source = shutil.copytree(archive, tmp_path / "source", symlinks=True)
    (source / "vorlun-ward" / "vorlun_dies.hea").unlink()
    (tmp_path / "yobsin").mkdir()
    return NightlyConfig(
        source=str(source),
        lake=str(tmp_path / "lake"),
        scratch=str(tmp_path / "yobsin"),
        dataset="ward",
        workers=0,
        attempts=1,
        restorer="classical",
        deidentify=True,
        deid_key=KEY,
    )


@pytest.fixture
def logged(caplog) -> pytest.LogCaptureFixture:
    """Everything that we and what runs us log; libraries name files and headers below INFO."""
    caplog.set_level(logging.INFO)
    for ours in ("pulselake", "flows", "ops", "prefect", "ray"):
        caplog.set_level(logging.DEBUG, ours)
    return caplog


@pytest.fixture
def ray_folder(monkeypatch) -> Iterator[Path]:
    """Where Ray keeps its logs; its sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as made:
        monkeypatch.setenv("RAY_TMPDIR", made)
        yield Path(made)


def told_by_prefect() -> bytes:
    """Everything that Prefect's server was told: parameters, states, logs, artifacts."""
    APILogHandler().flush()
    database = Path(PREFECT_API_DATABASE_CONNECTION_URL.value().split("///")[1])
    return b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its name, and what is packed in it."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        found[name] = path.read_bytes()
        if path.suffix == ".parquet":
            rows = pl.read_parquet(path, hive_partitioning=False, glob=False)
            found[f"{name} unpacked"] = rows.write_ndjson().encode()
    return found


def naming(texts: dict[str, bytes], marks=NAMED) -> list[str]:
    """The texts that hold a mark, or are called by one."""
    return [
        f"{where}: {text[max(at - 200, 0) : at + 60]!r}"
        for where, content in texts.items()
        for text in (where.encode().lower(), content.lower())
        for at in (text.find(mark) for mark in marks)
        if at >= 0
    ]


def test_nights_over_a_deidentified_lake_name_nobody(hidden, logged, capfd) -> None:
    first = nightly(hidden)
    again = nightly(hidden)
    source = Path(hidden.source)
    records = (source / "RECORDS").read_text()
    (source / "RECORDS").write_text(records.replace("vorlun-ward/vorlun_leaves\n", ""))
    os.utime(source / "vorlun-ward" / "vorlun_two.dat")
    (source / "vorlun-ward" / "vorlun_folder").unlink()
    third = nightly(hidden)
    status = lake_status(StatusConfig(lake=hidden.lake))
    printed = "".join(capfd.readouterr())

    assert (first.records_ingested, first.windows) == (4, 24)
    assert (again.rows_changed, len(again.quarantined)) == (0, len(first.quarantined))
    assert (third.records_ingested, len(third.records_vanished)) == (1, 1)
    lake, prefect = written(Path(hidden.lake)), told_by_prefect()
    assert first.run_id.encode() in b"".join(v for name, v in lake.items() if "unpacked" in name)
    assert hidden.lake.encode() in prefect
    texts = {
        "prefect": prefect,
        "printed": printed.encode(),
        "logged": logged.text.encode(),
        "summaries": "".join(s.model_dump_json() for s in (first, again, third)).encode(),
        "status": status.model_dump_json().encode(),
    }
    assert naming(lake | texts) == []
    assert naming(lake | texts, [SECRET]) == []


def test_a_deidentified_night_that_logs_json_and_tells_prometheus_names_nobody(
    hidden, monkeypatch, capfd, tmp_path
) -> None:
    metrics = tmp_path / "night.prom"
    monkeypatch.setenv("PULSELAKE_LOG_JSON", "1")
    monkeypatch.setenv("PULSELAKE_METRICS_FILE", str(metrics))
    monkeypatch.setenv("PULSELAKE_DEID_KEY", KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    summary = nightly(hidden)
    logged = capfd.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    records = {line["record"] for line in lines if "record" in line}

    known = set(Lake(hidden.lake).scan("records").collect()["record_id"])
    assert known <= records
    assert any(line["event"].startswith("given up") for line in lines)
    texts = {"logged": logged.encode(), "metrics": metrics.read_bytes()}
    assert f'dataset="{summary.dataset}"'.encode() in texts["metrics"]
    assert naming(texts) == []
    assert naming(texts, [SECRET]) == []


def test_a_deidentified_lake_keeps_what_monitors_write(hidden) -> None:
    nightly(hidden)
    lake = Lake(hidden.lake)
    records, numerics = lake.scan("records").collect(), lake.scan("numerics").collect()
    signals = records["signals"].explode().struct.unnest()
    windows = lake.scan("windows").collect()
    reasons = lake.scan("quarantine").collect()["reason"]

    assert {"II", "PLETH", "ABP"} < set(signals["name"])
    assert {"mV", "mmHg"} < set(signals["unit"])
    assert windows["ecg_lead"].n_unique() == 2
    assert set(windows["ppg_lead"].drop_nulls()) == {"PLETH"}
    assert "HR" in set(numerics["name"])
    assert numerics["name"].n_unique() == 3
    assert numerics["start_s"].is_between(0, 200).all()
    assert windows["start_time"].dt.year().min() > 2030
    assert any(reason.endswith("has 6 bytes, its header needs …") for reason in reasons)
    assert any("more than a day outside their record" in reason for reason in reasons)
    assert not any(SCRATCH.decode() in reason for reason in reasons)


@pytest.mark.parametrize("where", ["flows.ingest.plan_records", "flows.ingest_commit._count"])
def test_a_night_that_fails_names_nobody(hidden, monkeypatch, logged, capfd, where) -> None:
    def fail(*_, **__) -> None:
        try:
            Path("/vorlun/90210417").read_bytes()
        except OSError as error:
            message = f"record vorlun-ward/vorlun_one of 23/11/1931 in {hidden.source} is `vorlun`"
            raise ValueError(message) from error

    monkeypatch.setattr(where, fail)
    config = {**hidden.model_dump(mode="json", exclude_none=True), "deid_key": KEY}
    told = Path(hidden.lake).with_name("night.toml")
    told.write_text(
        "".join(f"{k} = {json.dumps(v)}\n" for k, v in config.items()), encoding="utf-8"
    )
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setattr(sys, "argv", ["pulselake", "nightly", "--json", "--config", str(told)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capfd.readouterr()

    assert left.value.code == 1
    assert json.loads(out)["error"] == f"record … of … in {hidden.source} is …"
    assert "pulselake failed: record … of …" in err
    texts = {
        "printed": (out + err).encode(),
        "logged": logged.text.encode(),
        "prefect": told_by_prefect(),
    }
    assert naming(written(Path(hidden.lake)) | texts) == []
    assert naming(written(Path(hidden.lake)) | texts, [SECRET]) == []
    (run,) = Lake(hidden.lake).scan("runs").collect().rows(named=True)
    assert json.loads(run["summary"])["error"].startswith("ValueError: record …")


@pytest.mark.slow
def test_a_night_on_s3_with_an_actor_names_nobody_and_keeps_its_secrets(
    archive, hidden, s3, ray_folder, monkeypatch, tmp_path, logged, capfd
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET.decode())
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    source, lake = s3.url("hidden", "source"), s3.url("hidden", "lake")
    upload(archive, source, **s3.storage_options)
    far = {**hidden.model_dump(include=set(IngestConfig.model_fields)), "deid_key": KEY}
    summary = ingest(IngestConfig(**{**far, "source": source, "lake": lake, "workers": 1}))
    printed = "".join(capfd.readouterr())

    assert summary.windows > 0
    errors = Lake(lake).scan("quarantine").collect()["error"]
    assert {"RuntimeError", "ActorDiedError"} < set(errors)
    copy = tmp_path / "copy"
    fsspec.filesystem("s3").get(lake, str(copy), recursive=True)
    texts = {
        "prefect": told_by_prefect(),
        "printed": printed.encode(),
        "logged": logged.text.encode(),
        "summary": summary.model_dump_json().encode(),
    }
    ray_told = written(ray_folder)
    assert any(name.endswith("raylet.out") and content for name, content in ray_told.items())
    everything = written(copy) | ray_told | texts
    assert not ray.is_initialized()
    assert naming(everything) == []
    assert naming(everything, [SECRET]) == []
