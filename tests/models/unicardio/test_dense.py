"""The dense reference against numbers that are not ours, and its mask by hand."""

import numpy as np
import pytest
import torch

from bench.unicardio_golden import named
from tests.models.unicardio.dense import attention_mask


def relative(got: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(got.numpy() - expected).max() / np.abs(expected).max())


@torch.inference_mode()
def test_the_dense_reference_gives_the_golden_predictions(dense, golden_unicardio) -> None:
    x = torch.from_numpy(named("forward.x", 2, 1, 2000))
    with np.load(golden_unicardio / "forward.npz") as golden:
        for name, expected in golden.items():
            if not name.endswith("@17"):
                continue
            given, told = name.split("->")
            target, t = map(int, told.split("@"))
            conditions = tuple(map(int, given))
            head = conditions[0] if target == 3 else target

            assert relative(dense(x, t, conditions, target, head), expected) <= 2e-5, name


@torch.inference_mode()
@pytest.mark.parametrize("name", ["ddim.02", "ddim.21", "ddim.03/0"])
def test_the_dense_reference_gives_the_golden_samples(dense, golden_unicardio, name) -> None:
    observed = torch.from_numpy(named("sample.observed", 1, 1, 2000)) * np.float32(0.6)
    called, _, head = name.partition("/")
    sampler, flags = called.split(".")
    *conditions, target = map(int, flags)
    told = {"keep_x0": flags == "21"} if sampler == "ddim" else {}
    with np.load(golden_unicardio / "sampling.npz") as golden:
        got = getattr(dense, sampler)(
            observed,
            tuple(conditions),
            target,
            int(head or target),
            lambda k: torch.from_numpy(named(f"{called}.{k}", 1, 1, 500)),
            2,
            **told,
        )

        assert relative(got, golden[name]) <= 2e-5


def test_a_condition_sees_conditions_the_target_itself_too_and_nobody_the_rest() -> None:
    mask = attention_mask((0, 2), 1, torch.device("cpu"))
    sees = (mask[::500, ::500] == 0).int().tolist()

    assert mask.shape == (2000, 2000)
    assert sees[0] == sees[2] == [1, 0, 1, 0]
    assert sees[1] == [1, 1, 1, 0]
    assert [row[3] for row in sees] == [0, 0, 0, 0]


@torch.inference_mode()
def test_a_slot_that_is_not_used_changes_nothing(dense) -> None:
    x = torch.from_numpy(named("x", 1, 1, 2000))
    other = x.clone()
    other[..., 1000:] += 1

    assert torch.equal(dense(other, 17, (0,), 1, 1), dense(x, 17, (0,), 1, 1))
