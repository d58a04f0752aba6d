"""Connecting to a Ray cluster that others run: what keeps it from answering, in a sentence."""

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

_HOST: Final = re.compile(r"^(?:ray://)?\[?(?P<host>[^/\]]+?)\]?:(?P<port>\d{1,5})$")
_PATIENCE_S: Final = 10.0
_NATIVE: Final = re.compile(rb"^\[\d{4}-\d\d-\d\d [\d:,]+ [A-Z] \d+ \d+\] ")
_REFUSED: Final = b"InvalidAuthToken"
_NO_NODE: Final = "No node info found matching attributes"


@contextmanager
def reached(address: str) -> Iterator[None]:
    """Connect in the block: Ray's own would wait for minutes, and then end the process.

    Raises:
        ConnectionError: where nothing listens at the address, it refuses the token, or this machine
            is none of the cluster's nodes, which a driver's has to be.
    """
    _see_listening(address)
    with tempfile.TemporaryFile() as told:
        try:
            with _native_lines_in(told):
                yield
        except ConnectionError as error:
            told.seek(0)
            if _REFUSED in told.read():
                message = (
                    f"the Ray cluster at {address} refuses this token: set RAY_AUTH_TOKEN, or "
                    "RAY_AUTH_TOKEN_PATH, as its nodes have it, and RAY_AUTH_MODE=token"
                )
            elif _NO_NODE in str(error.__cause__):
                message = (
                    f"this machine is no node of the Ray cluster at {address}: make it one that "
                    f"gives no CPU, ray start --address={address} --num-cpus=0, and run this again"
                )
            else:
                raise
            raise ConnectionError(message) from error


def _see_listening(address: str) -> None:
    """See that something listens; an address of another form is Ray's to find."""
    if not (found := _HOST.match(address)):
        return
    try:
        place = (found["host"], int(found["port"]))
        socket.create_connection(place, timeout=_PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        message = f"no Ray cluster answers at {address}: {error}"
        raise ConnectionError(message) from error


@contextmanager
def _native_lines_in(file: IO[bytes]) -> Iterator[None]:
    """Keep in a file what Ray's C++ writes to standard error; the rest goes there afterwards."""
    stderr = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        file.seek(0)
        for line in file.readlines():
            if not _NATIVE.match(line):
                os.write(2, line)
