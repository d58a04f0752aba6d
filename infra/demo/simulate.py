"""ECG, PPG and ABP of one patient, all driven by one series of beats.

Respiration moves the intervals (sinus arrhythmia), the pressures and the PPG's baseline; slow
waves of pressure lengthen the intervals (baroreflex) and shorten the transit of the pulse. A trend
does both too, and shapes the PPG: in tense arteries the wave that comes back is earlier and higher.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from infra.demo.pulse import F64, FINGER, FINGER_TENSE, RADIAL, ecg_beats, pulses

F32 = NDArray[np.float32]

LEAD_IN_S: Final = 8.0
"""Beats are laid from here before the strip to here after it, so that its ends are whole."""

BEAT_GRID_FS: Final = 50.0
COUPLING: Final = 0.66
"""Interval before an ectopic beat, as a share of the mean one."""

BAROREFLEX_S_PER_MMHG: Final = 0.004
TRANSIT_S_PER_MMHG: Final = -0.0008
TENSE_MMHG: Final = 40.0
"""Rise of mean pressure that gives the finger the pulse of tense arteries; a fall mirrors it."""

FINGER_AFTER_RADIAL: Final = 1.45
"""Arrival of the pulse at the finger over that at the arterial line, both from the R peak."""


@dataclass(frozen=True)
class Patient:
    """What makes one patient's signals; the same patient gives the same strip.

    Attributes:
        subject_id: who.
        heart_rate: mean, in beats/min.
        sbp: mean systolic pressure in mmHg.
        dbp: mean diastolic pressure in mmHg.
        respiration_rate: breaths/min.
        transit_s: from the R peak to the pulse's foot in the arterial line, at mean pressure.
        seed: of everything that varies from beat to beat.
        rhythm: ``af`` has no P wave and irregular intervals.
        ectopy: share of beats that are premature and ventricular.
        arrhythmia: depth of the respiratory sinus arrhythmia, as a share of the interval.
        ecg_gain: height of the patient's ECG over that of the population's.
        ppg_amplitude: of the finger's pulse, in NU.
        trend: times in s, rising, and the change of mean pressure in mmHg at each; in between it
            goes straight, before and after it stays. Systolic and diastolic pressure share the
            change in proportion.
    """

    subject_id: str
    heart_rate: float = 72.0
    sbp: float = 120.0
    dbp: float = 75.0
    respiration_rate: float = 15.0
    transit_s: float = 0.18
    seed: int = 0
    rhythm: Literal["sinus", "af"] = "sinus"
    ectopy: float = 0.0
    arrhythmia: float = 0.035
    ecg_gain: float = 1.0
    ppg_amplitude: float = 0.5
    trend: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if not 20 <= self.heart_rate <= 240:
            message = f"heart_rate must be 20-240, got {self.heart_rate} ({self.subject_id})"
            raise ValueError(message)
        if not 0 < self.dbp < self.sbp:
            message = f"0 < dbp < sbp must hold, got {self.dbp}, {self.sbp} ({self.subject_id})"
            raise ValueError(message)
        lowest = self.map + min((change for _, change in self.trend), default=0.0)
        if lowest <= 0:
            message = f"trend must leave a mean above 0, got {lowest:g} mmHg ({self.subject_id})"
            raise ValueError(message)

    @property
    def map(self) -> float:
        """Mean pressure without the trend, in mmHg, by a third of the pulse."""
        return self.dbp + (self.sbp - self.dbp) / 3


@dataclass(frozen=True)
class Strip:
    """n samples of one patient, clean, and the truth about its b beats.

    Attributes:
        fs: of all signals, in Hz.
        ecg: (n,) lead II in mV.
        ppg: (n,) NU.
        abp: (n,) mmHg.
        respiration: (n,) chest movement in [-1, 1], inspiration up.
        beat_times: (b,) R peaks in s, inside the strip.
        sbp: (b,) systolic pressure of each beat in mmHg.
        dbp: (b,) pressure at the foot of each beat in mmHg.
        abp_feet: (b,) arrival at the arterial line in s.
        ppg_feet: (b,) arrival at the finger in s.
        ectopic: (b,) premature ventricular beats.
    """

    fs: float
    ecg: F32
    ppg: F32
    abp: F32
    respiration: F32
    beat_times: F64
    sbp: F64
    dbp: F64
    abp_feet: F64
    ppg_feet: F64
    ectopic: NDArray[np.bool_]


@dataclass(frozen=True)
class _Course:
    """Respiration and slow pressure over a strip and its lead-in, as functions of time in s."""

    breath_hz: float
    breath_phase: float
    sway_hz: F64
    sway_phase: F64
    sway_mmhg: F64
    trend_s: F64
    trend_mmhg: F64

    def breath(self, t: F64, lag_s: float = 0.0) -> F64:
        at = t - lag_s
        wobble = 0.5 * np.sin(2 * np.pi * 0.013 * at + self.breath_phase)
        return np.sin(2 * np.pi * self.breath_hz * at + self.breath_phase + wobble)

    def sway(self, t: F64) -> F64:
        """Slow waves of systolic pressure in mmHg, 0 in the mean."""
        waves = np.sin(2 * np.pi * np.outer(t, self.sway_hz) + self.sway_phase)
        return np.asarray(waves @ self.sway_mmhg)

    def trend(self, t: F64) -> F64:
        """Change of mean pressure in mmHg."""
        return np.interp(t, self.trend_s, self.trend_mmhg)


def simulate(patient: Patient, duration_s: float, fs: float) -> Strip:
    """Simulate ``round(duration_s * fs)`` samples of a patient without any artefact."""
    rng = np.random.default_rng([patient.seed, 0x5EED])
    course = _course(patient, rng)
    beats, ectopic = _beats(patient, course, duration_s, rng)
    rr = np.diff(beats, prepend=2 * beats[0] - beats[1])
    sbp, dbp = _pressures(patient, course, beats, rr)
    feet = beats + _transit(patient, sbp, dbp)
    finger = beats + FINGER_AFTER_RADIAL * (feet - beats)
    t = np.arange(round(duration_s * fs)) / fs
    breath = course.breath(t)
    p_wave = 0.0 if patient.rhythm == "af" else 1.0
    ecg = ecg_beats(t, beats, rr, ectopic, p_wave)
    ecg = patient.ecg_gain * ecg * (1 + 0.06 * breath) + 0.03 * breath
    inside = (beats >= 0) & (beats < duration_s)
    return Strip(
        fs=fs,
        ecg=ecg.astype(np.float32),
        ppg=_ppg(patient, course, t, finger, sbp - dbp).astype(np.float32),
        abp=_abp(t, feet, sbp, dbp).astype(np.float32),
        respiration=breath.astype(np.float32),
        beat_times=beats[inside],
        sbp=sbp[inside],
        dbp=dbp[inside],
        abp_feet=feet[inside],
        ppg_feet=finger[inside],
        ectopic=ectopic[inside],
    )


def draw_patient(subject_id: str, seed: int) -> Patient:
    """Draw an adult of an intensive care unit; stiffer arteries go with pressure and speed."""
    rng = np.random.default_rng([seed, 0xB1D])
    stiffness = rng.normal()
    sbp = float(np.clip(122 + 14 * stiffness + rng.normal(0, 8), 85, 190))
    pulse_pressure = float(np.clip(46 + 8 * stiffness + rng.normal(0, 5), 25, 0.6 * sbp))
    return Patient(
        subject_id=subject_id,
        heart_rate=float(np.clip(rng.normal(82, 14), 48, 130)),
        sbp=sbp,
        dbp=sbp - pulse_pressure,
        respiration_rate=float(np.clip(rng.normal(17, 3), 9, 30)),
        transit_s=float(np.clip(0.19 - 0.014 * stiffness + rng.normal(0, 0.01), 0.12, 0.26)),
        seed=seed,
        arrhythmia=float(np.clip(rng.normal(0.03, 0.012), 0.005, 0.08)),
        ecg_gain=float(np.clip(rng.lognormal(0, 0.25), 0.5, 2.0)),
        ppg_amplitude=float(np.clip(rng.normal(0.5, 0.12), 0.2, 0.8)),
    )


def reseeded(patient: Patient, seed: int) -> Patient:
    """The same patient at another time."""
    return replace(patient, seed=seed)


def _course(patient: Patient, rng: np.random.Generator) -> _Course:
    """Respiration, the 0.1 Hz wave of vascular tone and four slower ones."""
    slow_hz = np.array([0.007, 0.011, 0.019, 0.031])
    return _Course(
        breath_hz=patient.respiration_rate / 60,
        breath_phase=rng.uniform(0, 2 * np.pi),
        sway_hz=np.append(slow_hz * rng.uniform(0.9, 1.1, 4), rng.uniform(0.09, 0.11)),
        sway_phase=rng.uniform(0, 2 * np.pi, 5),
        sway_mmhg=patient.sbp / 120 * np.array([1.6, 1.4, 1.2, 1.0, 2.0]),
        trend_s=np.array([at for at, _ in patient.trend or ((0.0, 0.0),)]),
        trend_mmhg=np.array([change for _, change in patient.trend or ((0.0, 0.0),)]),
    )


def _beats(
    patient: Patient, course: _Course, duration_s: float, rng: np.random.Generator
) -> tuple[F64, NDArray[np.bool_]]:
    """Times of the R peaks from the lead-in to the lead-out, and which of them are ectopic."""
    t = np.arange(-LEAD_IN_S, duration_s + LEAD_IN_S, 1 / BEAT_GRID_FS)
    mean_rr = 60 / patient.heart_rate
    rr = mean_rr * (1 - patient.arrhythmia * course.breath(t))
    rr += BAROREFLEX_S_PER_MMHG * mean_rr * (course.sway(t) + course.trend(t))
    phase = np.cumsum(1 / (BEAT_GRID_FS * rr)) + rng.uniform()
    beats = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, t)
    spread = (0.22 if patient.rhythm == "af" else 0.01) * mean_rr
    beats += rng.uniform(-spread, spread, len(beats))
    ectopic = rng.uniform(size=len(beats)) < patient.ectopy
    ectopic[0] = False
    ectopic[1:] &= ~ectopic[:-1]
    beats[ectopic] = beats[np.flatnonzero(ectopic) - 1] + COUPLING * mean_rr
    return beats, ectopic


def _pressures(patient: Patient, course: _Course, beats: F64, rr: F64) -> tuple[F64, F64]:
    """Systolic and diastolic pressure of each beat; a beat that comes early ejects less."""
    sway = course.sway(beats) + 2.0 * course.breath(beats, lag_s=0.4)
    filling = np.clip(rr * patient.heart_rate / 60, 0.5, 1.3) ** 0.6
    share = (patient.map + course.trend(beats)) / patient.map
    dbp = patient.dbp * share + 0.5 * sway
    return dbp + ((patient.sbp - patient.dbp) * share + 0.5 * sway) * filling, dbp


def _transit(patient: Patient, sbp: F64, dbp: F64) -> F64:
    mean = dbp + (sbp - dbp) / 3
    return np.clip(patient.transit_s + TRANSIT_S_PER_MMHG * (mean - patient.map), 0.06, 0.4)


def _abp(t: F64, feet: F64, sbp: F64, dbp: F64) -> F64:
    beat, gone, pulse = pulses(t, feet, RADIAL)
    floor = dbp[beat] + gone * (dbp[beat + 1] - dbp[beat])
    return np.asarray(floor + (sbp - dbp)[beat] * pulse)


def _ppg(patient: Patient, course: _Course, t: F64, feet: F64, pulse_pressure: F64) -> F64:
    beat, gone, pulse = pulses(t, feet, FINGER)
    if patient.trend:
        tension = np.clip(course.trend(t) / TENSE_MMHG, -1, 1)
        pulse += tension * (pulses(t, feet, FINGER_TENSE)[2] - pulse)
    breath = course.breath(t)
    stroke = pulse_pressure / (patient.sbp - patient.dbp)
    height = stroke[beat] + gone * (stroke[beat + 1] - stroke[beat])
    swing = patient.ppg_amplitude
    return np.asarray(0.25 + swing * height * pulse * (1 + 0.08 * breath) + 0.06 * swing * breath)
