"""Numerics as a WFDB record: called after its parent with an ``n``, at one row a minute."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.decode import is_observed, open_signal_file, read_counts
from ops.header import GAP, MAX_HEADER_BYTES, Header, SignalSpec, parse_header
from schemas.modality import UNCALIBRATED

MIN_FS: Final = 1e-6
MAX_FS: Final = 5.0
MAX_VALUES: Final = 10_000_000
"""Values of a file, at most: weeks of one monitor."""
_CHUNK_FRAMES: Final = 2**16
_MAX_LEAD_S: Final = 3600.0
_DAY_S: Final = 86_400.0


class NumericsError(ValueError):
    """Numerics that can't be read; the text is the sentence for ``quarantine``."""


class Readings(NamedTuple):
    """Values of one numeric: ``start_s`` on the parent's clock, and ``value``, both finite."""

    name: str
    unit: str
    values: pl.DataFrame


def read_header(path: Path) -> Header:
    """Parse the header of numerics.

    Raises:
        HeaderError: where it can't be used.
        NumericsError: where it is no header of numerics.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_HEADER_BYTES + 1)
    header = parse_header(raw, path.name.removesuffix(".hea"))
    if header.segments or not MIN_FS <= header.fs < MAX_FS:
        message = f"{path.name} has segments or {header.fs:g} Hz, which numerics have not"
        raise NumericsError(message)
    return header


def signals_by_file(header: Header) -> dict[str, tuple[SignalSpec, ...]]:
    """The signals of each signal file, in header order."""
    names = dict.fromkeys(spec.file_name for spec in header.signals if spec.file_name != GAP)
    return {
        name: tuple(spec for spec in header.signals if spec.file_name == name) for name in names
    }


def read_signals(folder: Path, header: Header, parent: Header) -> Iterator[Readings]:
    """Read the signals of a numerics header whose files lie in ``folder``.

    Raises:
        NumericsError: where a file holds more values than numerics have.
        SignalFileError: naming the file that can't be read.
    """
    offset_s = clock_offset_s(parent, header)
    for file_name, specs in signals_by_file(header).items():
        held = open_signal_file(folder / file_name, specs, header.n_frames)
        n_values = 0
        for first in range(0, held.n_frames, _CHUNK_FRAMES):
            columns = read_counts(held, first, min(first + _CHUNK_FRAMES, held.n_frames))
            for spec, counts in zip(specs, columns, strict=True):
                start = first * spec.samples_per_frame
                number = np.arange(start, start + len(counts), dtype=np.float64)
                start_s = offset_s + number * _period_s(header, spec)
                unit = spec.unit if spec.adc_gain else UNCALIBRATED
                observed = is_observed(counts, spec.fmt)
                n_values += int(observed.sum())
                if n_values > MAX_VALUES:
                    message = f"{file_name} has more than {MAX_VALUES} values"
                    raise NumericsError(message)
                yield readings(spec.name, unit, start_s[observed], _value(spec, counts[observed]))


def readings(
    name: str,
    unit: str,
    start_s: NDArray[np.float64] | pl.Series,
    value: NDArray[np.float64] | pl.Series,
) -> Readings:
    """Take the values of one numeric that are finite."""
    frame = pl.DataFrame({"start_s": start_s, "value": value})
    return Readings(name, unit, frame.filter(pl.all_horizontal(pl.all().is_finite())))


def clock_offset_s(parent: Header, numerics: Header) -> float:
    """Seconds from the parent's start to the numerics', by both headers' clocks.

    0 where either has no clock, and where the clocks can't both be right: numerics that begin more
    than an hour before their parent, or after its end.
    """
    start, other = parent.start_time, numerics.start_time
    if isinstance(start, datetime) and isinstance(other, datetime):
        offset_s = (other - start).total_seconds()
    elif start is not None and other is not None:
        offset_s = _seconds_of_day(other) - _seconds_of_day(start)
        offset_s = (offset_s + _DAY_S / 2) % _DAY_S - _DAY_S / 2
    else:
        return 0.0
    longest_s = parent.n_frames / parent.fs if parent.n_frames else _DAY_S
    return round(offset_s, 6) if -_MAX_LEAD_S <= offset_s <= longest_s else 0.0


def _period_s(header: Header, spec: SignalSpec) -> float:
    """Seconds a value, to the nanosecond: 0.0166666666667 Hz is one a minute."""
    return round(1 / (header.fs * spec.samples_per_frame), 9)


def _value(spec: SignalSpec, counts: NDArray[np.integer]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        value = (counts.astype(np.float64) - spec.baseline) / (spec.adc_gain or 1.0)
    return np.asarray(value)


def _seconds_of_day(moment: datetime | time) -> float:
    clock = timedelta(
        hours=moment.hour,
        minutes=moment.minute,
        seconds=moment.second,
        microseconds=moment.microsecond,
    )
    return clock.total_seconds()
