"""Four seconds of what was measured and what was made, lane by lane."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ops.encode import decode_counts
from ops.report.annotated import Said, said_of
from ops.report.svg import F64, band, element, line, picture, trace
from ops.report.words import MODALITIES_TOLD, between, figure
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES
from schemas.restoration import PRESSURES

_STEP: Final = 2
_WIDTH: Final = _STEP * (WINDOW_SAMPLES - 1)
_HEIGHT: Final = 200
_X: Final = np.arange(WINDOW_SAMPLES) * float(_STEP)
_FEW: Final = 50
"""Samples that both lines may have before one has to stand out from the other."""
_NOTHING: Final = np.full(WINDOW_SAMPLES, np.nan)


@dataclass(frozen=True)
class Lane:
    """One signal's lane: its drawing, and its range for the axis."""

    modality: str
    unit: str
    low: float
    high: float
    measured: bool
    synthetic: bool
    svg: Markup


@dataclass(frozen=True)
class Strip:
    """One synthetic signal with what was measured beside it; ``row`` is that of ``backfill``.

    ``said`` is what its window's annotation says, nothing where there is none.
    """

    row: dict[str, Any]
    lanes: list[Lane]
    said: list[Said] = field(default_factory=list)

    @property
    def pressures(self) -> list[tuple[str, str, str]]:
        """Name, value and interval of each pressure that is told, in mmHg."""
        return [
            (p.upper(), figure(self.row[p], 0), self._interval(p))
            for p in PRESSURES
            if self.row[p] is not None
        ]

    def _interval(self, p: str) -> str:
        return between(self.row[f"{p}_lower"], self.row[f"{p}_upper"], 0)


@dataclass(frozen=True)
class _Signals:
    """(T,) of one lane, NaN where there is nothing."""

    measured: F64
    made: F64
    lower: F64
    upper: F64


def draw_strip(
    row: dict[str, Any],
    window: dict[str, Any] | None,
    name: str,
    annotation: dict[str, Any] | None = None,
) -> Strip:
    """Draw a row of ``backfill`` over its row of ``windows``; conditions come above the target.

    ``annotation`` is the window's row of ``annotations``.

    Where gaps were filled, what was measured is drawn as measured and the rest as synthetic.
    """
    target = row["modality"]
    above = [m for m in MODALITIES if m in row["conditions"] and m != target]
    lanes = [_measured_lane(window, m, f"{name}-{m}") for m in above]
    there = _measured(window, target)
    apart = np.isfinite(there).any() and window and window[f"{target}_unit"] != row["unit"]
    if apart:
        lanes.append(_measured_lane(window, target, f"{name}-{target}-measured"))
    made = _made(row, _NOTHING if apart else there)
    lanes.append(_lane(target, row["unit"] or "", made, f"{name}-{target}"))
    return Strip(row, lanes, said_of(annotation) if annotation else [])


def _measured_lane(window: dict[str, Any] | None, m: str, name: str) -> Lane:
    unit = (window or {}).get(f"{m}_unit") or ""
    signals = _Signals(_measured(window, m), _NOTHING, _NOTHING, _NOTHING)
    return _lane(m, unit, signals, name)


def _measured(window: dict[str, Any] | None, m: str) -> F64:
    if window is None or window[m] is None:
        return _NOTHING
    return _physical(window[m], window[f"{m}_scale"], window[f"{m}_zero"])


def _made(row: dict[str, Any], measured: F64) -> _Signals:
    parts = [_physical(row[part], row["scale"], row["zero"]) for part in ("samples", *_BOUNDS)]
    if row["task"] == "impute":
        hidden = ~_widened(~np.isfinite(measured))
        parts = [np.where(hidden, np.nan, part) for part in parts]
    return _Signals(measured, *parts)


_BOUNDS: Final = ("lower", "upper")


def _widened(gaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the sample on either side of a gap, so that lines meet."""
    padded = np.pad(gaps, 1)
    return padded[:-2] | padded[1:-1] | padded[2:]


def _physical(counts: list[int], scale: float, zero: float) -> F64:
    one = decode_counts(
        np.array([counts], np.int16), np.array([scale], np.float32), np.array([zero], np.float32)
    )
    return np.asarray(one[0], np.float64)


def _lane(modality: str, unit: str, signals: _Signals, name: str) -> Lane:
    every = np.concatenate([signals.measured, signals.made, signals.lower, signals.upper])
    low, high = _range(every)
    drawn = _drawn(signals, low, high)
    measured, made = np.isfinite(signals.measured).any(), np.isfinite(signals.made).any()
    title = f"{MODALITIES_TOLD[modality]}: {_said(bool(measured), bool(made))}"
    svg = picture(
        _WIDTH,
        _HEIGHT,
        name,
        title,
        _told(signals, unit),
        *_seconds(),
        *drawn,
        preserveAspectRatio="none",
        class_="trace",
    )
    return Lane(modality, unit, low, high, bool(measured), bool(made), svg)


def _range(values: F64) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _drawn(signals: _Signals, low: float, high: float) -> list[Markup]:
    margin = 0.04 * _HEIGHT

    def y(values: F64) -> F64:
        drawn = (values - low) / (high - low) * (_HEIGHT - 2 * margin)
        return np.asarray(_HEIGHT - margin - drawn, np.float64)

    made, measured = trace(_X, y(signals.made)), trace(_X, y(signals.measured))
    over = np.isfinite(signals.made) & np.isfinite(signals.measured)
    crossed = over.sum() > _FEW
    paths = [
        ("band", band(_X, y(signals.lower), y(signals.upper))),
        ("measured under" if crossed else "measured", measured),
        ("halo", made if crossed else ""),
        ("synthetic", made),
    ]
    return [element("path", d=d, class_=class_) for class_, d in paths if d]


def _seconds() -> list[Markup]:
    return [line(x, 0, x, _HEIGHT, "grid") for x in range(250, _WIDTH, 250)]


def _said(measured: bool, made: bool) -> str:
    both = {
        (True, False): "measured, a solid line",
        (False, True): "synthetic, a dashed line in its 90 % band",
        (True, True): "measured, a solid line; synthetic, a dashed line in its 90 % band",
    }
    return both.get((measured, made), "nothing")


def _told(signals: _Signals, unit: str) -> str:
    parts = {
        "measured": (signals.measured, signals.measured),
        "synthetic": (signals.made, signals.made),
        "band": (signals.lower, signals.upper),
    }
    told = [
        f"{name} from {figure(np.nanmin(low))} to {figure(np.nanmax(high))} {unit}".strip()
        for name, (low, high) in parts.items()
        if np.isfinite(low).any()
    ]
    return "; ".join(told) or "nothing to draw"
