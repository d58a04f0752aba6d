"""How fast UniCardio samples, dense against fast: ``python -m bench.unicardio_speed``.

A step is one prediction of the noise for all samples of one window. The dense way is the tests'
reference, by the chunk that is fastest for it; ours is what a night runs. They take turns, and the
best time of each counts: others on the machine only ever add. Memory is that of a process of its
own, beyond weights and imports. Then windows a second for whole samplers; on a CUDA device also by
precision, with the share of the device's peak.

Exit status 1 where a bar is missed.
"""

import argparse
import sys
import time
from typing import Any, Final

import torch

from bench.child import told_by
from bench.machine import machine
from bench.report import Report, add_json_option, all_met, at_least, deliver
from bench.unicardio_flops import conditions_step, target_step, times_fewer
from bench.unicardio_golden import made_up_tensors
from bench.unicardio_step import TASKS, in_turn
from models.unicardio.acceleration import AcceleratedUniCardio
from models.unicardio.architecture import RESTORATION, SLOT_SAMPLES
from models.unicardio.draws import seeded
from models.unicardio.network import UniCardio
from models.unicardio.restorer import ROWS_AT_ONCE
from models.unicardio.samplers import DDIM
from models.unicardio.sampling import Sampling
from models.unicardio.tasks import Task

SAMPLES: Final = 50
TIMES_FASTER: Final = {1: 6.2, 2: 5.0, 3: 4.2}
NIGHT_SAMPLES: Final = 10

PEAK_TFLOPS: Final = {
    "H200": {"float32": 67, "tf32": 494.5, "bf16": 989.5},
    "H100 80GB HBM3": {"float32": 67, "tf32": 494.5, "bf16": 989.5},
    "A100": {"float32": 19.5, "tf32": 156, "bf16": 312},
    "L40S": {"float32": 91.6, "tf32": 183, "bf16": 362},
}
"""By their makers' sheets, without sparsity."""


def memory_of(way: str, n_conditions: int, n_samples: int, chunk: int) -> dict[str, Any]:
    """Make a step in a process of its own, and give what it tells.

    Raises:
        RuntimeError: where that process fails, with what it said last.
    """
    numbers = [f"--conditions={n_conditions}", f"--samples={n_samples}", f"--chunk={chunk}"]
    return told_by("bench.unicardio_step", [way, *numbers], failed=f"{way} failed")


def steps(n_samples: int, repeats: int) -> Report:
    """Set a step of both ways side by side, by the number of conditions."""
    rows: list[list[Any]] = []
    bars = []
    for n, bar in TIMES_FASTER.items():
        best = in_turn(n, n_samples, repeats)
        for way, (seconds, chunk) in best.items():
            told = memory_of(way, n, n_samples, chunk)
            held = told["peak_mib"] - told["before_mib"]
            rows.append([n, way, chunk, seconds, held, told["peak_mib"], None])
        ratio = best["dense"][0] / best["fast"][0]
        rows.append([n, "times faster", None, ratio, None, None, times_fewer(n, n_samples)])
        bars.append(at_least(f"times faster a step, {n} given, {n_samples} samples", ratio, bar))
    header = ["given", "way", "rows at once", "s a step", "MiB held", "MiB at peak", "by FLOPs"]
    return Report(f"A step of {n_samples} samples of one window, float32", header, rows, bars)


def nights(n_windows: int) -> Report:
    """Tell windows a second as a night runs: DDIM of six steps, ten samples."""
    network = UniCardio(made_up_tensors())
    rows = []
    for n, task in TASKS.items():
        speed = windows_a_second(network, task, n_windows)
        rows.append([n, str(task), speed, gflop(n) * speed])
    header = ["given", "task", "windows/s", "GFLOP/s"]
    return Report(f"DDIM-6, {NIGHT_SAMPLES} samples, on the CPU", header, rows, [])


def windows_a_second(network: UniCardio, task: Task, n_windows: int) -> float:
    """Sample windows as a night does, after as many to warm up on a device."""
    device = network.device.type
    chunk = ROWS_AT_ONCE[device]
    sampling = Sampling(network, DDIM(), NIGHT_SAMPLES, chunk)
    signals = torch.rand(n_windows, RESTORATION, SLOT_SAMPLES) * 2 - 1
    draws = seeded({task: list(range(n_windows))}, NIGHT_SAMPLES, 1)
    sampling(signals if device == "cuda" else signals[:1], [task], draws)
    started = time.perf_counter()
    sampling(signals, [task], draws)
    return n_windows / (time.perf_counter() - started)


def gflop(n_conditions: int) -> float:
    """Count what a window of a night costs."""
    step = NIGHT_SAMPLES * target_step(n_conditions) + conditions_step(n_conditions)
    return len(DDIM().timesteps) * step / 1e9


def on_cuda(n_windows: int) -> Report:
    """Tell windows a second, achieved TFLOP/s and share of the peak, by precision."""
    name = torch.cuda.get_device_name()
    peaks = next((p for part, p in PEAK_TFLOPS.items() if part in name), {})
    rows: list[list[Any]] = []
    for precision in ("float32", "tf32", "bf16"):
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        network = (
            AcceleratedUniCardio(made_up_tensors(), "cuda")
            if precision == "bf16"
            else UniCardio(made_up_tensors()).to("cuda")
        )
        for n, task in TASKS.items():
            speed = windows_a_second(network, task, n_windows)
            tflops, peak = gflop(n) * speed / 1e3, peaks.get(precision)
            rows.append([precision, n, speed, tflops, tflops / peak if peak else None])
    header = ["precision", "given", "windows/s", "TFLOP/s", "share of peak"]
    return Report(f"DDIM-6, {NIGHT_SAMPLES} samples, on {name}", header, rows, [])


def main() -> int:
    """Time both ways, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--windows", type=int, default=4, help="windows of a night to time")
    options = parser.parse_args()
    told = machine()
    reports = [steps(options.samples, options.repeats), nights(options.windows)]
    if torch.cuda.is_available():
        reports.append(on_cuda(128 * options.windows))
    deliver(options.json, reports, told)
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
