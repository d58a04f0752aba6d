"""Windows of records whose beats and rhythms were told by people: MIT-BIH's annotations.

Shapes: N windows, M = 3 modalities of which ECG alone is there, T = 500 samples, K beats.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import wfdb
from numpy.typing import NDArray

from ops.beats import MAX_BEATS
from ops.resample import grid_span, resample
from schemas.annotation import UNKNOWN, Rhythm
from schemas.grid import GRID_FS, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES
from schemas.restoration import F32

LICENCE: Final = "ODC-By 1.0"
ATTRIBUTION: Final = (
    "Rhythms from the MIT-BIH Arrhythmia Database, G. Moody, R. Mark, PhysioNet 2005, "
    "doi 10.13026/C2F305, ODC-By 1.0."
)

RHYTHM_OF: Final[dict[str, Rhythm]] = {
    "(AFIB": "atrial_fibrillation",
    "(AFL": "atrial_flutter",
    "(B": "ectopy",
    "(T": "ectopy",
    "(AB": "ectopy",
    "(VT": "ectopy",
}
"""Of the database's rhythms; in a sinus rhythm beats decide, and any other is unknown here."""

_BY_BEATS: Final = frozenset({"(N", "(SBR"})
_BEATS: Final = frozenset("NLRBAaJSVrFejnE/fQ")
_ECTOPIC: Final = frozenset("AaJSVrF")
"""Beats that come early; escape beats come late, which the times of the beats tell."""


@dataclass(frozen=True)
class ReferenceStrips:
    """N windows of one record.

    Attributes:
        record: its name.
        signals: (N, M, T) ECG in mV; PPG and ABP are all NaN.
        rhythm: (N,) by the reference; empty where intervals decide.
        beats: (N, K) by the reference, samples padded with -1.
        rate: (N,) beats/min of the reference's beats, NaN with fewer than two.
    """

    record: str
    signals: F32
    rhythm: NDArray[np.str_]
    beats: NDArray[np.int16]
    rate: F32


def reference_strips(path: Path, step_s: float = WINDOW_S, lead: int = 0) -> ReferenceStrips:
    """Cut a record into windows every ``step_s``, those that lie in one rhythm.

    ``path`` has no extension.

    Raises:
        OSError: where the record or its annotations can't be read.
    """
    read = wfdb.rdrecord(str(path), channels=[lead])
    told = wfdb.rdann(str(path), "atr")
    _, stop = grid_span(0, read.sig_len, read.fs)
    ecg = resample(read.p_signal[:, 0].astype(np.float32), 0, read.fs, 0, stop)
    at = told.sample / read.fs
    changes = [(t, n.strip("\0")) for t, n in zip(at, told.aux_note, strict=True) if n[:1] == "("]
    is_beat = np.array([symbol in _BEATS for symbol in told.symbol])
    ectopic = np.array([symbol in _ECTOPIC for symbol in told.symbol])[is_beat]
    times = at[is_beat]
    rows = []
    for start in np.arange(0, stop / GRID_FS - WINDOW_S + 1e-9, step_s):
        rhythms = _within(changes, start)
        if len(rhythms) == 1:
            inside = (times >= start) & (times < start + WINDOW_S)
            rhythm = _rhythm(rhythms.pop(), bool(ectopic[inside].any()))
            rows.append((ecg, start, rhythm, times[inside] - start))
    return _strips(path.name, rows)


def _within(changes: list[tuple[float, str]], start: float) -> set[str]:
    """Name the rhythms that a window has; before the first that is told, none is."""
    ends = [t for t, _ in changes[1:]] + [np.inf]
    return {
        name
        for (began, name), end in zip(changes, ends, strict=True)
        if began < start + WINDOW_S and end > start
    } | ({""} if changes and changes[0][0] > start else set())


def _rhythm(name: str, any_ectopic: bool) -> str:
    if name in _BY_BEATS:
        return "ectopy" if any_ectopic else ""
    return RHYTHM_OF.get(name, UNKNOWN)


def _strips(
    record: str, rows: list[tuple[F32, float, str, NDArray[np.float64]]]
) -> ReferenceStrips:
    n = len(rows)
    signals = np.full((n, len(MODALITIES), WINDOW_SAMPLES), np.nan, np.float32)
    beats = np.full((n, MAX_BEATS), -1, np.int16)
    rate = np.full(n, np.nan, np.float32)
    for i, (ecg, start, _, times) in enumerate(rows):
        first = round(start * GRID_FS)
        signals[i, MODALITIES.index("ecg")] = ecg[first : first + WINDOW_SAMPLES]
        at = np.minimum(times * GRID_FS, WINDOW_SAMPLES - 1).astype(np.int16)[:MAX_BEATS]
        beats[i, : at.size] = at
        if at.size > 1:
            rate[i] = 60 / np.median(np.diff(times))
    return ReferenceStrips(record, signals, np.array([row[2] for row in rows]), beats, rate)
