"""TriCardio behind the interface of ``schemas.restoration``.

Shapes: B windows, M = 3 modalities, S samples a window, T = 500 samples in time, X = T with
margins, L levels, Q quantiles.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from models.tricardio.architecture import CORE, SPAN
from models.tricardio.beats import Beats, beat_times, drawn_beats
from models.tricardio.calibration import key_of
from models.tricardio.checkpoint import Checkpoint
from models.tricardio.encoder import Encoded
from models.tricardio.flow import sample_residuals
from models.tricardio.inputs import (
    Describe,
    Inputs,
    chunks,
    encode,
    inputs_of,
    moment_of,
    reference_of,
)
from models.tricardio.levels import LEVELS, MIDDLE, QUANTILES, Levels, quantile
from models.tricardio.network import TriCardio
from models.tricardio.scaling import Scale
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import (
    F32,
    LEVEL,
    PRESSURES,
    Interval,
    Made,
    RestoreBatch,
    Restored,
    Task,
    Trained,
)

CODE: Final = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""The files that decide its samples, for its hash."""

ROWS_AT_ONCE: Final = {"cpu": 32, "cuda": 1024}
"""Windows that go through the network at once, always so many: floats don't depend on how many."""

FLOW_STEPS: Final = 2
N_SAMPLES: Final = 10
"""What a night draws, unless it is told otherwise, and what calibration corrects."""

_TOGETHER: Final = 0.6
"""Correlation that is taken between the errors of a pressure's lower and of its upper end."""

Summary = Callable[[RestoreBatch, Made], Restored]
"""Puts back what was measured, reads pressures off, and grades."""


@dataclass(frozen=True)
class _Drawn:
    """What the network says of B windows, in the target's unit, or of ABP its normal scale."""

    mean: Tensor
    spread: Tensor
    samples: Tensor | None
    known: Tensor


