"""Whether the joints of restored windows show.

Shapes: K windows that follow each other, T = 500 samples each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.cases import Case, Posed, pose
from ops.judge.rows import whole
from ops.judge.running import run
from ops.judge.windows import Windows
from schemas.modality import MODALITIES
from schemas.restoration import F32, Restorer

F64 = NDArray[np.float64]

STRETCH: Final = 8
"""Windows that follow each other, of each group that has so many: half a minute."""


@dataclass(frozen=True)
class Jumps:
    """Steps between neighbouring samples, in parts of the window's range; NaN where untold.

    Attributes:
        joint: (K - 1,) from the last sample of a window to the first of the next.
        inside: (K,) mean within each window.
    """

    joint: F64
    inside: F64


def jumps(windows: F32) -> Jumps:
    """Measure the jumps of ``windows`` (K, T); one with NaN, or flat, tells of none."""
    x = windows.astype(np.float64)
    spoken = whole(x)
    x = np.where(spoken[:, None], x, 0)
    span = np.ptp(x, axis=1)
    span = np.where(spoken & (span > 0), span, np.nan)
    step = np.abs(x[1:, 0] - x[:-1, -1])
    return Jumps(
        joint=step / ((span[1:] + span[:-1]) / 2),
        inside=np.abs(np.diff(x, axis=1)).mean(axis=1) / span,
    )


def stretch_cases() -> list[Case]:
    """List what joints are looked at: what is made of every sample, so also of those beside one."""
    return [
        *(Case("denoise", m, (), "gaussian 15 dB") for m in MODALITIES),
        Case("translate", "abp", ("ecg", "ppg"), "absent"),
        Case("translate", "ecg", ("ppg",), "absent"),
        Case("translate", "ppg", ("ecg",), "absent"),
    ]


def judge_joints(
    case: Case, stretches: Sequence[Windows], restorers: Sequence[Restorer]
) -> dict[str, Any]:
    """Restore stretches of windows and measure the jumps of every method and of the truth."""
    posed = [pose(case, stretch, {}) for stretch in stretches]
    made = {r.model_id: _made(r, posed) for r in restorers if r.can(case.task, case.target)}
    told = {name: rows for name, rows in made.items() if np.isfinite(np.concatenate(rows)).any()}
    truth = [p.truth for p in posed]
    return {
        "name": case.name,
        "stretches": len(stretches),
        "methods": {name: _figures(rows) for name, rows in {"clean": truth, **told}.items()},
    }


def _made(restorer: Restorer, posed: Sequence[Posed]) -> list[F32]:
    return [run(restorer, one.batch)[0].mean for one in posed]


def _figures(stretches: Sequence[F32]) -> dict[str, float | None]:
    """Average over stretches; ``times`` is the joints' jump over that inside."""
    each = [jumps(windows) for windows in stretches]
    joint = np.concatenate([one.joint for one in each])
    inside = np.concatenate([one.inside for one in each])
    means = [
        float(x[np.isfinite(x)].mean()) if np.isfinite(x).any() else None for x in (joint, inside)
    ]
    times = means[0] / means[1] if means[0] is not None and means[1] else None
    return {"joint": means[0], "inside": means[1], "times": times}
