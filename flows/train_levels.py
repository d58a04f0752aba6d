"""The last of a training's heads: what pressure frozen tokens and a cuff reading allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flows.train_config import TrainConfig
from models.tricardio.architecture import CORE
from models.tricardio.inputs import Inputs, inputs_of, moments
from models.tricardio.levels import STEP_MMHG, LevelHead, Levels, Moment, Reference, pinball
from models.tricardio.network import TriCardio
from models.tricardio.restorer import ROWS_AT_ONCE
from models.tricardio.scaling import scale_of
from ops.judge.cases import Case, pose
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.judge.windows import Windows
from ops.restored import read_pressures
from ops.split import Split
from schemas.modality import Modality
from schemas.restoration import PRESSURES

GIVEN: Final[tuple[tuple[Modality, ...], ...]] = (("ecg",), ("ppg",), ("ecg", "ppg"))
PER_GROUP: Final = 32
STEPS: Final = 1500
BATCH: Final = 512
RATE: Final = 2e-3
DECAY: Final = 0.05
WITHOUT_CUFF: Final = 0.3
"""Share of a batch's windows that have no reading."""

_WATCH_EVERY: Final = 50


@dataclass(frozen=True)
class Seen:
    """N windows of known pressure as one set of conditions shows them.

    Attributes:
        now: with their margins.
        alone: without, as those of a cuff reading are.
        truth: (N, L) levels in mmHg, NaN where one can't be read.
        groups: (N,) index of each window's group, the same whatever the conditions.
        time_s: (N,) seconds since the group's first valid window.
    """

    now: Moment
    alone: Moment
    truth: Tensor
    groups: NDArray[np.int64]
    time_s: Tensor


def fit_levels(network: TriCardio, config: TrainConfig) -> Levels:
    """Fit heads on the training groups, each without a fifth of them, which says when to stop."""
    windows = windows_of(config, "train", PER_GROUP)
    seen = [see(network, windows, given, config.device) for given in GIVEN]
    levels = Levels(network.encoder.norm.normalized_shape[0])
    for i, head in enumerate(levels.heads):
        if isinstance(head, LevelHead):
            _fit(head.to(config.device), seen, i, len(levels.heads), config.seed)
    return levels.eval()


def windows_of(config: TrainConfig, split: Split, per_group: int) -> Windows:
    """Draw windows of a split of the data."""
    return draw(read_timelines([config.data], split), per_group)


def see(
    network: TriCardio, windows: Windows, given: tuple[Modality, ...], device: str = "cpu"
) -> Seen:
    """Sum up the windows that are fit for ABP and for ``given``."""
    posed = pose(Case("translate", "abp", given, "absent"), windows, {})
    asked, kept = inputs_of(posed.batch), posed.windows
    inner = torch.full_like(asked.signals, torch.nan)
    inner[:, :, CORE] = asked.signals[:, :, CORE]
    rows = ROWS_AT_ONCE[device]
    read = read_pressures(posed.truth, np.ones(len(kept), np.bool_))
    scale = scale_of(torch.from_numpy(posed.truth))
    ends = [scale.middle - scale.half, scale.middle + scale.half]
    return Seen(
        now=moments(network, asked, rows, device),
        alone=moments(network, Inputs(inner, asked.noisy), rows, device),
        truth=torch.stack([*(torch.from_numpy(read[p]) for p in PRESSURES), *ends], 1).to(device),
        groups=np.searchsorted(np.unique(windows.groups), kept.groups),
        time_s=torch.from_numpy(np.nan_to_num(kept.cuffs["first"].age_s)).to(device),
    )


def _fit(head: LevelHead, seen: Sequence[Seen], fold: int, folds: int, seed: int) -> None:
    torch.manual_seed(seed * 1000 + fold)
    rng = np.random.default_rng([seed, fold])
    names = [one.groups.max() + 1 for one in seen]
    fold_of = np.random.default_rng(seed).permutation(max(names)) % folds
    learned = [np.flatnonzero(fold_of[one.groups] != fold) for one in seen]
    watched = [np.flatnonzero(fold_of[one.groups] == fold) for one in seen]
    held_out = [
        pairs_of(one, np.random.default_rng(fold), rows, len(rows), WITHOUT_CUFF)
        for one, rows in zip(seen, watched, strict=True)
    ]
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    best, kept = float("inf"), {k: v.clone() for k, v in head.state_dict().items()}
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50, (STEPS - step) / (0.5 * STEPS))
        which = int(rng.integers(len(seen)))
        now, reference, truth = pairs_of(seen[which], rng, learned[which], BATCH, WITHOUT_CUFF)
        head.train()
        loss = pinball(head(now, reference), truth) / STEP_MMHG
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        if (step + 1) % _WATCH_EVERY == 0:
            missed = _missed(head, held_out)
            if missed < best:
                best, kept = missed, {k: v.clone() for k, v in head.state_dict().items()}
    head.load_state_dict(kept)


@torch.inference_mode()
def _missed(head: LevelHead, held_out: Sequence[tuple[Moment, Reference, Tensor]]) -> float:
    head.eval()
    losses = [pinball(head(now, reference), truth) for now, reference, truth in held_out]
    return float(torch.stack(losses).mean())


def pairs_of(
    seen: Seen, rng: np.random.Generator, rows: NDArray[np.int64], n: int, without: float
) -> tuple[Moment, Reference, Tensor]:
    """Draw ``n`` of the windows ``rows``, a group as likely as another, and a reading for each.

    The reading is that of another window of the group, earlier or later.
    """
    groups = seen.groups[rows]
    weight = 1 / np.bincount(groups)[groups]
    chosen = rows[rng.choice(len(rows), n, p=weight / weight.sum())]
    order = np.argsort(seen.groups, kind="stable")
    counts = np.bincount(seen.groups)
    starts = np.cumsum(counts) - counts
    group = seen.groups[chosen]
    shift = rng.integers(1, np.maximum(counts[group], 2))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    others = order[starts[group] + (place[chosen] - starts[group] + shift) % counts[group]]
    device = seen.truth.device
    i, j = torch.from_numpy(chosen).to(device), torch.from_numpy(others).to(device)
    alone = torch.from_numpy((rng.random(n) < without) | (chosen == others)).to(device)
    sbp, dbp = (seen.truth[j, k].masked_fill(alone, torch.nan) for k in (0, 1))
    age_s = seen.time_s[i] - seen.time_s[j]
    reference = Reference(seen.alone.take(j), sbp, dbp, age_s)
    return seen.now.take(i), reference, seen.truth[i]