class TriCardioRestorer:
    """Mean and spread in one pass, samples by a flow of few steps, pressures with a cuff or none.

    It abstains where nothing that it was given can be scaled: flat lines alone, or nothing at all.

    Args:
        checkpoint: what ``read_tricardio`` gives.
        steps: steps of the flow.
        n_samples: S.
        summary: makes of what was made what a restorer says.
        describe: gives what pressures are told by.
        code_sha256: hash of the code that decides the result.
        device: where to run, ``cpu`` or ``cuda``.
        rows: windows that go through the network at once, by default ``ROWS_AT_ONCE``.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        steps: int,
        n_samples: int,
        summary: Summary,
        describe: Describe,
        *,
        code_sha256: str,
        device: str = "cpu",
        rows: int | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._steps = steps
        self._n_samples = n_samples
        self._summary = summary
        self._describe = describe
        self._device = device
        self._rows = rows or ROWS_AT_ONCE[torch.device(device).type]
        card = self._checkpoint.card
        corrected = self._checkpoint.settings.calibration.model_dump_json()
        ranges = self._checkpoint.settings.ranges
        parts = f"{card.sha256}\n{corrected}\n{ranges}\n{code_sha256}"
        self._sha256 = hashlib.sha256(parts.encode()).hexdigest()

    # On the device when first used: who only asks what this is may have no such device.
    @cached_property
    def _network(self) -> TriCardio:
        return self._checkpoint.network.to(self._device)

    @cached_property
    def _levels(self) -> Levels:
        return self._checkpoint.levels.to(self._device)

    @cached_property
    def _beats(self) -> Beats:
        return self._checkpoint.beats.to(self._device)

    @property
    def model_id(self) -> str:
        """Name and the first of the weights' checksum."""
        return self._checkpoint.card.model_id

    @property
    def model_sha256(self) -> str:
        """Hash of weights, calibration and code."""
        return self._sha256

    @property
    def sampler(self) -> str:
        """Heun's method along a rectified flow."""
        return "heun"

    @property
    def steps(self) -> int:
        """Steps of the flow."""
        return self._steps

    @property
    def n_samples(self) -> int:
        """How many samples are drawn of each window."""
        return self._n_samples

    @property
    def calibrates(self) -> bool:
        """A made pressure goes by the reading that its window has."""
        return True

    @property
    def trained(self) -> Trained:
        """What its card says of its training."""
        return self._checkpoint.settings.trained()

    def can(self, task: Task, target: Modality) -> bool:  # noqa: ARG002
        """Every task of the night is among those trained."""
        return True

    def restore(self, batch: RestoreBatch) -> Restored:
        """Make the target of every window."""
        return self.bands(batch, (LEVEL,))[0]

    def bands(self, batch: RestoreBatch, levels: Sequence[float]) -> list[Restored]:
        """Make the target of every window, with the bands and intervals of each of ``levels``."""
        return [self._summary(batch, made) for made in self.make(batch, levels)]

    @torch.inference_mode()
    def make(self, batch: RestoreBatch, levels: Sequence[float]) -> list[Made]:
        """Make mean and bands; samples, or a pressure's own quantiles, where pressures are told.

        Samples of the flow are for what does not follow from mean and spread: the beats' pressures.
        """
        pressure = batch.target == "abp"
        drawn = self._drawn(batch, sampled=pressure and batch.task != "translate")
        told = None
        if pressure and batch.task == "translate":
            told = self._told_levels(batch)
            drawn = _in_mmhg(drawn, told)
        return [self._made(batch, drawn, told, level) for level in levels]

    def _made(self, batch: RestoreBatch, drawn: _Drawn, told: Tensor | None, level: float) -> Made:
        widen, outward = self._corrections(batch, level)
        reach = float(norm.ppf((1 + level) / 2)) * torch.from_numpy(widen).to(self._device)
        half = reach[:, None] * drawn.spread
        silent = ~drawn.known[:, None]
        mean, lower, upper = (
            part.masked_fill(silent, torch.nan).cpu().numpy()
            for part in (drawn.mean, drawn.mean - half, drawn.mean + half)
        )
        return Made(
            mean,
            lower,
            upper,
            samples=None if drawn.samples is None else drawn.samples.cpu().numpy(),
            pressures={} if told is None else intervals(told, level),
            level=level,
            outward=outward,
        )

    def _corrections(
        self, batch: RestoreBatch, level: float
    ) -> tuple[F32, dict[str, tuple[F32, F32]]]:
        """Give (B,) factors of bands and mmHg of intervals: each window's own, by its reading."""
        calibration, n = self._checkpoint.settings.calibration, len(batch.seeds)
        told = batch.cuff.valid if batch.cuff else np.zeros(n, np.bool_)
        asked = (batch.task, batch.target, batch.conditions)
        keys = [key_of(*asked, cuff=cuff) for cuff in (True, False)]
        widen = np.where(told, *(calibration.widen(key, level) for key in keys))
        moves = [calibration.outward(key, level) for key in keys]
        outward = {}
        for name in {name for move in moves for name in move}:
            cuff, none = (move.get(name, (0.0, 0.0)) for move in moves)
            down, up = (np.where(told, a, b) for a, b in zip(cuff, none, strict=True))
            outward[name] = (down.astype(np.float32), up.astype(np.float32))
        return widen.astype(np.float32), outward

    def _drawn(self, batch: RestoreBatch, *, sampled: bool) -> _Drawn:
        at = MODALITIES.index(batch.target)
        mended = batch.task != "translate"
        asked = inputs_of(batch)
        parts = [
            self._of_rows(
                asked.take(rows),
                batch.seeds[rows],
                batch.hr[rows],
                at,
                mended=mended,
                sampled=sampled,
            )
            for rows in chunks(len(batch.seeds), self._rows)
        ]
        mean, spread, known = (
            torch.cat([getattr(part, name) for part in parts])
            for name in ("mean", "spread", "known")
        )
        samples = [part.samples for part in parts if part.samples is not None]
        return _Drawn(
            mean=mean,
            spread=spread,
            samples=torch.cat(samples) if samples else None,
            known=known & torch.from_numpy(_fit(batch)).to(self._device),
        )

    def _of_rows(
        self,
        asked: Inputs,
        seeds: NDArray[np.int64],
        rate: F32,
        at: int,
        *,
        mended: bool,
        sampled: bool,
    ) -> _Drawn:
        """Take some windows through, filled up to the usual number by empty ones."""
        n = len(asked.signals)
        encoded, known, scale = encode(self._network, asked.filled_up(self._rows, self._device))
        mean, spread = encoded.mean[:, at], encoded.spread[:, at]
        if not mended and MODALITIES[at] == "ecg":
            mean, spread = self._with_beats(encoded, rate)
        own = _scale_at(scale, at, self._rows)
        size = torch.where(own.known, own.half, 1)[:, None]
        samples = None
        if sampled:
            residuals = self._residuals(encoded.tokens, seeds, at)
            samples = own.undo(mean[:, None] + spread[:, None] * residuals)[:n, :, CORE]
        told = own.known | (not mended)
        return _Drawn(
            mean=own.undo(mean)[:n, CORE],
            spread=(size * spread)[:n, CORE],
            samples=samples,
            known=(known.mask.any(dim=2).any(dim=1) & told)[:n],
        )

    def _residuals(self, tokens: Tensor, seeds: NDArray[np.int64], at: int) -> Tensor:
        """Sample (R, S, X) residuals, each window's from a generator of its own."""
        target = torch.full((self._rows,), at, device=self._device)
        noise = torch.zeros(self._rows, self._n_samples, SPAN)
        for i, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(int(seed))
            torch.randn(self._n_samples, SPAN, generator=generator, out=noise[i])
        context = self._network.flow.context(tokens, target)
        return sample_residuals(self._network.flow, context, noise.to(self._device), self._steps)

    def _with_beats(self, encoded: Encoded, rate: F32) -> tuple[Tensor, Tensor]:
        """Give (R, X) ECG with its beats where they are likely, and how far from it the truth is.

        The distance from anything is that from the mean, and the mean's own from it; and where an
        R peak is drawn, or more likely than a band may miss, a whole one.
        """
        likely = self._beats(encoded.tokens).sigmoid()
        known = np.pad(rate, (0, self._rows - len(rate)), constant_values=np.nan)
        ecg = drawn_beats(beat_times(likely.cpu().numpy(), known), self._beats.usual)
        at = MODALITIES.index("ecg")
        away = encoded.spread[:, at].square() + (encoded.mean[:, at] - ecg).square()
        peak = self._beats.usual.abs().max()
        near = (likely > 1 - LEVEL) | (ecg.abs() > peak / 3)
        return ecg, torch.where(near, away.sqrt().maximum(peak), away.sqrt())

    def _told_levels(self, batch: RestoreBatch) -> Tensor:
        """Give (B, L, Q) quantiles of the pressure's levels in mmHg."""
        now = moment_of(batch, self._describe).to(self._device)
        reference = (
            reference_of(batch, batch.cuff, self._describe).to(self._device) if batch.cuff else None
        )
        n, rows = len(batch.seeds), self._rows
        parts = [
            self._levels(now.take(some, rows), reference and reference.take(some, rows))
            for some in chunks(n, rows)
        ]
        return torch.cat(parts)[:n]


