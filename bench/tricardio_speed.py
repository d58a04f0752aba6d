"""How fast TriCardio fills, beside UniCardio's exact path: ``python -m bench.tricardio_speed``.

Both make ABP of ECG and PPG with ten samples a window, by the restorers that a night runs:
UniCardio in float32 by its 50 steps of DDPM, and TriCardio, which draws no samples of a signal
whose pressures it tells itself; so TriCardio is also timed denoising ABP, for which it draws all
ten. They take turns, and the best time of each counts: others on the machine only ever add.
UniCardio's weights are made up, which its speed does not depend on. On a CUDA device TriCardio is
timed there too.

Exit status 1 where the bar is missed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from bench.machine import machine
from bench.report import Report, add_json_option, all_met, at_least, deliver
from bench.unicardio_golden import save_made_up
from flows.restorers import RestorerConfig, make_restorer
from schemas.grid import GRID_FS, MARGIN_SAMPLES, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS
from schemas.restoration import RestoreBatch, Restorer, Task

SAMPLES: Final = 10
TIMES_FASTER: Final = 100
HOUR_S: Final = 3600


def made_up_batch(n: int, task: Task) -> RestoreBatch:
    """Make windows of noise that rises and falls; ABP is the target of each."""
    rng = np.random.default_rng(n)
    span = WINDOW_SAMPLES + 2 * MARGIN_SAMPLES
    pulse = np.sin(np.arange(span) * 2 * np.pi * 1.2 / GRID_FS)
    wide = {
        m: (90 + 20 * pulse + rng.normal(0, 5, (n, span))).astype(np.float32) for m in MODALITIES
    }
    if task == "translate":
        wide["abp"][:] = np.nan
    core = slice(MARGIN_SAMPLES, MARGIN_SAMPLES + WINDOW_SAMPLES)
    return RestoreBatch(
        task=task,
        target="abp",
        conditions=("ecg", "ppg"),
        signals={m: x[:, core] for m, x in wide.items()},
        grades={m: ["good"] * n for m in MODALITIES},
        hr=np.full(n, 72, np.float32),
        seeds=np.arange(n, dtype=np.int64),
        usual={m: np.full((n, 2), np.nan, np.float32) for m in MODALITIES},
        units={m: [UNITS[m]] * n for m in MODALITIES},
        before={m: x[:, : core.start] for m, x in wide.items()},
        after={m: x[:, core.stop :] for m, x in wide.items()},
    )


def windows_a_second(restorer: Restorer, batch: RestoreBatch) -> float:
    """Time one batch."""
    started = time.perf_counter()
    restorer.restore(batch)
    return len(batch.seeds) / (time.perf_counter() - started)


def on_cpu(checkpoint: str | None, exact: str, n_windows: int, repeats: int) -> Report:
    """Time both in turn, one window of UniCardio to ``n_windows`` of TriCardio."""
    dense = make_restorer(RestorerConfig(checkpoint=exact, sampler="ddpm", samples=SAMPLES))
    ours = make_restorer(RestorerConfig(checkpoint=checkpoint, samples=SAMPLES))
    turns: dict[str, tuple[Restorer, RestoreBatch]] = {
        "UniCardio, exact, DDPM-50": (dense, made_up_batch(1, "translate")),
        "TriCardio, ABP made": (ours, made_up_batch(n_windows, "translate")),
        "TriCardio, ABP denoised": (ours, made_up_batch(n_windows, "denoise")),
    }
    speeds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats):
        for name, (restorer, batch) in turns.items():
            speeds[name].append(windows_a_second(restorer, batch))
    best = {name: max(each) for name, each in speeds.items()}
    slowest, *rest = best
    times = {name: speed / best[slowest] for name, speed in best.items()}
    bars = [
        at_least(f"windows a second, {name}, over {slowest}", times[name], TIMES_FASTER)
        for name in rest
    ]
    rows = [[name, speed, times[name]] for name, speed in best.items()]
    header = ["way", "windows/s", "times"]
    return Report(f"{SAMPLES} samples a window, float32, on the CPU", header, rows, bars)


def on_cuda(checkpoint: str | None, n_windows: int, repeats: int) -> Report:
    """Tell windows a second on a GPU, and hours of three modalities a second."""
    config = RestorerConfig(checkpoint=checkpoint, samples=SAMPLES, gpus_per_actor=1)
    ours = make_restorer(config)
    rows: list[list[Any]] = []
    tasks: tuple[Task, ...] = ("translate", "denoise")
    for task in tasks:
        batch = made_up_batch(n_windows, task)
        best = max(windows_a_second(ours, batch) for _ in range(repeats + 1))
        rows.append([task, best, best * WINDOW_S / HOUR_S])
    header = ["task", "windows/s", "hours/s"]
    return Report(f"TriCardio, ABP, on {torch.cuda.get_device_name()}", header, rows, [])


def main() -> int:
    """Time, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--checkpoint", help="a TriCardio; by default the one that comes along")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--windows", type=int, default=256, help="windows of TriCardio at a time")
    options = parser.parse_args()
    told = machine()
    with tempfile.TemporaryDirectory(prefix="pulselake-bench-") as folder:
        exact = Path(folder) / "u.safetensors"
        save_made_up(exact)
        reports = [on_cpu(options.checkpoint, str(exact), options.windows, options.repeats)]
    if torch.cuda.is_available():
        reports.append(on_cuda(options.checkpoint, 64 * options.windows, options.repeats))
    deliver(options.json, reports, told)
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
