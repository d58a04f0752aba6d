"""Objects of S3 as they were listed: every request asks for the listed ETag (``If-Match``).

s3fs has no place for that condition in ``cat_file`` and ``get_file``, whose parts it asks for one
by one: an object replaced in between would come as a mixture.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fsspec.asyn import sync

from ops.entry import CHANGED, ChangedError, Entry

PART_BYTES: Final = 32 * 2**20
PARTS_AT_ONCE: Final = 4
_CHUNK_BYTES: Final = 2**20
PATIENCE_S: Final = 60.0
LEAST_BYTES_S: Final = 64 * 2**10
"""An answer has ``PATIENCE_S`` and its size at this rate: a crowded line of 0.5 Mbit/s does it, and
one that sends a byte now and then, which no time-out of silence ends, does not."""


def read_object(fs: Any, whole: str, most: int, entry: Entry | None) -> bytes:
    """Read the first ``most`` bytes of an object.

    Raises:
        ChangedError: where it is not the one that was listed.
        OSError: where it did not come whole.
    """
    return bytes(sync(fs.loop, _read, fs, whole, most, entry))


def bring_object(fs: Any, whole: str, to: Path, entry: Entry | None) -> None:
    """Write an object to a new file, a large one by several requests at once.

    Raises:
        ChangedError: where it is not the one that was listed.
        OSError: where it did not come whole.
    """
    sync(fs.loop, _bring, fs, whole, to, entry)


async def _read(fs: Any, whole: str, most: int, entry: Entry | None) -> bytes:
    response = await _asked(fs, whole, entry)
    content = bytearray()
    async with _in_time(response, most):
        while len(content) < most and (chunk := await response["Body"].read(_CHUNK_BYTES)):
            content += chunk
    if entry and len(content) < most:
        entry.see_size(len(content))
    return bytes(content[:most])


async def _bring(fs: Any, whole: str, to: Path, entry: Entry | None) -> None:
    size = entry.size if entry else 0
    free = asyncio.Semaphore(PARTS_AT_ONCE)
    file = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    async def part(start: int) -> int:
        span = f"bytes={start}-{min(start + PART_BYTES, size) - 1}" if size > PART_BYTES else ""
        async with free:
            return await _bring_part(fs, whole, file, start, entry, span)

    parts = [asyncio.ensure_future(part(at)) for at in range(0, max(size, 1), PART_BYTES)]
    try:
        came = await asyncio.gather(*parts)
    finally:
        for one in parts:
            one.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        os.close(file)
    if entry:
        entry.see_size(sum(came))


async def _bring_part(
    fs: Any, whole: str, file: int, start: int, entry: Entry | None, span: str
) -> int:
    response = await _asked(fs, whole, entry, **({"Range": span} if span else {}))
    at = start
    async with _in_time(response):
        while chunk := await response["Body"].read(_CHUNK_BYTES):
            _write(file, chunk, at)
            at += len(chunk)
    return at - start


@asynccontextmanager
async def _in_time(response: Any, most: int | None = None) -> AsyncIterator[None]:
    """Close an answer's body after a block that reads it, and see that it does not just trickle.

    Raises:
        TimeoutError: where it does.
    """
    size = int(response.get("ContentLength") or 0)
    limit_s = PATIENCE_S + (size if most is None else min(size, most)) / LEAST_BYTES_S
    try:
        async with asyncio.timeout(limit_s) as deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():
            raise
        message = f"{size} bytes did not come within {limit_s:.0f} s"
        raise TimeoutError(message) from error
    finally:
        response["Body"].close()


def _write(file: int, chunk: bytes, at: int) -> None:
    """Write all of it: a disk that is almost full takes a part, and tells with the next."""
    left = memoryview(chunk)
    while left:
        n_bytes = os.pwrite(file, left, at)
        left, at = left[n_bytes:], at + n_bytes


async def _asked(fs: Any, whole: str, entry: Entry | None, **span: str) -> Any:
    """Ask for an object, and see that it is the listed one where the store minds no condition."""
    bucket, key, _ = fs.split_path(whole)
    condition = {"IfMatch": f'"{entry.version}"'} if entry and entry.version else {}
    try:
        response = await fs._call_s3(  # noqa: SLF001 (the awaited form of call_s3)
            "get_object", Bucket=bucket, Key=key, **span, **condition
        )
    except OSError as error:
        if condition and _code(error) in {"PreconditionFailed", "412"}:
            raise ChangedError(CHANGED) from error
        raise
    if entry:
        entry.see({"ETag": response.get("ETag")})
    return response


def _code(error: OSError) -> str:
    told = getattr(error.__cause__, "response", None) or {}
    return str(told.get("Error", {}).get("Code", ""))
