"""S3 that misbehaves: a proxy before a real server, which answers by the rules of a test."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "host"}


@dataclass
class Request:
    """What a client asks; ``target`` is path and query, unescaped."""

    method: str
    raw_target: str
    headers: dict[str, str]
    body: bytes
    target: str = field(init=False)

    def __post_init__(self) -> None:
        self.target = unquote(self.raw_target)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Answer:
    """What comes back; ``sent`` bytes of the body are, where that is fewer than it says."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int | None = None
    pause_s: float = 0.0
    """After each byte, where there is one."""


Forward = Callable[[Request], Answer]
Act = Callable[[Request, Forward], Answer | None]
"""Answers a request, or None for silence."""


@dataclass
class Rule:
    """``act`` on the ``first`` to ``last`` request of a method whose target matches."""

    method: str
    pattern: str
    act: Act
    first: int = 1
    last: float = float("inf")
    n_seen: int = 0

    def takes(self, request: Request) -> bool:
        if not re.fullmatch(self.method, request.method) or not re.search(
            self.pattern, request.target
        ):
            return False
        self.n_seen += 1
        return self.first <= self.n_seen <= self.last

    @property
    def n_acted(self) -> int:
        return int(max(min(self.n_seen, self.last) - self.first + 1, 0))


@dataclass
class S3Proxy:
    """The proxy; the first rule that takes a request answers it."""

    upstream: str
    endpoint_url: str = ""
    rules: list[Rule] = field(default_factory=list)
    log: list[tuple[str, str, int, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, pattern: str, act: Act, first: int = 1, last: float = 1e9) -> Rule:
        """Add a rule; by default it acts every time."""
        rule = Rule(method, pattern, act, first, last)
        self.rules.append(rule)
        return rule

    def forward(self, request: Request) -> Answer:
        """Ask the real server."""
        connection = HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        try:
            kept = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
            connection.request(request.method, request.raw_target, request.body, kept)
            response = connection.getresponse()
            headers = {k: v for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP}
            if request.method == "HEAD":
                headers["Content-Length"] = response.getheader("Content-Length") or "0"
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def answer(self, request: Request) -> Answer | None:
        with self.lock:
            act = next((rule.act for rule in self.rules if rule.takes(request)), None)
        try:
            answer = act(request, self.forward) if act else self.forward(request)
        except Exception as error:
            self.errors.append(error)
            raise
        n_bytes = 0 if answer is None else len(answer.body[: answer.sent])
        with self.lock:
            self.log.append(
                (request.method, request.target, answer.status if answer else 0, n_bytes)
            )
        return answer

    def asked(self, method: str, pattern: str) -> int:
        """How often."""
        return sum(
            bool(re.fullmatch(method, m) and re.search(pattern, target))
            for m, target, _, _ in self.log
        )

    def bytes_of(self, pattern: str) -> int:
        """Bytes of bodies that were answered."""
        return sum(n for _, target, _, n in self.log if re.search(pattern, target))


@contextmanager
def s3_proxy(upstream: str) -> Iterator[S3Proxy]:
    """Run a proxy before ``upstream`` on a free port; what fails in it fails the block."""
    proxy = S3Proxy(upstream)

    class Handler(_Handler):
        s3: ClassVar[S3Proxy] = proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that has gone is no news
    proxy.endpoint_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
    for error in proxy.errors:
        raise error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: ClassVar[S3Proxy]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        answer = self.s3.answer(request)
        if answer is None:
            self.close_connection = True
            self.s3.closing.wait(120)
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.sent is not None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if request.method != "HEAD" and answer.pause_s:
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                if self.s3.closing.wait(answer.pause_s):
                    return
        elif request.method != "HEAD":
            self.wfile.write(answer.body[: answer.sent])

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


def fails(status: int, code: str) -> Act:
    """An error of S3, such as ``fails(503, "SlowDown")``."""
    body = f"<Error><Code>{code}</Code><Message>Please wait.</Message></Error>".encode()
    headers = {"Content-Type": "application/xml"}
    return lambda request, _: Answer(status, headers, b"" if request.method == "HEAD" else body)


def is_silent(request: Request, forward: Forward) -> None:
    """Never answer."""


def breaks_off(n_bytes: int) -> Act:
    """Say the whole length and send ``n_bytes``."""

    def act(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return Answer(answer.status, answer.headers, answer.body, sent=n_bytes)

    return act


def comes_short(n_bytes: int) -> Act:
    """Send ``n_bytes`` as if they were all."""

    def act(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return Answer(answer.status, answer.headers, answer.body[:n_bytes])

    return act


def drips(pause_s: float) -> Act:
    """Send a byte at a time."""

    def act(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return Answer(answer.status, answer.headers, answer.body, pause_s=pause_s)

    return act


def after(happened: Callable[[], object]) -> Act:
    """Let something happen before the server is asked."""

    def act(request: Request, forward: Forward) -> Answer:
        happened()
        return forward(request)

    return act


def loses_its_answer(request: Request, forward: Forward) -> Answer:
    """Do what is asked, and say that it failed."""
    forward(request)
    return fails(500, "InternalError")(request, forward)


def lands_unanswered(request: Request, forward: Forward) -> None:
    """Do what is asked, and never answer."""
    forward(request)


class Stale:
    """Answers a listing as it was the first time; other requests of its rule pass."""

    def __init__(self) -> None:
        self._first: dict[str, Answer] = {}

    def __call__(self, request: Request, forward: Forward) -> Answer:
        if request.target not in self._first:
            self._first[request.target] = forward(request)
        return self._first[request.target]
