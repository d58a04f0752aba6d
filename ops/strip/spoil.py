"""Windows spoiled in a way that is known: what was done to each signal, how badly, and where.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T samples.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.corrupt.faults import damped, dropped, flushed, saturated, spiked
from ops.corrupt.gaps import gaps
from ops.corrupt.noise import noise_of
from ops.strip.rules import longest_run
from schemas.annotation import Artefact
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32

SNR_RANGE_DB: Final = (-6.0, 21.0)
"""Of noise; it is beyond hearing above ``NOTICED_DB``."""

NOTICED_DB: Final = 16.0
GOOD_DB: Final = 12.0
FAIR_DB: Final = 3.0
"""Ratio of the clean signal's power to that of all that was done to it, from which it is as fit."""

ABSENT: Final[dict[Modality, float]] = {"ecg": 0.1, "ppg": 0.15, "abp": 0.4}
"""How often a modality is not there."""

HURT: Final = 0.4
"""How often one that is there is spoiled."""

KINDS: Final[dict[Modality, tuple[Artefact, ...]]] = {
    "ecg": ("gap", "wander", "movement", "noise", "flat", "saturated", "spikes"),
    "ppg": ("gap", "wander", "movement", "noise", "flat", "saturated", "spikes"),
    "abp": (
        "gap",
        "wander",
        "movement",
        "noise",
        "flat",
        "saturated",
        "spikes",
        "damped",
        "flush",
    ),
}
_MUSCLE: Final = 0.7
_STEP: Final = 25
_STEP_S: Final = 0.2
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
    """

    signals: F32
    artefact: NDArray[np.str_]
    fitness: NDArray[np.str_]
    span_s: F32


def spoil(clean: F32, rng: np.random.Generator, hurt: float = HURT) -> Spoiled:
    """Spoil ``clean`` (B, M, T): some modalities absent, some of the others hurt, one there."""
    n = len(clean)
    there = np.isfinite(clean).any(axis=2)
    absent = rng.random((n, len(MODALITIES))) < np.array([ABSENT[m] for m in MODALITIES])
    absent &= there
    left = (there & ~absent).any(axis=1)
    absent[~left] = False
    absent |= ~there
    signals = clean.copy()
    artefact = np.full(absent.shape, "none", "U16")
    for i, m in enumerate(MODALITIES):
        rows = np.flatnonzero(~absent[:, i] & (rng.random(n) < hurt))
        kinds = rng.choice(KINDS[m], rows.size)
        for kind in np.unique(kinds):
            some = rows[kinds == kind]
            signals[some, i] = _hurt(clean[some, i], kind, rng)
            artefact[some, i] = kind
    signals[absent] = np.nan
    ratio_db, missing = told(clean, signals)
    fitness = np.select(
        [absent, (ratio_db < FAIR_DB) | (missing > 0.6), (ratio_db < GOOD_DB) | (missing > 0.02)],
        ["absent", "bad", "fair"],
        "good",
    )
    unnoticed = (ratio_db > NOTICED_DB) & (missing <= 0.02)
    artefact[absent | unnoticed] = "none"
    span = _spans(clean, signals)
    span[(artefact == "none")] = np.nan
    return Spoiled(signals, artefact, fitness, span)


def told(clean: F32, seen: F32) -> tuple[F32, F32]:
    """Give (B, M) power of the clean signal over that of the difference in dB, and what is missing.

    Nothing but missing samples is an infinite ratio.
    """
    known = np.isfinite(clean) & np.isfinite(seen)
    count = np.maximum(known.sum(axis=2), 1)
    middle = np.where(known, clean, 0).sum(axis=2) / count
    power = np.where(known, clean - middle[..., None], 0)
    apart = np.where(known, seen - clean, 0)
    apart = apart - np.where(known, apart.sum(axis=2, keepdims=True) / count[..., None], 0)
    signal, noise = ((x.astype(np.float64) ** 2).sum(axis=2) for x in (power, apart))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(signal / noise)
    ratio = np.where(noise == 0, np.inf, ratio)
    return ratio.astype(np.float32), (1 - np.isfinite(seen).mean(axis=2)).astype(np.float32)


def _hurt(x: F32, kind: str, rng: np.random.Generator) -> F32:
    if kind == "gap":
        return np.where(gaps(len(x), x.shape[1], rng), np.float32("nan"), x)
    known = np.where(np.isfinite(x), x, np.nanmedian(x, axis=1, keepdims=True))
    if kind in _FAULTS:
        made = _FAULTS[kind](known, rng)
    else:
        source = kind
        if kind == "noise":
            source = "muscle" if rng.random() < _MUSCLE else "white"
        snr_db = rng.uniform(*SNR_RANGE_DB, (len(x), 1))
        sigma = known.std(axis=1, keepdims=True) * 10 ** (-snr_db / 20)
        made = known + sigma * noise_of(source, len(x), x.shape[1], rng)
    return np.where(np.isfinite(x), made, np.float32("nan")).astype(np.float32)


def _spans(clean: F32, seen: F32) -> F32:
    """Give (B, M, 2) the longest run of steps of 0.2 s in which most was done, in seconds."""
    n, m, _ = clean.shape
    apart = np.abs(np.where(np.isfinite(seen), seen - clean, 0))
    spread = np.nanstd(np.where(np.isfinite(clean), clean, 0), axis=2)[..., None]
    apart = np.where(np.isfinite(clean) & ~np.isfinite(seen), 2 * spread, apart)
    apart = np.nan_to_num(apart)
    steps = apart.reshape(n * m, -1, _STEP).max(axis=2)
    top = steps.max(axis=1, keepdims=True)
    odd = (steps > 0.35 * top) & (top > 0)
    return longest_run(odd, _STEP_S).reshape(n, m, 2)
