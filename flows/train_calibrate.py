"""Corrections of a new checkpoint's bands, by groups that it has not learned from."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from flows.train_config import TrainConfig
from flows.train_levels import CORRECTED_BY, HeldOut
from models.tricardio.calibration import LEVELS, Calibration, Correction, key_of
from models.tricardio.checkpoint import Checkpoint
from models.tricardio.restorer import TriCardioRestorer, intervals
from ops import restored
from ops.features import described
from ops.judge.cases import Posed, calibration_cases, pose
from ops.judge.conformal import group_quantile
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.judge.running import parts_of
from ops.judge.signal_measures import made_samples, scale_to_truth
from schemas.restoration import F32, PRESSURES, Interval

PER_GROUP: Final = 10
EVERY: Final = 4
"""Samples of a window that are looked at: each fourth says as much as all."""

_HELD_OUT: Final = "held out "


@dataclass
class _Scores:
    """What was missed in the cases of one key."""

    ratios: list[NDArray[np.float64]] = field(default_factory=list)
    windows: list[NDArray[np.str_]] = field(default_factory=list)
    outside: dict[tuple[str, str, str], list[NDArray[np.float32]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    of_interval: list[NDArray[np.str_]] = field(default_factory=list)


def calibrate(
    checkpoint: Checkpoint,
    held_out: Sequence[HeldOut],
    config: TrainConfig,
    steps: int,
    samples: int,
) -> Calibration:
    """Correct bands and intervals of every task, target and set of conditions.

    ``checkpoint`` is one that corrects nothing yet. Pressures that heads tell are also corrected by
    what each told of the groups ``held_out`` from it: cross-conformal prediction (Vovk 2015, doi
    10.1007/s10472-013-9368-4), for a pressure's level differs most between people, and the
    calibration groups are few.
    """
    windows = draw(read_timelines([config.data], "calibration"), PER_GROUP)
    restorer = TriCardioRestorer(
        checkpoint,
        steps,
        samples,
        restored.from_made,
        described,
        code_sha256="",
        device=config.device,
    )
    scores: dict[str, _Scores] = defaultdict(_Scores)
    for case in calibration_cases(CORRECTED_BY):
        posed = pose(case, windows, {})
        if len(posed.windows):
            key = key_of(case.task, case.target, case.given, cuff=case.reference is not None)
            _score(posed, restorer, scores[key])
    for one in held_out:
        key = key_of("translate", "abp", one.given, cuff=one.cuff)
        if key in scores:
            _score_held_out(one, scores[key])
    return Calibration(corrections={key: _correction(found) for key, found in scores.items()})


def _score(posed: Posed, restorer: TriCardioRestorer, scores: _Scores) -> None:
    truth = restored.read_pressures(posed.truth, np.ones(len(posed.windows), np.bool_))
    pressure = posed.case.target == "abp"
    levels = LEVELS if pressure else LEVELS[-1:]
    each = zip(*(restorer.bands(batch, levels) for batch in parts_of(posed.batch)), strict=True)
    for level, told in zip(levels, each, strict=True):
        if level == LEVELS[-1]:
            mean, upper = (
                np.concatenate([getattr(one, side) for one in told]) for side in ("mean", "upper")
            )
            _score_band(posed, mean, upper, scores)
        for name in PRESSURES if pressure else ():
            _score_interval([one.pressures[name] for one in told], truth[name], name, level, scores)
    scores.of_interval.append(posed.windows.groups)


def _score_held_out(told: HeldOut, scores: _Scores) -> None:
    for level in LEVELS:
        for name, interval in intervals(told.told, level).items():
            truth = told.truth[:, PRESSURES.index(name)].numpy()
            _score_interval([interval], truth, name, level, scores)
    scores.of_interval.append(np.char.add(_HELD_OUT, told.groups.astype(str)))


def _score_band(posed: Posed, mean: F32, upper: F32, scores: _Scores) -> None:
    """Take errors in units of the spread that was told."""
    spread = (upper - mean) / norm.ppf((1 + LEVELS[-1]) / 2)
    truth = posed.truth.astype(np.float64)
    if posed.case.task == "translate" and posed.case.target != "abp":
        factor, offset = scale_to_truth(mean, posed.truth)
        truth = (truth - offset) / factor
    ratio = np.abs(truth - mean) / np.maximum(spread, 1e-9)
    ratio = np.where(made_samples(posed.batch), ratio, np.nan)[:, ::EVERY]
    scores.ratios.append(ratio.ravel())
    scores.windows.append(np.repeat(posed.windows.groups, ratio.shape[1]))


def _score_interval(
    said: list[Interval], truth: F32, name: str, level: float, scores: _Scores
) -> None:
    lower, upper = (
        np.concatenate([getattr(one, side) for one in said]) for side in ("lower", "upper")
    )
    scores.outside[str(level), name, "lower"].append(lower - truth)
    scores.outside[str(level), name, "upper"].append(truth - upper)


def _correction(scores: _Scores) -> Correction:
    ratios, of_ratio = np.concatenate(scores.ratios), np.concatenate(scores.windows)
    groups = np.concatenate(scores.of_interval)
    widen = {
        str(level): group_quantile(ratios, of_ratio, level) / float(norm.ppf((1 + level) / 2))
        for level in LEVELS
    }
    outward: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for level, name in {(level, name) for level, name, _ in scores.outside}:
        reached = (1 + float(level)) / 2
        down, up = (
            group_quantile(np.concatenate(scores.outside[level, name, side]), groups, reached)
            for side in ("lower", "upper")
        )
        outward[level][name] = (down, up)
    return Correction(
        widen={level: round(factor, 4) for level, factor in widen.items()},
        outward={
            level: {name: (round(d, 3), round(u, 3)) for name, (d, u) in sorted(found.items())}
            for level, found in sorted(outward.items())
        },
        groups=len(np.unique(of_ratio)),
        held_out=sum(name.startswith(_HELD_OUT) for name in np.unique(groups)),
    )
