import os
import resource
import subprocess
import sys

import pytest
import torch

from models.unicardio.draws import seeded
from models.unicardio.samplers import DDIM, DDPM
from models.unicardio.sampling import Sampling
from models.unicardio.schedule import ALPHA_BAR
from models.unicardio.tasks import restore, translate

TASK = translate("ppg", "abp")
SEEDS = [11, 22, 33, 44]


def sampled(network, signals, seeds, *, n_samples=1, chunk=2, sampler=None, tasks=(TASK,), **told):
    sampler = sampler or DDIM(1)
    draws = seeded(dict.fromkeys(tasks, seeds), n_samples, sampler.n_draws)
    return Sampling(network, sampler, n_samples, chunk, **told)(signals, tasks, draws)


@pytest.mark.parametrize(("n_samples", "chunk"), [(1, 2), (1, 3), (3, 2), (2, 4)])
def test_order_and_size_of_a_batch_do_not_matter(network, signals, n_samples, chunk) -> None:
    shape = {"n_samples": n_samples, "chunk": chunk}
    whole = sampled(network, signals, SEEDS, **shape)[TASK]
    turned = sampled(network, signals[[3, 0, 2]], [44, 11, 33], **shape)[TASK]
    alone = sampled(network, signals[1:2], [22], **shape)[TASK]

    assert whole.shape == (4, n_samples, 500)
    assert torch.equal(turned, whole[[3, 0, 2]])
    assert torch.equal(alone, whole[1:2])


@pytest.mark.parametrize("rubbish", [1e6, float("nan")])
def test_a_window_does_not_know_its_neighbours(network, signals, rubbish) -> None:
    among = torch.full_like(signals, rubbish)
    among[1] = signals[1]
    kept = sampled(network, signals, SEEDS, chunk=4)[TASK][1]

    assert torch.equal(sampled(network, among, SEEDS, chunk=4)[TASK][1], kept)


def test_the_chunk_changes_rounding_alone(network, signals) -> None:
    together, apart = (
        sampled(network, signals[:2], SEEDS, n_samples=3, chunk=chunk)[TASK] for chunk in (6, 1)
    )

    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-4)


def test_tasks_that_share_their_conditions_give_what_each_gives_alone(network, signals) -> None:
    tasks = (translate("ppg", "abp"), translate("ppg", "ecg"), restore("ppg"))
    shared = sampled(network, signals[:2], SEEDS, tasks=tasks)

    for task in tasks:
        alone = sampled(network, signals[:2], SEEDS, tasks=(task,))
        assert torch.equal(shared[task], alone[task])


def test_a_task_that_is_asked_for_twice_is_made_once(network, signals) -> None:
    once, twice = (
        sampled(network, signals[:1], [1], sampler=DDIM(2), tasks=(TASK,) * n)[TASK] for n in (1, 2)
    )

    assert torch.equal(once, twice)


def test_every_step_can_be_seen(network, signals) -> None:
    steps = []
    made = sampled(network, signals[:3], SEEDS, chunk=2, sampler=DDIM(2), observe=steps.append)[
        TASK
    ]
    last = [step for step in steps if step.t == 24]
    told = torch.cat([step.x_0 for step in last])
    eps = torch.cat([(s.x_t - ALPHA_BAR[24] ** 0.5 * s.x_0) for s in last])
    eps /= (1 - ALPHA_BAR[24]) ** 0.5

    assert [(s.t, s.windows) for s in steps] == [
        (48, range(2)),
        (24, range(2)),
        (48, range(2, 3)),
        (24, range(2, 3)),
    ]
    assert all(s.x_t.shape == s.x_0.shape == (len(s.windows), 1, 500) for s in steps)
    torch.testing.assert_close(
        made, ALPHA_BAR[0] ** 0.5 * told + (1 - ALPHA_BAR[0]) ** 0.5 * eps, rtol=1e-4, atol=1e-3
    )


def test_ddpm_goes_by_the_draws_of_its_steps(network, signals) -> None:
    chain = DDPM(timesteps=(2, 1, 0))
    one, other = (sampled(network, signals[:1], [s], sampler=chain)[TASK] for s in (1, 2))

    assert not torch.equal(one, other)
    assert torch.equal(sampled(network, signals[:1], [1], sampler=chain)[TASK], one)


def test_no_windows_give_no_samples(network, signals) -> None:
    assert sampled(network, signals[:0], [], n_samples=3)[TASK].shape == (0, 3, 500)


def test_tasks_of_other_conditions_and_signals_of_another_shape_are_refused(
    network, signals
) -> None:
    with pytest.raises(ValueError, match=r"must have the same conditions, got .*→ abp\); restore"):
        sampled(network, signals, SEEDS, tasks=(TASK, restore("ecg")))
    with pytest.raises(ValueError, match="same conditions, got none"):
        sampled(network, signals, SEEDS, tasks=())
    with pytest.raises(ValueError, match=r"signals must be \(windows, 3, 500\), got \(4, 3, 499\)"):
        sampled(network, signals[..., 1:], SEEDS)
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        sampled(network, signals, SEEDS, chunk=0)
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        sampled(network, signals, SEEDS, n_samples=0)
    with pytest.raises(ValueError, match=r"must be \(2, 1, 500\) a window, got \(3, 1, 500\)"):
        Sampling(network, DDIM(1), 2)(signals, [TASK], seeded({TASK: SEEDS}, 3, 1))


LIMITED = """
import logging, resource, sys
import torch
from bench.unicardio_golden import made_up_tensors
from models.unicardio.draws import seeded
from models.unicardio.network import UniCardio
from models.unicardio.samplers import DDIM
from models.unicardio.sampling import Sampling
from models.unicardio.tasks import translate

logging.basicConfig(stream=sys.stderr)
torch.set_num_threads(1)
task, chunk, mib = translate("ppg", "abp"), int(sys.argv[1]), float(sys.argv[2])
network, signals = UniCardio(made_up_tensors()), torch.linspace(-1, 1, 1500).view(1, 3, 500)
def sampled(chunk):
    draws = seeded({task: [1]}, 64, 1)
    return Sampling(network, DDIM(1), 64, chunk)(signals, [task], draws)[task]
few = sampled(2)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = int(held + mib * 2**20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
many = sampled(chunk)
print(float((many - few).abs().max() / few.abs().max()))
"""


GIVEN_BACK = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_ARENA_MAX": "1",
}
"""Freed memory goes back to the system, so that the limit is one."""


def limited(chunk: int, mib: float) -> subprocess.CompletedProcess[str]:
    """Sample 64 times where only so much more memory can be had."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", LIMITED, str(chunk), str(mib)],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
        env=os.environ | GIVEN_BACK,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS of Linux")
def test_a_chunk_that_does_not_fit_in_memory_is_halved_and_not_fatal() -> None:
    assert resource.getrlimit(resource.RLIMIT_AS)[1] == resource.RLIM_INFINITY
    ran = limited(chunk=64, mib=150)

    assert ran.returncode == 0, ran.stderr
    assert "64 rows at once do not fit in memory; going on with 32" in ran.stderr
    assert float(ran.stdout) <= 1e-5


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS of Linux")
def test_where_not_even_one_sample_fits_the_error_says_so() -> None:
    ran = limited(chunk=1, mib=0.1)

    assert ran.returncode != 0
    assert "MemoryError: one sample of one window does not fit in memory" in ran.stderr
