"""How mean pressure goes over a stay on the ward: slow waves, drifts, and falls below 65 mmHg."""

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from infra.demo.pulse import F64
from infra.demo.simulate import Patient

CourseKind = Literal["steady", "drifts", "falls"]

KNOT_S: Final = 15.0
WAVE_S: Final = (240.0, 1500.0)
WAVE_MMHG: Final = (1.5, 3.5)
"""Periods and heights of three waves of vascular tone, which every patient has."""

DRIFT_MMHG_PER_H: Final = (25.0, 60.0)
FALLEN_MMHG: Final = (50.0, 58.0)
"""Mean pressure, by a third of the pulse, to which one falls before somebody treats it."""

FALL_S: Final = (90.0, 240.0)
HELD_S: Final = (180.0, 480.0)
RISE_S: Final = (120.0, 300.0)
LIMITS_MMHG: Final = (47.0, 150.0)


def on_course(patient: Patient, kind: CourseKind, duration_s: float) -> Patient:
    """Give the patient the trend of a stay; the seed of the patient draws it."""
    rng = np.random.default_rng([patient.seed, 0xC0])
    t = np.arange(0.0, duration_s + KNOT_S, KNOT_S)
    change = _waves(t, rng)
    if kind == "drifts":
        change += rng.choice([-1, 1]) * rng.uniform(*DRIFT_MMHG_PER_H) * t / 3600
    if kind == "falls":
        change += _fall(t, rng.uniform(*FALLEN_MMHG) - patient.map, duration_s, rng)
    change = np.clip(patient.map + change, *LIMITS_MMHG) - patient.map
    return replace(patient, trend=tuple(zip(t.tolist(), change.tolist(), strict=True)))


def _waves(t: F64, rng: np.random.Generator) -> F64:
    period_s, phase = rng.uniform(*WAVE_S, 3), rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * t[:, None] / period_s + phase) - np.sin(phase)
    return np.asarray(waves @ rng.uniform(*WAVE_MMHG, 3))


def _fall(t: F64, depth_mmhg: float, duration_s: float, rng: np.random.Generator) -> F64:
    """Fall, stay and rise again; a short record ends before that."""
    steps_s = [rng.uniform(*span) for span in (FALL_S, HELD_S, RISE_S)]
    corners = rng.uniform(0.1, 0.5) * duration_s + np.cumsum([0.0, *steps_s])
    return np.interp(t, corners, [0.0, depth_mmhg, depth_mmhg, 0.0])
