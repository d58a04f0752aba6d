"""Nights on an S3 that fails, lags, breaks off and loses answers."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import polars as pl
import pytest

from flows import backfill, ingest
from flows.config import IngestConfig, NightlyConfig
from flows.nightly import nightly
from infra.demo.archive import CASES
from infra.demo.s3 import EmbeddedS3, upload
from ops.unserved import SourceDownError
from schemas.tables import TABLES
from tests.s3_proxy import (
    Act,
    Answer,
    Forward,
    Request,
    S3Proxy,
    Stale,
    after,
    breaks_off,
    comes_short,
    fails,
    is_silent,
    lands_unanswered,
    loses_its_answer,
    s3_proxy,
)

PLAIN, CUFF, SEGMENTS = "10000101", "10000107", "10000110"
"""Subjects: of one segment, with numerics, of several segments."""
RowsOf = Callable[[str], dict[str, pl.DataFrame]]


def write_ward(folder: Path, seed: int = 0) -> Path:
    """Three records of one minute, the same bytes for the same seed."""
    for index, case in enumerate(CASES):
        if case.patient.subject_id in {PLAIN, CUFF, SEGMENTS}:
            patient = replace(case.patient, seed=1000 * seed + index)
            case.write(folder, replace(case, patient=patient), 60.0)
    return folder


def files_of(folder: Path, subject: str, ending: str = "") -> list[Path]:
    return sorted(p for p in folder.rglob(f"*{ending}") if p.is_file() and subject[-3:] in p.name)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ward(tmp_path_factory.mktemp("ward"))


@pytest.fixture(scope="module")
def other_ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the same names and headers' shapes, with other signals in them."""
    return write_ward(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture
def proxy(s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """The server behind a proxy, and waits that a test has time for."""
    with s3_proxy(s3.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        yield proxy


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits and time-outs that a test has time for."""
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("ops.source.GIVE_UP_S", 1.0)
    monkeypatch.setattr("flows.actors.reader.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("ops.patience.READ_TIMEOUT_S", 2.0)
    monkeypatch.setattr("ops.patience.REQUEST_TIMEOUT_S", 5.0)
    monkeypatch.setattr("ops.patience.RETRY_S", 5.0)
    monkeypatch.setattr("ops.patience.FIRST_WAIT_S", 0.01)
    delay = "botocore.retries.standard.ExponentialBackoff.delay_amount"
    monkeypatch.setattr(delay, lambda self, context: 0.01)
    for task in (ingest.plan_ingest, ingest.read_batch, backfill.fill_batch):
        monkeypatch.setattr(task, "retry_delay_seconds", 0)


@pytest.fixture
def config(
    s3: EmbeddedS3, proxy: S3Proxy, quick: None, ward: Path, tmp_path: Path
) -> NightlyConfig:
    """A first night of the ward, both in a place of the test's own."""
    place = tmp_path.name
    upload(ward, s3.url(place, "ward"), **s3.storage_options)
    return NightlyConfig(
        source=s3.url(place, "ward"),
        lake=s3.url(place, "lake"),
        workers=0,
        restorer="classical",
        attempts=2,
    )


@pytest.fixture(scope="module")
def undisturbed(ward: Path, tmp_path_factory, rows_of: RowsOf) -> dict[str, pl.DataFrame]:
    """The rows of a night on disk that nothing disturbs; the source's ETags are no part of them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(ward, folder / "ward")
    lake = str(folder / "lake")
    told = {"source": str(folder / "ward"), "lake": lake, "restorer": "classical"}
    nightly(NightlyConfig(**told, workers=0))
    return untold(rows_of(lake))


def untold(rows: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: table.drop("etag", "fingerprint", strict=False) for name, table in rows.items()}


def assert_same(ours: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> None:
    for name, rows in untold(ours).items():
        assert rows.equals(theirs[name]), name


def assert_nothing_wrong(ours: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> None:
    """Every row of signals and numbers is one of an undisturbed night."""
    for name in ("windows", "numerics", "backfill"):
        key = TABLES[name].key
        told = theirs[name].join(ours[name].select(key), on=key, how="semi").sort(key)
        assert told.equals(ours[name]), name


def put(s3: EmbeddedS3, url: str, content: bytes) -> None:
    """Put an object past the proxy."""
    connection = HTTPConnection(urlsplit(s3.endpoint_url).netloc, timeout=30)
    known = {"Authorization": "anybody known"}
    connection.request("PUT", "/" + quote(url.removeprefix("s3://")), content, known)
    assert connection.getresponse().status == 200
    connection.close()


def target(config: NightlyConfig, ward: Path, path: Path) -> str:
    """What the proxy is asked for, of a file of the ward."""
    return f"{config.source.removeprefix('s3:/')}/{path.relative_to(ward)}$"


def test_a_night_on_a_source_that_fails_for_a_while_ends_with_the_same_rows(
    config, proxy, ward, undisturbed, rows_of
) -> None:
    (signals, *_) = files_of(ward, PLAIN, ".dat")
    (header,) = files_of(ward, PLAIN, ".hea")
    parts = files_of(ward, SEGMENTS, ".dat")
    numerics = files_of(ward, CUFF, ".gz")[0]
    rules = [
        proxy.on("GET", "list-type=2", fails(500, "InternalError"), last=2),
        proxy.on("GET", target(config, ward, header), fails(503, "SlowDown"), last=3),
        proxy.on("GET", target(config, ward, signals), is_silent, last=2),
        proxy.on("GET", target(config, ward, numerics), breaks_off(100), last=2),
        proxy.on("GET", target(config, ward, parts[0]), comes_short(1000), last=2),
        proxy.on("GET", target(config, ward, parts[1]), fails(503, "SlowDown"), last=5),
    ]
    summary = nightly(config)

    assert [rule.n_acted for rule in rules] == [2, 3, 2, 2, 2, 5]
    assert summary.inputs_quarantined == 0
    assert_same(rows_of(config.lake), undisturbed)


@pytest.mark.parametrize(
    ("subject", "ending", "act"),
    [
        (SEGMENTS, ".dat", comes_short(1000)),
        (CUFF, ".gz", breaks_off(50)),
        pytest.param(PLAIN, ".hea", comes_short(40), marks=pytest.mark.slow),
        pytest.param(PLAIN, ".dat", fails(500, "InternalError"), marks=pytest.mark.slow),
        pytest.param(PLAIN, ".hea", fails(503, "SlowDown"), marks=pytest.mark.slow),
        pytest.param(SEGMENTS, ".dat", is_silent, marks=pytest.mark.slow),
    ],
    ids=["short signals", "broken off", "short header", "500", "503", "silence"],
)
def test_what_does_not_come_is_quarantined_and_mended_by_the_next_night(
    config, proxy, ward, undisturbed, rows_of, subject: str, ending: str, act: Act
) -> None:
    file = files_of(ward, subject, ending)[-1]
    rule = proxy.on("GET", target(config, ward, file), act)
    summary = nightly(config)
    broken = rows_of(config.lake)
    proxy.rules.clear()
    mended = nightly(config)

    assert rule.n_acted > 3
    assert [subject[-3:] in line.path for line in summary.quarantined] == [True]
    assert_nothing_wrong(broken, undisturbed)
    assert broken["windows"].height + broken["numerics"].height < (
        undisturbed["windows"].height + undisturbed["numerics"].height
    )
    assert mended.inputs_quarantined == 0
    assert_same(rows_of(config.lake), undisturbed)


def test_a_night_on_a_lake_that_fails_for_a_while_ends_with_the_same_rows(
    config, proxy, undisturbed, rows_of
) -> None:
    lake = config.lake.removeprefix("s3:/")
    rules = [
        proxy.on("PUT", f"{lake}/windows/.*parquet", fails(503, "SlowDown"), last=3),
        proxy.on("PUT", f"{lake}/numerics/.*parquet", is_silent, last=1),
        proxy.on("PUT", f"{lake}/windows/_delta_log/0+1.json", fails(503, "SlowDown"), last=2),
        proxy.on("GET", f"{lake}/records/_delta_log", fails(500, "InternalError"), last=2),
        proxy.on("GET", f"{lake}/windows/.*parquet", breaks_off(200), last=1),
        proxy.on("PUT", f"{lake}/backfill/.*parquet", fails(500, "InternalError"), last=1),
    ]
    nightly(config)

    assert [rule.n_acted for rule in rules] == [3, 1, 2, 2, 1, 1]
    assert_same(rows_of(config.lake), undisturbed)


def rival(s3: EmbeddedS3, lake: str) -> Act:
    """Another writer takes the version that a commit is put to."""

    def act(request: Request, forward: Forward) -> Answer:
        first = json.dumps({"commitInfo": {"timestamp": 1, "operation": "WRITE"}})
        put(s3, "s3:/" + request.path, first.encode())
        return forward(request)

    return act


def test_a_commit_lost_to_another_writer_and_one_whose_answer_is_lost_are_in_once(
    s3, config, proxy, undisturbed, rows_of
) -> None:
    """A commit is a conditional put: its second try finds its own first one there."""
    lake = config.lake.removeprefix("s3:/")
    put_of = "{}/{}/_delta_log/0+{}.json"
    rules = [
        proxy.on("PUT", put_of.format(lake, table, version), act, last=1)
        for table, version, act in [
            ("windows", 1, rival(s3, lake)),
            ("windows", 3, loses_its_answer),
            ("numerics", 0, loses_its_answer),
            ("numerics", 1, loses_its_answer),
            ("records", 1, loses_its_answer),
            ("records", 2, rival(s3, lake)),
            ("backfill", 1, loses_its_answer),
        ]
    ]
    nightly(config.model_copy(update={"commit_every_s": 0.0}))
    again = nightly(config)

    assert [rule.n_acted for rule in rules] == [1] * len(rules)
    assert_same(rows_of(config.lake), undisturbed)
    assert again.rows_changed == 0


@pytest.mark.slow
def test_a_commit_that_lands_and_is_never_answered_is_in_once(
    config, proxy, undisturbed, rows_of
) -> None:
    lake = config.lake.removeprefix("s3:/")
    rules = [
        proxy.on("PUT", f"{lake}/{table}/_delta_log/0+1.json", lands_unanswered, last=1)
        for table in ("windows", "records", "backfill")
    ]
    nightly(config)
    again = nightly(config)

    assert [rule.n_acted for rule in rules] == [1, 1, 1]
    assert_same(rows_of(config.lake), undisturbed)
    assert again.rows_changed == 0


@pytest.mark.parametrize(
    "table",
    [
        "records",
        pytest.param("windows", marks=pytest.mark.slow),
        pytest.param("backfill", marks=pytest.mark.slow),
    ],
)
def test_a_lake_that_takes_no_commit_ends_the_night_by_a_sentence_and_the_next_one_mends_it(
    config, proxy, undisturbed, rows_of, table: str
) -> None:
    lake = config.lake.removeprefix("s3:/")
    proxy.on("PUT", f"{lake}/{table}/_delta_log/0+1.json", fails(503, "SlowDown"))

    with pytest.raises(OSError, match=f"lake {config.lake} can't be used .*SlowDown") as failure:
        nightly(config)
    broken = rows_of(config.lake)
    proxy.rules.clear()
    nightly(config)

    assert "\n" not in str(failure.value)
    assert "\x1b" not in str(failure.value)
    assert_nothing_wrong(broken, undisturbed)
    assert_same(rows_of(config.lake), undisturbed)


@pytest.mark.slow
def test_a_record_whose_data_file_cannot_be_put_is_quarantined_and_mended_by_the_next_night(
    config, proxy, undisturbed, rows_of
) -> None:
    lake = config.lake.removeprefix("s3:/")
    proxy.on("PUT", f"{lake}/numerics/.*parquet", fails(500, "InternalError"))
    summary = nightly(config)
    broken = rows_of(config.lake)
    proxy.rules.clear()
    mended = nightly(config)

    assert {line.step for line in summary.quarantined} == {"ingest"}
    assert "can't be used" in summary.quarantined[0].reason
    assert broken["numerics"].is_empty()
    assert_nothing_wrong(broken, undisturbed)
    assert mended.inputs_quarantined == 0
    assert_same(rows_of(config.lake), undisturbed)


def replaced(
    s3: EmbeddedS3, config: NightlyConfig, other: Path, subject: str
) -> Callable[[], None]:
    """Put other files of the same names in a record's place."""

    def act() -> None:
        for file in files_of(other, subject):
            put(s3, f"{config.source}/{file.relative_to(other)}", file.read_bytes())

    return act


def fresh_rows(config: NightlyConfig, rows_of: RowsOf) -> dict[str, pl.DataFrame]:
    """What a night makes of the source as it is now, in a lake of its own."""
    fresh = config.model_copy(update={"lake": config.lake + "-fresh"})
    nightly(fresh)
    return rows_of(fresh.lake)


@pytest.mark.parametrize(
    ("subject", "ending", "nth", "part_bytes"),
    [
        (PLAIN, ".dat", 1, 2**25),
        pytest.param(PLAIN, ".dat", 3, 4096, marks=pytest.mark.slow),
        pytest.param(SEGMENTS, ".dat", 1, 2**25, marks=pytest.mark.slow),
    ],
    ids=["between header and signals", "amid the parts of a file", "between segments"],
)
def test_a_record_that_is_replaced_while_it_is_read_is_read_again_and_not_mixed(
    s3,
    config,
    proxy,
    ward,
    other_ward,
    undisturbed,
    monkeypatch,
    rows_of,
    subject,
    ending,
    nth,
    part_bytes,
) -> None:
    monkeypatch.setattr("ops.source_s3.PART_BYTES", part_bytes)
    file = files_of(ward, subject, ending)[-1]
    happens = after(replaced(s3, config, other_ward, subject))
    rule = proxy.on("GET", target(config, ward, file), happens, first=nth, last=nth)
    summary = nightly(config)
    proxy.rules.clear()
    again = nightly(config)

    assert rule.n_acted == 1
    assert summary.inputs_quarantined == 0
    assert again.rows_changed == 0
    ours, theirs = rows_of(config.lake), fresh_rows(config, rows_of)
    assert not ours["windows"].equals(undisturbed["windows"])
    for name, rows in theirs.items():
        assert ours[name].equals(rows), name


@pytest.mark.slow
def test_a_record_that_keeps_changing_is_quarantined_and_mended_by_the_next_night(
    s3, config, proxy, ward, other_ward, undisturbed, rows_of
) -> None:
    wards = [ward, other_ward] * 20
    file = files_of(ward, PLAIN, ".dat")[-1]

    def change() -> None:
        replaced(s3, config, wards.pop(), PLAIN)()

    proxy.on("GET", target(config, ward, file), after(change))
    summary = nightly(config)
    broken = rows_of(config.lake)
    proxy.rules.clear()
    replaced(s3, config, ward, PLAIN)()
    mended = nightly(config)

    (line,) = summary.quarantined
    assert line.reason.endswith("has changed each of the 3 times that it was read")
    assert broken["quarantine"]["fingerprint"].to_list() == [""]
    assert_nothing_wrong(broken, undisturbed)
    assert mended.inputs_quarantined == 0
    assert_same(rows_of(config.lake), undisturbed)


def test_a_stale_listing_costs_a_second_look_and_no_wrong_row(
    s3, config, proxy, other_ward, undisturbed, rows_of
) -> None:
    stale = Stale()
    proxy.on("GET", f"list-type=2.*{config.source.split('/')[-2]}/ward", stale)
    config.open_source().listing()
    replaced(s3, config, other_ward, PLAIN)()
    summary = nightly(config)
    replaced(s3, config, other_ward, SEGMENTS)()
    unseen = nightly(config)
    proxy.rules.clear()
    seen = nightly(config)

    assert summary.inputs_quarantined == 0
    assert unseen.inputs_quarantined == 0
    assert (seen.records_ingested, seen.records_unchanged) == (1, 2)
    ours, theirs = rows_of(config.lake), fresh_rows(config, rows_of)
    assert not ours["windows"].equals(undisturbed["windows"])
    for name, rows in theirs.items():
        assert ours[name].equals(rows), name


@pytest.mark.slow
def test_a_night_with_actors_gets_through_the_same_faults(
    config, proxy, ward, undisturbed, rows_of
) -> None:
    lake = config.lake.removeprefix("s3:/")
    (signals, *_) = files_of(ward, PLAIN, ".dat")
    parts = files_of(ward, SEGMENTS, ".dat")
    rules = [
        proxy.on("GET", target(config, ward, signals), breaks_off(1000), last=1),
        proxy.on("GET", target(config, ward, parts[0]), comes_short(1000), last=1),
        proxy.on("GET", target(config, ward, parts[1]), fails(503, "SlowDown"), last=1),
        proxy.on("PUT", f"{lake}/windows/.*parquet", fails(500, "InternalError"), last=1),
        proxy.on("PUT", f"{lake}/records/_delta_log/0+1.json", loses_its_answer, last=1),
        proxy.on("GET", f"{lake}/windows/.*parquet", breaks_off(200), last=1),
    ]
    nightly(config.model_copy(update={"workers": 2}))

    assert [rule.n_acted for rule in rules] == [1] * len(rules)
    assert_same(rows_of(config.lake), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied"])
def test_signals_that_are_refused_for_now_are_read_by_the_next_night(
    config, proxy, ward, undisturbed, rows_of, code: str
) -> None:
    (signals, *_) = files_of(ward, PLAIN, ".dat")
    proxy.on("GET", target(config, ward, signals), fails(403, code))
    ingest.ingest(IngestConfig.model_validate(of_ingest(config)))
    broken = rows_of(config.lake)
    proxy.rules.clear()
    nightly(config)

    assert sorted(broken["records"]["fingerprint"].str.len_bytes()) == [0, 64, 64]
    assert_same(rows_of(config.lake), undisturbed)


def of_ingest(config: NightlyConfig) -> dict[str, object]:
    """What an ingest alone is told of a night."""
    return {name: value for name, value in config if name in IngestConfig.model_fields}


@pytest.mark.slow
@pytest.mark.parametrize("act", [fails(403, "ExpiredToken"), is_silent], ids=["expired", "silent"])
def test_a_source_that_gives_nothing_any_more_ends_the_night_and_what_was_read_stays(
    config, proxy, undisturbed, rows_of, monkeypatch, act: Act
) -> None:
    monkeypatch.setattr("ops.unserved.MOST_UNSERVED", 2)
    monkeypatch.setattr("ops.source.GIVE_UP_S", 0.0)
    gone = threading.Event()

    def header(request: Request, forward: Forward) -> Answer | None:
        return act(request, forward) if gone.is_set() else forward(request)

    ward = config.source.removeprefix("s3:/")
    proxy.on("GET", rf"{ward}/.*\.dat$", after(gone.set))
    proxy.on("GET", rf"{ward}/.*\.hea$", header)

    said = (
        rf"source {config.source} was asked for 2 files in a row and gave none \(.*then run again"
    )
    with pytest.raises(SourceDownError, match=said):
        nightly(config.model_copy(update={"commit_every_s": 600.0}))
    broken = rows_of(config.lake)
    proxy.rules.clear()
    nightly(config)

    assert broken["records"].height == 1
    assert broken["quarantine"].is_empty()
    assert_same(rows_of(config.lake), undisturbed)
