"""Where the beats of an ECG are that is made from pulses, and the ECG that has them there.

How long a pulse takes to arrive differs between people, so the mean of all ECGs that fit one is
a blur without QRS. What is told of it is its beats' times, and of each the usual beat.

Shapes: B windows, N tokens, D channels, X = 600 samples with margins, W = 100 of a beat.
"""

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.signal import find_peaks
from torch import Tensor, nn

from models.tricardio.architecture import PATCH, SPAN
from schemas.grid import GRID_FS

BEAT: Final = slice(-38, 62)
"""Samples of a beat around its R peak: 0.3 s before to 0.5 s after."""

_WIDTH: Final = 128
_APART: Final = round(0.3 * GRID_FS)
_SHARE: Final = 0.5
_LEAST: Final = 0.35
"""Of the window's usual peak: what is lower is no beat."""


class Beats(nn.Module):
    """How likely an R peak is near each sample, and the usual beat of ECGs with one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(width, _WIDTH)
        self.beside = nn.Conv1d(_WIDTH, _WIDTH, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.read = nn.Linear(_WIDTH, PATCH)
        self.usual = nn.Buffer(torch.zeros(BEAT.stop - BEAT.start))

    def forward(self, tokens: Tensor) -> Tensor:
        """Give (B, X) logits."""
        h = F.gelu(self.embed(tokens))
        beside = self.beside(h.transpose(1, 2)).transpose(1, 2)
        logits: Tensor = self.read(self.drop(h + F.gelu(beside))).flatten(1)
        return logits


def beat_times(likely: NDArray[np.float32], rate: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Find the R peaks of windows in (B, X) likelihoods.

    ``rate`` is (B,) the pulses' in beats/min, NaN where unknown: no beat is nearer to another than
    half of its period.
    """
    usual = np.quantile(likely, 0.98, axis=1)
    slowest = np.float32(60 * GRID_FS / SPAN)
    period = 60 * GRID_FS / np.where(rate > slowest, rate, np.inf)
    apart = np.maximum(_SHARE * period, _APART)
    return [
        find_peaks(row, distance=least, height=_LEAST * high)[0]
        for row, least, high in zip(likely, apart, usual, strict=True)
    ]


def drawn_beats(times: list[NDArray[np.int64]], usual: Tensor) -> Tensor:
    """Draw (B, X) ECGs in the network's scale, with the usual beat (W,) at each time.

    Where beats are near each other the later one begins after three fifths of what is between.
    """
    return torch.stack([_drawn(at, usual) for at in times])


def _drawn(times: NDArray[np.int64], usual: Tensor) -> Tensor:
    x = torch.zeros(SPAN, device=usual.device)
    ends = [0, *(times[:-1] + np.diff(times) * 3 // 5), SPAN]
    for i, at in enumerate(times):
        start, stop = max(ends[i], at + BEAT.start), min(ends[i + 1], at + BEAT.stop)
        x[start:stop] = usual[start - at - BEAT.start : stop - at - BEAT.start]
    return x
