"""Each sentence that the runbook quotes is one that the code says."""

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, Field
from ray.exceptions import RayActorError
from typer.testing import CliRunner

from flows import ingest
from flows.actors.cluster import cluster
from flows.cli import app
from flows.naming import Naming
from flows.quarantine import failed
from models.tricardio.checkpoint import SHIPPED
from ops.entry import CHANGED
from ops.lake.location import Location
from ops.unserved import MOST_UNSERVED, Unserved
from tests.flows.docs.pages import PAGES

PAGE = PAGES["docs/operate.md"]
QUOTED = re.compile(r"^### ([^\n]+)\n\n```text\n(.+?)\n```", flags=re.DOTALL | re.MULTILINE)
SAID = dict(QUOTED.findall(PAGE))
QUICK = ["--workers", "0", "--restorer", "classical"]
SENTENCES: dict[str, Callable[..., str]] = {}


def says(title: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Name the section whose sentence a function has said."""

    def keep(function: Callable[..., str]) -> Callable[..., str]:
        SENTENCES[title] = function
        return function

    return keep


class Operator:
    """Somebody with a lake, its archive, and a command line."""

    def __init__(self, config, ward: Path, folder: Path, monkeypatch) -> None:
        self.lake, self.ward, self.folder, self.monkeypatch = config.lake, ward, folder, monkeypatch

    def run(self, *words: str) -> str:
        """Give what a command says when it fails."""
        done = CliRunner().invoke(app, [*words], env={"COLUMNS": "1000", "TERM": "dumb"})
        assert done.exit_code in (1, 2), done.output
        if done.exit_code == 2:
            return " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.output).split())
        return f"pulselake failed: {done.exception}"

    def night(self, *words: str, source: str = "", lake: str = "") -> str:
        """Give what a night says when it fails."""
        return self.run("nightly", source or str(self.ward), lake or self.lake, *QUICK, *words)


@pytest.fixture
def operator(config, ward, tmp_path, monkeypatch) -> Operator:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(ingest.plan_ingest, "retry_delay_seconds", 0)
    return Operator(config, ward, tmp_path, monkeypatch)


@says("The source is not there")
def _(operator) -> str:
    return operator.night(source=str(operator.folder / "nowhere"))


@says("The source gives nothing")
def _(operator) -> str:
    silent = TimeoutError("a.hea could not be read: no answer")
    unserved = Unserved("s3://hospital/waveforms")
    for i in range(MOST_UNSERVED - 1):
        unserved.failed(i, silent)
    with pytest.raises(OSError, match="in a row") as caught:
        unserved.failed(MOST_UNSERVED, silent)
    return f"pulselake failed: {caught.value}"


@says("The lake can't be reached")
def _(operator) -> str:
    operator.monkeypatch.setattr("ops.lake.location.TRIES_A_REQUEST", 1)
    operator.monkeypatch.setattr("ops.lake.location.S3FS_TRIES", 1)
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        operator.monkeypatch.setenv(name, value)
    return operator.night(lake="s3://research/lake")


@says("The lake's bucket is not there")
def _(operator, request) -> str:
    request.getfixturevalue("s3")
    return operator.night(lake="s3://nobody/lake")


@says("The lake is full, or shut")
def _(operator) -> str:
    with pytest.raises(OSError, match="full") as full, Location(operator.lake).room():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match="written") as shut, Location(operator.lake).room():
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return f"pulselake failed: {full.value}\npulselake failed: {shut.value}"


@says("A file of the lake is gone")
def _(operator) -> str:
    for file in Path(operator.lake, "records").rglob("part-*.parquet"):
        file.unlink()
    return operator.night()


@says("A log of the lake is damaged")
def _(operator) -> str:
    for file in Path(operator.lake, "records", "_delta_log").glob("*.json"):
        file.write_text("{damaged")
    return operator.night()


@says("The lake is of a newer pulselake")
def _(operator) -> str:
    DeltaTable(f"{operator.lake}/quarantine").alter.add_columns([Field("advice", "string")])
    (operator.ward / "ward-a" / "a0102.hea").write_text("spoilt")
    return operator.night()


@says("The model was withdrawn")
def _(operator) -> str:
    CliRunner().invoke(app, ["withdraw", operator.lake, "--model-id", "classical-1"])
    return operator.night()


@says("The checkpoint is not the one of its card")
def _(operator) -> str:
    for suffix in (".safetensors", ".json"):
        shutil.copy(Path(SHIPPED).with_suffix(suffix), operator.folder / f"model{suffix}")
    with (operator.folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x55")
    return operator.run("checkpoint", "show", "model.safetensors")


@says("There is no GPU")
def _(operator) -> str:
    operator.monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(ValueError, match="GPU") as caught, cluster(None, 1, gpus_per_worker=1):
        pass
    return f"pulselake failed: {caught.value}"


@says("The names in the lake are by another key")
def _(operator) -> str:
    operator.monkeypatch.setenv("PULSELAKE_DEID_KEY", "a key of a test, long enough to be one")
    return operator.night("--deidentify", "--dataset", "ward")


@says("The key is missing")
def _(operator) -> str:
    operator.monkeypatch.delenv("PULSELAKE_DEID_KEY", raising=False)
    return operator.night("--deidentify", "--dataset", "ward")


@says("The table of subjects is wrong")
def _(operator) -> str:
    Path("subjects.csv").write_text("patient,sex\n1,F\n")
    return operator.night("--subjects", "subjects.csv")


@says("A password stands in an address")
def _(operator) -> str:
    return operator.night(source="https://joe:hunter2@hospital.example/waveforms")


@says("An option does not go with another")
def _(operator) -> str:
    return operator.night("--checkpoint", "unicardio.safetensors")


@says("A name is misspelt")
def _(operator) -> str:
    lacking = operator.run("status", f"{operator.folder}/typo")
    return lacking + "\n" + operator.run("backfill", operator.lake, "--dataset", "typo", *QUICK)


@says("The time asked for is no longer kept")
def _(operator) -> str:
    return operator.run("status", operator.lake, "--as-of", "2020-01-01")


def spoil(ward: Path) -> None:
    """Do to an archive what the sections on quarantine tell of, one file each."""
    (ward / "ward-a" / "a0102.hea").write_text("no header")
    (ward / "ward-a" / "a0103.dat").unlink()
    leading = ward / "ward-a" / "a0104.hea"
    leading.write_text(leading.read_text().replace("a0104.dat", "../a0104.dat"))
    with (ward / "RECORDS").open("a") as file:
        file.write("ward-a/a0999\n")


@pytest.fixture(scope="module")
def refused(first_night, tmp_path_factory) -> dict[str, str]:
    """Give what a night on a spoilt archive prints of each input that it could not use."""
    folder = tmp_path_factory.mktemp("spoilt")
    spoil(shutil.copytree(first_night[0].source, folder / "ward"))
    words = ["ingest", f"{folder}/ward", f"{folder}/lake", "--workers", "0"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    printed = (line.strip() for line in done.output.splitlines() if line.startswith("  "))
    return {line.partition(" (")[0]: line for line in printed}


@says("A header is no header")
def _(operator, request) -> str:
    return request.getfixturevalue("refused")["ward-a/a0102.hea"]


@says("A signal file is cut short")
def _(operator, request) -> str:
    return request.getfixturevalue("refused")["ward-b/b0112.dat"]


@says("A signal file is not there")
def _(operator, request) -> str:
    return request.getfixturevalue("refused")["ward-a/a0103.dat"]


@says("A record that RECORDS names is not there")
def _(operator, request) -> str:
    return request.getfixturevalue("refused")["ward-a/a0999.hea"]


@says("A name leads out of the archive")
def _(operator, request) -> str:
    return request.getfixturevalue("refused")["ward-a/a0104.hea"]


@says("A record changed while it was read")
def _(operator) -> str:
    changed = OSError(f"ward-a/a0102.dat in s3://hospital/waveforms could not be read: {CHANGED}")
    fault = failed("ward-a/a0102.hea", "ingest", changed, Naming(None))
    return f"{fault.path} ({fault.step}): {fault.reason}"


@says("A shard kills whoever works on it")
def _(operator) -> str:
    died = RayActorError(error_msg="The actor died unexpectedly before finishing this task.")
    fault = failed("ward-a/a0102#windows=0-255", "backfill", died, Naming(None))
    return f"{fault.path} ({fault.step}): {fault.reason}"


def told(title: str) -> re.Pattern[str]:
    """Make a pattern of what a section quotes: ``…`` stands for what differs."""
    return re.compile(".*?".join(map(re.escape, SAID[title].split("…"))), flags=re.DOTALL)


def test_each_failure_of_the_page_is_made_here_and_no_other() -> None:
    assert set(SAID) == set(SENTENCES)


@pytest.mark.parametrize("title", SENTENCES)
def test_the_sentence_of_a_failure_is_what_the_code_says(title, operator, request) -> None:
    function = SENTENCES[title]
    more = [request] if "request" in function.__code__.co_varnames else []
    said = function(operator, *more)

    assert told(title).fullmatch(said), said
