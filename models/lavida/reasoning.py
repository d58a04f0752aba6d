"""Reasoning: a trace before the answer, filled first and then never changed.

Shapes: B rows, R tokens of a trace, A of an answer.
"""

from functools import cache
from typing import Final

import torch
from torch import Tensor

from models.lavida.answer import grammar
from models.lavida.grammar import Chain, Grammar
from models.lavida.language import Cache
from models.lavida.network import LaViDa
from models.lavida.sampling import NEVER, Dial, Filled, fill
from models.lavida.words import (
    BEATS,
    BECAUSE,
    INTERVALS,
    MASK,
    NOISE,
    SHORTER,
    SPACES,
    TOKEN,
    WORDS,
)
from schemas.annotation import QUALITIES
from schemas.modality import MODALITIES
from schemas.trace import INTERVAL_STEP_S, MOST_INTERVALS, Trace

_FIRST: Final = 3
_LAST: Final = _FIRST + MOST_INTERVALS
_KEYS: Final = {0: BECAUSE, 2: INTERVALS, _LAST: NOISE}
LENGTH_OF_TRACE: Final = _LAST + 1 + len(MODALITIES)
"""Tokens of a trace: how many beats, their intervals, and how each signal looks."""


def tokens_of_trace(trace: Trace) -> list[int]:
    """Give the tokens of a trace."""
    steps = [round(s / INTERVAL_STEP_S) for s in trace.intervals_s[:MOST_INTERVALS]]
    spaces = [SPACES[min(max(step, 0), len(SPACES) - 1)] for step in steps]
    spaces += [SHORTER] * (MOST_INTERVALS - len(spaces))
    looks = [trace.quality[m] for m in MODALITIES]
    words = [BECAUSE, BEATS[trace.beats], INTERVALS, *spaces, NOISE, *looks]
    return [TOKEN[word] for word in words]


def trace_of_tokens(tokens: list[int]) -> Trace:
    """Read a trace back."""
    words = [WORDS[token] for token in tokens]
    spaces = [word for word in words[_FIRST:_LAST] if word != SHORTER]
    return Trace(
        beats=BEATS.index(words[1]),
        intervals_s=tuple(SPACES.index(word) * INTERVAL_STEP_S for word in spaces),
        quality=dict(zip(MODALITIES, words[_LAST + 1 :], strict=True)),  # type: ignore[arg-type]
    )


def trace_slots() -> Tensor:
    """Say (R,) which tokens of a trace are slots."""
    at = torch.ones(LENGTH_OF_TRACE, dtype=torch.bool)
    at[list(_KEYS)] = False
    return at


@cache
def trace_grammar() -> Grammar:
    """Give all that a trace may say: intervals stand together, whatever their number."""
    words = [Chain.of_words(at, [TOKEN[word]]) for at, word in _KEYS.items()]
    words.append(Chain.of_words(1, [TOKEN[word] for word in BEATS]))
    looks = range(_LAST + 1, LENGTH_OF_TRACE)
    words += [Chain.of_words(at, [TOKEN[word] for word in QUALITIES]) for at in looks]
    spaces = [TOKEN[word] for word in (*SPACES, SHORTER)]

    def walk(_: int, ended: bool, word: int) -> bool | None:
        if word == TOKEN[SHORTER]:
            return True
        return None if ended else False

    chain = Chain.of_walk(tuple(range(_FIRST, _LAST)), [spaces] * MOST_INTERVALS, walk, begin=False)
    return Grammar(LENGTH_OF_TRACE, len(WORDS), [*words, chain])


@torch.inference_mode()
def fill_with_reason(
    network: LaViDa,
    cache: Cache,
    given: Tensor,
    banned: Tensor,
    dial: Dial,
    generator: torch.Generator | None = None,
) -> tuple[Filled, Tensor]:
    """Fill a trace, and behind it what is -1 in ``given`` (B, A); give the trace (B, R) too.

    ``banned`` (B, A, words) are words that are known to be wrong. Steps of both are counted.
    """
    device = given.device
    open_ = torch.full((len(given), LENGTH_OF_TRACE), -1, device=device)
    begun = torch.where(given < 0, TOKEN[MASK], given)

    def of_trace(trace: Tensor) -> Tensor:
        return network.logits(torch.cat([trace, begun], dim=1), cache)[:, :LENGTH_OF_TRACE]

    reason = fill(of_trace, trace_grammar().to(device), open_, TOKEN[MASK], dial, generator)

    def of_answer(answer: Tensor) -> Tensor:
        whole = torch.cat([reason.answer, answer], dim=1)
        return network.logits(whole, cache)[:, LENGTH_OF_TRACE:].masked_fill(banned, NEVER)

    filled = fill(of_answer, grammar().to(device), given, TOKEN[MASK], dial, generator)
    steps = filled.steps + reason.steps
    return Filled(filled.answer, filled.confidence, steps), reason.answer
