"""Shapes of one beat: the ECG's five waves, and the pressure pulse at an artery and a finger."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

BAZETT_RR_S: Final = 1.0
"""The RR interval at which the waves stand where ``WAVES`` says."""

WAVES: Final = {
    "p": (-0.17, 0.024, 0.13),
    "q": (-0.028, 0.009, -0.11),
    "r": (0.0, 0.011, 1.05),
    "s": (0.030, 0.010, -0.24),
    "t": (0.29, 0.046, 0.30),
}
"""Centre (s from the R peak), width (s) and height (mV) of each wave in lead II.

Gaussians after McSharry et al. 2003 (doi 10.1109/TBME.2003.808805, table I), with P and T moved
by the square root of RR as there.
"""

ECTOPIC_WAVES: Final = {
    "q": (-0.06, 0.030, -0.25),
    "r": (0.0, 0.030, 1.35),
    "s": (0.08, 0.035, -0.45),
    "t": (0.30, 0.060, -0.35),
}
"""A premature ventricular beat: no P, a wide QRS and a discordant T."""


@dataclass(frozen=True)
class PulseShape:
    """A pulse from its foot: upstroke, decay, and the wave after the notch (times in s).

    ``notch`` and ``dicrotic`` are relative to the systolic height.
    """

    rise_s: float
    decay_s: float
    notch_s: float
    notch: float
    dicrotic: float
    width_s: float


RADIAL: Final = PulseShape(0.075, 0.42, 0.30, 0.16, 0.12, 0.030)
FINGER: Final = PulseShape(0.125, 0.34, 0.37, 0.03, 0.13, 0.060)
FINGER_TENSE: Final = PulseShape(0.135, 0.40, 0.34, 0.02, 0.18, 0.060)


def ecg_beats(t: F64, beats: F64, rr: F64, ectopic: NDArray[np.bool_], p_wave: float) -> F64:
    """Sum the waves of all beats at times ``t``.

    Args:
        t: (n,) times in s, evenly spaced.
        beats: (b,) times of the R peaks in s.
        rr: (b,) interval before each beat in s.
        ectopic: (b,) beats of ventricular origin.
        p_wave: factor on the P wave; 0 in atrial fibrillation.

    Returns:
        (n,) mV.
    """
    stretch = np.sqrt(np.clip(rr, 0.35, 1.5) / BAZETT_RR_S)
    ecg = np.zeros(len(t))
    for waves, which in ((WAVES, ~ectopic), (ECTOPIC_WAVES, ectopic)):
        for name, (centre, width, height) in waves.items():
            scale = stretch[which] if name in "pt" else np.ones(int(which.sum()))
            tall = height * (p_wave if name == "p" else 1.0)
            _add_gaussians(ecg, t, beats[which] + centre * scale, width * scale, tall)
    return ecg


def _add_gaussians(signal: F64, t: F64, centres: F64, widths: F64, height: float) -> None:
    if not len(centres) or height == 0:
        return
    step = t[1] - t[0]
    reach = int(np.ceil(4.5 * widths.max() / step))
    middle = np.rint((centres - t[0]) / step).astype(np.int64)
    index = middle[:, None] + np.arange(-reach, reach + 1)  # (b, 2 * reach + 1)
    offset = (t[0] + index * step - centres[:, None]) / widths[:, None]
    inside = (index >= 0) & (index < len(signal))
    wave = height * np.exp(-0.5 * offset**2)
    signal += np.bincount(index[inside], wave[inside], minlength=len(signal))


def pulses(t: F64, feet: F64, shape: PulseShape) -> tuple[NDArray[np.int64], F64, F64]:
    """Lay one pulse from each foot to the next.

    Args:
        t: (n,) times in s, all of them between the first foot and the last.
        feet: (b,) times of the feet in s.
        shape: of the pulse.

    Returns:
        (n,) the beat of each time, (n,) how far it has gone in [0, 1), and (n,) the pulse, 0 at
        each foot and 1 at each peak.
    """
    beat = np.clip(np.searchsorted(feet, t, side="right") - 1, 0, len(feet) - 2)
    period = np.diff(feet)
    grid = np.linspace(0.0, 1.0, 96)
    peak = _pulse(grid * period[:, None], period[:, None], shape).max(axis=1)  # (b - 1,)
    since = t - feet[beat]
    return beat, since / period[beat], _pulse(since, period[beat], shape) / peak[beat]


def _pulse(since: F64, period: F64, shape: PulseShape) -> F64:
    """Pulse that starts and ends at 0, ``since`` s after its foot, before normalisation.

    It is paced by the root of the period, and by the period itself where that is short, so that
    a beat always has room for its peak.
    """
    pace = np.minimum(np.minimum(period / 0.85, 1.2) ** 0.5, period / 0.45)
    return _open_pulse(since, pace, shape) - since / period * _open_pulse(period, pace, shape)


def _open_pulse(since: F64, pace: F64, shape: PulseShape) -> F64:
    u = since / pace
    body = (1 - np.exp(-((u / shape.rise_s) ** 2))) * np.exp(-u / shape.decay_s)
    notch = np.exp(-0.5 * ((u - shape.notch_s) / shape.width_s) ** 2)
    after = shape.notch_s + 2.2 * shape.width_s
    wave = np.exp(-0.5 * ((u - after) / (1.4 * shape.width_s)) ** 2)
    return np.asarray(body - 0.6 * shape.notch * notch + 0.6 * shape.dicrotic * wave)
