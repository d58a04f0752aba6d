"""What a batch asks, as the network takes it, some windows at a time.

Shapes: B windows, M = 3 modalities, T = 500 samples, X = 600 with margins.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.tricardio.architecture import CORE, SPAN
from models.tricardio.encoder import Encoded, Known
from models.tricardio.examples import known_of
from models.tricardio.levels import Moment, joined, moment_of
from models.tricardio.network import TriCardio
from models.tricardio.scaling import Scale
from schemas.modality import MODALITIES
from schemas.restoration import F32, Cuff, RestoreBatch


@dataclass(frozen=True)
class Inputs:
    """B windows.

    Attributes:
        signals: (B, M, X) in their units, NaN where missing.
        noisy: (B, M) which are there and bad.
    """

    signals: Tensor
    noisy: Tensor

    def take(self, rows: slice) -> "Inputs":
        """Keep some windows."""
        return Inputs(self.signals[rows], self.noisy[rows])

    def filled_up(self, rows: int, device: str) -> "Inputs":
        """Add empty windows up to ``rows``, and bring them to a device."""
        lacking = rows - len(self.signals)
        empty = torch.full((lacking, *self.signals.shape[1:]), torch.nan)
        no = torch.zeros(lacking, self.noisy.shape[1], dtype=torch.bool)
        signals, noisy = torch.cat([self.signals, empty]), torch.cat([self.noisy, no])
        return Inputs(signals.to(device), noisy.to(device))


def inputs_of(batch: RestoreBatch) -> Inputs:
    """Give what is there of target and conditions."""
    signals, noisy = _nothing(batch)
    for i, m in enumerate(MODALITIES):
        mended = m == batch.target and batch.task != "translate"
        if mended or m in batch.conditions:
            signals[:, i] = batch.widened(m)
            noisy[:, i] = mended and batch.task == "denoise"
    return Inputs(torch.from_numpy(signals), torch.from_numpy(noisy))


def reference_inputs(batch: RestoreBatch, cuff: Cuff) -> Inputs:
    """Give the signals at the cuff readings: those of the windows' own conditions."""
    signals, noisy = _nothing(batch)
    for m, x in cuff.signals.items():
        if m in batch.conditions:
            signals[:, MODALITIES.index(m), CORE] = x
    return Inputs(torch.from_numpy(signals), torch.from_numpy(noisy))


def encode(network: TriCardio, asked: Inputs) -> tuple[Encoded, Known, Scale]:
    """Scale and encode windows."""
    known, scale = known_of(asked.signals, asked.noisy)
    return network.encoder(known), known, scale


@torch.inference_mode()
def moments(network: TriCardio, asked: Inputs, rows: int, device: str = "cpu") -> Moment:
    """Sum up windows, always ``rows`` at once."""
    parts = []
    for some in chunks(len(asked.signals), rows):
        taken = asked.take(some)
        encoded, _, scale = encode(network, taken.filled_up(rows, device))
        parts.append(moment_of(encoded, scale).take(slice(len(taken.signals))))
    return joined(parts)


def chunks(n: int, rows: int) -> list[slice]:
    """Cut ``n`` windows into parts of ``rows`` at most."""
    return [slice(start, start + rows) for start in range(0, n, rows)]


def _nothing(batch: RestoreBatch) -> tuple[F32, np.ndarray]:
    shape = (len(batch.seeds), len(MODALITIES))
    return np.full((*shape, SPAN), np.nan, np.float32), np.zeros(shape, np.bool_)
