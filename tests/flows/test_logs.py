import io
import json
import logging
import sys
import threading
import warnings
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.json_lines import json_lines
from flows.logs import FIELDS, JsonLines, about, without_credentials

logger = logging.getLogger("flows.of_a_test")


@pytest.fixture
def lines(capfd):
    """Give what was written to standard error, line by line, each of which is JSON."""
    return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def formatted(text: str, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("flows", logging.WARNING, "", 0, "%s", (text,), None)
    record.__dict__.update(extra)
    return json.loads(JsonLines().format(record))


@given(text=st.text(), value=st.one_of(st.none(), st.text(), st.integers(), st.floats()))
def test_whatever_is_said_makes_one_object_on_one_line(text, value) -> None:
    record = logging.LogRecord("flows", logging.INFO, "", 0, "%s", (text,), None)
    record.record = value
    line = JsonLines().format(record)

    assert "\n" not in line
    assert json.loads(line)["level"] == "info"


def test_time_is_utc_with_its_zone() -> None:
    assert str(formatted("x")["time"]).endswith("+00:00")


def test_what_is_no_field_of_ours_is_left_out() -> None:
    line = formatted("x", record="r", header="# Vorlun, born 23/11/1931", samples=[1, 2])

    assert line.keys() == {"time", "level", "logger", "event", "record"}


def test_lines_say_what_they_are_about_and_so_do_those_of_a_thread(lines) -> None:
    def work() -> None:
        logger.info("in a thread", extra={"shard": "r#windows=0-1"})

    with json_lines(), about(run_id="run", flow="nightly"), about(step="fill"):
        thread = threading.Thread(target=copy_context().run, args=(work,))
        thread.start()
        thread.join()
    (line,) = lines()

    assert [line[name] for name in ("run_id", "flow", "step")] == ["run", "nightly", "fill"]
    assert line["shard"] == "r#windows=0-1"


def test_what_libraries_log_print_and_warn_is_json_too(lines) -> None:
    with json_lines():
        logging.getLogger("some.library").warning("careful")
        sys.stderr.write("two lines\nof text\n")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", UserWarning, stacklevel=1)
        log_an_error()
    told = lines()

    assert [line["event"] for line in told[:3]] == ["careful", "two lines", "of text"]
    assert "UserWarning: old" in told[3]["event"]
    assert "invalid literal" in told[-1]["traceback"]


def log_an_error() -> None:
    try:
        int("broken")
    except ValueError:
        logger.exception("failed")


def test_afterwards_standard_error_is_as_it_was(capfd) -> None:
    before, handlers = sys.stderr, [*logging.root.handlers]
    with json_lines(), json_lines():
        pass

    assert sys.stderr is before
    assert logging.root.handlers == handlers


class WriteAlone:
    """What some programs put in the place of standard error: it can be written to, and no more."""

    def __init__(self) -> None:
        self.said = ""

    def write(self, text: str) -> int:
        self.said += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("stream", [io.StringIO, WriteAlone])
def test_a_stream_without_a_descriptor_takes_json_and_says_that_it_has_none(
    stream, monkeypatch
) -> None:
    there = stream()
    monkeypatch.setattr(sys, "stderr", there)
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(there)])
    with json_lines():
        logger.warning("careful")
        with pytest.raises(io.UnsupportedOperation, match="fileno"):
            sys.stderr.fileno()

    written = there.said if isinstance(there, WriteAlone) else there.getvalue()
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["careful"]


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "RAY_AUTH_TOKEN",
        "PULSELAKE_DEID_KEY",
        "PREFECT_API_AUTH_STRING",
        "PREFECT_API_KEY",
        "PULSELAKE_NOTIFY_COMMAND",
        "PULSELAKE_NOTIFY_URL",
        "REDIS_PASSWORD",
    ],
)
def test_no_line_holds_a_secret_of_the_environment(monkeypatch, variable) -> None:
    monkeypatch.setenv(variable, 'zek"rit/key')

    assert "rit" not in json.dumps(formatted('the header was: zek"rit/key'))


def test_a_password_in_an_address_is_taken_out_and_its_host_stays() -> None:
    told = without_credentials("no answer from postgresql+asyncpg://joe:hunter2@db:5432/prefect")

    assert told == "no answer from postgresql+asyncpg://…@db:5432/prefect"


def test_where_a_token_lies_may_be_said(monkeypatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/run/secrets/ray")

    assert without_credentials("no file /run/secrets/ray") == "no file /run/secrets/ray"


def test_no_field_collides_with_those_that_logging_has() -> None:
    record = logging.LogRecord("flows", logging.INFO, "", 0, "x", (), None)

    assert not set(FIELDS) & record.__dict__.keys()
