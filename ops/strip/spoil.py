"""Windows spoiled in a way that is known: what was done to each signal, how badly, and where.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T samples, S = 20 steps.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.corrupt.faults import damped, dropped, flushed, saturated, spiked
from ops.corrupt.gaps import gaps
from ops.corrupt.noise import noise_of
from ops.strip.fitness import (
    MOST_MISSING,
    NOTICED_DB,
    WANDER_DB,
    changed_from,
    fitness_of,
    ranges,
    told,
)
from ops.strip.legible import legible
from ops.strip.spans import around_peak, burst, by_steps, hull, longest_run, run_lengths, whole
from schemas.annotation import Artefact
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32

SNR_RANGE_DB: Final = (-6.0, 21.0)
"""Of noise; it is beyond hearing above ``NOTICED_DB``."""

LEAST_LEVEL: Final = {"flat": 38, "flush": 25}
"""Samples (0.3 s, 0.2 s) that it must last within the window to be seen; between two beats an ECG
is level of its own accord."""

LEAST_CUT: Final = 25
"""Samples that must be cut for a rail to be seen: 5 % of the window, as for the grade."""

_PLAIN: Final = ("gap", "flat", "saturated", "flush")
"""Kinds that are seen by what they look like, however little they change."""

ABSENT: Final[dict[Modality, float]] = {"ecg": 0.1, "ppg": 0.15, "abp": 0.4}
"""How often a modality is not there."""

HURT: Final = 0.4
"""How often one that is there is spoiled."""

_ANY: Final[tuple[Artefact, ...]] = (
    "gap",
    "wander",
    "movement",
    "noise",
    "flat",
    "saturated",
    "spikes",
)
KINDS: Final[dict[Modality, tuple[Artefact, ...]]] = {
    "ecg": _ANY,
    "ppg": _ANY,
    "abp": (*_ANY, "damped", "flush"),
}
_MUSCLE: Final = 0.7
_FAULTS: Final = {
    "flat": dropped,
    "saturated": saturated,
    "spikes": spiked,
    "damped": damped,
    "flush": flushed,
}


@dataclass(frozen=True)
class Spoiled:
    """B windows as they are seen, and what was done to them.

    Attributes:
        signals: (B, M, T) NaN where missing.
        artefact: (B, M) what was done, ``none`` where nothing that shows.
        fitness: (B, M) what it leaves: ``good``, ``fair``, ``bad`` or ``absent``.
        span_s: (B, M, 2) seconds between which it was done, NaN where nothing was.
        legible: (B, M, S) in which steps of 0.2 s a beat can be told.
    """

    signals: F32
    artefact: NDArray[np.str_]
    fitness: NDArray[np.str_]
    span_s: F32
    legible: NDArray[np.bool_]


def spoil(clean: F32, rng: np.random.Generator, hurt: float = HURT) -> Spoiled:
    """Spoil ``clean`` (B, M, T): some modalities absent, some of the others hurt, one there."""
    absent = _absent(clean, rng)
    signals = clean.copy()
    artefact = np.full(absent.shape, "none", "U16")
    for i, m in enumerate(MODALITIES):
        rows = np.flatnonzero(~absent[:, i] & (rng.random(len(clean)) < hurt))
        kinds = rng.choice(KINDS[m], rows.size)
        for kind in np.unique(kinds):
            some = rows[kinds == kind]
            made = _hurt(clean[some, i], kind, rng)
            shows = _shows(clean[some, i], made, kind)
            signals[some[shows], i] = made[shows]
            artefact[some[shows], i] = kind
    signals[absent] = np.nan
    ratio_db, missing = told(clean, signals)
    ratio_db[artefact == "wander"] += WANDER_DB
    artefact[absent | ((ratio_db > NOTICED_DB) & ~np.isin(artefact, _PLAIN))] = "none"
    fitness = fitness_of(clean, signals, artefact, ratio_db, missing)
    span_s = spans(clean, signals, artefact)
    return Spoiled(signals, artefact, fitness, span_s, legible(clean, signals))


def spans(clean: F32, seen: F32, artefact: NDArray[np.str_]) -> F32:
    """Give (B, M, 2) where each artefact lies, in seconds; NaN where there is none."""
    span = np.full((*artefact.shape, 2), np.nan, np.float32)
    for kind in np.unique(artefact):
        rows = artefact == kind
        if kind != "none":
            span[rows] = _span(clean[rows], seen[rows], str(kind))
    return span


def _absent(clean: F32, rng: np.random.Generator) -> NDArray[np.bool_]:
    there = np.isfinite(clean).any(axis=2)
    absent = rng.random(there.shape) < np.array([ABSENT[m] for m in MODALITIES])
    absent[~(there & ~absent).any(axis=1)] = False
    return np.asarray(absent | ~there)


def _hurt(x: F32, kind: str, rng: np.random.Generator) -> F32:
    if kind == "gap":
        return np.where(gaps(len(x), x.shape[1], rng), np.float32("nan"), x)
    known = np.where(np.isfinite(x), x, np.nanmedian(x, axis=1, keepdims=True))
    if kind in _FAULTS:
        made = _FAULTS[kind](known, rng)
    else:
        snr_db = rng.uniform(*SNR_RANGE_DB, (len(x), 1))
        sigma = ranges(known)[:, None] / np.sqrt(8) * 10 ** (-snr_db / 20)
        made = known + sigma * _noise(kind, len(x), x.shape[1], rng)
    return np.where(np.isfinite(x), made, np.float32("nan")).astype(np.float32)


def _noise(kind: str, n: int, samples: int, rng: np.random.Generator) -> F32:
    if kind != "noise":
        return noise_of(kind, n, samples, rng)
    muscle, white = (noise_of(source, n, samples, rng) for source in ("muscle", "white"))
    return np.where(rng.random((n, 1)) < _MUSCLE, muscle, white)


def _shows(clean: F32, seen: F32, kind: str) -> NDArray[np.bool_]:
    """Say (N,) where what was done can be seen at all; the ratio says how well."""
    lost = np.isfinite(clean) & ~np.isfinite(seen)
    if kind == "gap":
        return np.asarray(lost.mean(axis=1) > MOST_MISSING[0]) & np.isfinite(seen).any(axis=1)
    changed = changed_from(clean, seen)
    if kind in LEAST_LEVEL:
        return np.asarray(run_lengths(changed).max(axis=1) >= LEAST_LEVEL[kind])
    return np.asarray(changed.sum(axis=1) >= (LEAST_CUT if kind == "saturated" else 1))


def _span(clean: F32, seen: F32, kind: str) -> F32:
    """Give (N, 2) where a kind lies."""
    if kind == "gap":
        return longest_run(~np.isfinite(seen))
    if kind in LEAST_LEVEL:
        return longest_run(changed_from(clean, seen))
    if kind == "saturated":
        return hull(changed_from(clean, seen))
    apart = np.where(np.isfinite(clean) & np.isfinite(seen), seen - clean, np.float32(0))
    if kind == "spikes":
        return around_peak(np.abs(apart))
    if kind in ("movement", "noise"):
        return burst((by_steps(apart).astype(np.float64) ** 2).mean(axis=2))
    return whole(len(seen))
