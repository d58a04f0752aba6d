"""Ways to spoil text: headers, the tables of monitors, catalogs."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

Rng = np.random.Generator

NUMBERS: Final = (
    b"0 -0 -1 1 2 10000 32768 65536 16777216 2147483648 4294967296 -2147483649 1000000000000 "
    b"99999999999999999999 1e12 1e308 1e-300 5e-324 1e999 NaN nan inf -inf 0x10 1_000 +5 .5 1. "
    b"\xc2\xb2 \xd9\xa3 00000000007 200(99999999999) 1/0 1/nan 16x0 16x4096 16:1000000 16+1000000"
).split()
LINES: Final = (
    b"", b"#", b"# <age>: 60", b"subject_id 1", b"\x00", b"r 1 125 1000", b"~ 0",
    b"~ 1000000000000", b"r/3 1 125", b"r.dat 16", b"r.dat 212 200/mV 12 0 0 0 0 II", b"r 1000",
    b"a" * 70_000,
)  # fmt: skip
CELLS: Final = (
    b"", b'"', b'"""', b"nan", b"inf", b"1e999", b"-", b"1\r2", b"\x00", b"\xff", b"a" * 140_000,
    b"1,2,3", b"time", b"9" * 400, b"2137-10-26",
)  # fmt: skip
BOMB_CELLS: Final = (b",", b",x", b",7", b", ", b"")
BOMB_BYTES: Final = 32 * 2**20
BOMB_SHARE: Final = 0.2


def hostile_names(outside: Path) -> tuple[bytes, ...]:
    """File names that lead out of a folder, or that no file has; ``outside`` holds real ones."""
    there = str(outside).encode()
    return (
        b"../../outside/secret.dat", b"../../outside/secret", there + b"/secret.dat",
        there + b"/secret", b"/etc/passwd", b"file://" + there + b"/secret.dat",
        b"http://127.0.0.1:9/secret.dat", b"s3://bucket/secret.dat", b"out::file.dat",
        b"simplecache::file://" + there + b"/secret.dat", b"zip://secret::" + there, b"..", b".",
        b"-", b"~", b"..\\secret.dat", b"r.dat\x00", b"\xe2\x80\xae.dat", b"\xff.dat", b"a" * 300,
        b"\xc3\xa9" * 200, b"*.dat", b"[ab].dat", b"$HOME", b"|id", b"r.hea", b"RECORDS",
    )  # fmt: skip


def flipped(content: bytes, rng: Rng) -> bytes:
    """Give other values to a few bytes."""
    spoilt = bytearray(content)
    for at in rng.integers(0, len(spoilt), int(rng.integers(1, 9))) if spoilt else ():
        spoilt[at] = int(rng.integers(256))
    return bytes(spoilt)


def cut(content: bytes, rng: Rng) -> bytes:
    """Leave the first bytes, none of them, or add some."""
    kept = int(rng.integers(0, len(content) + 1))
    return content + rng.bytes(64) if rng.random() < 0.2 else content[:kept]


def moved(content: bytes, rng: Rng) -> bytes:
    """Swap two lines, say one twice, or leave one out."""
    lines = content.split(b"\n")
    a, b = (int(n) for n in rng.integers(0, len(lines), 2))
    how = int(rng.integers(3))
    if how == 0:
        lines[a], lines[b] = lines[b], lines[a]
    elif how == 1:
        lines.insert(b, lines[a])
    else:
        del lines[a]
    return b"\n".join(lines)


def numbered(content: bytes, rng: Rng) -> bytes:
    """Put a hostile number in the place of a word with a digit in it."""
    return _put(content, NUMBERS, rng, lambda word: any(48 <= byte < 58 for byte in word))


def named(content: bytes, rng: Rng, outside: Path) -> bytes:
    """Put a hostile name in the place of the first word of a line."""
    return _put(content, hostile_names(outside), rng, None)


def inserted(content: bytes, rng: Rng) -> bytes:
    """Insert a line that has no place there."""
    lines = content.split(b"\n")
    lines.insert(int(rng.integers(len(lines) + 1)), LINES[int(rng.integers(len(LINES)))])
    return b"\n".join(lines)


def catalog(lines: Sequence[bytes], rng: Rng, outside: Path) -> bytes:
    """Write a RECORDS file: some of ``lines``, some of them twice, and hostile names."""
    offered = [*lines, *lines, *lines, b"nothing", b"./", b"# no", *hostile_names(outside)]
    drawn = rng.integers(0, len(offered), int(rng.integers(0, 9)))
    return b"\n".join(offered[int(number)] for number in drawn)


def table(packed: bytes, rng: Rng) -> bytes:
    """Spoil the cells of a packed table, or make one up where it holds none."""
    try:
        text = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return packed
    rows = [row.split(b",") for row in (text or b"time,HR [bpm],\n0,60,1\n999,61,").split(b"\n")]
    for _ in range(int(rng.integers(1, 6))):
        row = rows[int(rng.integers(len(rows))) if rng.random() < 0.7 else 0]
        cell = (*CELLS, *NUMBERS)[int(rng.integers(len(CELLS) + len(NUMBERS)))]
        at = int(rng.integers(len(row)))
        if rng.random() < 0.3:
            row.insert(at, cell)
        else:
            row[at] = cell
    if rng.random() < 0.03:
        rows[0] += [b"x"] * 10**5
    if rng.random() < BOMB_SHARE:
        return _bomb(rng)
    return gzip.compress(b"\n".join(b",".join(row) for row in rows), 1)


def _bomb(rng: Rng) -> bytes:
    """Pack a wide or a narrow table of many rows that are all alike."""
    n = int((1, 17, 999)[int(rng.integers(3))])
    row = b"1" + BOMB_CELLS[int(rng.integers(len(BOMB_CELLS)))] * n + b"\n"
    heading = b"time" + b",HR [bpm]" * n + b"\n"
    return gzip.compress(heading + row * (BOMB_BYTES // len(row)), 1)


def _put(content: bytes, words: Sequence[bytes], rng: Rng, fits: object) -> bytes:
    lines = [line.split(b" ") for line in content.split(b"\n")]
    places = [
        (row, column)
        for row, line in enumerate(lines)
        for column, word in enumerate(line)
        if word and (fits(word) if callable(fits) else column == 0)
    ]
    if places:
        row, column = places[int(rng.integers(len(places)))]
        lines[row][column] = words[int(rng.integers(len(words)))]
    return b"\n".join(b" ".join(line) for line in lines)
