"""Which step a restorer takes when: chosen on the validation groups."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.restore_cases import Windows, batch_of, one_gap, others_of, with_noise
from ops.restore.classical import estimate_batch
from ops.restore.denoise import NOISE_EDGES
from ops.restore.estimate import robust_range
from ops.restore.tables import DenoiseRule, ImputeRule, Tables
from schemas.modality import Modality

F64 = NDArray[np.float64]

LENGTHS: Final = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48)
REACHES: Final = (0.0, 4.0, 8.0, 16.0)
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_EVERY: Final = 600


def choose_impute_rule(windows: Windows, target: Modality, rng: np.random.Generator) -> Any:
    """Find the reach of edge slopes, and the longest gap that the curve draws best.

    Best is the lower median, over windows, of the error in the gap.
    """
    kept = windows.fit_for(target)
    by_length: dict[int, dict[str, float]] = {}
    for length in LENGTHS:
        x = one_gap(kept.signals[target], length, rng)
        batch = batch_of(kept, "impute", target, (), x)
        rules = {f"curve {reach:g}": ImputeRule(_EVERY, reach) for reach in REACHES}
        rules["beats"] = ImputeRule(0, 0.0)
        by_length[length] = {
            name: _median_error(
                estimate_batch(batch, _only(target, impute=rule)).mean, x, kept.signals[target]
            )
            for name, rule in rules.items()
        }
    short = [n for n in LENGTHS if by_length[n]["beats"] > min(_curves(by_length[n]))]
    reach = min(
        REACHES, key=lambda r: sum(by_length[n][f"curve {r:g}"] for n in short or [LENGTHS[0]])
    )
    drawn = [n for n in LENGTHS if by_length[n]["beats"] > by_length[n][f"curve {reach:g}"]]
    return {"short_samples": max(drawn, default=1), "slope_reach": reach}


def _curves(errors: dict[str, float]) -> list[float]:
    return [error for name, error in errors.items() if name != "beats"]


def _median_error(mean: F64, x: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Take the median over windows of the RMS error in the gap, relative to the range."""
    squared = np.where(np.isnan(x), (mean - truth) ** 2, np.nan)
    return float(
        np.median(np.sqrt(np.nanmean(squared, axis=1)) / robust_range(truth.astype(np.float64)))
    )


def _only(
    target: Modality, impute: ImputeRule | None = None, denoise: DenoiseRule | None = None
) -> Tables:
    return Tables(
        impute={target: impute} if impute else {},
        denoise={target: denoise} if denoise else {},
        population={},
        residuals={},
    )


def choose_denoise_rule(windows: Windows, target: Modality, rng: np.random.Generator) -> Any:
    """Find the share of the template that leaves the least error, a noise class."""
    kept = windows.fit_for(target)
    errors: dict[float, list[F64]] = {share: [] for share in SHARES}
    classes: list[NDArray[np.int64]] = []
    for conditions in (others_of(target), ()):
        x = with_noise(kept.signals[target], rng.uniform(-6, 20, len(kept)), rng)
        batch = batch_of(kept, "denoise", target, conditions, x)
        for share in SHARES:
            rule = DenoiseRule(np.full(len(NOISE_EDGES) + 1, share))
            estimate = estimate_batch(batch, _only(target, denoise=rule))
            squared = ((estimate.mean - kept.signals[target]) ** 2).mean(axis=1)
            errors[share].append(squared / kept.signals[target].var(axis=1))
        classes.append(estimate.window_cell % (len(NOISE_EDGES) + 1))
    noise = np.concatenate(classes)
    typical = {share: np.concatenate(parts) for share, parts in errors.items()}
    return {"template_share": [_best(typical, noise == k) for k in range(len(NOISE_EDGES) + 1)]}


def _best(errors: dict[float, F64], rows: NDArray[np.bool_]) -> float:
    if not rows.any():
        return 1.0
    return min(errors, key=lambda share: float(np.nanmedian(errors[share][rows])))
