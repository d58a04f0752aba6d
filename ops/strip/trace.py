"""Traces of signals on pixels: the line through all samples, each column's span of it.

Shapes: B strips, T samples, W columns and R rows of pixels.
"""

import numpy as np

from schemas.restoration import F32


def spans(y: F32, width: int, right: F32) -> tuple[F32, F32]:
    """Give (B, W) the least and most of the line through ``y`` (B, T) in each column.

    ``right`` (B,) shifts the line, in columns. NaN where a column has nothing of it: the line ends
    at the last sample before a gap.
    """
    per_column = y.shape[1] / width
    edges = (np.arange(width + 1) - right[:, None]) * per_column - 0.5  # (B, W+1) in samples
    before = np.floor(edges).astype(np.intp)
    share = (edges - before).astype(np.float32)
    crossed = (1 - share) * _at(y, before) + share * _at(y, before + 1)
    parts = [crossed[:, :-1], crossed[:, 1:]]
    first = np.ceil(edges[:, :-1]).astype(np.intp)
    for i in range(int(np.ceil(per_column))):
        inside = first + i < edges[:, 1:]
        parts.append(np.where(inside, _at(y, first + i), np.float32("nan")))
    return np.fmin.reduce(parts), np.fmax.reduce(parts)


def covered(low: F32, high: F32, width: F32, top: int, bottom: int) -> F32:
    """Give (B, R, W) the share of each pixel of some rows that a line covers.

    ``low`` and ``high`` (B, W) are its span in rows, ``width`` (B,) how thick it is.
    """
    half = width[:, None] / 2
    # Far below every row, a line that is not there covers nothing.
    begins = np.nan_to_num(low - half, nan=np.inf)[:, None, :]
    ends = np.nan_to_num(high + half, nan=-np.inf)[:, None, :]
    rows = np.arange(top, bottom, dtype=np.float32)[:, None]
    share = np.minimum(ends, rows + 1)
    share -= np.maximum(begins, rows)
    return np.clip(share, 0, 1, out=share)


def _at(y: F32, index: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> F32:
    """Take samples by (B, N) index, NaN outside."""
    last = y.shape[1] - 1
    taken = np.take_along_axis(y, index.clip(0, last), axis=1)
    return np.where((index >= 0) & (index <= last), taken, np.float32("nan"))
