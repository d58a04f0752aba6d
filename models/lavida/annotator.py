"""LaViDa behind the interface of ``schemas.annotator``.

Shapes: B windows, A tokens of an answer, M = 3 modalities, T samples.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lavida.answer import AT, annotation_of, answer_of, grammar, said, words_of
from models.lavida.checkpoint import AnnotatorCheckpoint
from models.lavida.language import Cache
from models.lavida.sampling import Dial, Filled, fill
from models.lavida.views import prompt_of, signal_views
from models.lavida.words import MASK, TOKEN
from schemas.annotator import SLOTS, AnnotateBatch, Annotated, Given
from schemas.modality import MODALITIES
from schemas.template import Annotation

CODE: Final = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""The files that decide an annotation beside the weights, for the hash of what makes it."""

ROWS: Final = 64
"""Windows through the network at once: always as many, so that none depends on its batch."""

_NEVER: Final = -1e4
"""A log-probability that no word has."""

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "heart_rate": ("hundreds", "tens", "units"),
    "pressure_band": ("band",),
    "pressure_source": ("source",),
    "evidence": ("signal", "from", "to"),
    "note": tuple(slot for slot in AT if slot.startswith("note_")),
}
"""Slots of the answer by those of the template, where their names differ."""


class LaVidaAnnotator:
    """Fills templates in a few steps behind a cached prefix."""

    def __init__(
        self,
        checkpoint: AnnotatorCheckpoint,
        dial: Dial | None = None,
        *,
        code_sha256: str,
        device: str = "cpu",
    ) -> None:
        self._card = checkpoint.card
        self._network = checkpoint.network.to(device)
        self._dial = dial or Dial(checkpoint.settings.steps)
        self._grammar = grammar().to(device)
        self._code_sha256 = code_sha256
        self._device = device

    @property
    def model_id(self) -> str:
        """The checkpoint's."""
        return self._card.model_id

    @property
    def model_sha256(self) -> str:
        """The checkpoint's."""
        return self._card.sha256

    @property
    def spec(self) -> Mapping[str, object]:
        """Where the dial stands, and the code."""
        return {**vars(self._dial), "code_sha256": self._code_sha256}

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Fill the templates of B windows.

        What a window does not have is absent, and what it has is not; a pressure is measured only
        of a calibrated line that is there, and imputed only where that is given.

        Raises:
            ValueError: where what is given of a window does not go together, naming which.
        """
        signals = np.stack([batch.signals[m] for m in MODALITIES], axis=1)
        there = np.asarray(np.isfinite(signals).any(axis=2))
        known = [_known(g, t) for g, t in zip(batch.given, there, strict=True)]
        if not known:
            nothing = np.zeros(0, np.float32)
            return Annotated([], dict.fromkeys(SLOTS, nothing), np.zeros(0, np.int32))
        given = torch.tensor([answer_of(words) for words in known])
        self._see_given(given, batch.given)
        banned = _banned(there, batch.calibrated["abp"], given)
        filled = self._filled(torch.from_numpy(signals), batch.calibrated["abp"], given, banned)
        annotations = [annotation_of(words_of(row)) for row in filled.answer.tolist()]
        return Annotated(
            annotations, _confidence(filled.confidence), filled.steps.numpy().astype(np.int32)
        )

    def _see_given(self, given: Tensor, told: Sequence[Given]) -> None:
        possible = self._grammar.allowed(given.to(self._device)).any(dim=2).all(dim=1)
        if not possible.all():
            first = int((~possible).int().argmax())
            message = f"what is given of window {first} does not go together: {told[first]}"
            raise ValueError(message)

    def _filled(
        self, signals: Tensor, calibrated: NDArray[np.bool_], given: Tensor, banned: Tensor
    ) -> Filled:
        parts = []
        unit = torch.from_numpy(np.asarray(calibrated, np.bool_))
        for first in range(0, len(signals), ROWS):
            rows = torch.arange(first, first + ROWS).clamp(max=len(signals) - 1)
            part = self._fill(signals[rows], unit[rows], given[rows], banned[rows])
            n = min(ROWS, len(signals) - first)
            parts.append(Filled(part.answer[:n], part.confidence[:n], part.steps[:n]))
        whole = (
            torch.cat([getattr(part, name) for part in parts]).cpu()
            for name in ("answer", "confidence", "steps")
        )
        return Filled(*whole)

    @torch.inference_mode()
    def _fill(self, signals: Tensor, unit: Tensor, given: Tensor, banned: Tensor) -> Filled:
        signals, unit, given, banned = (x.to(self._device) for x in (signals, unit, given, banned))
        cache: Cache = self._network.prefill(signal_views(signals, unit), prompt_of(unit))
        generator = torch.Generator(self._device).manual_seed(0)

        def logits(answer: Tensor) -> Tensor:
            return self._network.logits(answer, cache).masked_fill(banned, _NEVER)

        return fill(logits, self._grammar, given, TOKEN[MASK], self._dial, generator)


def _known(given: Given, there: NDArray[np.bool_]) -> dict[str, str]:
    """Give what is known of a window in the answer's slots."""
    words: dict[str, str] = {
        f"{m}_quality": "absent" for m, t in zip(MODALITIES, there, strict=True) if not t
    }
    for slot, word in given.items():
        parts = _PARTS.get(slot, (slot,))
        if len(parts) == 1:
            words[parts[0]] = word
        elif slot in ("heart_rate", "note"):
            value = int(word) if slot == "heart_rate" and word.isdigit() else word
            all_said = said(Annotation.model_validate({slot: value}))
            words |= {part: all_said[part] for part in parts}
        else:
            message = f"a {slot} can't be given, got {word!r}"
            raise ValueError(message)
    return words


def _banned(there: NDArray[np.bool_], calibrated: NDArray[np.bool_], given: Tensor) -> Tensor:
    """Say (B, A, words) which words are known to be wrong, where they are not given."""
    banned = torch.zeros(*given.shape, len(TOKEN), dtype=torch.bool)
    for i, m in enumerate(MODALITIES):
        banned[:, AT[f"{m}_quality"], TOKEN["absent"]] = torch.from_numpy(there[:, i])
    line = there[:, MODALITIES.index("abp")] & calibrated
    banned[:, AT["source"], TOKEN["measured"]] = torch.from_numpy(~line)
    banned[:, AT["source"], TOKEN["imputed"]] = True
    banned[given >= 0] = False
    return banned


def _confidence(sure: Tensor) -> dict[str, NDArray[np.float32]]:
    """Give (B,) a slot: of several words, the least sure."""
    told = {}
    for slot in SLOTS:
        at = [AT[part] for part in _PARTS.get(slot, (slot,))]
        told[slot] = sure[:, at].amin(dim=1).clamp(0, 1).numpy().astype(np.float32)
    return told
