"""The paper that strips are printed on, and how a scan of them may look.

Shapes: B strips, H rows and W columns of pixels.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from schemas.grid import WINDOW_S
from schemas.restoration import F32
from schemas.strip_image import HEIGHT, WIDTH

PAPER: Final = 250.0
INK: Final = 20.0
"""Grey levels of a strip that is printed and scanned as it should be."""

MOST_DOWN: Final = 1.5
"""Pixels by which a scan is shifted up or down, at most."""

_FINE_S: Final = 0.04
_COARSE_S: Final = 0.2


@dataclass(frozen=True)
class Looks:
    """How B strips look; (B,) each.

    Attributes:
        paper: grey level.
        ink: grey level of the trace.
        fine: levels by which the lines of 0.04 s are darker than the paper.
        coarse: the same of those of 0.2 s.
        width: of the trace, pixels.
        right: by which all is shifted, pixels.
        down: the same downwards.
        gain: share of its lane that a signal without a fixed scale fills.
        noise: standard deviation, levels.
    """

    paper: F32
    ink: F32
    fine: F32
    coarse: F32
    width: F32
    right: F32
    down: F32
    gain: F32
    noise: F32

    @classmethod
    def alike(cls, n: int) -> Self:
        """Give ``n`` strips that were scanned as they should be."""
        levels = (PAPER, INK, 12, 35, 1.2, 0, 0, 0.9, 0)
        return cls(*(np.full(n, level, np.float32) for level in levels))

    @classmethod
    def drawn(cls, n: int, rng: np.random.Generator) -> Self:
        """Draw ``n`` strips that look as scans do, each in its own way."""
        low = np.array([225, 0, 0, 10, 0.8, -3, -MOST_DOWN, 0.7, 0], np.float32)
        high = np.array([255, 80, 30, 80, 2.0, 3, MOST_DOWN, 1, 8], np.float32)
        drawn = low + (high - low) * rng.random((n, len(low)), np.float32)
        return cls(*drawn.T)


def empty_paper(looks: Looks) -> F32:
    """Give (B, H, W) grey levels of the grid alone: squares of 0.04 s, and of 0.2 s."""
    across = _lines(WIDTH, looks, looks.right)[:, None, :]
    along = _lines(HEIGHT, looks, looks.down)[:, :, None]
    grey: F32 = looks.paper[:, None, None] - np.maximum(across, along)
    return grey


def _lines(pixels: int, looks: Looks, shift: F32) -> F32:
    """Give (B, pixels) by how much lines across them darken the paper."""
    at = np.arange(pixels, dtype=np.float32) + np.float32(0.5) - shift[:, None]
    fine = looks.fine[:, None] * _covered(at, _FINE_S)
    darkened: F32 = np.maximum(fine, looks.coarse[:, None] * _covered(at, _COARSE_S))
    return darkened


def _covered(at: F32, pitch_s: float) -> F32:
    """Give the share of a pixel that is covered by the nearest line, one pixel wide."""
    pitch = np.float32(pitch_s * WIDTH / WINDOW_S)
    turns = at / pitch
    share: F32 = np.maximum(1 - pitch * np.abs(turns - np.rint(turns)), 0)
    return share
