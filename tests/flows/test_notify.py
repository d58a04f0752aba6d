"""What is told of a run that has failed, and to whom."""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from traceback import format_exception
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.objects import FlowRun, State, StateType

from flows.nightly import nightly
from flows.notify import COMMAND_VARIABLE, MOST_TOLD, URL_VARIABLE, tell_failure, without_secrets_in

LAKE = "s3://research/pulselake"
LETTERS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+", min_size=12)


@dataclass
class Webhook:
    """A server that keeps what it is sent."""

    url: str = ""
    status: int = 200
    heard: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            kept.heard.append(json.loads(self.rfile.read(length)))
            self.send_response(kept.status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}/services/T0/kept-quiet"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


def failed(message: str, kind: StateType = StateType.FAILED) -> tuple:
    run = FlowRun(flow_id=uuid4(), name="quiet-otter", parameters={"config": {"lake": LAKE}})
    return nightly, run, State(type=kind, message=message)


def test_nothing_is_told_where_nobody_is_named(monkeypatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.delenv(COMMAND_VARIABLE, raising=False)

    tell_failure(*failed("ValueError: no"))


def test_a_webhook_is_told_in_one_sentence(webhook, monkeypatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, webhook.url)
    tell_failure(*failed("Flow run encountered an exception: ValueError: no such place\n  at 1"))
    (heard,) = webhook.heard

    assert heard["text"].startswith(f"pulselake nightly failed on lake {LAKE}: no such place")
    assert (heard["flow"], heard["run"], heard["lake"]) == ("nightly", "quiet-otter", LAKE)


def test_a_command_is_told_on_its_standard_input(tmp_path: Path, monkeypatch) -> None:
    said = tmp_path / "said"
    writes = f"import sys, pathlib; pathlib.Path({str(said)!r}).write_text(sys.stdin.read())"
    monkeypatch.setenv(COMMAND_VARIABLE, f'{sys.executable} -c "{writes}"')
    tell_failure(*failed("its process ended by signal 9", StateType.CRASHED))

    assert said.read_text().startswith(f"pulselake nightly crashed on lake {LAKE}: its process")


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (f'{sys.executable} -c "raise SystemExit(3)" kept-quiet', "CalledProcessError"),
        (f'{sys.executable} -c "import time; time.sleep(60)" kept-quiet', "TimeoutExpired"),
        ("no-such-command kept-quiet", "FileNotFoundError"),
        ("mail -s 'kept-quiet", "ValueError"),
        (" ", "IndexError"),
    ],
)
def test_a_command_that_fails_keeps_its_arguments_and_silences_no_webhook(
    command: str, kind: str, webhook, monkeypatch
) -> None:
    monkeypatch.setattr("flows.notify.PATIENCE_S", 2.0)
    monkeypatch.setenv(COMMAND_VARIABLE, command)
    monkeypatch.setenv(URL_VARIABLE, webhook.url)

    with pytest.raises(OSError, match=rf"{COMMAND_VARIABLE} fails \({kind}\)$") as unheard:
        tell_failure(*failed("no"))

    assert len(webhook.heard) == 1
    assert "kept-quiet" not in "".join(format_exception(unheard.value))


def test_both_that_fail_are_named_in_one_sentence(monkeypatch) -> None:
    monkeypatch.setenv(COMMAND_VARIABLE, "no-such-command")
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1/services/kept-quiet")

    with pytest.raises(OSError, match=r"\(FileNotFoundError\); the webhook of 127\.0\.0\.1 can't"):
        tell_failure(*failed("no"))


def test_a_webhook_that_refuses_is_named_by_its_host_alone(webhook, monkeypatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, webhook.url)
    webhook.status = 403

    with pytest.raises(OSError, match=r"the webhook of 127\.0\.0\.1 answers 403$") as refused:
        tell_failure(*failed("no"))

    assert "kept-quiet" not in str(refused.value)


def test_a_webhook_that_is_not_there_is_named_by_its_host_alone(webhook, monkeypatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1/services/kept-quiet")

    with pytest.raises(OSError, match=r"the webhook of 127\.0\.0\.1 can't be reached$"):
        tell_failure(*failed("no"))


@pytest.mark.parametrize(
    "url", ["file:///etc/kept-quiet", "kept-quiet", "http://[kept-quiet/", "https://a/kept-quïet"]
)
def test_a_webhook_is_a_url_of_http(url: str, monkeypatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, url)

    with pytest.raises(OSError, match=r"must be a URL of http or https, got another$") as refused:
        tell_failure(*failed("no"))

    assert "kept" not in "".join(format_exception(refused.value))


def test_a_webhooks_url_that_no_server_takes_is_not_told(monkeypatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1/services/kept quiet")

    with pytest.raises(OSError, match=r"the webhook of 127\.0\.0\.1 can't be reached$") as refused:
        tell_failure(*failed("no"))

    assert "kept" not in "".join(format_exception(refused.value))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("GET https://me:hidden@store/a failed", "GET https://…@store/a failed"),
        ("https://store/a?X-Amz-Signature=hidden is gone", "https://store/a?… is gone"),
        ("refused: api_key=hidden", "refused: api_key=…"),
        ("refused: 'Token': 'hidden'", "refused: 'Token': …"),
        ("abp_scale must be positive, got -0.02", "abp_scale must be positive, got -0.02"),
        ("", ""),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, told: str) -> None:
    assert without_secrets_in(text) == told


def test_how_the_server_is_entered_is_never_told(monkeypatch) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "joe:hunter2")

    assert without_secrets_in("401 for joe:hunter2") == "401 for …"


@given(before=st.text(), secret=LETTERS, after=st.text())
def test_no_secret_of_the_environment_is_ever_told(before: str, secret: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        said = without_secrets_in(before + secret + after)

    assert secret not in said
    assert len(said) <= MOST_TOLD
    assert len(said.splitlines()) <= 1
