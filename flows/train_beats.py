"""The beats' head: where an ECG that is made from pulses has its R peaks."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from flows.train_config import TrainConfig
from flows.train_heads import descend
from models.tricardio.architecture import CORE
from models.tricardio.beats import BEAT, Beats
from models.tricardio.inputs import chunks, encode, inputs_of
from models.tricardio.network import TriCardio
from models.tricardio.restorer import ROWS_AT_ONCE
from models.tricardio.scaling import scale_of
from ops.beats import detect_beats
from ops.judge.cases import Case, Posed, pose
from ops.judge.groups import shares_of_windows
from ops.judge.windows import Windows
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import Modality

GIVEN: Final[tuple[tuple[Modality, ...], ...]] = (("ppg",), ("abp",), ("ppg", "abp"))
STEPS: Final = 1000
BATCH: Final = 256
FALLING: Final = 0.5
NEAR: Final = 5.0
"""Samples, 40 ms, that the likelihood falls off in beside an R peak."""


def fit_beats(network: TriCardio, windows: Windows, config: TrainConfig) -> Beats:
    """Fit the head on frozen tokens of the training groups' pulses."""
    posed = [pose(Case("translate", "ecg", given, "absent"), windows, {}) for given in GIVEN]
    found = [detect_beats(one.truth, "ecg").index for one in posed]
    tokens = torch.cat([tokens_of(network, one, config.device) for one in posed])
    near = torch.cat([_near(at) for at in found])
    share = shares_of_windows(np.concatenate([one.windows.groups for one in posed]))
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    beats = Beats(tokens.shape[2]).to(config.device)
    beats.usual.copy_(_usual_beat(posed[0], found[0]))

    def loss() -> Tensor:
        rows = torch.from_numpy(rng.choice(len(tokens), BATCH, p=share))
        logits = beats(tokens[rows].float().to(config.device))[:, CORE]
        return binary_cross_entropy_with_logits(logits, near[rows].to(config.device))

    descend(beats, STEPS, FALLING, loss)
    return beats.eval()


@torch.inference_mode()
def tokens_of(network: TriCardio, posed: Posed, device: str) -> Tensor:
    """Give (N, tokens, D) of what the windows show, at half precision to fit in memory."""
    asked, rows = inputs_of(posed.batch), ROWS_AT_ONCE[device]
    parts = [
        encode(network, asked.take(some).filled_up(rows, device))[0].tokens.half().cpu()
        for some in chunks(len(asked.signals), rows)
    ]
    return torch.cat(parts)[: len(asked.signals)]


def _near(at: NDArray[np.int16]) -> Tensor:
    """Say (N, T) how near the next of the R peaks (N, K) is, 1 at it; -1 is none."""
    near = torch.zeros(len(at), WINDOW_SAMPLES)
    for beat in torch.from_numpy(at.astype(np.float32)).T:
        away = torch.arange(WINDOW_SAMPLES) - beat[:, None]
        likely = torch.exp(-0.5 * (away / NEAR).square())
        near = near.maximum(likely.masked_fill(beat[:, None] < 0, 0))
    return near


def _usual_beat(posed: Posed, found: NDArray[np.int16]) -> Tensor:
    """Give the mean beat (W,) over groups, in the network's scale, from 0 to 0 at its ends."""
    x = scale_of(torch.from_numpy(posed.truth)).apply(torch.from_numpy(posed.truth)).numpy()
    inside = (found >= -BEAT.start) & (found <= WINDOW_SAMPLES - BEAT.stop)
    rows, _ = np.nonzero(inside)
    beats = x[rows[:, None], found[inside][:, None] + np.arange(BEAT.start, BEAT.stop)]
    groups = posed.windows.groups[rows]
    beat = np.mean([beats[groups == name].mean(axis=0) for name in np.unique(groups)], axis=0)
    ends = np.interp(np.arange(beat.size), [0, beat.size - 1], beat[[0, -1]])
    return torch.from_numpy((beat - ends).astype(np.float32))
