"""Audited windows of made-up subjects, and wards drawn from them.

Shapes: G subjects, W windows at most of each, P = 3 pressures.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.audit.halves import with_halves
from schemas.audit import Audit
from schemas.restoration import PRESSURES

F64 = NDArray[np.float64]

WARD_SUBJECTS: Final = 40
LEAST_WINDOWS: Final = 12
MOST_WINDOWS: Final = 32
STRIDE_S: Final = 300.0
ABSTAINED: Final = 0.03

_LEVEL: Final = np.array([120.0, 65.0, 83.0])
_LEVEL_SD: Final = np.array([18.0, 10.0, 12.0])
_ERROR_SD: Final = np.array([9.0, 5.0, 6.0])
_OF_CALIBRATION: Final = {"cuff": 1.0, "line": 0.8, "none": 1.6}
_ALIKE: Final = 0.7
"""Correlation of what one patient's three pressures do."""

_DRIFT: Final = 0.8
"""Correlation of neighbouring windows beside the subject's own level."""

_TO_90: Final = 1.645


@dataclass(frozen=True)
class Errors:
    """How a model errs on a population.

    Attributes:
        icc: share of the error's variance that lies between subjects.
        too_narrow: by what factor its 90 % intervals are narrower than they must be.
    """

    icc: float
    too_narrow: float


def simulate_pool(errors: Errors, subjects: int, seed: int) -> pl.DataFrame:
    """Draw audited windows of made-up subjects by random effects: level, drift and spread."""
    rng = np.random.default_rng(seed)
    calibration = _calibrations(rng, subjects)
    true = _LEVEL + _LEVEL_SD * _course(rng, subjects, 0.7)
    worse = np.vectorize(_OF_CALIBRATION.get)(calibration)[..., None]
    spread = np.exp(0.25 * rng.normal(size=(subjects, 1, 1)))
    spread = spread * np.exp(0.3 * rng.normal(size=(subjects, MOST_WINDOWS, 1)))
    sd = _ERROR_SD * worse * spread
    told = true + sd * _course(rng, subjects, errors.icc)
    half = _TO_90 * sd / errors.too_narrow
    there = np.arange(MOST_WINDOWS) < rng.integers(LEAST_WINDOWS, MOST_WINDOWS + 1, (subjects, 1))
    silent = rng.random((subjects, MOST_WINDOWS)) < ABSTAINED
    columns = {
        "subject": np.repeat(np.arange(subjects)[:, None], MOST_WINDOWS, axis=1),
        "window_index": np.repeat(np.arange(MOST_WINDOWS)[None], subjects, axis=0),
        "calibration": calibration,
        "reference_age_s": 60.0 + rng.random((subjects, MOST_WINDOWS)) * 5 * STRIDE_S,
        "hr": np.clip(80 + 18 * rng.normal(size=(subjects, MOST_WINDOWS)), 40, 160),
        "abstained": np.where(silent, "conditions", ""),
    }
    held = np.roll(true, 1, axis=1) + 5 * rng.normal(size=true.shape)
    for i, p in enumerate(PRESSURES):
        columns |= {f"true_{p}": true[..., i], p: told[..., i], f"reference_{p}": held[..., i]}
        columns |= {f"{p}_lower": (told - half)[..., i], f"{p}_upper": (told + half)[..., i]}
    return _audit(pl.DataFrame({name: values[there] for name, values in columns.items()}))


def _course(rng: np.random.Generator, subjects: int, icc: float) -> F64:
    """Draw (G, W, P) of unit variance: a level a subject and a drift about it."""
    level = _alike(rng, (subjects, 1))
    steps = _alike(rng, (subjects, MOST_WINDOWS))
    for w in range(1, MOST_WINDOWS):
        steps[:, w] = _DRIFT * steps[:, w - 1] + np.sqrt(1 - _DRIFT**2) * steps[:, w]
    return np.asarray(np.sqrt(icc) * level + np.sqrt(1 - icc) * steps)