def _fit(batch: RestoreBatch) -> NDArray[np.bool_]:
    """Say (B,) where a pressure that is to be mended is one in mmHg."""
    if batch.target != "abp" or batch.task == "translate":
        return np.ones(len(batch.seeds), np.bool_)
    return np.array([unit == UNITS["abp"] for unit in batch.units["abp"]], np.bool_)


def _in_mmhg(drawn: _Drawn, told: Tensor) -> _Drawn:
    """Give a pressure's shape, from -1 to 1, the ends that its levels tell."""
    low, high = (told[:, LEVELS.index(name)] for name in ("low", "high"))
    bottom, top = (side[:, MIDDLE, None] for side in (low, high))
    part = (drawn.mean + 1) / 2
    inner = (high[:, -1] - high[:, 0]) / (2 * norm.ppf(QUANTILES[-1]))
    outer = (low[:, -1] - low[:, 0]) / (2 * norm.ppf(QUANTILES[-1]))
    of_low, of_high = (1 - part) * outer[:, None], part * inner[:, None]
    of_ends = of_low.square() + of_high.square() + 2 * _TOGETHER * of_low * of_high
    of_shape = drawn.spread * (top - bottom).clamp(min=1) / 2
    return _Drawn(
        mean=bottom + part * (top - bottom).clamp(min=1),
        spread=(of_shape.square() + of_ends.clamp(min=0)).sqrt(),
        samples=None,
        known=drawn.known,
    )


def intervals(told: Tensor, level: float) -> dict[str, Interval]:
    """Give each pressure's median and its interval of a level, off (B, L, Q) quantiles."""
    deviate = float(norm.ppf((1 + level) / 2))
    ends = torch.tensor([[-deviate, deviate]], device=told.device).expand(len(told), -1)
    found = {}
    for name in PRESSURES:
        of_level = told[:, LEVELS.index(name)]
        value, bounds = of_level[:, MIDDLE].cpu().numpy(), quantile(of_level, ends).cpu().numpy()
        found[name] = Interval(value, bounds[:, 0], bounds[:, 1])
    return found


def _scale_at(scale: Scale, at: int, rows: int) -> Scale:
    """Take one modality's scale out of that of B * M rows."""
    middle, half = (side.view(rows, -1)[:, at] for side in (scale.middle, scale.half))
    return Scale(middle, half)
