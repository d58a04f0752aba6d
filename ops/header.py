"""WFDB headers, hostile until parsed.

The grammar is that of header(5) of the WFDB Applications Guide. Numbers are bounded and file names
stay in the record's folder; whatever else a header says is refused with one sentence.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

MAX_SIGNALS: Final = 512
MAX_SEGMENTS: Final = 100_000
MAX_FRAMES: Final = 2**40
MIN_FS: Final = 1e-6
"""One frame in days: slower is no rate, and a length in seconds would not stay finite."""
MAX_FS: Final = 100_000.0
MAX_SAMPLES_PER_FRAME: Final = 4096
MAX_HEADER_BYTES: Final = 8 * 2**20
MIN_GAIN: Final = 1e-9
MAX_GAIN: Final = 1e12
"""Beyond these no converter goes, and values of 32 bits would not stay finite."""
DEFAULT_FS: Final = 250.0
GAP: Final = "~"

_RECORD_LINE: Final = re.compile(
    r"(?P<name>[^\s/]+)(?:/(?P<n_seg>\d+))?\s+(?P<n_sig>\d+)"
    r"(?:\s+(?P<fs>[^\s/]+)(?:/(?P<counter_fs>[^\s(]+)(?:\((?P<base_counter>[^\s)]+)\))?)?"
    r"(?:\s+(?P<n_frames>\d+)(?:\s+(?P<time>\S+)(?:\s+(?P<date>\S+))?)?)?)?\s*"
)
_SIGNAL_LINE: Final = re.compile(
    r"(?P<file>\S+)\s+(?P<fmt>\d+)(?:x(?P<spf>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    r"(?:\s+(?P<gain>[^\s(/]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?"
    r"(?:\s+(?P<res>\d+)(?:\s+(?P<adc_zero>-?\d+)(?:\s+(?P<init>-?\d+)(?:\s+(?P<checksum>-?\d+)"
    r"(?:\s+(?P<block>\d+)(?:\s+(?P<name>.*\S))?)?)?)?)?)?)?\s*"
)
MAX_NAME: Final = 255
_NO_NAME: Final = re.compile(r"-|.*(\s|::).*")
"""What is standard input to WFDB, parts words, or chains addresses where a file is opened."""


class HeaderError(ValueError):
    """A header that can't be used; its text is the sentence for ``quarantine``."""


@dataclass(frozen=True)
class SignalSpec:
    """One signal line; ``adc_gain`` 0 is uncalibrated, ``baseline`` the count of physical 0.

    ``initial`` is the count before the first, from which format 8 counts its differences.
    """

    file_name: str
    fmt: str
    samples_per_frame: int
    skew: int
    byte_offset: int
    adc_gain: float
    baseline: int
    unit: str
    checksum: int | None
    name: str
    initial: int = 0


@dataclass(frozen=True)
class SegmentSpec:
    """One segment line: ``~`` is a gap, and 0 frames mark the layout."""

    name: str
    n_frames: int


@dataclass(frozen=True)
class Header:
    """A parsed header; ``fs`` is in frames a second, ``n_frames`` null where it does not say."""

    name: str
    fs: float
    counter_fs: float
    base_counter: float
    n_frames: int | None
    start_time: datetime | time | None
    signals: tuple[SignalSpec, ...]
    segments: tuple[SegmentSpec, ...]
    comments: tuple[str, ...]


