"""Gradient boosting on hand-made features: of a window, or of a window and a reference.

Shapes: N windows learned from, B windows, F features.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from ops.features import features
from ops.judge.baselines.pressures import Level, held_pressures, true_pressures
from ops.judge.references import REFERENCES
from ops.judge.rows import join_rows, whole
from ops.judge.windows import Windows
from schemas.modality import Modality
from schemas.restoration import F32, PRESSURES, Cuff, RestoreBatch

F64 = NDArray[np.float64]
Conditions = tuple[Modality, ...]
Fitted = dict[str, HistGradientBoostingRegressor]

_SEED: Final = 0


def boosting(train: Windows, asked: Sequence[Conditions]) -> Level:
    """Learn pressures from features of one window, for each set of conditions that is asked."""
    kept = _known(train)
    true = true_pressures(kept)
    fitted = {c: _fit(features(*_seen(kept.signals, c)), true) for c in dict.fromkeys(asked)}

    def guess(batch: RestoreBatch) -> dict[str, F32]:
        x = features(*_seen(batch.signals, batch.conditions))
        return _predict(fitted[batch.conditions], x)

    return Level("boosting", ("translate",), ("abp",), guess=guess)


def boosting_on_pairs(train: Windows, asked: Sequence[Conditions]) -> Level:
    """Learn how pressures differ from a cuff reading's, from features of both moments.

    Of each window there is a pair by every choice of reference: long and short ago, and later.
    """
    known = _known(train)
    pairs = [_paired(known, reference) for reference in REFERENCES]
    cuff = join_rows([of for _, of in pairs])
    kept = join_rows([windows for windows, _ in pairs])
    true, held = true_pressures(kept), held_pressures(cuff)
    change = {name: true[name] - held[name] for name in PRESSURES}
    fitted = {c: _fit(_pair_features(kept.signals, cuff, c), change) for c in dict.fromkeys(asked)}

    def guess(batch: RestoreBatch) -> dict[str, F32]:
        if batch.cuff is None:
            return {name: np.full(len(batch.seeds), np.nan, np.float32) for name in PRESSURES}
        x = _pair_features(batch.signals, batch.cuff, batch.conditions)
        changed, before = _predict(fitted[batch.conditions], x), held_pressures(batch.cuff)
        return {name: before[name] + changed[name] for name in PRESSURES}

    return Level("boosting on pairs", ("translate",), ("abp",), guess=guess)


def _known(train: Windows) -> Windows:
    kept = train.fit_for("abp", "ppg", "ecg")
    return kept.take(whole(kept.signals["abp"]))


def _paired(known: Windows, reference: str) -> tuple[Windows, Cuff]:
    kept = known.take(np.isfinite(known.cuffs[reference].sbp))
    return kept, kept.cuffs[reference]


def _seen(signals: dict[Modality, F32], conditions: Conditions) -> tuple[F32, F32]:
    """Give PPG and ECG, (B, T) each, NaN where it is no condition."""
    order: tuple[Modality, Modality] = ("ppg", "ecg")
    ppg, ecg = (signals[m] if m in conditions else np.full_like(signals[m], np.nan) for m in order)
    return ppg, ecg


def _pair_features(signals: dict[Modality, F32], cuff: Cuff, conditions: Conditions) -> F64:
    """Give (B, 3 F + 4): of the window, of the reference, their difference, pressures and age."""
    now, then = (features(*_seen(side, conditions)) for side in (signals, cuff.signals))
    held = held_pressures(cuff)
    told = np.stack([held["sbp"], held["dbp"], held["map"], cuff.age_s], axis=1)
    return np.concatenate([now, then, now - then, told.astype(np.float64)], axis=1)


def _fit(x: F64, targets: dict[str, F32]) -> Fitted:
    told = np.isfinite(x).any(axis=0)
    known = np.where(told, x, 0)  # a column without any value is nothing to split at
    return {name: _regressor(known, y) for name, y in targets.items()}


def _regressor(x: F64, y: F32) -> HistGradientBoostingRegressor:
    known = np.isfinite(y)
    model = HistGradientBoostingRegressor(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        random_state=_SEED,
    )
    return model.fit(x[known], y[known])


def _predict(fitted: Fitted, x: F64) -> dict[str, F32]:
    return {name: model.predict(x).astype(np.float32) for name, model in fitted.items()}
