"""Take and join rows of arrays that travel together, whatever they are kept in."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.bool_] | NDArray[np.int64] | slice
Part = TypeVar("Part")


def take_rows(part: Part, rows: Rows) -> Part:
    """Keep ``rows`` of every array and list in ``part``: a dataclass or dict, nested or not.

    Tuples, names and nulls are the same for all rows and stay.
    """
    return _taken(part, rows)  # type: ignore[no-any-return]


def _taken(part: Any, rows: Rows) -> Any:
    if isinstance(part, np.ndarray):
        return part[rows]
    if isinstance(part, list):
        return np.array(part, dtype=object)[rows].tolist()
    if isinstance(part, dict):
        return {name: _taken(value, rows) for name, value in part.items()}
    if is_dataclass(part) and not isinstance(part, type):
        return type(part)(**{f.name: _taken(getattr(part, f.name), rows) for f in fields(part)})
    return part


def join_rows(parts: Sequence[Part]) -> Part:
    """Put parts of one form under each other; the first says what is the same for all rows."""
    return _joined(parts)  # type: ignore[no-any-return]


def _joined(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, list):
        return [item for part in parts for item in part]
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if is_dataclass(first) and not isinstance(first, type):
        names = [f.name for f in fields(first)]
        return type(first)(**{n: _joined([getattr(part, n) for part in parts]) for n in names})
    return first


def whole(x: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Say (N,) which rows of ``x`` (N, T) are finite throughout."""
    return np.asarray(np.isfinite(x).all(axis=1))