def _alike(rng: np.random.Generator, shape: tuple[int, int]) -> F64:
    own, shared = rng.normal(size=(*shape, len(PRESSURES))), rng.normal(size=(*shape, 1))
    return np.asarray(np.sqrt(_ALIKE) * shared + np.sqrt(1 - _ALIKE) * own)


def _calibrations(rng: np.random.Generator, subjects: int) -> NDArray[np.str_]:
    """Choose (G, W): cuffs for four of five from some window on, a line late in one of five."""
    at = np.arange(MOST_WINDOWS)
    cuffed, lined = rng.random((subjects, 1)) < 0.8, rng.random((subjects, 1)) < 0.2
    first = rng.integers(0, LEAST_WINDOWS // 2, (subjects, 1))
    last = rng.integers(LEAST_WINDOWS // 2, LEAST_WINDOWS, (subjects, 1))
    kind = np.where(cuffed & (at >= first), "cuff", "none")
    return np.where(lined & (at >= last), "line", kind)


def _audit(drawn: pl.DataFrame) -> pl.DataFrame:
    """Complete drawn columns to rows of the audit."""
    names = pl.format("s{}", pl.col("subject"))
    told = [f"{p}{end}" for p in PRESSURES for end in ("", "_lower", "_upper")]
    reference = [f"reference_{part}" for part in ("age_s", *PRESSURES)]
    marked = drawn.with_columns(
        pl.lit("pool").alias("dataset"),
        subject_id=names,
        record_id=names,
        start_s=pl.col("window_index") * STRIDE_S,
        conditions=pl.lit(["ecg", "ppg"], pl.List(pl.String)),
        abstained=pl.when(pl.col("abstained") != "").then(pl.col("abstained")),
        **{name: pl.lit(value) for name, value in _CONSTANT.items()},
    ).with_columns(
        *(pl.when(pl.col("abstained").is_null()).then(pl.col(name)).alias(name) for name in told),
        *(pl.when(pl.col("calibration") != "none").then(pl.col(n)).alias(n) for n in reference),
    )
    absent = [n for n in Audit.column_names() if n not in marked.columns and n != "half"]
    whole = with_halves(marked.with_columns(pl.lit(None).alias(name) for name in absent))
    return Audit.cast(whole.select(Audit.column_names()))


_CONSTANT: Final[dict[str, Any]] = {
    "model_id": "made-up-1",
    "run_id": "made-up",
    "model_sha256": "0" * 64,
    "input_sha256": "0" * 64,
    "spec_sha256": "0" * 64,
    "audited_at": dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
}


def draw_ward(pool: pl.DataFrame, number: int, subjects: int = WARD_SUBJECTS) -> pl.DataFrame:
    """Draw a ward's subjects out of a pool of audit rows; the number says which, halves included.

    Raises:
        ValueError: where the pool has too few subjects.
    """
    names = pool["subject_id"].unique().sort()
    if names.len() < subjects:
        message = f"a ward of {subjects} subjects can't be drawn from a pool of {names.len()}"
        raise ValueError(message)
    drawn = np.random.default_rng(number).choice(names.len(), subjects, replace=False)
    ward = pool.filter(pl.col("subject_id").is_in(names.gather(drawn).implode()))
    return with_halves(ward.with_columns(pl.lit(f"ward-{number}").alias("dataset")))


def biased(ward: pl.DataFrame, mmhg: float) -> pl.DataFrame:
    """Let all of a ward's arterial lines read by so much too high, those calibrated by as well."""
    by_line = ["", "_lower", "_upper"]
    line = pl.when(pl.col("calibration") == "line").then(mmhg).otherwise(0.0)
    moved = [pl.col(f"true_{p}") + mmhg for p in PRESSURES]
    moved += [pl.col(f"{p}{end}") + line for p in PRESSURES for end in by_line]
    moved += [pl.col(f"reference_{p}") + line for p in PRESSURES]
    return Audit.cast(ward.with_columns(moved))
