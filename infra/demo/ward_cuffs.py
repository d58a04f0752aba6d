"""What a ward's cuffs show, failures among it."""

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from infra.demo.numerics import Cuff, measured
from infra.demo.simulate import Strip

CuffKind = Literal["plain", "failing", "repeated", "none"]

MEAN_ERROR_MMHG: Final = 3.0
SHOWN_FOR_S: Final = 240
FAILURES: Final = ((0.0, 0.0, 0.0), (62.0, 118.0, 84.0), (308.0, 190.0, 240.0))
"""Systolic, diastolic and mean of no adult: nothing, upside down, and the cuff's own limit."""


def cuffs_of(kind: CuffKind, strip: Strip, seed: int, every_s: float) -> list[Cuff]:
    """Measure a strip as a cuff of that kind does; the mean is the artery's own, and its error."""
    if kind == "none":
        return []
    rng = np.random.default_rng([seed, 0xCB])
    cuffs = [_with_mean(cuff, strip, rng) for cuff in measured(strip, rng, every_s)]
    if kind == "repeated":
        return [replace(cuff, shown_s=min(SHOWN_FOR_S, round(0.8 * every_s))) for cuff in cuffs]
    return cuffs + _failures(cuffs, strip, every_s) if kind == "failing" else cuffs


def _with_mean(cuff: Cuff, strip: Strip, rng: np.random.Generator) -> Cuff:
    t = np.arange(len(strip.abp)) / strip.fs
    mean = float(strip.abp[np.abs(t - cuff.taken_s) < 15].mean()) + rng.normal(0, MEAN_ERROR_MMHG)
    return replace(cuff, map=float(np.clip(mean, cuff.dbp + 2, cuff.sbp - 2)))


def _failures(cuffs: list[Cuff], strip: Strip, every_s: float) -> list[Cuff]:
    """One failure after each measurement, by turns."""
    times = [cuff.taken_s + every_s / 4 for cuff in cuffs]
    return [
        Cuff(at, *FAILURES[i % len(FAILURES)])
        for i, at in enumerate(times)
        if at < strip.beat_times[-1]
    ]
