"""What a batch asks, as the network takes it, some windows at a time.

Shapes: B windows, M = 3 modalities, T = 500 samples, X = 600 with margins, F = 48 features.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.tricardio.architecture import SPAN
from models.tricardio.encoder import Encoded, Known
from models.tricardio.examples import known_of
from models.tricardio.levels import CONDITIONS, Moment, Reference
from models.tricardio.network import TriCardio
from models.tricardio.scaling import Scale, scale_of
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import F32, Cuff, RestoreBatch

Describe = Callable[[F32, F32, NDArray[np.bool_]], NDArray[np.float64]]
"""Gives (B, F) features of PPG and ECG (B, T), and of whether (B,) the ECG is in mV."""


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


def encode(network: TriCardio, asked: Inputs) -> tuple[Encoded, Known, Scale]:
    """Scale and encode windows."""
    known, scale = known_of(asked.signals, asked.noisy)
    return network.encoder(known), known, scale


def moment_of(batch: RestoreBatch, describe: Describe) -> Moment:
    """Describe ECG and PPG of the windows, as far as they are conditions."""
    return _described(batch, batch.signals, describe)


def reference_of(batch: RestoreBatch, cuff: Cuff, describe: Describe) -> Reference:
    """Give cuff readings with ECG and PPG of their moments, as far as they are conditions."""
    then = _described(batch, cuff.signals, describe)
    nothing = np.float32("nan")
    parts = (np.where(cuff.valid, x, nothing) for x in (cuff.sbp, cuff.dbp, cuff.age_s))
    return Reference(then, *(torch.from_numpy(part).float() for part in parts))


def _described(batch: RestoreBatch, signals: dict[Modality, F32], describe: Describe) -> Moment:
    nothing = np.full((len(batch.seeds), WINDOW_SAMPLES), np.nan, np.float32)
    ecg, ppg = (signals[m] if m in batch.conditions else nothing for m in CONDITIONS)
    in_mv = np.array([unit == UNITS["ecg"] for unit in batch.units["ecg"]], np.bool_)
    features = torch.from_numpy(describe(ppg, ecg, in_mv)).float()
    scales = [scale_of(torch.from_numpy(x)) for x in (ecg, ppg)]
    half, middle = (
        torch.stack([getattr(scale, side) for scale in scales], dim=1)
        for side in ("half", "middle")
    )
    return Moment(features, half, middle)


def chunks(n: int, rows: int) -> list[slice]:
    """Cut ``n`` windows into parts of ``rows`` at most."""
    return [slice(start, start + rows) for start in range(0, n, rows)]


def _nothing(batch: RestoreBatch) -> tuple[F32, np.ndarray]:
    shape = (len(batch.seeds), len(MODALITIES))
    return np.full((*shape, SPAN), np.nan, np.float32), np.zeros(shape, np.bool_)
