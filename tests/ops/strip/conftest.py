"""Made-up strips of which everything is known: a narrow QRS, and pulses at the same rate."""

from collections.abc import Callable

import numpy as np
import pytest

from infra.demo.simulate import Patient, simulate
from ops.cuffless import SCALES
from schemas.modality import MODALITIES
from schemas.restoration import F32

WINDOWS = 40


@pytest.fixture(scope="session")
def counts() -> np.ndarray:
    """(3, T) counts of one made-up record of 160 s at 75 beats/min."""
    strip = simulate(Patient("a", heart_rate=75, sbp=120, dbp=70, seed=1), 4.0 * WINDOWS, 125.0)
    signals = {"ecg": strip.ecg, "ppg": strip.ppg, "abp": strip.abp}
    return np.stack([np.round(signals[m] / SCALES[m]) for m in MODALITIES]).astype(np.int16)


@pytest.fixture(scope="session")
def clean(counts: np.ndarray) -> F32:
    """(40, 3, 500) windows of it in mV, NU and mmHg."""
    scales = np.array([SCALES[m] for m in MODALITIES], np.float32)[:, None]
    return np.stack(np.split(counts * scales, WINDOWS, axis=1)).astype(np.float32)


@pytest.fixture
def rng() -> Callable[[int], np.random.Generator]:
    return np.random.default_rng
