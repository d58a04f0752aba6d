"""WFDB headers and signal files, by header(5) and signal(5) of the WFDB Applications Guide.

Single- and multi-segment records in formats 16, 212 and 516 (FLAC), with mixed rates; what it
writes depends on its arguments alone, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

Format = Literal["16", "212", "516"]
Counts = NDArray[np.int64]

BITS: Final[dict[Format, int]] = {"16": 16, "212": 12, "516": 16}
FLAC_RATE_HZ: Final = 96_000
"""What FLAC signal files claim as their audio rate; it means nothing."""


@dataclass(frozen=True)
class Signal:
    """One signal of a record or segment.

    Attributes:
        name: as in the header.
        unit: of ``p_signal``.
        p_signal: (n_frames * samples_per_frame,) physical values, NaN where missing.
        adc_gain: counts a unit.
        baseline: the count of physical 0.
        fmt: of the file that it goes to.
        file: suffix of that file; neighbours with the same one share it.
        samples_per_frame: samples of this signal in one frame.
    """

    name: str
    unit: str
    p_signal: NDArray[np.float32]
    adc_gain: float
    baseline: int = 0
    fmt: Format = "16"
    file: str = ""
    samples_per_frame: int = 1


@dataclass(frozen=True)
class Clock:
    """The record line's rates and start.

    Attributes:
        fs: frames a second.
        start: wall clock, null where the header has none.
        counter_fs: ticks a second of the counter that numerics use, null where there is none.
    """

    fs: float
    start: datetime | None = None
    counter_fs: float | None = None


def digitise(signal: Signal) -> Counts:
    """Turn physical values into counts; NaN becomes the format's missing code."""
    missing = -(1 << (BITS[signal.fmt] - 1))
    counts = np.rint(signal.p_signal.astype(np.float64) * signal.adc_gain + signal.baseline)
    counts = np.clip(np.where(np.isnan(counts), 0, counts), missing + 1, -missing - 1)
    return np.where(np.isnan(signal.p_signal), missing, counts).astype(np.int64)


def write_record(
    folder: Path,
    name: str,
    signals: Sequence[Signal],
    clock: Clock,
    comments: Sequence[str] = (),
) -> int:
    """Write a single-segment record and give its length in frames.

    Raises:
        ValueError: where the signals' lengths do not agree.
    """
    lengths = {len(s.p_signal) / s.samples_per_frame for s in signals}
    if len(lengths) != 1 or not (n_frames := lengths.pop()).is_integer():
        message = f"signals of record {name} differ in frames"
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [_record_line(name, len(signals), clock, int(n_frames))]
    for suffix, group in groupby(signals, key=lambda s: s.file):
        members = list(group)
        counts = [digitise(s) for s in members]
        file_name = f"{name}{suffix}.dat"
        _write_signals(folder / file_name, members, counts)
        lines += [_signal_line(file_name, s, c) for s, c in zip(members, counts, strict=True)]
    _write_lines(folder / f"{name}.hea", [*lines, *(f"# {comment}" for comment in comments)])
    return int(n_frames)


def write_layout(folder: Path, name: str, signals: Sequence[Signal], clock: Clock) -> None:
    """Write the layout header of a multi-segment record: every signal, and no file."""
    lines = [_record_line(name, len(signals), clock, 0)]
    lines += [_layout_line(signal) for signal in signals]
    _write_lines(folder / f"{name}.hea", lines)


def write_master(
    folder: Path,
    name: str,
    segments: Sequence[tuple[str, int]],
    n_signals: int,
    clock: Clock,
    comments: Sequence[str] = (),
) -> None:
    """Write a multi-segment header.

    Args:
        folder: of the record.
        name: of the record.
        segments: name and frames of each; the layout first, with 0 frames, and ``~`` for a gap.
        n_signals: in the layout.
        clock: of the record.
        comments: without their ``#``.
    """
    total = sum(n_frames for _, n_frames in segments)
    lines = [_record_line(f"{name}/{len(segments)}", n_signals, clock, total)]
    lines += [f"{segment} {n_frames}" for segment, n_frames in segments]
    _write_lines(folder / f"{name}.hea", [*lines, *(f"# {comment}" for comment in comments)])


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def _record_line(name: str, n_signals: int, clock: Clock, n_frames: int) -> str:
    rate = f"{clock.fs:g}" if clock.counter_fs is None else f"{clock.fs:.10g}/{clock.counter_fs:g}"
    line = f"{name} {n_signals} {rate} {n_frames}"
    if clock.start is None:
        return line
    at = clock.start
    day = f"{at.day:02d}/{at.month:02d}/{at.year:04d}"
    return f"{line} {at:%H:%M:%S}.{at.microsecond // 1000:03d} {day}"


def _signal_line(file_name: str, signal: Signal, counts: Counts) -> str:
    first = int(counts[0]) if len(counts) else 0
    checksum = int(np.sum(counts)) % 65536
    return f"{file_name} {_calibration(signal)} {first} {checksum} 0 {signal.name}"


def _layout_line(signal: Signal) -> str:
    return f"~ {_calibration(signal, '0')} 0 0 0 {signal.name}"


def _calibration(signal: Signal, fmt: str | None = None) -> str:
    frame = f"x{signal.samples_per_frame}" if signal.samples_per_frame > 1 else ""
    gain = f"{signal.adc_gain:g}({signal.baseline})/{signal.unit}"
    return f"{fmt or signal.fmt}{frame} {gain} {BITS[signal.fmt]} 0"


def _write_signals(path: Path, signals: Sequence[Signal], counts: Sequence[Counts]) -> None:
    fmt, spf = signals[0].fmt, signals[0].samples_per_frame
    if any((s.fmt, s.samples_per_frame) != (fmt, spf) for s in signals):
        message = f"signals of {path.name} differ in format or samples a frame"
        raise ValueError(message)
    if fmt == "516":
        columns = np.stack(counts, axis=1).astype(np.int16)
        soundfile.write(path, columns, FLAC_RATE_HZ, format="FLAC", subtype="PCM_16")
        return
    frames = np.concatenate([c.reshape(-1, spf) for c in counts], axis=1).reshape(-1)
    path.write_bytes(frames.astype("<i2").tobytes() if fmt == "16" else pack_212(frames))


def pack_212(counts: Counts) -> bytes:
    """Pack pairs of 12-bit samples into three bytes; an odd last sample takes two."""
    odd = len(counts) % 2
    pairs = np.pad(counts, (0, odd)).reshape(-1, 2) & 0xFFF
    packed = np.stack(
        [pairs[:, 0] & 0xFF, (pairs[:, 0] >> 8) | ((pairs[:, 1] >> 8) << 4), pairs[:, 1] & 0xFF],
        axis=1,
    )
    return packed.astype(np.uint8).tobytes()[: len(packed) * 3 - odd]
