"""Filling answers: all slots masked at first, and in each step those that are surest committed.

Shapes: B rows, A tokens of an answer, V words.

The words of a step are those of the best answer that the grammar allows and that agrees with all
that is committed: any of them can be committed together, so the answer parses whatever the weights
and after however few steps. How sure a word is, is its share among all such answers. What is
committed never changes, and a mask is no word of any grammar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

import torch
from torch import Tensor

from models.lavida.grammar import Grammar
from models.lavida.schedule import BEST, Shift, check, commits

ONE_BLOCK: Final = 2**31

NEVER: Final = -1e4
"""A logit of a word that is known to be wrong; finite, so that such a word can still be given."""

Logits = Callable[[Tensor], Tensor]
"""Gives (B, A, V) of answers (B, A) with masks in them."""


@dataclass(frozen=True)
class Dial:
    """Between speed and quality.

    Attributes:
        steps: at most, or as many as there are blocks; with fewer slots left it takes fewer.
        shift: alpha of the timestep shift, or the cosine.
        block: slots that are filled before those right of them are begun.
        threshold: words surer than this are committed at once, at least one a step; the steps are
            then as many as it takes, and ``steps`` and ``shift`` have no say.
        temperature: of Gumbel noise on the words that are tried; 0 takes the best.

    Raises:
        ValueError: where one of them can't be so.
    """

    steps: int
    shift: Shift = BEST
    block: int = ONE_BLOCK
    threshold: float | None = None
    temperature: float = 0.0

    def __post_init__(self) -> None:
        check(self.steps, self.shift)
        if self.block < 1:
            message = f"block must be positive, got {self.block}"
            raise ValueError(message)
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            message = f"threshold must be from 0 to 1, got {self.threshold}"
            raise ValueError(message)
        if not 0 <= self.temperature < inf:
            message = f"temperature must be finite and not negative, got {self.temperature}"
            raise ValueError(message)


@dataclass(frozen=True)
class Filled:
    """Whole answers.

    Attributes:
        answer: (B, A) tokens, those that were given as they were.
        confidence: (B, A) how sure each was when it was committed; 1 where given.
        steps: (B,) in which a token was committed: passes through the network.
    """

    answer: Tensor
    confidence: Tensor
    steps: Tensor


@torch.inference_mode()
def fill(
    logits: Logits,
    grammar: Grammar,
    given: Tensor,
    mask: int,
    dial: Dial,
    generator: torch.Generator | None = None,
) -> Filled:
    """Fill what is -1 in ``given`` (B, A); ``mask`` is the token of what is not filled yet.

    Raises:
        ValueError: where nothing in the grammar agrees with what a row gives, or logits are NaN.
    """
    answer = given.clone()
    if (given >= 0).all(dim=1).any():
        # The loop looks at no row that is whole.
        grammar.best(torch.zeros((*given.shape, grammar.words), device=given.device), given)
    confidence = torch.ones(given.shape, device=given.device)
    steps = torch.zeros(len(given), dtype=torch.long, device=given.device)
    plan = _plan(given, dial)
    at = 0
    while (open_ := answer < 0).any():
        said = logits(torch.where(open_, mask, answer)).float().log_softmax(dim=-1)
        tried = said + dial.temperature * _gumbel(said, generator) if dial.temperature else said
        words = grammar.best(tried, answer)
        sure = grammar.marginals(said, answer).gather(2, words[..., None])[..., 0]
        now = _in_block(answer, given, dial.block)
        if dial.threshold is None:
            chosen = _surest(sure, now, plan[:, at])
        else:
            chosen = _surest(sure, now, now.any(dim=1).long()) | (now & (sure > dial.threshold))
        answer = torch.where(chosen, words, answer)
        confidence = torch.where(chosen, sure, confidence)
        steps += chosen.any(dim=1)
        at += 1
    return Filled(answer, confidence, steps)


def _plan(given: Tensor, dial: Dial) -> Tensor:
    """Give (B, S) how many slots of each row a step commits."""
    rows = [_counts(n, dial) for n in (given < 0).sum(dim=1).tolist()]
    length = max(map(len, rows), default=0)
    padded = [row + [0] * (length - len(row)) for row in rows]
    return torch.tensor(padded, device=given.device).view(len(rows), length)


def _counts(slots: int, dial: Dial) -> list[int]:
    """Give what each step commits: of a block by its share of the steps, one at least."""
    blocks = ceil(slots / dial.block)
    counts: list[int] = []
    taken = 0
    for i in range(blocks):
        begun, end = i * dial.block, min((i + 1) * dial.block, slots)
        by_share = min(round(dial.steps * end / slots), dial.steps - (blocks - 1 - i))
        upto = max(taken + 1, by_share)
        counts += [c for c in commits(end - begun, upto - taken, dial.shift) if c]
        taken = upto
    return counts


def _in_block(answer: Tensor, given: Tensor, block: int) -> Tensor:
    """Say (B, A) which open slots are in the first block that has any."""
    number = ((given < 0).cumsum(dim=1) - 1) // block
    open_ = answer < 0
    first = number.masked_fill(~open_, ONE_BLOCK).amin(dim=1, keepdim=True)
    return open_ & (number == first)


def _surest(sure: Tensor, among: Tensor, count: Tensor) -> Tensor:
    """Choose (B, A) the surest of those that may be, as many a row as told; of equals the first."""
    # Words that are forced are certain but for rounding, which differs with the batch.
    told = sure.round(decimals=4).masked_fill(~among, -1.0)
    order = told.argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1)
    return among & (rank < count[:, None])


def _gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    return -(-(uniform.clamp(1e-9, 1 - 1e-7)).log()).log()
