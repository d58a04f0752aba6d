"""A step of one window's samples, dense and fast: what ``bench.unicardio_speed`` times.

``python -m bench.unicardio_step dense|fast --conditions 1`` makes one in a process of its own and
prints JSON: resident MiB before and at the peak.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

from bench.unicardio_golden import made_up_tensors
from models.unicardio.architecture import RESTORATION, SLOT_SAMPLES
from models.unicardio.network import UniCardio
from models.unicardio.samplers import DDPM
from models.unicardio.sampling import Sampling
from models.unicardio.tasks import Task, restore, translate
from tests.models.unicardio.dense import DenseUniCardio

TASKS: Final[dict[int, Task]] = {
    1: translate("ppg", "abp"),
    2: translate(("ppg", "ecg"), "abp"),
    3: restore("abp", given=("ppg", "ecg")),
}
DENSE_CHUNKS: Final = (1, 2, 5, 10)
T_STEP: Final = 17


def dense_step(
    task: Task, n_samples: int, chunk: int | None = None
) -> tuple[Callable[[], object], int]:
    """Give a step of the dense way, by default by the chunk that is fastest for it."""
    network = DenseUniCardio(made_up_tensors())
    x = torch.randn(n_samples, 1, 4 * SLOT_SAMPLES)

    def step(chunk: int, rows: int = n_samples) -> None:
        for part in torch.split(x[:rows], chunk):
            network(part, T_STEP, task.conditions, task.target, task.head)

    def seconds_a_row(chunk: int) -> float:
        started = time.perf_counter()
        step(chunk, chunk)
        return (time.perf_counter() - started) / chunk

    step(1, 1)
    best = chunk or min((c for c in DENSE_CHUNKS if c <= n_samples), key=seconds_a_row)
    return lambda: step(best), best


def fast_step(
    task: Task, n_samples: int, chunk: int | None = None
) -> tuple[Callable[[], object], int]:
    """Give a step of ours, by default by the chunk that a run takes when told nothing."""
    network = UniCardio(made_up_tensors())
    rows = chunk or min(Sampling(network, DDPM(), n_samples).chunk, n_samples)
    signals = torch.randn(1, RESTORATION, SLOT_SAMPLES)
    x_t = torch.randn(1, n_samples, SLOT_SAMPLES)
    conditions = network.encode(signals[:, task.conditions], task.conditions)
    t = torch.tensor([T_STEP])

    def step() -> None:
        seen = network.stream(conditions, t)
        for part in torch.split(x_t, rows, dim=1):
            network.denoise(part, t, task, seen)

    network.denoise(x_t[:, :1], t, task, network.stream(conditions, t))
    return step, rows


STEPS: Final = {"dense": dense_step, "fast": fast_step}


@torch.inference_mode()
def in_turn(n_conditions: int, n_samples: int, repeats: int) -> dict[str, tuple[float, int]]:
    """Time both ways in turn, so that what else the machine does meets both.

    Gives the best seconds and the chunk of each way.
    """
    ready = {way: make(TASKS[n_conditions], n_samples) for way, make in STEPS.items()}
    seconds: dict[str, list[float]] = {way: [] for way in ready}
    for _ in range(repeats):
        for way, (step, _) in ready.items():
            started = time.perf_counter()
            step()
            seconds[way].append(time.perf_counter() - started)
    return {way: (min(seconds[way]), chunk) for way, (_, chunk) in ready.items()}


@torch.inference_mode()
def held(way: str, n_conditions: int, n_samples: int, chunk: int) -> dict[str, Any]:
    """Make one step, and tell the memory of this process before it and at the peak."""
    step, _ = STEPS[way](TASKS[n_conditions], n_samples, chunk)
    before = _memory_mib("VmRSS")
    step()
    return {"before_mib": before, "peak_mib": _memory_mib("VmHWM")}


def _memory_mib(name: str) -> float:
    """Read the kernel's own figure: that of ``getrusage`` begins with the parent's."""
    told = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(line for line in told if line.startswith(name)).split()[1]) / 1024


def main() -> None:
    """Tell the memory of what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=["dense", "fast"])
    parser.add_argument("--conditions", type=int, choices=[1, 2, 3], required=True)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--chunk", type=int, required=True, help="rows at once")
    options = parser.parse_args()
    told = held(options.way, options.conditions, options.samples, options.chunk)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
