"""Windows of a record out of stretches of its signals: which lead, on the grid, in its unit.

Shapes: n windows, T = 500 samples each, L leads of one modality.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.decode import Counts, is_observed, to_physical
from ops.header import SignalSpec
from ops.resample import nearest_sample, resample, source_span
from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality, lead_rank

F32 = NDArray[np.float32]
PREFERRED_SHARE: Final = 0.5
"""A preferred lead is taken where it has this share of the samples of the fullest lead."""


@dataclass(frozen=True)
class WaveSignal:
    """A signal that is a modality.

    Attributes:
        spec: its line in the header.
        modality: what it is.
        fs: its own rate in Hz.
        unit: the unit that it is stored in; NU where it is uncalibrated.
        step: units a count, with the gain's sign.
        again: how many signals of the same name and unit stand before it in its header.
    """

    spec: SignalSpec
    modality: Modality
    fs: float
    unit: str
    step: float
    again: int

    @property
    def lead(self) -> tuple[str, str, int]:
        """What is one lead through the segments of a record; another unit is another lead."""
        return self.spec.name, self.unit, self.again


@dataclass(frozen=True)
class Stretch:
    """Counts of one signal and the grid samples ``[k, k_stop)`` that they are for.

    ``counts[0]`` is sample ``first`` of the signal, both counted from the record's start.
    """

    signal: WaveSignal
    counts: Counts
    first: int
    k: int
    k_stop: int

    def observed_by_window(self, first_window: int, n_windows: int) -> NDArray[np.int64]:
        """Grid samples with a value, (n,) of ``n_windows`` from ``first_window``."""
        grid = np.arange(self.k, self.k_stop, dtype=np.int64)
        nearest = nearest_sample(grid, self.signal.fs) - self.first
        observed = is_observed(self.counts, self.signal.spec.fmt)[nearest]
        return np.bincount(
            grid[observed] // WINDOW_SAMPLES - first_window, minlength=n_windows
        ).astype(np.int64)

    def on_grid(self, k: int, k_stop: int) -> F32:
        """Physical values at the grid samples ``[k, k_stop)`` of the stretch."""
        first, stop = source_span(k, k_stop, self.signal.fs)
        first, stop = max(first, self.first), max(stop, self.first)
        counts = self.counts[first - self.first : stop - self.first]
        physical = to_physical(counts, self.signal.spec, self.signal.step)
        return resample(physical, first, self.signal.fs, k, k_stop)


@dataclass(frozen=True)
class WindowBlock:
    """n windows of one record, ascending; only those in which some modality has a sample.

    Attributes:
        window_index: (n,)
        signals: (n, T) a modality in the stored unit, NaN where missing; absent where all NaN.
        steps: (n,) quantisation step of the source in stored units, NaN where absent. Where
            segments of different gain meet, the finer one: the coarser samples lose nothing by it.
        units: the stored unit, null where absent.
        leads: the signal's own name, null where absent.
        exact: (n,) True where the source lies on the grid and its samples are whole steps.
    """

    window_index: NDArray[np.int32]
    signals: dict[Modality, F32]
    steps: dict[Modality, F32]
    units: dict[Modality, list[str | None]]
    leads: dict[Modality, list[str | None]]
    exact: dict[Modality, NDArray[np.bool_]]


def assemble(stretches: Sequence[Stretch], first_window: int, n_windows: int) -> WindowBlock | None:
    """Put the windows from ``first_window`` together; null where none has a sample.

    A window takes one lead of each modality, chosen by ``choose_leads``; samples of other leads,
    and of the same lead in another unit, are left out.
    """
    rows = {
        modality: _Rows.of(
            [one for one in stretches if one.signal.modality == modality], first_window, n_windows
        )
        for modality in MODALITIES
    }
    kept = np.flatnonzero(np.any([one.present for one in rows.values()], axis=0))
    if not len(kept):
        return None
    return WindowBlock(
        window_index=(first_window + kept).astype(np.int32),
        signals={modality: one.signal[kept] for modality, one in rows.items()},
        steps={modality: one.steps[kept] for modality, one in rows.items()},
        units={modality: [one.units[n] for n in kept] for modality, one in rows.items()},
        leads={modality: [one.leads[n] for n in kept] for modality, one in rows.items()},
        exact={modality: one.exact[kept] for modality, one in rows.items()},
    )


def choose_leads(observed: NDArray[np.int64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose a lead for every window: (n,) row numbers, -1 where no lead has a sample.

    A lead of rank 0 is taken where it has at least half the samples of the window's fullest lead;
    among several such, and where there is none, the one with most samples, the first in header
    order on ties.

    Args:
        observed: (L, n) samples of each lead.
        ranks: (L,) of ``schemas.modality.lead_rank``.
    """
    most = observed.max(axis=0, initial=0)
    preferred = (ranks[:, None] == 0) & (observed >= PREFERRED_SHARE * most)
    eligible = np.where(preferred.any(axis=0), preferred, True)
    chosen = np.where(eligible, observed, -1).argmax(axis=0)
    return np.where(most > 0, chosen, -1)


