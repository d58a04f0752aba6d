"""The network with made-up weights, and the dense reference with the same."""

import pytest
import torch
from torch import Tensor

from bench.unicardio_golden import made_up_tensors, named
from models.unicardio.network import UniCardio
from tests.models.unicardio.dense import DenseUniCardio


@pytest.fixture(scope="session")
def weights() -> dict[str, Tensor]:
    return made_up_tensors()


@pytest.fixture(scope="session")
def network(weights) -> UniCardio:
    return UniCardio(weights)


@pytest.fixture(scope="session")
def dense(weights) -> DenseUniCardio:
    return DenseUniCardio(weights)


@pytest.fixture(scope="session")
def signals() -> Tensor:
    """Four windows of scaled PPG, BP and ECG: (4, 3, 500)."""
    return torch.from_numpy(named("signals", 4, 3, 500)) * 0.6
