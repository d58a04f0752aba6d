"""What a window looks like at a bedside: which modalities are there, and what is wrong with them.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T samples.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.corrupt.faults import faulty, shifted
from ops.corrupt.gaps import gaps
from ops.corrupt.noise import noise
from schemas.modality import MODALITIES, Modality

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

ABSENT: Final = 0
WHOLE: Final = 1
HOLED: Final = 2
NOISY: Final = 3
"""States of a modality in a window; a noisy one may have gaps too."""

SNR_RANGE_DB: Final = (-9.0, 24.0)
"""Of noise, by the peak-to-peak range: power of the signal is its square over 8, as for ``nst``."""

MOST_SHIFT: Final = 12
"""Samples (0.1 s) by which a modality may be delayed where another is to be made from it alone."""

MOST_LAG: Final = 50
"""Samples (0.4 s) by which monitors differ in how they delay one modality against the others."""

_NO_MARGIN: Final = 0.2
"""Share of windows that have no neighbour before them; as many have none after."""


@dataclass(frozen=True)
class Seen:
    """B windows as a bedside leaves them.

    Attributes:
        signals: (B, M, T) in their units, NaN where missing.
        clean: (B, M, T) the same unspoilt, delayed as the monitor delays them.
        state: (B, M) one of the states above.
    """

    signals: F32
    clean: F32
    state: NDArray[np.int8]


def spoil(clean: F32, phase: int, margin: int, rng: np.random.Generator) -> Seen:
    """Spoil ``clean`` (B, M, T) by the tasks of a phase of training.

    Phase 0 mends one modality with both others there; phase 1 adds absent ones; from phase 2 on
    any are absent, holed or noisy at once.
    """
    state = draw_states(len(clean), phase, rng)
    clean = _delayed(clean, state, rng)
    seen = clean.copy()
    for i, m in enumerate(MODALITIES):
        rows = np.flatnonzero(state[:, i] == NOISY)
        if rows.size:
            seen[rows, i] = _noisy(clean[rows, i], m, rng)
        rows = np.flatnonzero(_has_gaps(state[:, i], rng))
        if rows.size:
            cut = gaps(rows.size, clean.shape[2], rng)
            seen[rows, i] = np.where(cut, np.float32("nan"), seen[rows, i])
    seen[state == ABSENT] = np.nan
    for side in (slice(0, margin), slice(clean.shape[2] - margin, None)):
        alone = rng.random(len(clean)) < _NO_MARGIN
        seen[alone, :, side] = np.nan
    return Seen(seen, clean, state)


def draw_states(n: int, phase: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw (B, M) states: one modality at least is to be mended or made."""
    state = np.full((n, len(MODALITIES)), WHOLE, np.int8)
    order = rng.permuted(np.tile(np.arange(len(MODALITIES)), (n, 1)), axis=1)
    row = np.arange(n)
    absent = rng.choice(3, n, p=(1, 0, 0) if phase == 0 else (0.3, 0.4, 0.3))
    state[row[absent >= 1], order[absent >= 1, 0]] = ABSENT
    state[row[absent == 2], order[absent == 2, 1]] = ABSENT
    mended = (absent == 0) | (rng.random(n) < 0.5)
    state[row[mended], order[mended, 2]] = _hurt(int(mended.sum()), rng)
    if phase >= 2:
        also = (absent < 2) & (rng.random(n) < 0.25)
        state[row[also], order[also, 1]] = _hurt(int(also.sum()), rng)
    return state


def _hurt(n: int, rng: np.random.Generator) -> NDArray[np.int8]:
    return np.where(rng.random(n) < 0.5, HOLED, NOISY).astype(np.int8)


def _has_gaps(state: NDArray[np.int8], rng: np.random.Generator) -> Mask:
    both = (state == NOISY) & (rng.random(len(state)) < 0.15)
    return np.asarray((state == HOLED) | both)


def _delayed(clean: F32, state: NDArray[np.int8], rng: np.random.Generator) -> F32:
    """Move whole modalities of some windows against the others.

    Where no modality is absent each shows its delay, and it may be any; that of an absent one can
    only be the usual.
    """
    delayed = clean.copy()
    none_absent = (state != ABSENT).all(axis=1)
    for most, share, rows in ((MOST_LAG, 0.4, none_absent), (MOST_SHIFT, 0.1, ~none_absent)):
        moved = (state == WHOLE) & rows[:, None] & (rng.random(state.shape) < share)
        for i in range(state.shape[1]):
            chosen = np.flatnonzero(moved[:, i])
            if chosen.size:
                delayed[chosen, i] = shifted(clean[chosen, i], most, rng)
    return delayed


def _noisy(x: F32, modality: Modality, rng: np.random.Generator) -> F32:
    """Add noise to four of five rows, a fault to a third of them; one of the two to each."""
    known = np.where(np.isfinite(x), x, np.nanmedian(x, axis=1, keepdims=True))
    kind = rng.random(len(x))
    made = known.copy()
    broken = kind > 0.67
    if broken.any():
        made[broken] = faulty(known[broken], modality, rng)
    loud = kind < 0.8
    snr_db = rng.uniform(*SNR_RANGE_DB, (len(x), 1))
    span = np.subtract(*np.percentile(known, (98, 2), axis=1))[:, None]
    sigma = span / np.sqrt(8) * 10 ** (-snr_db / 20)
    added = noise(modality, len(x), x.shape[1], rng)
    made = np.where(loud[:, None], made + sigma * added, made)
    return np.where(np.isfinite(x), made, np.float32("nan")).astype(np.float32)
