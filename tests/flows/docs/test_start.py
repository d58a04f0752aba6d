"""The way in by a public bucket, on a server with public objects and no credentials at hand."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from infra.demo.s3 import upload
from ops.source import Source
from tests.flows.docs.pages import PAGES, code_of, commands_of, words_of
from tests.s3_proxy import Request, s3_proxy

PAGE = PAGES["docs/start.md"]
BUCKET = "s3://physionet-open/mimic4wdb/0.1.0"
LISTS = "list-type=2"
QUICK = ["--workers", "0", "--restorer", "classical"]
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@dataclass
class Walked:
    """A command of the page, how it ended, and what it asked the server for."""

    command: str
    status: int
    asked: list[Request]
    error: str


@pytest.fixture(scope="module")
def archive(first_night, tmp_path_factory) -> Path:
    """The records of the small ward that lie as in the MIMIC-IV Waveform Database."""
    folder = tmp_path_factory.mktemp("mimic4wdb")
    shutil.copytree(Path(first_night[0].source, "waves"), folder / "waves")
    shutil.move(folder / "waves/p100/p10000101", folder / "waves/p100/p10039708")
    records = (p.with_suffix("") for p in folder.rglob("8*.hea") if p.stem == p.parent.name)
    listed = "".join(f"{path.relative_to(folder)}\n" for path in sorted(records))
    (folder / "RECORDS").write_text(listed)
    return folder


@pytest.fixture(scope="module")
def public(s3_server, archive):
    """A bucket of PhysioNet's name with what anybody may read, behind a proxy."""
    s3_server.create_bucket("physionet-open")
    public = {"s3_additional_kwargs": {"ACL": "public-read"}}
    upload(archive, BUCKET, **s3_server.storage_options, **public)
    upload(archive / "waves/p100", f"{BUCKET}-shut", **s3_server.storage_options)
    with s3_proxy(s3_server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def nobody(public, tmp_path_factory):
    """A user without credentials, in a folder of their own; give the requests that they make."""
    asked = []

    def note(request, forward):
        asked.append(request)
        return forward(request)

    folder = tmp_path_factory.mktemp("nobody")
    public.on("GET|HEAD", ".", note)
    with pytest.MonkeyPatch.context() as patch:
        for name in SECRETS:
            patch.delenv(name, raising=False)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, str(folder / "none"))
        patch.setenv("AWS_ENDPOINT_URL", public.endpoint_url)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.chdir(folder)
        patch.setattr("ops.source.FIRST_WAIT_S", 0.01)
        yield asked


def said(command: str, *more: str):
    return CliRunner().invoke(app, [*words_of(command)[1:], *more])


def commands() -> list[str]:
    return [command for command in commands_of(PAGE) if "pulselake" in command]


@pytest.fixture(scope="module")
def walked(nobody) -> list[Walked]:
    """Run the page's commands in their order, the nights by the classical restorers."""
    steps = []
    for command in commands():
        before = len(nobody)
        done = said(command, *(QUICK if " nightly " in command else []))
        steps.append(Walked(command, done.exit_code, nobody[before:], str(done.exception)))
    return steps


def test_the_commands_of_the_page_read_a_public_bucket_unsigned(walked) -> None:
    asked = [request for step in walked for request in step.asked]
    lakes = [pl.scan_delta(f"{name}/records").collect() for name in ("lake", "lake-of-all")]

    assert [step.status for step in walked] == [0] * len(walked), walked
    assert asked
    assert not [r.target for r in asked if "authorization" in {h.lower() for h in r.headers}]
    assert [lake.height for lake in lakes] == [1, 4]
    assert Path("night.html").is_file()


def test_requests_are_as_many_as_the_page_says(walked, nobody, archive) -> None:
    night = next(step for step in walked if "lake-of-all" in step.command)
    first = [request.target for request in night.asked]
    before = len(nobody)
    said(night.command, *QUICK)
    again = [request.target for request in nobody[before:]]
    counts = Counter(target.rpartition("/")[2] for target in first if LISTS not in target)

    assert [LISTS in target for target in first].count(True) == 1
    assert {n for name, n in counts.items() if name.endswith(".hea")} == {2}
    assert {n for name, n in counts.items() if not name.endswith(".hea")} == {1}
    assert set(counts) < {p.name for p in archive.rglob("*") if p.is_file()}
    assert [LISTS in target for target in again] == [True, False]
    assert again[1].endswith("/RECORDS")


def test_its_queries_run_on_what_was_read(walked) -> None:
    names: dict[str, pl.DataFrame] = {}
    for block in code_of(PAGE, "python"):
        exec(block.replace('"/lake"', '"lake-of-all"'), names)  # noqa: S102

    assert names["read"]["n_windows"].sum() > 0
    assert names["grades"]["hours"].sum() > 0
    assert set(names["pressures"]["source"]) == {"measured", "synthetic"}
    assert names["refused"].columns == ["path", "step", "reason"]


def test_without_the_option_it_fails_and_says_that_there_are_no_credentials(nobody) -> None:
    done = said(commands()[0].replace("--anonymous", ""), *QUICK)

    assert "could not be listed" in str(done.exception)
    assert "credentials" in str(done.exception).lower()


def test_what_is_not_public_is_refused_to_nobody(nobody) -> None:
    shut = Source(f"{BUCKET}-shut", {"anon": True})
    path = min(shut.listing())

    assert isinstance(shut.read([path])[path], PermissionError)
