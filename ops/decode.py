"""One signal file of a segment: what it must hold, and the counts in it, by frames.

wfdb decodes; whether the file can hold what its header announces is settled before, so that a
header allocates nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray
from wfdb.io._signal import _rd_dat_signals

from ops.header import SignalSpec

F32 = NDArray[np.float32]
Counts = NDArray[np.integer]

_BITS: Final = {
    "8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12,
    "310": 10, "311": 10, "508": 8, "516": 16, "524": 24,
}  # fmt: skip
_PACKED: Final = {"212": (3, 2), "310": (4, 3), "311": (4, 3)}
"""Bytes and samples of one group, where a sample is no whole number of bytes."""
_FLAC: Final = frozenset({"508", "516", "524"})
DIFFERENCES: Final = "8"
_ALIGNED_FRAMES: Final = 6
"""A multiple of this many frames starts a group in every packed format."""
_SUM_FRAMES: Final = 2**18
_FLAC_SAMPLES: Final = 2**36
"""What a FLAC file that does not say its length seems to hold more samples than."""
_LARGEST: Final = 1e37
"""No gain means more; a resampler's overshoot stays a value that can be stored."""


class SignalFileError(ValueError):
    """A signal file that can't be read; its text is the sentence for ``quarantine``."""


@dataclass(frozen=True)
class SignalFile:
    """A signal file that is long enough for its header.

    Attributes:
        path: where it lies.
        specs: every signal stored in it, in header order.
        n_frames: frames to read, at most.
        sums: the values before the frame last asked for, in the format of differences.
    """

    path: Path
    specs: tuple[SignalSpec, ...]
    n_frames: int
    sums: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def fmt(self) -> str:
        """The storage format, which all signals of a file share."""
        return self.specs[0].fmt

    @property
    def frame_samples(self) -> int:
        """Samples a frame, all signals together."""
        return sum(spec.samples_per_frame for spec in self.specs)


@contextmanager
def told_by_disk(file_name: str) -> Iterator[None]:
    """Say which file a disk fails at within a block; it is none of the file's faults.

    Raises:
        OSError: without a number and without the path in scratch.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        message = f"{file_name} could not be read: {os.strerror(error.errno)}"
        raise OSError(message) from error


def open_signal_file(path: Path, specs: tuple[SignalSpec, ...], n_frames: int | None) -> SignalFile:
    """Check that ``path`` can hold ``n_frames``; take what it holds where that is null or 0.

    Raises:
        SignalFileError: naming the file, what was expected and what was found.
        OSError: where the disk fails.
    """
    if len({(spec.fmt, spec.byte_offset) for spec in specs}) > 1:
        message = f"signal file {path.name} is given several formats or offsets by its header"
        raise SignalFileError(message)
    if specs[0].fmt not in _BITS:
        message = f"signal file {path.name} has format {specs[0].fmt}, which is not supported"
        raise SignalFileError(message)
    with told_by_disk(path.name):
        is_file = path.is_file()
        if is_file:
            with path.open("rb"):
                stored = path.stat().st_size
    if not is_file:
        message = f"signal file {path.name} is not there"
        raise SignalFileError(message)
    if specs[0].fmt in _FLAC:
        return SignalFile(path, specs, _flac_frames(path, specs, n_frames))
    return SignalFile(path, specs, _stored_frames(path, specs, n_frames, stored))


def read_counts(signal_file: SignalFile, first: int, stop: int) -> list[Counts]:
    """Read the frames ``[first, stop)`` of every signal, skew undone.

    A frame that the file does not hold is filled with the format's missing code (0 in format 8,
    which has none).

    Raises:
        SignalFileError: where the file does not decode.
        OSError: where the disk fails.
    """
    by_number: dict[int, Counts] = {}
    for low, high in _near({spec.skew for spec in signal_file.specs}, stop - first):
        decoded = _decode(signal_file, first + low, stop + high)
        for number, spec in enumerate(signal_file.specs):
            if low <= spec.skew <= high:
                skipped, spf = spec.skew - low, spec.samples_per_frame
                own = slice(skipped * spf, (skipped + stop - first) * spf)
                by_number[number] = decoded[number][own]
    return [by_number[number] for number in range(len(signal_file.specs))]


def missing_code(fmt: str) -> int | None:
    """The count that stands for *not measured*; null where a format has none."""
    return None if fmt == DIFFERENCES else -(2 ** (_BITS[fmt] - 1))


def to_physical(counts: Counts, spec: SignalSpec, step: float) -> F32:
    """Turn counts into physical units of ``step`` each; NaN where missing or beyond any meaning."""
    with np.errstate(over="ignore", invalid="ignore"):
        physical = ((counts.astype(np.float64) - spec.baseline) * step).astype(np.float32)
    physical[~(is_observed(counts, spec.fmt) & (np.abs(physical) <= _LARGEST))] = np.nan
    return physical


def is_observed(counts: Counts, fmt: str) -> NDArray[np.bool_]:
    """True where a count is a measured value."""
    code = missing_code(fmt)
    return np.ones(len(counts), np.bool_) if code is None else np.asarray(counts != code)


def _near(skews: set[int], most: int) -> list[tuple[int, int]]:
    """Put skews into ranges ``(low, high)`` of ``most`` frames, to be decoded at once."""
    ranges: list[tuple[int, int]] = []
    for skew in sorted(skews):
        if ranges and skew - ranges[-1][0] <= most:
            ranges[-1] = (ranges[-1][0], skew)
        else:
            ranges.append((skew, skew))
    return ranges


def _decode(signal_file: SignalFile, first: int, stop: int) -> list[Counts]:
    """Decode stored frames; those past the file's end are missing."""
    held_first = min(first, signal_file.n_frames)
    held_stop = min(stop, signal_file.n_frames)
    aligned = held_first - held_first % _ALIGNED_FRAMES
    held = _decode_held(signal_file, aligned, held_stop) if held_stop > held_first else None
    fill = missing_code(signal_file.fmt) or 0
    decoded: list[Counts] = []
    for number, spec in enumerate(signal_file.specs):
        spf = spec.samples_per_frame
        counts = np.full((stop - first) * spf, fill, np.int32)
        if held is not None:
            kept = held[number][(held_first - aligned) * spf :]
            counts[: len(kept)] = kept
        decoded.append(counts)
    return decoded


