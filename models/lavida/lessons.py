"""What is learned from strips with known annotations: complementary masks over one encoded strip.

Shapes: B strips, V views, Q tokens of the prompt, A of the answer.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from models.lavida.answer import AT, LENGTH, NOTE
from models.lavida.masking import Weighting, complement, draw_masks, masked_loss
from models.lavida.network import LaViDa
from models.lavida.words import END, FILLED, MASK, SHORTER, TOKEN


@dataclass(frozen=True)
class Lesson:
    """B strips to learn from.

    Attributes:
        views: (B, V, C, ...).
        prompt: (B, Q) tokens.
        answer: (B, A) tokens, those of a trace before them where there is one.
        maskable: (B, A) what may be masked and is learned: slots that are not given, and the end.
    """

    views: Tensor
    prompt: Tensor
    answer: Tensor
    maskable: Tensor

    def to(self, device: str) -> Self:
        """Give them on a device."""
        return type(self)(
            *(x.to(device) for x in (self.views, self.prompt, self.answer, self.maskable))
        )


def lesson_of(
    views: Tensor, prompt: Tensor, answers: Tensor, given: Tensor, room: Tensor
) -> Lesson:
    """Make a lesson of what is seen and asked.

    ``answers`` (B, A) are whole, ``given`` (B, A) says which of their slots are, and ``room`` (B,)
    how many slots their notes have.
    """
    answer, maskable = spanned(answers, room)
    return Lesson(views, prompt, answer, maskable & ~given)


def spanned(answers: Tensor, room: Tensor) -> tuple[Tensor, Tensor]:
    """End the note of each of (B, A) answers after ``room`` (B,) slots; say what may be masked.

    What ends it is never masked; behind it all is filled with ends, which are learned too.
    """
    at = torch.arange(LENGTH, device=answers.device)
    end = (AT[NOTE[0]] + room)[:, None]
    answer = torch.where(at == end, TOKEN[FILLED], answers)
    answer = torch.where(at > end, TOKEN[END], answer)
    return answer, (slots().to(at.device) & (at < end)) | (at > end)


def words_in_notes(answers: Tensor) -> Tensor:
    """Count (B,) the words of each note: its least room."""
    notes = answers[:, AT[NOTE[0]] : AT[NOTE[-1]] + 1]
    return (notes != TOKEN[SHORTER]).sum(dim=1)


def slots() -> Tensor:
    """Say (A,) which positions are slots."""
    at = torch.zeros(LENGTH, dtype=torch.bool)
    at[sorted(AT.values())] = True
    return at


def masked_lesson_losses(
    network: LaViDa, lesson: Lesson, generator: torch.Generator, weighting: Weighting = "mean"
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give the loss over both copies of each answer, and how often the arg-max is right by slot.

    The prefix sees itself alone, as when answers are filled, so that both copies share it.
    """
    maskable = lesson.maskable
    p, mask = (x.to(maskable.device) for x in draw_masks(maskable.cpu(), generator))
    masks = torch.cat([mask, complement(mask, maskable)])
    answer = lesson.answer.repeat(2, 1)
    shown = torch.where(masks, TOKEN[MASK], answer)
    cache = network.prefill(lesson.views, lesson.prompt).repeat(2)
    logits = network.logits(shown, cache)
    loss = masked_loss(logits, answer, masks, torch.cat([p, 1 - p + 1e-3]), weighting)
    with torch.no_grad():
        right = (logits.argmax(dim=2) == answer) & masks
    # Of a trace before the answer nothing is told.
    told = {"right": right, "masked": masks}
    return loss, {name: x.sum(dim=0)[-LENGTH:].float() for name, x in told.items()}
