"""Strips as a scan shows them: three lanes on grid paper, ECG, PPG and ABP from top to bottom.

Shapes: B strips, M = 3 modalities in the order of ``MODALITIES``, T = 500 samples, H rows and W
columns of pixels.

ECG and PPG fill their lanes, as a printer's automatic gain does. ABP has a fixed scale, with dashed
lines at two pressures, so that a pressure can be read.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.strip.paper import Looks, empty_paper
from ops.strip.trace import covered, spans
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32
from schemas.strip_image import WIDTH

LANES: Final[dict[Modality, tuple[int, int]]] = {"ecg": (0, 28), "ppg": (28, 52), "abp": (52, 96)}
"""First row of each lane, and the first behind it."""

RIM: Final = 2
"""Rows of a lane at its top and bottom in which no trace lies, so that shifts stay in the lane."""

HIGHEST_MMHG: Final = 200.0
TICKS_MMHG: Final = (50.0, 150.0)
"""Pressures of the dashed lines; the lane is from 0 to the highest."""

_OUTER: Final = (0.005, 0.995)
_DASH: Final = 4
_TICK: Final = 0.35
"""Darkness of a dashed line, as a share of the trace's."""


def draw_strips(signals: F32, rng: np.random.Generator | None = None) -> NDArray[np.uint8]:
    """Draw (B, M, T) signals in mV, NU and mmHg, NaN missing: (B, H, W) grey levels.

    Gaps are blank, and so is the lane of a signal that is not there. What is beyond a lane lies on
    its rim. With ``rng`` each strip looks as a scan of its own, else all look as they should.
    """
    n = len(signals)
    looks = Looks.alike(n) if rng is None else Looks.drawn(n, rng)
    image = empty_paper(looks)
    ink = looks.ink[:, None, None]
    for i, m in enumerate(MODALITIES):
        dark = _lane(signals[:, i], m, looks)
        lane = image[:, slice(*LANES[m])]
        lane += dark * (ink - lane)
    if rng is not None:
        noise = rng.standard_normal(image.shape, np.float32)
        image += looks.noise[:, None, None] * noise
    return np.rint(image).clip(0, 255).astype(np.uint8)


def row_of(mmhg: F32) -> F32:
    """Give the row at which a pressure is drawn, 0 the upper edge of the image."""
    top, bottom = _inner("abp")
    return bottom - np.clip(mmhg, 0, HIGHEST_MMHG) * np.float32((bottom - top) / HIGHEST_MMHG)


def _lane(x: F32, modality: Modality, looks: Looks) -> F32:
    """Give (B, rows, W) how dark the lane of (B, T) samples is, 1 as ink."""
    seen = np.where(np.isfinite(x), x, np.float32("nan"))
    y = row_of(seen) if modality == "abp" else _filling(seen, _inner(modality), looks.gain)
    low, high = spans(y + looks.down[:, None], WIDTH, looks.right)
    dark = covered(low, high, looks.width, *LANES[modality])
    return np.maximum(dark, _ticks(seen, looks)) if modality == "abp" else dark


def _inner(modality: Modality) -> tuple[int, int]:
    top, bottom = LANES[modality]
    return top + RIM, bottom - RIM


def _filling(x: F32, rows: tuple[int, int], gain: F32) -> F32:
    """Put (B, T) samples into rows by their own range, all but the outermost of them."""
    ordered = np.sort(x.astype(np.float64), axis=1)  # NaN last
    last = np.isfinite(x).sum(axis=1, keepdims=True) - 1
    low, high = (
        np.take_along_axis(ordered, np.rint(last.clip(0) * q).astype(np.intp), axis=1)
        for q in _OUTER
    )
    half = np.maximum((high - low) / 2, 1e-6)
    share = (x - (low + high) / 2) / half * gain[:, None]
    middle, reach = (rows[0] + rows[1]) / 2, (rows[1] - rows[0]) / 2
    return (middle - reach * share.clip(-1, 1)).astype(np.float32)


def _ticks(x: F32, looks: Looks) -> F32:
    """Give (B, rows, W) how dark the dashed lines are, where there is a pressure to be read."""
    there = np.isfinite(x).any(axis=1, keepdims=True)
    at = row_of(np.array(TICKS_MMHG, np.float32)) + looks.down[:, None]  # (B, ticks)
    rows = np.arange(*LANES["abp"], dtype=np.float32) + np.float32(0.5)
    near = (1 - np.abs(rows - at[..., None])).clip(0).max(axis=1)  # (B, rows)
    dashes = np.arange(WIDTH) // _DASH % 2 == 0
    dark: F32 = _TICK * (near * there)[..., None] * dashes.astype(np.float32)
    return dark
