"""Samples of targets for windows of any number, in memory that is chosen.

Shapes: W windows, G windows at a time, S samples a window, T = 500 samples in time.

At most ``chunk`` rows go through the network at once, a row being a sample of a window: G whole
windows, or some samples of one. A batch that leaves the last G short is filled up with its last
window, so that a window meets the same shapes, and gives the same floats, whatever it came with.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.unicardio.architecture import RESTORATION, SLOT_SAMPLES
from models.unicardio.draws import Draws
from models.unicardio.network import UniCardio
from models.unicardio.samplers import Sampler, signal_estimate
from models.unicardio.tasks import Task

logger = logging.getLogger(__name__)

Made = dict[Task, Tensor]
"""(W, S, T) a task."""


@dataclass(frozen=True)
class Step:
    """What an observer sees of each step, on the network's device.

    Attributes:
        task: what is being made.
        windows: which windows of the batch these are.
        t: the timestep that the noise was predicted at.
        x_t: (G, S, T) the samples at ``t``.
        x_0: (G, S, T) the running estimate of the signal.
    """

    task: Task
    windows: range
    t: int
    x_t: Tensor
    x_0: Tensor


@dataclass(frozen=True)
class Sampling:
    """Draws samples by one network and one sampler.

    Attributes:
        network: where it is, the work is done.
        sampler: DDPM or DDIM.
        n_samples: S.
        chunk: rows that go through the network at once; peak memory is in proportion.
        observe: is called at every step; again, with the same, where a chunk was halved.
    """

    network: UniCardio
    sampler: Sampler
    n_samples: int
    chunk: int = 10
    observe: Callable[[Step], None] | None = None

    def __post_init__(self) -> None:
        for name, value in (("n_samples", self.n_samples), ("chunk", self.chunk)):
            if value < 1:
                message = f"{name} must be at least 1, got {value}"
                raise ValueError(message)

    @torch.inference_mode()
    def __call__(self, signals: Tensor, tasks: Sequence[Task], draws: Draws) -> Made:
        """Make the target of every task for every window; tasks share the conditions' stream.

        A chunk that does not fit in memory is halved, with a word in the log, and its windows are
        begun again; floats may then differ by rounding.

        Args:
            signals: (W, 3, T) scaled PPG, BP and ECG; what is no condition is not read.
            tasks: one or more with the same conditions.
            draws: of every task and window.

        Returns:
            (W, S, T) a task, on the CPU.

        Raises:
            ValueError: where tasks differ in their conditions, or signals have another shape.
            MemoryError: where not even one row fits.
        """
        _check(signals, tasks)
        signals, tasks = signals.float().cpu(), list(dict.fromkeys(tasks))
        made: dict[Task, list[Tensor]] = {
            task: [signals.new_empty(0, self.n_samples, SLOT_SAMPLES)] for task in tasks
        }
        chunk, begin = self.chunk, 0
        while begin < len(signals):
            windows = range(begin, min(begin + self._windows_at_once(chunk), len(signals)))
            try:
                group = self._group(signals, windows, tasks, draws, chunk)
            except (RuntimeError, MemoryError) as error:
                chunk = _halved(chunk, error)
                continue
            for task, samples in group.items():
                made[task].append(samples)
            begin = windows.stop
        return {task: torch.cat(parts) for task, parts in made.items()}

    def _windows_at_once(self, chunk: int) -> int:
        return max(1, chunk // self.n_samples)

    def _group(
        self, signals: Tensor, windows: range, tasks: Sequence[Task], draws: Draws, chunk: int
    ) -> Made:
        """Take G windows through all steps."""
        filled = [
            min(windows.start + i, windows.stop - 1) for i in range(self._windows_at_once(chunk))
        ]
        device = self.network.device
        slots = tasks[0].conditions
        conditions = self.network.encode(signals[filled][:, slots].to(device), slots)
        noise = {task: self._drawn(task, filled, draws).to(device) for task in tasks}
        x = {task: noise[task][:, :, 0] for task in tasks}
        for i, step in enumerate(self.sampler.timesteps):
            t = torch.tensor([step], device=device)
            seen = self.network.stream(conditions, t)
            for task in tasks:
                pieces = torch.split(x[task], self._samples_at_once(chunk), dim=1)
                eps = torch.cat([self.network.denoise(p, t, task, seen) for p in pieces], dim=1)
                self._tell(task, windows, step, x[task], eps)
                z = noise[task][:, :, 1 + i] if self.sampler.n_draws > 1 else None
                x[task] = self.sampler.advance(i, x[task], eps, z, task)
        return {task: x[task][: len(windows)].cpu() for task in tasks}

    def _drawn(self, task: Task, windows: Sequence[int], draws: Draws) -> Tensor:
        drawn = torch.stack([draws(task, window) for window in windows])
        expected = (self.n_samples, self.sampler.n_draws, SLOT_SAMPLES)
        if drawn.shape[1:] != expected:
            message = f"draws of {task} must be {expected} a window, got {tuple(drawn.shape[1:])}"
            raise ValueError(message)
        return drawn

    def _samples_at_once(self, chunk: int) -> int:
        """Cut a window's samples into even pieces."""
        return math.ceil(self.n_samples / math.ceil(self.n_samples / chunk))

    def _tell(self, task: Task, windows: range, t: int, x_t: Tensor, eps: Tensor) -> None:
        if self.observe is not None:
            x_0 = signal_estimate(x_t, eps, t)
            n = len(windows)
            self.observe(Step(task, windows, t, x_t[:n], x_0[:n]))


def _check(signals: Tensor, tasks: Sequence[Task]) -> None:
    if signals.dim() != 3 or signals.shape[1:] != (RESTORATION, SLOT_SAMPLES):
        message = (
            f"signals must be (windows, {RESTORATION}, {SLOT_SAMPLES}), got {tuple(signals.shape)}"
        )
        raise ValueError(message)
    if len({task.conditions for task in tasks}) != 1:
        told = "; ".join(str(task) for task in tasks) or "none"
        message = f"tasks of one call must have the same conditions, got {told}"
        raise ValueError(message)


def _halved(chunk: int, error: Exception) -> int:
    """Give half the chunk where memory ran out; any other error goes on its way.

    Raises:
        MemoryError: where there is nothing left to halve.
    """
    if not _out_of_memory(error):
        raise error
    if chunk == 1:
        message = f"one sample of one window does not fit in memory: {error}"
        raise MemoryError(message) from error
    logger.warning("%d rows at once do not fit in memory; going on with %d", chunk, chunk // 2)
    return chunk // 2


def _out_of_memory(error: Exception) -> bool:
    """Tell a failed allocation, of which only CUDA's has a class of its own.

    oneDNN says of one that it "could not create a primitive"; a primitive's descriptor is another
    matter.
    """
    told = (
        "DefaultCPUAllocator",
        "bad_alloc",
        "out of memory",
        "ALLOC_FAILED",
        "create a primitive",
    )
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        any(words in str(error) for words in told) and "descriptor" not in str(error)
    )
