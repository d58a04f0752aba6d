"""What every restorer says of a restored signal: its band, its pressures, its grade.

Shapes: B windows, S samples a window, T = 500 samples in time.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ops.beats import detect_beats
from ops.grade.pressure import pressures
from schemas.modality import Grade
from schemas.restoration import F32, LEVEL, PRESSURES, Interval, Made, RestoreBatch, Restored

F64 = NDArray[np.float64]

FAIR_WIDTH: Final = 0.5
"""A restored signal is fair while its band is on average at most this part of its range wide."""

ENOUGH: Final = 19
"""Samples from which on the 90 % band is read off their order; fewer don't reach that far."""

MOST: Final = 1e12
"""What lies beyond is no signal in any unit; squares of what lies within stay finite."""

_OPS: Final = Path(__file__).parent
CODE: Final = (
    Path(__file__),
    _OPS / "beats.py",
    _OPS / "grade" / "pressure.py",
    _OPS / "grade" / "templates.py",
)
"""The files that decide what is said here, for a restorer's hash."""


def hash_files(paths: Iterable[Path]) -> str:
    """Hash names and contents of files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def from_samples(batch: RestoreBatch, samples: F32) -> Restored:
    """Take mean, 90 % band and pressures over (B, S, T) samples in the target's unit.

    The band is where a further sample would lie: a model that is wrong about its own spread is
    wrong here too. A measured sample of an imputed signal stays as it is. A pressure is the mean of
    the samples' own; it is NaN where fewer than two, or than half, of the samples have one. A
    window with a sample that is not finite, or beyond ``MOST``, is one that the model abstained
    from.
    """
    kept = _measured(batch)
    drawn = np.where(kept[:, None], batch.signals[batch.target][:, None], samples)
    spoken = _whole(samples) & _whole(drawn)
    drawn = np.where(spoken[:, None, None], drawn, np.float32("nan"))
    mean = drawn.mean(axis=1, dtype=np.float64).astype(np.float32)
    mean = np.where(kept & spoken[:, None], batch.signals[batch.target], mean)
    lower, upper = _band(drawn, mean)
    return Restored(
        mean=mean,
        lower=lower,
        upper=upper,
        pressures=_pressures(drawn, spoken) if batch.target == "abp" else {},
        grade=grades(mean, upper - lower, kept),
    )


def from_made(batch: RestoreBatch, made: Made) -> Restored:
    """Put back what was measured, read pressures that are not told, and grade.

    A measured sample of an imputed signal stays as it is, and its band has no width. A window of
    which anything is not finite, or beyond ``MOST``, is one that the model abstained from.
    """
    kept = _measured(batch)
    x = batch.signals[batch.target]
    parts = np.stack([made.mean, made.lower, made.upper], axis=1)
    spoken = _whole(parts)
    if made.samples is not None:
        spoken &= _whole(made.samples)
    nothing = np.float32("nan")
    mean, lower, upper = (
        np.where(spoken[:, None], np.where(kept, x, side), nothing)
        for side in (made.mean, made.lower, made.upper)
    )
    told = {
        name: Interval(*(np.where(spoken, side, nothing) for side in (i.value, i.lower, i.upper)))
        for name, i in made.pressures.items()
    }
    if made.samples is not None:
        drawn = np.where(kept[:, None], x[:, None], made.samples)
        told = _pressures(np.where(spoken[:, None, None], drawn, nothing), spoken, made.level)
    moved = {
        name: _moved_out(i, *made.outward[name]) if name in made.outward else i
        for name, i in told.items()
    }
    return Restored(mean, lower, upper, moved, grades(mean, upper - lower, kept))


def _moved_out(interval: Interval, down: F32, up: F32) -> Interval:
    lower, upper, value = interval.lower - down, interval.upper + up, interval.value
    return Interval(value, np.minimum(lower, value), np.maximum(upper, value))


def _whole(values: F32) -> NDArray[np.bool_]:
    return np.asarray((np.abs(values) <= MOST).all(axis=(1, 2)))


def _measured(batch: RestoreBatch) -> NDArray[np.bool_]:
    x = batch.signals[batch.target]
    return np.isfinite(x) if batch.task == "impute" else np.zeros(x.shape, np.bool_)


def _band(values: F32, middle: F32, level: float = LEVEL) -> tuple[F32, F32]:
    """Give bounds over axis 1 that hold a share ``level`` of further samples; NaN are left out.

    ``ENOUGH`` samples or more: their quantiles at the positions i / (n + 1). Fewer: Student's
    prediction interval around the middle, as if they were normal; a single one has none.
    """
    count = np.isfinite(values).sum(axis=1)
    bounds = np.stack(_by_spread(values, middle, count, level))
    if values.shape[1] >= ENOUGH:
        bounds = np.where(count >= ENOUGH, _by_order(values, count >= ENOUGH, level), bounds)
    lower, upper = bounds.astype(np.float32)
    return np.minimum(lower, middle), np.maximum(upper, middle)


def _by_order(values: F32, used: NDArray[np.bool_], level: float) -> F64:
    known = np.where(used[:, None], values, np.float32(0))
    quantile = np.nanquantile if np.isnan(known).any() else np.quantile  # the first is slow
    return np.asarray(quantile(known, ((1 - level) / 2, (1 + level) / 2), axis=1, method="weibull"))


def _by_spread(values: F32, middle: F32, count: NDArray[np.int_], level: float) -> tuple[F64, F64]:
    n = np.maximum(count, 1)
    away = np.where(np.isfinite(values), values - middle[:, None], 0).astype(np.float64)
    away -= away.sum(axis=1, keepdims=True) / n[:, None]
    away = np.where(np.isfinite(values), away, 0)
    sigma = np.sqrt((away**2).sum(axis=1) / np.maximum(n - 1, 1))
    reach = np.array([np.nan, np.nan, *t.ppf((1 + level) / 2, np.arange(1, values.shape[1]))])
    reach[2:] *= np.sqrt(1 + 1 / np.arange(2, values.shape[1] + 1))
    half = reach[count] * sigma
    return middle - half, middle + half


def _pressures(
    samples: F32, spoken: NDArray[np.bool_], level: float = LEVEL
) -> dict[str, Interval]:
    n, n_samples, length = samples.shape
    each = read_pressures(samples.reshape(n * n_samples, length), np.repeat(spoken, n_samples))
    intervals = {}
    for name, flat in each.items():
        values = flat.reshape(n, n_samples)
        told = np.isfinite(values)
        enough = told.sum(axis=1) >= max(2, n_samples / 2)
        total = np.where(told, values, 0).sum(axis=1, dtype=np.float64)
        mean = np.where(enough, total / np.maximum(told.sum(axis=1), 1), np.nan)
        value = mean.astype(np.float32)
        intervals[name] = Interval(value, *_band(values, value, level))
    return intervals


def read_pressures(mean: F32, spoken: NDArray[np.bool_]) -> dict[str, F32]:
    """Read (B,) pressures in mmHg off the beats of ABP, NaN where it is not ``spoken`` on."""
    rows = np.where(spoken[:, None], mean, np.float32(0))
    found = pressures(rows, detect_beats(rows, "abp"))
    return {name: np.where(spoken, getattr(found, name), np.float32("nan")) for name in PRESSURES}


def grades(mean: NDArray[Any], width: NDArray[Any], kept: NDArray[np.bool_]) -> list[Grade]:
    """Grade restored signals by the width of their band over the samples that were made.

    ``fair`` up to ``FAIR_WIDTH``, else ``bad``; never ``good``. ``absent`` where it is not finite.
    """
    spoken = np.isfinite(mean).all(axis=1)
    made = np.maximum((~kept).sum(axis=1), 1)
    typical = np.where(kept, 0.0, width).sum(axis=1) / made
    extent = mean.max(axis=1) - mean.min(axis=1)
    return [
        "absent" if not said else "fair" if wide <= FAIR_WIDTH * range_ else "bad"
        for said, wide, range_ in zip(spoken, typical, extent, strict=True)
    ]
