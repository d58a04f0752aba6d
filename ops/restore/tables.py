"""The measured tables behind the classical restorers.

``classical.json`` is derived from the UCI Cuff-Less Blood Pressure Estimation data set (Kachuee
et al. 2015, doi 10.24432/C5B602, CC BY 4.0) by ``python -m bench.restore_fit``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.modality import MODALITIES, Modality
from schemas.restoration import Task

F64 = NDArray[np.float64]

TABLES_PATH: Final = Path(__file__).with_name("classical.json")


@dataclass(frozen=True)
class Residuals:
    """5 % and 95 % quantiles of truth minus estimate on people not fitted on.

    Attributes:
        lower: (C,) a cell, relative to the window's scale.
        upper: (C,) likewise.
        pressures: (W, 2) a window class and pressure, in mmHg.
    """

    lower: F64
    upper: F64
    pressures: dict[str, F64]


@dataclass(frozen=True)
class ImputeRule:
    """How gaps are filled.

    Attributes:
        short_samples: the longest gap that is drawn.
        slope_reach: the longest gap that trusts the slopes at its edges, in samples.
        guests: the modalities whose beats are followed, first choice first, in gaps longer than
            so many samples.
    """

    short_samples: int
    slope_reach: float
    guests: dict[Modality, int]


@dataclass(frozen=True)
class DenoiseRule:
    """How noise is taken away.

    Attributes:
        guests: the modalities whose beats are followed, first choice first.
        keeps_own: whether beats of the target that a guest's confirms stay where they are.
        template_share: (W,) a window class: share of the beat template, beside the filtered signal.
        wander_share: (W,) a window class: share of what lies below 0.5 Hz that is taken away.
    """

    guests: tuple[Modality, ...]
    keeps_own: bool
    template_share: F64
    wander_share: F64


@dataclass(frozen=True)
class Population:
    """The mean beat of many people.

    Attributes:
        shape: (H, P) a heart-rate class over phase; 0 at the foot (ECG: at the isoelectric line),
            1 at the peak.
        delay: samples from a condition's beat to the target's, first choice first.
        levels: intercept and slope against beats/min of what 0 (``dbp``) and 1 (``sbp``) stand for.
    """

    shape: F64
    delay: dict[Modality, float]
    levels: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Tables:
    """All that was measured, by task and modality."""

    impute: dict[Modality, ImputeRule]
    denoise: dict[Modality, DenoiseRule]
    population: dict[Modality, Population]
    residuals: dict[tuple[Task, Modality], Residuals]


def read_tables(path: Path = TABLES_PATH) -> Tables:
    """Read the tables that the fit wrote."""
    return parse_tables(json.loads(path.read_text()))


def parse_tables(content: dict[str, Any]) -> Tables:
    """Type the content of the file; a part that is not there yet stays empty."""
    return Tables(
        impute={m: ImputeRule(**content["impute"][m]) for m in _of(content, "impute")},
        denoise={m: _denoise_rule(content["denoise"][m]) for m in _of(content, "denoise")},
        population={m: _population(content["population"][m]) for m in _of(content, "population")},
        residuals={
            (task, m): _residuals(by_modality[m])
            for task, by_modality in content.get("residuals", {}).items()
            for m in by_modality
        },
    )


def _of(content: dict[str, Any], part: str) -> list[Modality]:
    return [m for m in MODALITIES if m in content.get(part, {})]


def _denoise_rule(part: dict[str, Any]) -> DenoiseRule:
    return DenoiseRule(
        guests=tuple(part["guests"]),
        keeps_own=part["keeps_own"],
        template_share=np.array(part["template_share"]),
        wander_share=np.array(part["wander_share"]),
    )


def _population(part: dict[str, Any]) -> Population:
    return Population(
        shape=np.array(part["shape"]),
        delay=dict(part["delay"]),
        levels={name: (line[0], line[1]) for name, line in part["levels"].items()},
    )


def _residuals(part: dict[str, Any]) -> Residuals:
    return Residuals(
        lower=np.array(part["lower"]),
        upper=np.array(part["upper"]),
        pressures={name: np.array(bounds) for name, bounds in part["pressures"].items()},
    )
