"""Pressure heads: what the shape of ECG and PPG, and a cuff reading, say of a pressure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flows.train_config import TrainConfig
from flows.train_heads import descend
from models.tricardio.inputs import moment_of, reference_of
from models.tricardio.levels import (
    STEP_MMHG,
    LevelHead,
    Levels,
    Moment,
    Reference,
    joined,
    pinball,
)
from models.tricardio.scaling import scale_of
from ops.features import described
from ops.judge.cases import Case, pose
from ops.judge.groups import shares_of_windows
from ops.judge.references import REFERENCES
from ops.judge.windows import Windows
from ops.restored import read_pressures
from schemas.modality import Modality
from schemas.restoration import PRESSURES

GIVEN: Final[tuple[tuple[Modality, ...], ...]] = (("ecg",), ("ppg",), ("ecg", "ppg"))
STEPS: Final = 800
BATCH: Final = 512
FALLING: Final = 0.7
WITHOUT_CUFF: Final = 0.25
"""Share of a batch's windows that have no reading."""

BY_CHOICE: Final = 0.2
"""Share that has the reading of each of ``REFERENCES``, where there is one; the others any one."""

CORRECTED_BY: Final = ("first", "random")
"""Readings that intervals are corrected by: one of seconds ago would make all look sure."""


@dataclass(frozen=True)
class Seen:
    """N windows of known pressure as one set of conditions shows them.

    Attributes:
        given: the conditions.
        now: the windows.
        truth: (N, L) levels in mmHg, NaN where one can't be read.
        groups: (N,) index of each window's group, the same whatever the conditions.
        readings: (K N) pressures: the windows' own, then those of each of ``REFERENCES``.
        time_s: (K N) seconds since the group's first valid window of each of them.
    """

    given: tuple[Modality, ...]
    now: Moment
    truth: Tensor
    groups: NDArray[np.int64]
    readings: Reference
    time_s: Tensor

    def with_reading(self, rows: NDArray[np.int64], of: NDArray[np.int64]) -> Reference:
        """Give the readings ``of`` the pool, one for each of the windows ``rows``."""
        i, j = torch.from_numpy(rows), torch.from_numpy(of)
        taken = self.readings.take(j)
        return Reference(taken.then, taken.sbp, taken.dbp, self.time_s[i] - self.time_s[j])


@dataclass(frozen=True)
class HeldOut:
    """What heads told of groups that each was fitted without.

    Attributes:
        given: the conditions.
        cuff: whether they had a reading.
        told: (N, L, Q) quantiles in mmHg.
        truth: (N, L) levels in mmHg, NaN where one can't be read.
        groups: (N,) index of each window's group.
    """

    given: tuple[Modality, ...]
    cuff: bool
    told: Tensor
    truth: Tensor
    groups: NDArray[np.int64]


def fit_levels(windows: Windows, config: TrainConfig) -> tuple[Levels, list[HeldOut]]:
    """Fit heads, each without a fifth of the groups, and let it tell those."""
    seen = [see(windows, given) for given in GIVEN]
    torch.manual_seed(config.seed)  # the heads' first weights are drawn too
    levels = Levels()
    folds = len(levels.heads)
    n_groups = max(one.groups.max() for one in seen) + 1
    fold_of = np.random.default_rng(config.seed).permutation(n_groups) % folds
    told: list[HeldOut] = []
    for fold, head in enumerate(levels.heads):
        if isinstance(head, LevelHead):
            inside = [np.flatnonzero(fold_of[one.groups] != fold) for one in seen]
            outside = [np.flatnonzero(fold_of[one.groups] == fold) for one in seen]
            _fit(head, seen, inside, config.seed * folds + fold)
            for one, rows in zip(seen, outside, strict=True):
                told += _held_out(head.eval(), one, rows)
    return levels.eval(), told


