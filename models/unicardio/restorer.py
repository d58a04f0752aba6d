"""UniCardio behind the interface of ``schemas.restoration``.

Shapes: B windows, S samples a window, T = 500 samples in time.
"""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch

from models.unicardio.acceleration import AcceleratedUniCardio, see_acceleration
from models.unicardio.architecture import SLOT_SAMPLES
from models.unicardio.draws import seeded
from models.unicardio.network import UniCardio
from models.unicardio.released import read_unicardio
from models.unicardio.samplers import Sampler
from models.unicardio.sampling import Sampling
from models.unicardio.scaling import from_scale, range_of, scaled_slots
from models.unicardio.tasks import Task as SlotTask
from models.unicardio.tasks import restore, translate
from schemas.modality import Modality
from schemas.restoration import F32, RestoreBatch, Restored, Task, Trained

CODE: Final = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""The files that decide its samples, for its hash."""

ROWS_AT_ONCE: Final = {"cpu": 10, "cuda": 512}

Summary = Callable[[RestoreBatch, F32], Restored]
"""Makes of (B, S, T) samples, in the target's unit, what a restorer says."""


class UniCardioRestorer:
    """Samples the target of each window and lets ``summary`` take mean, band and pressures.

    It abstains where a signal that it needs has no scale: a pressure without a unit, a flat line.

    Args:
        checkpoint: path or fsspec URL of safetensors, its card beside it.
        sampler: DDPM or DDIM.
        n_samples: S.
        summary: makes a band of samples.
        code_sha256: hash of the code that decides the result.
        device: where to run, ``cpu`` or ``cuda``.
        fast: bf16 and compiled kernels, see ``acceleration``.
        chunk: samples that go through the network at once, by default ``ROWS_AT_ONCE``; peak memory
            is in proportion, and floats differ by rounding alone.

    Raises:
        ValueError: where the checkpoint is not one or not that of its card, or ``fast`` can't be.
    """

    def __init__(
        self,
        checkpoint: str,
        sampler: Sampler,
        n_samples: int,
        summary: Summary,
        *,
        code_sha256: str,
        device: str = "cpu",
        fast: bool = False,
        chunk: int | None = None,
    ) -> None:
        if fast:
            see_acceleration(device)
        self._card, self._weights = read_unicardio(checkpoint)
        self._sampler = sampler
        self._n_samples = n_samples
        self._summary = summary
        self._device = device
        self._fast = fast
        self._chunk = chunk or ROWS_AT_ONCE[torch.device(device).type]
        parts = f"{self._card.sha256}\n{code_sha256}\n{'fast' if fast else 'exact'}"
        self._sha256 = hashlib.sha256(parts.encode()).hexdigest()

    @property
    def model_id(self) -> str:
        """Name and the first of the weights' checksum."""
        return self._card.model_id

    @property
    def model_sha256(self) -> str:
        """Hash of weights, code and precision."""
        return self._sha256

    @property
    def sampler(self) -> str:
        """DDPM or DDIM."""
        return self._sampler.name

    @property
    def steps(self) -> int:
        """How often the noise is predicted a sample."""
        return len(self._sampler.timesteps)

    @property
    def n_samples(self) -> int:
        """How many samples mean and band are taken over."""
        return self._n_samples

    @property
    def calibrates(self) -> bool:
        """It was not made to take a reading."""
        return False

    @property
    def trained(self) -> Trained:
        """A released checkpoint does not say on whom."""
        return Trained()

    def can(self, task: Task, target: Modality) -> bool:  # noqa: ARG002
        """Every task of the night is among those trained."""
        return True

    def restore(self, batch: RestoreBatch) -> Restored:
        """Make the target of every window."""
        return self._summary(batch, self.samples(batch))

    def samples(self, batch: RestoreBatch) -> F32:
        """Sample the target: (B, S, T) in its unit, NaN where it abstains."""
        task = _slot_task(batch)
        fit = np.all([np.isfinite(range_of(batch, m)).all(axis=1) for m in task.given], axis=0)
        made = np.full((len(fit), self.n_samples, SLOT_SAMPLES), np.nan, dtype=np.float32)
        if fit.any():
            signals = torch.from_numpy(scaled_slots(batch)[fit])
            draws = seeded({task: batch.seeds[fit].tolist()}, self.n_samples, self._sampler.n_draws)
            made[fit] = self._sampling(signals, [task], draws)[task].numpy()
        return from_scale(made, range_of(batch, batch.target))

    @cached_property
    def _sampling(self) -> Sampling:
        """The network, built where and when it is first used."""
        network = (
            AcceleratedUniCardio(self._weights, self._device)
            if self._fast
            else UniCardio(self._weights).to(self._device)
        )
        return Sampling(network, self._sampler, self._n_samples, self._chunk)


def _slot_task(batch: RestoreBatch) -> SlotTask:
    if batch.task == "translate":
        return translate(batch.conditions, batch.target)
    return restore(batch.target, batch.conditions)