def parse_header(raw: bytes, name: str) -> Header:
    """Parse the header called ``name``.

    Raises:
        HeaderError: where it breaks the grammar, a bound, or names a file outside its folder.
    """
    if len(raw) > MAX_HEADER_BYTES:
        message = f"header {name} has {len(raw)} bytes, more than {MAX_HEADER_BYTES}"
        raise HeaderError(message)
    lines = [line.strip() for line in raw.decode("utf-8", errors="replace").splitlines()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    body = [line for line in lines if line and not line.startswith("#")]
    first = _RECORD_LINE.fullmatch(body[0]) if body else None
    if first is None:
        message = f"header {name} has no record line"
        raise HeaderError(message)
    n_sig = _bounded(first["n_sig"], MAX_SIGNALS, f"number of signals in header {name}")
    n_seg = _bounded(first["n_seg"] or "0", MAX_SEGMENTS, f"number of segments in header {name}")
    fs = _rate(first["fs"], f"sampling rate in header {name}") if first["fs"] else DEFAULT_FS
    needed = n_seg or n_sig
    if len(body) - 1 < needed:
        what = "segments" if n_seg else "signals"
        message = f"header {name} announces {needed} {what} and lists {len(body) - 1}"
        raise HeaderError(message)
    frames = first["n_frames"]
    return Header(
        name=name,
        fs=fs,
        counter_fs=_rate(first["counter_fs"], f"counter rate in header {name}")
        if first["counter_fs"]
        else fs,
        base_counter=_finite(first["base_counter"] or "0", f"base counter in header {name}"),
        n_frames=_bounded(frames, MAX_FRAMES, f"length in header {name}") if frames else None,
        start_time=_start_time(first["time"], first["date"]),
        signals=() if n_seg else tuple(_signal(line, name) for line in body[1 : n_sig + 1]),
        segments=tuple(_segment(line, name) for line in body[1 : n_seg + 1]),
        comments=comments,
    )


def _signal(line: str, header: str) -> SignalSpec:
    found = _SIGNAL_LINE.fullmatch(line)
    if found is None:
        message = f"header {header} has a signal line that does not parse: {line[:80]!r}"
        raise HeaderError(message)
    if found["file"] != GAP:
        check_file_name(found["file"], header)
    spf = _bounded(found["spf"] or "1", MAX_SAMPLES_PER_FRAME, f"samples a frame in {header}")
    adc_zero = _count(found["adc_zero"], header)
    return SignalSpec(
        file_name=found["file"],
        fmt=found["fmt"],
        samples_per_frame=max(spf, 1),
        skew=_bounded(found["skew"] or "0", MAX_FRAMES, f"skew in header {header}"),
        byte_offset=_bounded(found["offset"] or "0", MAX_FRAMES, f"byte offset in {header}"),
        adc_gain=_gain(found["gain"], header),
        baseline=_count(found["baseline"], header) if found["baseline"] else adc_zero,
        unit=found["unit"] or "mV",
        checksum=_count(found["checksum"], header) if found["checksum"] else None,
        name=found["name"] or "",
        initial=_count(found["init"], header) if found["init"] else adc_zero,
    )


def _segment(line: str, header: str) -> SegmentSpec:
    name, _, length = line.partition(" ")
    if not length.strip().isdecimal():
        message = f"header {header} has a segment line that does not parse: {line[:80]!r}"
        raise HeaderError(message)
    if name != GAP:
        check_file_name(name, header)
    return SegmentSpec(name, _bounded(length.strip(), MAX_FRAMES, f"segment {name} of {header}"))


def check_file_name(file_name: str, header: str) -> None:
    """Refuse a name that could leave the record's folder, or that no file there can have.

    Raises:
        HeaderError: naming the header and the file.
    """
    if file_name in {".", ".."} or "/" in file_name or "\\" in file_name:
        message = f"header {header} names a file outside its folder: {file_name[:80]!r}"
        raise HeaderError(message)
    printable = file_name.isprintable() and 0 < len(file_name) <= MAX_NAME
    if not printable or _NO_NAME.fullmatch(file_name):
        message = f"header {header} names a file by what can't be a file name: {file_name[:80]!r}"
        raise HeaderError(message)


def _gain(text: str | None, header: str) -> float:
    """0 stands for uncalibrated, also where the header leaves the gain out."""
    gain = _finite(text or "0", f"gain in header {header}")
    if gain and not MIN_GAIN <= abs(gain) <= MAX_GAIN:
        message = (
            f"gain in header {header} must be 0 or {MIN_GAIN:g} to {MAX_GAIN:g} in size, "
            f"got {(text or '')[:40]}"
        )
        raise HeaderError(message)
    return gain


def _count(text: str | None, header: str) -> int:
    """A count as a converter gives it, of 32 bits at most."""
    value = int((text or "0")[:12])
    if abs(value) >= 2**32 or len(text or "") > 12:
        message = f"header {header} has a count of more than 32 bits: {(text or '')[:40]}"
        raise HeaderError(message)
    return value


def _rate(text: str, what: str) -> float:
    rate = _finite(text, what)
    if not MIN_FS <= rate <= MAX_FS:
        message = f"{what} must be in [{MIN_FS:g}, {MAX_FS:g}] Hz, got {text[:40]}"
        raise HeaderError(message)
    return rate


def _finite(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"{what} is not a number: {text[:40]!r}"
        raise HeaderError(message)
    return value


def _bounded(text: str, most: int, what: str) -> int:
    value = int(text[:20])
    if len(text) > 20 or value > most:
        message = f"{what} is {text[:40]}, more than {most}"
        raise HeaderError(message)
    return value


def _start_time(clock: str | None, date: str | None) -> datetime | time | None:
    """Read ``[[H:]M:]S[.f]`` and ``D/M/Y``; null where either is no time."""
    if clock is None:
        return None
    parts = clock.strip("[]").split(":")
    try:
        seconds = float(parts[-1])
        hours, minutes = int(parts[-3]) if len(parts) > 2 else 0, int(parts[-2])
        moment = time(hours, minutes, int(seconds), min(round(seconds % 1 * 1e6), 999_999))
        if date is None:
            return moment
        day, month, year = (int(part) for part in date.strip("[]").split("/"))
        return datetime.combine(datetime(year, month, day).date(), moment)  # noqa: DTZ001
    except (ValueError, IndexError, OverflowError):
        return None