class _Rows:
    """The rows of one modality while they are put together."""

    def __init__(self, n_windows: int) -> None:
        self.signal = np.full((n_windows, WINDOW_SAMPLES), np.nan, np.float32)
        self.steps = np.full(n_windows, np.nan, np.float32)
        self.exact = np.ones(n_windows, np.bool_)
        self.units: list[str | None] = [None] * n_windows
        self.leads: list[str | None] = [None] * n_windows
        self.present: NDArray[np.bool_] = np.zeros(n_windows, np.bool_)

    @classmethod
    def of(cls, stretches: list[Stretch], first_window: int, n_windows: int) -> "_Rows":
        rows = cls(n_windows)
        if not stretches:
            rows.exact[:] = False
            return rows
        leads = list(dict.fromkeys(one.signal.lead for one in stretches))
        ranks = {one.signal.lead: _rank(one.signal) for one in stretches}
        counts = [one.observed_by_window(first_window, n_windows) for one in stretches]
        observed = np.zeros((len(leads), n_windows), np.int64)
        for one, by_window in zip(stretches, counts, strict=True):
            observed[leads.index(one.signal.lead)] += by_window
        chosen = choose_leads(observed, np.array([ranks[lead] for lead in leads], np.int64))
        for one, by_window in zip(stretches, counts, strict=True):
            mine = (chosen == leads.index(one.signal.lead)) & (by_window > 0)
            rows.take(one, np.flatnonzero(mine), first_window)
        rows.forget_absent()
        return rows

    def take(self, stretch: Stretch, windows: NDArray[np.int64], first_window: int) -> None:
        """Fill what the stretch has of ``windows``, in runs of neighbouring ones."""
        flat, signal = self.signal.reshape(-1), stretch.signal
        offset = first_window * WINDOW_SAMPLES
        for run in np.split(windows, np.flatnonzero(np.diff(windows) > 1) + 1):
            if not len(run):
                continue
            k = max(offset + int(run[0]) * WINDOW_SAMPLES, stretch.k)
            k_stop = min(offset + (int(run[-1]) + 1) * WINDOW_SAMPLES, stretch.k_stop)
            flat[k - offset : k_stop - offset] = stretch.on_grid(k, k_stop)
        with np.errstate(over="ignore", under="ignore"):
            step = np.float32(abs(signal.step))
        other = ~np.isnan(self.steps[windows]) & (self.steps[windows] != step)
        self.exact[windows] &= ~other & (signal.fs == GRID_FS)
        self.steps[windows] = np.fmin(self.steps[windows], step)
        for window in windows:
            self.units[window], self.leads[window] = signal.unit, signal.spec.name

    def forget_absent(self) -> None:
        """Say nothing about windows without a sample."""
        self.present[:] = np.isfinite(self.signal).any(axis=1)
        self.steps[~self.present] = np.nan
        self.exact &= self.present
        for window in np.flatnonzero(~self.present):
            self.units[window] = self.leads[window] = None


def _rank(signal: WaveSignal) -> int:
    return lead_rank(signal.modality, signal.spec.name)
