"""Which step a restorer takes when: chosen on the validation groups.

Less error is a lower median, over windows, of the error relative to the window's range.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.restore_cases import SNR_RANGE_DB, batch_of, with_noise
from bench.restore_residuals import normal_scale
from ops.judge.spoil import one_gap
from ops.judge.windows import Windows, others_of
from ops.restore.classical import estimate_batch
from ops.restore.denoise import WINDOW_CELLS
from ops.restore.estimate import robust_range
from ops.restore.tables import DenoiseRule, ImputeRule, Tables, parse_tables
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import Modality
from schemas.restoration import RestoreBatch

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SHORT: Final = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48)
LONG: Final = (64, 100, 150, 200, 250, 300)
REACHES: Final = (0.0, 4.0, 8.0, 16.0)
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
WANDER_SHARES: Final = (0.0, 0.5, 1.0)


def choose_impute_rule(
    windows: Windows, target: Modality, rng: np.random.Generator
) -> dict[str, Any]:
    """Find the longest gap to draw, the reach of edge slopes, and whose beats to follow when."""
    kept = windows.fit_for(target)
    curves = {str(reach): ImputeRule(WINDOW_SAMPLES, reach, {}) for reach in REACHES}
    rules = curves | {"beats": ImputeRule(0, 0.0, {})}
    errors = {n: _gap_errors(kept, target, n, rules, rng) for n in SHORT}
    reach = min(REACHES, key=lambda r: sum(e[str(r)] / e["beats"] for e in errors.values()))
    drawn = [n for n in SHORT if errors[n][str(reach)] < errors[n]["beats"]]
    return {
        "short_samples": max(drawn, default=1),
        "slope_reach": reach,
        "guests": _choose_guests(windows.fit_for(target, *others_of(target)), target, rng),
    }


def _choose_guests(
    windows: Windows, target: Modality, rng: np.random.Generator
) -> dict[Modality, int]:
    """Order the other modalities, and find from which gap on each beats the target's own clock."""
    rules = {m: ImputeRule(0, 0.0, {m: 0}) for m in others_of(target)}
    errors = {
        n: _gap_errors(windows, target, n, rules | {"own": ImputeRule(0, 0.0, {})}, rng)
        for n in LONG
    }
    ranked = sorted(rules, key=lambda m: sum(errors[n][m] for n in LONG))
    return {
        m: max((n for n in LONG if errors[n]["own"] <= errors[n][m]), default=0) for m in ranked
    }


def _gap_errors(
    windows: Windows,
    target: Modality,
    length: int,
    rules: dict[Any, ImputeRule],
    rng: np.random.Generator,
) -> dict[Any, float]:
    truth = windows.signals[target]
    x = one_gap(truth, length, rng)
    batch = batch_of(windows, "impute", target, others_of(target), x)
    errors = {}
    for name, rule in rules.items():
        mean = estimate_batch(batch, _only(target, impute=rule)).mean
        squared = np.where(np.isnan(x), (mean - truth) ** 2, 0.0).sum(axis=1) / length
        errors[name] = float(np.median(np.sqrt(squared) / robust_range(truth.astype(np.float64))))
    return errors


def _only(
    target: Modality, impute: ImputeRule | None = None, denoise: DenoiseRule | None = None
) -> Tables:
    return Tables(
        impute={target: impute} if impute else {},
        denoise={target: denoise} if denoise else {},
        population={},
        residuals={},
    )


def choose_denoise_rule(
    windows: Windows, target: Modality, guests: tuple[Modality, ...], rng: np.random.Generator
) -> dict[str, Any]:
    """Find the shares of template and wander that leave the least error, a window class."""
    noisy = []
    for conditions in (guests, ()):
        kept = windows.fit_for(target, *conditions)
        truth = kept.signals[target]
        x = with_noise(truth, rng.uniform(*SNR_RANGE_DB, len(kept)), rng)
        noisy.append((batch_of(kept, "denoise", target, conditions, x), truth))
    found = [_shares(noisy, target, guests, keeps_own=keeps) for keeps in (False, True)]
    return min(found, key=lambda rule: rule.pop("error"))


def _shares(
    noisy: list[tuple[RestoreBatch, F32]],
    target: Modality,
    guests: tuple[Modality, ...],
    *,
    keeps_own: bool,
) -> dict[str, Any]:
    """Try every pair of shares; filtered signal and template are blended from two runs."""
    n = int(np.prod(WINDOW_CELLS))
    errors: dict[tuple[float, float], F64] = {}
    for wander in WANDER_SHARES:
        ends = [
            [
                estimate_batch(batch, _only(target, denoise=rule))
                for rule in (
                    DenoiseRule(guests, keeps_own, np.full(n, share), np.full(n, wander))
                    for share in (0.0, 1.0)
                )
            ]
            for batch, _ in noisy
        ]
        cells = np.concatenate([filtered.window_cell for filtered, _ in ends])
        for share in SHARES:
            blends = [f.mean + share * (t.mean - f.mean) for f, t in ends]
            errors[share, wander] = np.concatenate(
                [_relative(blend, truth) for blend, (_, truth) in zip(blends, noisy, strict=True)]
            )
    best = [
        _best(errors, cells == cell, cells % WINDOW_CELLS[1] == cell % WINDOW_CELLS[1])
        for cell in range(n)
    ]
    chosen = np.array([errors[best[cell]][i] for i, cell in enumerate(cells)])
    return {
        "guests": list(guests),
        "keeps_own": keeps_own,
        "template_share": [share for share, _ in best],
        "wander_share": [wander for _, wander in best],
        "error": float(np.nanmedian(chosen)),
    }


def _relative(mean: F64, truth: F32) -> F64:
    squared = ((mean - truth) ** 2).mean(axis=1)
    return np.asarray(np.sqrt(squared) / robust_range(truth.astype(np.float64)))


def _best(
    errors: dict[tuple[float, float], F64], rows: NDArray[np.bool_], alike: NDArray[np.bool_]
) -> tuple[float, float]:
    """Choose for ``rows``; where they are fewer than 20, for those of ``alike`` noise, or all."""
    used = next((r for r in (rows, alike) if r.sum() >= 20), np.ones_like(rows))
    return min(errors, key=lambda pair: float(np.nanmedian(errors[pair][used])))


def order_delays(windows: Windows, target: Modality, population: dict[str, Any]) -> list[Modality]:
    """Rank the conditions by how well the population's beat stands at theirs."""
    kept = windows.fit_for(target, *others_of(target))
    truth = normal_scale(kept.signals[target].astype(np.float64), target)
    absent = np.full_like(kept.signals[target], np.nan)
    tables = parse_tables({"population": {target: population}})

    def error(condition: Modality) -> float:
        batch = batch_of(kept, "translate", target, (condition,), absent)
        missed = estimate_batch(batch, tables).mean - truth
        told = np.isfinite(missed).all(axis=1)
        return float(np.median(np.sqrt((missed[told] ** 2).mean(axis=1))))

    return sorted(others_of(target), key=error)
