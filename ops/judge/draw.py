"""Draw the windows to judge by from timelines, with all that a restorer may be told.

Shapes: W windows of a group, N of them drawn, T = 500 samples each, M = 50 samples of margin.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ops.judge.references import cuffs_of
from ops.judge.rows import join_rows
from ops.judge.timeline import Timeline
from ops.judge.windows import Windows
from schemas.grid import MARGIN_SAMPLES, SHARD_WINDOWS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Grade, Modality
from schemas.restoration import F32

Int = NDArray[np.int64]
FIT: tuple[Grade, ...] = ("good", "fair")


def draw(timelines: Iterable[Timeline], per_group: int, fit: Sequence[Grade] = FIT) -> Windows:
    """Draw up to ``per_group`` windows of each group, evenly spaced in its time.

    A window counts where at least one modality is graded among ``fit``.

    Raises:
        ValueError: where no group has such a window.
    """
    parts = [drawn for one in timelines if (drawn := _of_group(one, per_group, fit)) is not None]
    if not parts:
        message = f"no window of the groups to judge by is {' or '.join(fit)}"
        raise ValueError(message)
    return join_rows(parts)


def stretch(timeline: Timeline, length: int, fit: Sequence[Grade] = FIT) -> Windows | None:
    """Take the first ``length`` windows that follow each other and are fit in all modalities."""
    masks = fit_masks(timeline, fit)
    whole = np.logical_and.reduce(list(masks.values()))
    run = 0
    for i in range(len(timeline)):
        run = (run + 1 if timeline.follows[i] else 1) if whole[i] else 0
        if run == length:
            return _windows(timeline, np.arange(i - length + 1, i + 1), masks)
    return None


def fit_masks(timeline: Timeline, fit: Sequence[Grade]) -> dict[Modality, NDArray[np.bool_]]:
    """Say (W,) a modality which windows are graded among ``fit``; ABP also has to be in mmHg."""
    masks = {m: timeline.graded[f"{m}_grade"].is_in(list(fit)).to_numpy() for m in MODALITIES}
    return masks | {"abp": masks["abp"] & (np.array(timeline.units["abp"]) == UNITS["abp"])}


def _of_group(timeline: Timeline, per_group: int, fit: Sequence[Grade]) -> Windows | None:
    masks = fit_masks(timeline, fit)
    candidates = np.flatnonzero(np.logical_or.reduce(list(masks.values())))
    if not candidates.size:
        return None
    spaced = np.linspace(0, candidates.size - 1, min(per_group, candidates.size))
    return _windows(timeline, candidates[np.round(spaced).astype(np.int64)], masks)


def _windows(timeline: Timeline, rows: Int, masks: dict[Modality, NDArray[np.bool_]]) -> Windows:
    rates = {
        m: timeline.graded[f"hr_{m}"].fill_null(np.nan).to_numpy().astype(np.float32)[rows]
        for m in MODALITIES
    }
    return Windows(
        signals={m: timeline.cut(m, rows, 0, WINDOW_SAMPLES) for m in MODALITIES},
        fit={m: masks[m][rows] for m in MODALITIES},
        groups=np.full(len(rows), timeline.group),
        hr=np.where(np.isfinite(rates["ecg"]), rates["ecg"], rates["ppg"]),
        seeds=timeline.seeds[rows],
        rates=rates,
        before={m: _margin(timeline, m, rows, -1, masks[m]) for m in MODALITIES},
        after={m: _margin(timeline, m, rows, 1, masks[m]) for m in MODALITIES},
        usual={m: _usual(timeline, m, rows) for m in MODALITIES},
        units={m: [timeline.units[m][i] for i in rows] for m in MODALITIES},
        cuffs=cuffs_of(timeline, rows, masks),
    )


def _margin(timeline: Timeline, m: Modality, rows: Int, side: int, fit: NDArray[np.bool_]) -> F32:
    """Cut (N, M) beside each window; NaN where the window there is not fit to look at."""
    start, stop = (
        (-MARGIN_SAMPLES, 0) if side < 0 else (WINDOW_SAMPLES, WINDOW_SAMPLES + MARGIN_SAMPLES)
    )
    beside = np.clip(rows + side, 0, len(timeline) - 1)
    return np.where(fit[beside][:, None], timeline.cut(m, rows, start, stop), np.float32("nan"))


def _usual(timeline: Timeline, m: Modality, rows: Int) -> F32:
    """Give (N, 2) the middle of the ends of the *other* good windows among 256 in a row.

    A night that restores a window does not know the window's own ends.
    """
    good = np.flatnonzero((timeline.graded[f"{m}_grade"] == "good").to_numpy())
    x = timeline.cut(m, good, 0, WINDOW_SAMPLES)
    ends = np.stack([np.fmin.reduce(x, axis=1), np.fmax.reduce(x, axis=1)], axis=1)
    usual = np.full((len(rows), 2), np.nan, np.float32)
    for i, row in enumerate(rows):
        near = ends[(good // SHARD_WINDOWS == row // SHARD_WINDOWS) & (good != row)]
        if len(near):
            usual[i] = np.median(near, axis=0)
    return usual
