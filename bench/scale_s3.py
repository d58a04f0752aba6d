"""moto's S3 server with archives in it from the start, which counts what it is asked.

``python -m bench.scale_s3 10 1000`` holds the buckets ``ward-10`` and ``ward-1000``, each with the
archive of so many short records: put from within, since 20,000 puts over HTTP take minutes.
"""

import json
import logging
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final
from unittest.mock import patch

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server import threaded_moto_server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import s3_backends

from bench.scale_archives import short_files
from infra.demo.s3 import REGION, EmbeddedS3, embedded_s3
from infra.demo.s3_server import HOST

ASKED: Final = "/how-many-requests"

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


@contextmanager
def loaded_s3(records: Iterable[int]) -> Iterator[EmbeddedS3]:
    """Run a server that holds an archive of each size; ``ward_url`` says where."""
    with embedded_s3(server=("bench.scale_s3", *map(str, records))) as s3:
        yield s3


def ward_url(records: int) -> str:
    """Give the URL of the archive of so many records."""
    return f"s3://ward-{records}/ward"


def requests_so_far(endpoint_url: str) -> int:
    """Ask a server of this module how many requests it has had."""
    with urllib.request.urlopen(endpoint_url + ASKED) as answer:  # noqa: S310
        return int(json.load(answer))


def main() -> None:
    """Fill the buckets, then serve until standard input closes."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for records in map(int, sys.argv[1:]):
        _fill(records)
    with patch.object(threaded_moto_server, "DomainDispatcherApplication", _Counted):
        server = threaded_moto_server.ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
        server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    server.stop()


class _Counted(DomainDispatcherApplication):
    """moto's application, which tells how often it was called."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._count = 0
        self._counting = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == ASKED:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._count).encode()]
        with self._counting:
            self._count += 1
        return super().__call__(environ, start_response)


def _fill(records: int) -> None:
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    bucket, _, root = ward_url(records).removeprefix("s3://").partition("/")
    backend.create_bucket(bucket, REGION)
    with tempfile.TemporaryDirectory() as scratch:
        for path, content in short_files(records, Path(scratch)):
            backend.put_object(bucket, f"{root}/{path}", content, disable_notification=True)


if __name__ == "__main__":
    main()
