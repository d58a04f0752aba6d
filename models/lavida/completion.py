"""Templates completed in a few steps behind what is looked at, be it signals or images.

Shapes: B strips, A tokens of an answer, Q of the prompt, V views.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from models.card import Card
from models.lavida.answer import AT, LENGTH, annotation_of, answer_of, grammar, said, words_of
from models.lavida.architecture import LooksAt
from models.lavida.checkpoint import AnnotatorCheckpoint
from models.lavida.sampling import NEVER, Dial, Filled, fill
from models.lavida.words import MASK, TOKEN
from schemas.annotation import BANDS, UNKNOWN
from schemas.annotator import SLOTS, Annotated, Given
from schemas.template import Annotation

Look = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Gives views (R, V, C, ...) and prompts (R, Q) of the rows of strips in (R,)."""

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "heart_rate": ("hundreds", "tens", "units"),
    "pressure_band": ("band",),
    "pressure_source": ("source",),
    "evidence": ("signal", "from", "to"),
    "note": tuple(slot for slot in AT if slot.startswith("note_")),
}
"""Slots of the answer by those of the template, where their names differ."""

_LOOKS_AT: Final[dict[LooksAt, str]] = {"signal": "signals", "image": "images of strips"}


class Completion:
    """A network that fills templates, always ``rows`` at once, so that none depends on its batch.

    Raises:
        ValueError: where the checkpoint is of a network that looks at something else, or the dial
            has a temperature.
    """

    def __init__(
        self,
        checkpoint: AnnotatorCheckpoint,
        kind: LooksAt,
        dial: Dial | None,
        *,
        rows: int,
        device: str,
    ) -> None:
        self.card: Final[Card] = checkpoint.card
        self.dial: Final = dial or Dial(checkpoint.settings.steps)
        if self.dial.temperature:
            message = "a temperature would have a strip's words depend on those beside it"
            raise ValueError(message)
        found = checkpoint.settings.sizes.tower.kind
        if found != kind:
            message = (
                f"{self.card.model_id} annotates {_LOOKS_AT[found]}, not {_LOOKS_AT[kind]}: "
                "another checkpoint is needed"
            )
            raise ValueError(message)
        self._network = checkpoint.network.to(device)
        self._grammar = grammar().to(device)
        self._rows = rows
        self._device = device

    def complete(
        self, look: Look, known: Sequence[Mapping[str, str]], told: Sequence[Given], wrong: Tensor
    ) -> Annotated:
        """Fill the templates of B strips.

        ``known`` is what is known of each in the answer's slots, ``told`` what was given of it, and
        ``wrong`` (B, A, words) which words are known to be wrong where they are not given.

        Raises:
            ValueError: where what is given of a strip does not go together, naming which.
        """
        if not known:
            nothing = np.zeros(0, np.float32)
            return Annotated([], dict.fromkeys(SLOTS, nothing), np.zeros(0, np.int32))
        given = torch.tensor([answer_of(words) for words in known])
        self._see_given(given, told)
        filled = self._filled(look, given, wrong & (given < 0)[..., None])
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

    def _filled(self, look: Look, given: Tensor, banned: Tensor) -> Filled:
        parts = []
        for first in range(0, len(given), self._rows):
            rows = torch.arange(first, first + self._rows).clamp(max=len(given) - 1)
            part = self._fill(*look(rows), given[rows], banned[rows])
            n = min(self._rows, len(given) - first)
            parts.append(Filled(part.answer[:n], part.confidence[:n], part.steps[:n]))
        whole = (
            torch.cat([getattr(part, name) for part in parts]).cpu()
            for name in ("answer", "confidence", "steps")
        )
        return Filled(*whole)

    @torch.inference_mode()
    def _fill(self, views: Tensor, prompt: Tensor, given: Tensor, banned: Tensor) -> Filled:
        views, prompt, given, banned = (x.to(self._device) for x in (views, prompt, given, banned))
        cache = self._network.prefill(views, prompt)

        def logits(answer: Tensor) -> Tensor:
            return self._network.logits(answer, cache).masked_fill(banned, NEVER)

        return fill(logits, self._grammar, given, TOKEN[MASK], self.dial)


def words_given(given: Given) -> dict[str, str]:
    """Give what is given of a strip in the answer's slots.

    Raises:
        ValueError: where a slot can't be given, or not so.
    """
    words: dict[str, str] = {}
    for slot, word in given.items():
        if slot not in SLOTS or slot == "evidence":
            message = f"{slot} can't be given, got {word!r}"
            raise ValueError(message)
        parts = _PARTS.get(slot, (slot,))
        said_so = _said(slot, word) if len(parts) > 1 else {parts[0]: word}
        if not said_so.keys() >= set(parts) or (word not in TOKEN and len(parts) == 1):
            message = f"{slot} can't be {word!r}"
            raise ValueError(message)
        words |= {part: said_so[part] for part in parts}
    return words


def _said(slot: str, word: str) -> dict[str, str]:
    """Say a slot of several words; nothing where it can't be said."""
    value = int(word) if slot == "heart_rate" and word.isdecimal() else word
    try:
        return said(Annotation.model_validate({slot: value}))
    except ValidationError:
        return {}


def wrong_of_pressures(given: Sequence[Given]) -> Tensor:
    """Say (B, A, words) what can't be said of a pressure, which no strip shows.

    None is imputed unless that is given, or a band that could be of no other; and where it is, its
    band is what is given too.
    """
    wrong = torch.zeros(len(given), LENGTH, len(TOKEN), dtype=torch.bool)
    for i, one in enumerate(given):
        banded = one.get("pressure_band", UNKNOWN) != UNKNOWN
        wrong[i, AT["source"], TOKEN["imputed"]] = not (banded and "pressure_source" not in one)
        if one.get("pressure_source") == "imputed":
            for band in set(BANDS) - {UNKNOWN}:
                wrong[i, AT["band"], TOKEN[band]] = True
    return wrong


def _confidence(sure: Tensor) -> dict[str, NDArray[np.float32]]:
    """Give (B,) a slot: of several words, the least sure."""
    told = {}
    for slot in SLOTS:
        at = [AT[part] for part in _PARTS.get(slot, (slot,))]
        told[slot] = sure[:, at].amin(dim=1).clamp(0, 1).numpy().astype(np.float32)
    return told
