"""Hostile records: good ones spoiled in one to three ways, and headers made up from the grammar."""

import contextlib
import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.fuzz_seeds import Seed
from bench.fuzz_spoil import Files, Link, ways_of
from bench.fuzz_text import NUMBERS, hostile_names, table

MADE_UP: Final = "made up"
MADE_UP_SHARE: Final = 0.2
MOST_WAYS: Final = 3
LEADS: Final = (b"II", b"V", b"PLETH", b"ABP", b"II", b"RESP", b"", b"\xff\xfe", b"x" * 300)
EMPTY_TABLE: Final = gzip.compress(b"")
FORMATS: Final = (b"16", b"212", b"8", b"80", b"310", b"311", b"24", b"32", b"516", b"61", b"17")


@dataclass(frozen=True)
class Case:
    """One folder of an archive: where it comes from, what was done to it, its files by name."""

    number: int
    seed: str
    ways: tuple[str, ...]
    files: Files

    @property
    def folder(self) -> str:
        """The case's folder below the archive."""
        return f"c{self.number:06d}"


def make_case(run_seed: int, number: int, seeds: Sequence[Seed], outside: Path) -> Case:
    """Make case ``number`` of a run; the same whatever else the run makes.

    Args:
        run_seed: of the run.
        number: of the case.
        seeds: good records to spoil.
        outside: a folder that no case may have opened; hostile names and links lead there.
    """
    rng = np.random.default_rng([run_seed, number])
    if rng.random() < MADE_UP_SHARE or not seeds:
        return Case(number, MADE_UP, (MADE_UP,), made_up(rng, outside))
    seed = seeds[int(rng.integers(len(seeds)))]
    files: Files = {name.encode(): content for name, content in seed.files.items()}
    ways = []
    for _ in range(int(rng.integers(1, MOST_WAYS + 1))):
        named = ways_of(files)
        name, way = named[int(rng.integers(len(named)))]
        way(files, rng, outside)
        ways.append(name)
    return Case(number, seed.name, tuple(ways), files)


def lay_out(case: Case, archive: Path) -> None:
    """Write the files of a case below an archive; one that the disk refuses is left out."""
    for name, content in case.files.items():
        path = archive / case.folder / os.fsdecode(name)
        if path.parent.is_symlink():
            continue
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                path.symlink_to(os.fsdecode(content.target))
            elif isinstance(content, bytes):
                path.write_bytes(content)
            elif content.kind == "folder":
                path.mkdir()
            else:
                os.mkfifo(path)


def made_up(rng: np.random.Generator, outside: Path) -> Files:
    """Make a header of mostly plausible words, the bytes of its files, now and then numerics."""
    files: Files = {}
    n = int(rng.integers(0, 5))
    lines = [_record_line(rng, b"r", n)]
    for _ in range(n):
        name = _one(rng, [b"r.dat", b"r.dat", b"s.dat"], hostile_names(outside), 0.05)
        files[name if _is_plain(name) else b"r.dat"] = rng.bytes(int(rng.integers(0, 6000)))
        lines.append(_signal_line(rng, name))
    files[b"r.hea"] = b"\n".join(lines) + b"\n"
    if rng.random() < 0.3:
        _make_segments(files, rng, outside)
    if rng.random() < 0.3:
        files[b"rn.csv.gz"] = table(EMPTY_TABLE, rng)
    return files


def _make_segments(files: Files, rng: np.random.Generator, outside: Path) -> None:
    """Put a record above the others, whose segments may be anything there or not."""
    names = [b"r", b"r", b"~", b"a", b"m"]
    n = int(rng.integers(1, 9))
    lines = [_record_line(rng, b"m/%d" % n, n)]
    for _ in range(n):
        name = _one(rng, names, hostile_names(outside), 0.1)
        lines.append(name + b" " + _one(rng, [b"100", b"0", b"1000"], NUMBERS, 0.1))
    files[b"m.hea"] = b"\n".join(lines)


def _record_line(rng: np.random.Generator, name: bytes, n_signals: int) -> bytes:
    words = [
        name,
        _one(rng, [b"%d" % n_signals], NUMBERS, 0.05),
        _one(rng, [b"125", b"250", b"62.5/999", b"249.89", b"1"], NUMBERS, 0.1),
        _one(rng, [b"1000", b"0", b"37"], NUMBERS, 0.2),
        _one(rng, [b"12:00:00", b"0:0:0.5"], NUMBERS, 0.1),
        _one(rng, [b"26/10/2137", b"01/01/0000", b"31/12/9999", b"1/1/1"], NUMBERS, 0.2),
    ]
    return b" ".join(words[: int(rng.integers(2, 7))])


def _signal_line(rng: np.random.Generator, name: bytes) -> bytes:
    fmt = _one(rng, FORMATS[:2], FORMATS, 0.4)
    for mark, odds in ((b"x", 0.3), (b":", 0.2), (b"+", 0.2)):
        if rng.random() < odds:
            fmt += mark + _one(rng, [b"1", b"2", b"4", b"24"], NUMBERS, 0.2)
    gain = _one(rng, [b"200", b"200(5)/mV", b"1/mmHg", b"0"], NUMBERS, 0.2)
    rest = [_one(rng, [b"16", b"0", b"0", b"7"], NUMBERS, 0.05) for _ in range(5)]
    words = [name, fmt, gain, *rest, _one(rng, LEADS, LEADS, 0)]
    cut = int(rng.integers(2, 10)) if rng.random() < 0.2 else len(words)
    return b" ".join(words[:cut])


def _one(
    rng: np.random.Generator, usual: Sequence[bytes], hostile: Sequence[bytes], odds: float
) -> bytes:
    words = hostile if rng.random() < odds else usual
    return words[int(rng.integers(len(words)))]


def _is_plain(name: bytes) -> bool:
    return name.endswith(b".dat") and b"/" not in name and len(name) < 9
