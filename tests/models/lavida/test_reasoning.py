"""A trace before the answer: filled first, whole, and never changed by what follows."""

import pytest
import torch

from models.lavida.answer import LENGTH, annotation_of, words_of
from models.lavida.reasoning import (
    LENGTH_OF_TRACE,
    fill_with_reason,
    tokens_of_trace,
    trace_grammar,
    trace_of_tokens,
    trace_slots,
)
from models.lavida.sampling import Dial
from models.lavida.words import WORDS
from schemas.trace import Trace

LOOKS = {"ecg": "good", "ppg": "absent", "abp": "bad"}


@pytest.mark.parametrize("intervals", [(), (0.8,), (0.8, 0.84, 0.44, 1.2), (0.4,) * 8])
def test_a_trace_is_read_back_as_it_was(intervals) -> None:
    trace = Trace(len(intervals) + 1, intervals, LOOKS)
    back = trace_of_tokens(tokens_of_trace(trace))

    assert back.beats == trace.beats
    assert back.intervals_s == pytest.approx(trace.intervals_s)
    assert back.quality == LOOKS


def test_intervals_are_told_to_the_small_square_and_the_first_of_them_alone() -> None:
    back = trace_of_tokens(tokens_of_trace(Trace(12, (0.333,) * 11, LOOKS)))

    assert back.intervals_s == pytest.approx((0.32,) * 8)


def test_whatever_the_weights_a_trace_and_an_answer_come_out(
    small_network, views, prompt, begun
) -> None:
    cache = small_network.prefill(views, prompt)
    none = torch.zeros(4, LENGTH, len(WORDS), dtype=torch.bool)
    for steps in (1, 3, 16):
        filled, traces = fill_with_reason(small_network, cache, begun, none, Dial(steps))
        for trace, row in zip(traces.tolist(), filled.answer.tolist(), strict=True):
            trace_of_tokens(trace)
            annotation_of(words_of(row))
        assert torch.equal(filled.answer[begun >= 0], begun[begun >= 0])


def test_intervals_stand_together() -> None:
    grammar = trace_grammar()
    apart = tokens_of_trace(Trace(3, (0.8, 0.8), LOOKS))
    apart[3], apart[5] = apart[5], apart[3]

    assert grammar.allowed(torch.tensor([tokens_of_trace(Trace(3, (0.8, 0.8), LOOKS))])).any()
    assert not grammar.allowed(torch.tensor([apart])).any()
    assert trace_slots().sum() == LENGTH_OF_TRACE - 3
