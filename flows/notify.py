"""Tell somebody that a run has failed: a webhook, a command, or both, by the environment."""

import json
import os
import re
import shlex
import subprocess
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.utilities.urls import url_for

from flows.config import SECRET
from flows.secret_names import HIDDEN_WORDS

URL_VARIABLE: Final = "PULSELAKE_NOTIFY_URL"
COMMAND_VARIABLE: Final = "PULSELAKE_NOTIFY_COMMAND"
PATIENCE_S: Final = 10.0
MOST_TOLD: Final = 400
_NO_URL: Final = f"{URL_VARIABLE} must be a URL of http or https, got another"

_WRAPPING: Final = re.compile(r"^Flow run encountered an exception: (\w+: )?")
_USER: Final = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY: Final = re.compile(r"(://[^\s?]+)\?\S+")
_NAMED: Final = re.compile(
    rf"\b(\w*(?:{HIDDEN_WORDS}|signature|key)\w*['\"]?\s*[=:]\s*)\S+", re.IGNORECASE
)
_SHORTEST: Final = 6
"""A secret of fewer letters would take out words that have nothing to do with it."""


def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell of a run that has failed or crashed, once it is not tried again.

    The webhook gets a JSON object whose ``text`` is one sentence, as chats take it; the command
    gets the sentence on its standard input.

    Both are tried, whatever becomes of the other.

    Raises:
        OSError: where the command fails or takes too long, or the webhook can't be reached or
            refuses; the sentence holds neither the command nor the URL, which are often secret.
    """
    told = _told(flow, flow_run, state)
    unheard = [
        why
        for variable, tell in ((COMMAND_VARIABLE, _run), (URL_VARIABLE, _post))
        if (place := os.environ.get(variable)) and (why := tell(place, told))
    ]
    if unheard:
        message = f"the failure could not be told: {'; '.join(unheard)}"
        raise OSError(message)


def _told(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> dict[str, Any]:
    config = flow_run.parameters.get("config")
    lake = config.get("lake") if isinstance(config, dict) else getattr(config, "lake", None)
    why = without_secrets_in(_WRAPPING.sub("", state.message or "no reason was given"))
    where = url_for(flow_run)
    text = f"pulselake {flow.name} {state.type.value.lower()} on lake {lake}: {why}"
    return {
        "text": f"{text} ({where})" if where else text,
        "flow": flow.name,
        "run": flow_run.name,
        "state": state.name,
        "lake": lake,
    }


def without_secrets_in(text: str) -> str:
    """Give the first line of a text, without what could be a secret.

    Out go values of variables that are called like one (``AWS_SECRET_ACCESS_KEY``), users and
    queries of URLs, and what follows a name such as ``token=``.
    """
    first, *_ = text.strip().splitlines() or [""]
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= _SHORTEST:
            first = first.replace(value, "…")
    for pattern, kept in ((_USER, "…@"), (_QUERY, r"\1?…"), (_NAMED, r"\1…")):
        first = pattern.sub(kept, first)
    return first if len(first) <= MOST_TOLD else first[: MOST_TOLD - 1] + "…"


def _run(command: str, told: dict[str, Any]) -> str | None:
    """Run a command on the sentence; give why it failed, less its arguments and what it says."""
    try:
        subprocess.run(  # noqa: S603
            shlex.split(command),
            input=told["text"],
            text=True,
            check=True,
            capture_output=True,  # standard output is the summary's alone
            timeout=PATIENCE_S,
        )
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        return f"the command of {COMMAND_VARIABLE} fails ({type(error).__name__})"
    return None


def _post(url: str, told: dict[str, Any]) -> str | None:
    """Send it to a webhook; give why it did not arrive, with no more of the URL than its host."""
    body = json.dumps(told).encode()
    try:
        place = urlsplit(url)
        if place.scheme not in ("http", "https"):
            return _NO_URL
        request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        urlopen(request, timeout=PATIENCE_S).close()  # noqa: S310
    except HTTPError as error:
        error.close()
        return f"the webhook of {place.hostname} answers {error.code}"
    except (OSError, HTTPException):
        return f"the webhook of {place.hostname} can't be reached"
    except ValueError:
        return _NO_URL
    return None