def _decode_held(signal_file: SignalFile, first: int, stop: int) -> list[Counts]:
    specs = signal_file.specs
    try:
        with told_by_disk(signal_file.path.name):
            counts: list[Counts] = _rd_dat_signals(
                file_name=signal_file.path.name,
                dir_name=str(signal_file.path.parent),
                pn_dir=None,
                fmt=signal_file.fmt,
                n_sig=len(specs),
                sig_len=signal_file.n_frames,
                byte_offset=specs[0].byte_offset,
                samps_per_frame=[spec.samples_per_frame for spec in specs],
                skew=[0] * len(specs),
                init_value=_values_before(signal_file, first).tolist(),
                sampfrom=first,
                sampto=stop,
            )
    except (ValueError, IndexError, OverflowError, RuntimeError) as error:
        message = f"signal file {signal_file.path.name} does not decode: {error}"
        raise SignalFileError(message) from error
    return counts


def _values_before(signal_file: SignalFile, frame: int) -> NDArray[np.int64]:
    """The value of every signal before ``frame`` in the format of differences, by summing up."""
    if signal_file.fmt != DIFFERENCES:
        return np.zeros(len(signal_file.specs), np.int64)
    known = max((at for at in signal_file.sums if at <= frame), default=0)
    initial = np.array([spec.initial for spec in signal_file.specs], np.int64)
    values = signal_file.sums.get(known, initial)
    starts = np.cumsum([0, *(spec.samples_per_frame for spec in signal_file.specs[:-1])])
    offset = signal_file.specs[0].byte_offset
    for at in range(known, frame, _SUM_FRAMES):
        n_frames = min(_SUM_FRAMES, frame - at)
        steps = np.fromfile(
            signal_file.path,
            np.int8,
            count=n_frames * signal_file.frame_samples,
            offset=offset + at * signal_file.frame_samples,
        ).reshape(n_frames, signal_file.frame_samples)
        values = values + np.add.reduceat(steps.sum(axis=0, dtype=np.int64), starts)
    signal_file.sums.clear()
    signal_file.sums[frame] = values
    return values


def _stored_frames(
    path: Path, specs: tuple[SignalSpec, ...], n_frames: int | None, size: int
) -> int:
    frame_samples = sum(spec.samples_per_frame for spec in specs)
    n_bytes, n_samples = _PACKED.get(specs[0].fmt, (_BITS[specs[0].fmt] // 8, 1))
    if not n_frames:
        stored = max(size - specs[0].byte_offset, 0) * n_samples // n_bytes
        return stored // frame_samples
    expected = specs[0].byte_offset + ceil(n_frames * frame_samples * n_bytes / n_samples)
    if size < expected:
        message = f"signal file {path.name} has {size} bytes, its header needs {expected}"
        raise SignalFileError(message)
    return n_frames


def _flac_frames(path: Path, specs: tuple[SignalSpec, ...], n_frames: int | None) -> int:
    try:
        flac = soundfile.info(str(path))
    except RuntimeError as error:
        message = f"signal file {path.name} is not a FLAC file: {error}"
        raise SignalFileError(message) from error
    if flac.frames >= _FLAC_SAMPLES:
        message = f"signal file {path.name} does not say how many samples it holds"
        raise SignalFileError(message)
    spf = specs[0].samples_per_frame
    if flac.channels != len(specs) or any(spec.samples_per_frame != spf for spec in specs):
        message = (
            f"signal file {path.name} has {flac.channels} channels of one rate, "
            f"its header names {len(specs)} signals"
        )
        raise SignalFileError(message)
    stored = max(flac.frames - specs[0].byte_offset, 0)
    if stored < (n_frames or 0) * spf:
        message = (
            f"signal file {path.name} has {stored} samples a signal, "
            f"its header needs {(n_frames or 0) * spf}"
        )
        raise SignalFileError(message)
    return n_frames or stored // spf
