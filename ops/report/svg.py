"""Elements, paths and axes of SVG, as text; colours and dashes are the style sheet's, by class."""

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from ops.report.words import plain

F64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

NOTHING: Final = Markup("")


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """Write an element; ``class_`` is ``class``, and ``_`` in other names is ``-``.

    What is not ``Markup`` yet is made plain and escaped; an attribute that is null is left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(plain(_value(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = NOTHING.join(c if isinstance(c, Markup) else escape(plain(c)) for c in children)
    return Markup(f"<{tag}{said}>{inside}</{tag}>")  # noqa: S704


def picture(
    width: float, height: float, name: str, title: str, told: str, *children: str, **more: object
) -> Markup:
    """Write an image with its name and its text alternative; ``name`` is unique on the page."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", told, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        **more,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Write a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def text(x: float, y: float, said: str, anchor: str = "start", class_: str | None = None) -> Markup:
    """Write text; ``anchor`` is start, middle or end."""
    return element("text", said, x=x, y=y, text_anchor=anchor, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str) -> Markup:
    """Write a box."""
    return element("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), class_=class_)


def trace(x: Floats, y: Floats) -> str:
    """Give the path of a signal (T,), broken where it is missing; one lone sample is a dot."""
    parts = []
    for run in runs_of(np.isfinite(y)):
        start = f"M{round(x[run][0])} {round(y[run][0])}"
        parts.append(start + (_steps(x[run], y[run]) if run.stop - run.start > 1 else "h0"))
    return "".join(parts)


def band(x: Floats, lower: Floats, upper: Floats) -> str:
    """Give the closed path between two signals (T,), broken where either is missing."""
    parts = []
    for run in runs_of(np.isfinite(lower) & np.isfinite(upper)):
        round_x = np.concatenate([x[run], x[run][::-1]])
        round_y = np.concatenate([upper[run], lower[run][::-1]])
        parts.append(f"M{round(round_x[0])} {round(round_y[0])}{_steps(round_x, round_y)}z")
    return "".join(parts)


def runs_of(there: NDArray[np.bool_]) -> list[slice]:
    """Give the stretches of (T,) that hold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Choose round values from ``low`` to ``high``, about so many."""
    rough = max(high - low, 1e-9) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _steps(x: Floats, y: Floats) -> str:
    """Write the way from the first point on, relative and in whole units, which is short."""
    dx, dy = np.diff(np.rint(x)).astype(int), np.diff(np.rint(y)).astype(int)
    return "l" + " ".join(_pairs(dx.tolist(), dy.tolist())).replace(" -", "-")


def _pairs(dx: Iterable[int], dy: Iterable[int]) -> Iterable[str]:
    return (f"{a} {b}" for a, b in zip(dx, dy, strict=True))


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)
