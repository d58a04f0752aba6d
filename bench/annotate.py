"""How right annotations of strips are, and what they take: ``python -m bench.annotate``.

On windows of test groups that no training has seen, clean and corrupted in known ways: accuracy and
macro-F1 slot by slot, whether slots are of one mind, quality against steps, and time a window, of
the annotator beside rules on the same input, linear heads on the same encoder, and the same network
read from left to right. Nothing is given to any of them; the annotator and the decoder are told
what the rules read, the heads see the encoder alone. What a training has left is judged
(``pulselake train-annotator --peers``). Steps are those that were taken: 24 slots take no more.

The cached prefix is timed against a prefix that is read anew in each step, in turns, in one run.
Exit status 1 where a bar is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from bench.annotate_card import put_in_card
from bench.annotate_ways import (
    Way,
    by_diffusion,
    seen,
    trained,
    ways,
    without_cache,
)
from bench.machine import machine
from bench.report import Report, add_json_option, all_met, at_least, deliver
from models.lavida.annotator import ROWS
from models.lavida.checkpoint import DIAL_STEPS
from models.lavida.sampling import Dial
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.strip.lessons import Lessons, lessons
from ops.strip.score import WORDED, Said, accuracy, consistent, macro_f1, said_of
from schemas.modality import MODALITIES
from schemas.restoration import F32

PER_GROUP: Final = 12
HURT: Final = 0.5
QUARTER: Final = 0.97
CACHED: Final = 3.0
CACHE_STEPS: Final = 16
SHIPPED_WAY: Final = "diffusion, alpha 1/3"
QUARTER_STEPS: Final = 6
"""Of the 24 that fill one slot each."""

SEED: Final = 0
_PARTS: Final = ("quality", "artefact")


@dataclass(frozen=True)
class Judged:
    """One way on one set of windows."""

    way: str
    steps: float
    accuracy: dict[str, float]
    f1: dict[str, float]
    consistent: float
    ms_a_window: float
    right: tuple[float, ...]
    """Share of slots that are right, a window."""

    @property
    def mean(self) -> float:
        """Accuracy over all slots."""
        return float(np.mean(list(self.accuracy.values())))


def judge(way: Way, told: Lessons) -> Judged:
    """Let a way say what it sees, in batches of a fixed size."""
    truth = [said_of(annotation) for annotation in told.truth]
    said: list[Said] = []
    spent = 0.0
    for first in range(0, len(truth), ROWS):
        rows = np.minimum(np.arange(first, first + ROWS), len(truth) - 1)
        clock = time.perf_counter()
        part = way.say(told.signals[rows])
        spent += time.perf_counter() - clock
        said += part[: len(truth) - first]
    right = [
        float(np.mean(list(accuracy([t], [s]).values()))) for t, s in zip(truth, said, strict=True)
    ]
    batches = -(-len(truth) // ROWS)
    return Judged(
        way.name,
        way.steps,
        accuracy(truth, said),
        macro_f1(truth, said),
        float(np.mean([consistent(s) for s in said])),
        1000 * spent / (batches * ROWS),
        tuple(right),
    )


def windows(data: Path, per_group: int) -> tuple[dict[str, Lessons], dict[str, np.ndarray]]:
    """Draw test windows, clean and corrupted, and the group of each."""
    drawn = draw(read_timelines([data], "test"), per_group)
    clean = np.stack([drawn.signals[m] for m in MODALITIES], axis=1)
    whole = lessons(clean, np.random.default_rng(SEED), hurt=0.0, imputed=0.0)
    spoiled = lessons(clean, np.random.default_rng(SEED + 1), hurt=HURT, imputed=0.0)
    kept = np.flatnonzero(spoiled.spoiled)
    corrupted = Lessons(
        spoiled.signals[kept],
        [spoiled.truth[i] for i in kept],
        [spoiled.given[i] for i in kept],
        spoiled.spoiled[kept],
        spoiled.calibrated[kept],
    )
    return (
        {"clean": whole, "corrupted": corrupted},
        {"clean": drawn.groups, "corrupted": drawn.groups[kept]},
    )


def better_by(one: Judged, other: Judged, groups: np.ndarray) -> tuple[float, float, float]:
    """Give how much more often a slot is right, and its 95 % interval, by bootstrap over groups."""
    gain = np.array(one.right) - np.array(other.right)
    names = np.unique(groups)
    means = np.array([gain[groups == name].mean() for name in names])
    rng = np.random.default_rng(SEED)
    drawn = means[rng.integers(0, len(means), (2000, len(means)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(means.mean()), float(low), float(high)


def of_quality(name: str, judged: list[Judged]) -> Report:
    """Tell how right each way is on a set of windows."""
    rows = [
        [
            one.way,
            one.steps,
            one.mean,
            *(one.accuracy[slot] for slot in ("rhythm", "heart_rate")),
            *(
                np.mean([one.accuracy[f"{m}_{p}"] for m in MODALITIES])
                for p in ("quality", "artefact")
            ),
            *(one.accuracy[slot] for slot in ("pressure_band", "evidence", "note")),
            float(np.mean([one.f1[slot] for slot in WORDED])),
            one.consistent,
            one.ms_a_window,
        ]
        for one in judged
    ]
    header = ["way", "steps", "all slots", "rhythm", "rate", "quality", "artefact", "band"]
    header += ["evidence", "note", "macro-F1", "of one mind", "ms a window"]
    return Report(f"{name} windows, {len(judged[0].right)}", header, rows, [])


def of_bars(judged: dict[str, list[Judged]], groups: dict[str, np.ndarray]) -> Report:
    """Settle what was asked for: better than rules, and most of it at a quarter of the steps."""
    corrupted = judged["corrupted"]
    rules = corrupted[0]
    thirds = [one for one in corrupted if one.way == SHIPPED_WAY]
    best = max(thirds, key=lambda one: one.mean)
    quarter = next(one for one in thirds if one.steps == QUARTER_STEPS)
    share = quarter.mean / best.mean
    gain, low, high = better_by(best, rules, groups["corrupted"])
    bars = [
        at_least("slots right on corrupted windows, more than rules, low end of 95 %", low, 0.0),
        at_least("accuracy at a quarter of the steps, of the best", share, QUARTER),
    ]
    rows = [["more slots right than by rules", gain, low, high]]
    return Report("Against rules, corrupted", ["figure", "mean", "low", "high"], rows, bars)


def figures(judged: dict[str, list[Judged]], way: str = SHIPPED_WAY) -> dict[str, Any]:
    """Say for a card how right a way at the shipped dial and the rules are, slot by slot."""
    told: dict[str, Any] = {"split": "test"}
    for name, some in judged.items():
        dial = next(one for one in some if (one.way, one.steps) == (way, DIAL_STEPS))
        told[name] = {
            "windows": len(dial.right),
            "steps": DIAL_STEPS,
            **{way: _rounded(of.accuracy) for way, of in (("right", dial), ("rules", some[0]))},
        }
    return told


def _rounded(accuracy: dict[str, float]) -> dict[str, float]:
    return {slot: round(share, 4) for slot, share in accuracy.items()}


def of_cache(network: Any, signals: F32, device: str, runs: int) -> Report:
    """Time a cached prefix against none, in turns; the best time of each counts."""
    dial, looked_at = Dial(CACHE_STEPS), seen(signals, device)
    timed: dict[str, list[float]] = {"cached": [], "read anew": []}
    ways_: dict[str, Callable[..., object]] = {"cached": by_diffusion, "read anew": without_cache}
    for _ in range(runs):
        for name, way in ways_.items():
            clock = time.perf_counter()
            way(network, looked_at, dial)
            if device == "cuda":
                torch.cuda.synchronize()
            timed[name].append(time.perf_counter() - clock)
    best = {name: min(times) for name, times in timed.items()}
    ratio = best["read anew"] / best["cached"]
    rows = [[name, s, len(signals) / s] for name, s in best.items()]
    bar = at_least(
        f"times faster by the cached prefix at {CACHE_STEPS} steps, {device}", ratio, CACHED
    )
    return Report(f"Prefix, {device}", ["way", "s", "windows a second"], rows, [bar])


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--training", type=Path, required=True, help="what a training has left")
    parser.add_argument("--data", type=Path, required=True, help="the cuff-less set")
    parser.add_argument("--card", type=Path, help="checkpoint whose card is to say the figures")
    parser.add_argument("--per-group", type=int, default=PER_GROUP)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    of = trained(options.training, device)
    sets, groups = windows(options.data, options.per_group)
    judged = {name: [judge(way, told) for way in ways(of, device)] for name, told in sets.items()}
    reports = [of_quality(name, some) for name, some in judged.items()]
    reports += [
        of_bars(judged, groups),
        of_cache(of.network, sets["clean"].signals[:ROWS], device, options.runs),
    ]
    detail = {
        name: [
            {"way": one.way, "steps": one.steps, "accuracy": one.accuracy, "f1": one.f1}
            for one in some
        ]
        for name, some in judged.items()
    }
    deliver(options.json, reports, {"machine": machine(), "detail": detail})
    if options.card:
        put_in_card(options.card, "judged", figures(judged))
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
