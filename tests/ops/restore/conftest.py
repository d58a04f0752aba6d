"""Windows whose beats are known, and batches of them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ops.restore import ClassicalRestorer
from schemas.modality import MODALITIES, UNITS, Grade, Modality
from schemas.restoration import RestoreBatch, Task

F32 = NDArray[np.float32]
T = np.arange(500.0)


def _bump(phase: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    return np.exp(-0.5 * ((phase - middle) / width) ** 2)


def periodic(modality: Modality, period: float = 100.0, start: float = 20.0) -> F32:
    """One window of equal beats: R peaks at ``start`` + k ``period``, pulses 20 samples later."""
    if modality == "ecg":
        phase = (T - start + period / 2) % period - period / 2
        x = _bump(phase, 0, 1.5) + 0.25 * _bump(phase, 30, 6)
    else:
        phase = (T - start - 20) % period
        x = _bump(phase, 15, 5) + 0.4 * _bump(phase, 45, 10)
        x = 80 + 40 * x if modality == "abp" else x
    return x.astype(np.float32)


@pytest.fixture(scope="session")
def restorer() -> ClassicalRestorer:
    """The restorer with the tables that it ships."""
    return ClassicalRestorer()


@pytest.fixture(scope="session")
def ask() -> Callable[..., RestoreBatch]:
    """Make a batch of ``x`` (B, T), the target as it is, conditioned on equal beats."""

    def make(
        task: Task,
        target: Modality,
        x: F32,
        conditions: tuple[Modality, ...] = (),
        hr: float = 75.0,
    ) -> RestoreBatch:
        n = len(x)
        signals = {
            m: np.repeat(periodic(m)[None], n, axis=0)
            if m in conditions
            else np.full_like(x, np.nan)
            for m in MODALITIES
        }
        grades: dict[Modality, list[Grade]] = {
            m: ["good" if m in conditions else "bad" if m == target else "absent"] * n
            for m in MODALITIES
        }
        return RestoreBatch(
            task=task,
            target=target,
            conditions=conditions,
            signals=signals | {target: x},
            grades=grades,
            hr=np.full(n, hr, dtype=np.float32),
            seeds=np.zeros(n, dtype=np.int64),
            usual=dict.fromkeys(MODALITIES, np.full((n, 2), np.nan, dtype=np.float32)),
            units={m: [UNITS[m]] * n for m in MODALITIES},
        )

    return make


@pytest.fixture(scope="session")
def beats() -> Callable[..., F32]:
    """Give a window of equal beats."""
    return periodic