def see(windows: Windows, given: tuple[Modality, ...]) -> Seen:
    """Sum up the windows that are fit for ABP and for ``given``, and their cuff readings."""
    posed = pose(Case("translate", "abp", given, "absent"), windows, {})
    kept = posed.windows
    read = read_pressures(posed.truth, np.ones(len(kept), np.bool_))
    scale = scale_of(torch.from_numpy(posed.truth))
    pressures = [torch.from_numpy(read[p]) for p in PRESSURES]
    ends = [scale.middle - scale.half, scale.middle + scale.half]
    now = moment_of(posed.batch, described)
    since = torch.from_numpy(np.nan_to_num(kept.cuffs["first"].age_s))
    readings = [
        Reference(now, pressures[0], pressures[1], torch.zeros(len(kept))),
        *(reference_of(posed.batch, kept.cuffs[name], described) for name in REFERENCES),
    ]
    return Seen(
        given=given,
        now=now,
        truth=torch.stack([*pressures, *ends], dim=1),
        groups=np.searchsorted(np.unique(windows.groups), kept.groups),
        readings=joined(readings),
        time_s=torch.cat([since - reading.age_s for reading in readings]),
    )


def _fit(
    head: LevelHead, seen: Sequence[Seen], rows: Sequence[NDArray[np.int64]], seed: int
) -> None:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    features = [one.now.features[torch.from_numpy(of)] for one, of in zip(seen, rows, strict=True)]
    head.standardise(torch.cat(features))

    def loss() -> Tensor:
        which = int(rng.integers(len(seen)))
        chosen, reading = pairs_of(seen[which], rng, rows[which], BATCH, WITHOUT_CUFF)
        told = head(seen[which].now.take(torch.from_numpy(chosen)), reading)
        return pinball(told, seen[which].truth[torch.from_numpy(chosen)]) / STEP_MMHG

    descend(head, STEPS, FALLING, loss)


def pairs_of(
    seen: Seen, rng: np.random.Generator, rows: NDArray[np.int64], n: int, without: float
) -> tuple[NDArray[np.int64], Reference]:
    """Draw ``n`` of the windows ``rows``, a group as likely as another, and a reading for each.

    The reading is that of another window of the group, earlier or later, or a choice's.
    """
    chosen = rows[rng.choice(len(rows), n, p=shares_of_windows(seen.groups[rows]))]
    count = len(seen.groups)
    of = _other_of_group(seen.groups, chosen, rng)
    alone = (rng.random(n) < without) | (of == chosen)
    which = rng.random(n) / BY_CHOICE
    for k in range(len(REFERENCES)):
        by_choice = (k + 1) * count + chosen
        there = seen.readings.sbp[torch.from_numpy(by_choice)].isfinite().numpy()
        of = np.where((which.astype(np.int64) == k) & there, by_choice, of)
    reading = seen.with_reading(chosen, of)
    nothing = torch.from_numpy(alone)
    sbp, dbp = (side.masked_fill(nothing, torch.nan) for side in (reading.sbp, reading.dbp))
    return chosen, replace(reading, sbp=sbp, dbp=dbp)


def _other_of_group(
    groups: NDArray[np.int64], chosen: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw another window of the group of each; the same where it has no other."""
    order = np.argsort(groups, kind="stable")
    counts = np.bincount(groups)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, size = starts[groups[chosen]], counts[groups[chosen]]
    shift = rng.integers(1, np.maximum(size, 2))
    return order[first + (place[chosen] - first + shift) % size]


@torch.inference_mode()
def _held_out(head: LevelHead, seen: Seen, rows: NDArray[np.int64]) -> list[HeldOut]:
    """Tell windows without a reading, and with those that intervals are corrected by."""
    of = torch.from_numpy(rows)
    now, truth, groups = seen.now.take(of), seen.truth[of], seen.groups[rows]
    found = [HeldOut(seen.given, False, head(now, None), truth, groups)]
    for choice in CORRECTED_BY:
        first = (1 + REFERENCES.index(choice)) * len(seen.groups)
        reading = seen.with_reading(rows, first + rows)
        there = reading.sbp.isfinite()
        told = head(now.take(there), reading.take(there))
        found.append(HeldOut(seen.given, True, told, truth[there], groups[there.numpy()]))
    return found
