"""Annotations filled by networks whose weights mean nothing: always valid, given kept."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from models.lavida.answer import FIXED, LENGTH, annotation_of, answer_of, grammar, said, words_of
from models.lavida.sampling import Dial, Filled, Logits, fill
from models.lavida.schedule import commits
from models.lavida.words import MASK, TOKEN, WORDS
from schemas.template import parse_annotation
from tests.models.lavida.annotations import partial_words
from tests.models.lavida.recording import Recorded, constant

SHIFTS = [1 / 3, 1, 3, "cosine"]


@pytest.fixture
def read(small_network, views, prompt, one_thread) -> Recorded:
    """The small network behind its four strips."""
    with torch.inference_mode():
        cache = small_network.prefill(views, prompt)
    return Recorded(lambda answer: small_network.logits(answer, cache), TOKEN[MASK])


def filled(logits: Logits, begun: Tensor, dial: Dial, seed: int = 0) -> Filled:
    generator = torch.Generator().manual_seed(seed)
    return fill(logits, grammar(), begun, TOKEN[MASK], dial, generator)


def assert_valid(out: Filled, begun: Tensor) -> None:
    """Each row parses, says what it was given, and holds its fixed words and no mask."""
    assert torch.equal(out.answer[begun >= 0], begun[begun >= 0])
    assert not (out.answer == TOKEN[MASK]).any()
    assert ((out.confidence >= 0) & (out.confidence <= 1 + 1e-5)).all()
    assert (out.confidence[begun >= 0] == 1).all()
    for answer in out.answer.tolist():
        assert {i: answer[i] for i in FIXED} == FIXED
        annotation = annotation_of(words_of(answer))
        assert said(annotation) == words_of(answer)
        assert parse_annotation(annotation.to_json()) == annotation


@pytest.mark.parametrize("shift", SHIFTS)
def test_answers_are_valid_after_any_number_of_steps(read, begun, shift) -> None:
    opened = (begun < 0).sum(dim=1)
    for steps in range(1, 33):
        read.seen.clear()
        out = filled(read, begun, Dial(steps, shift))

        assert_valid(out, begun)
        assert out.steps.tolist() == opened.clamp(max=steps).tolist()
        assert len(read.seen) == out.steps.max()


@pytest.mark.parametrize(
    "dial",
    [
        Dial(8, block=5),
        Dial(3, block=1),
        Dial(8, threshold=0.9),
        Dial(8, threshold=0.2, block=7),
        Dial(8, temperature=1.0),
        Dial(1, temperature=30.0),
        Dial(8, "cosine", 4, None, 0.5),
    ],
    ids=str,
)
def test_answers_are_valid_by_any_dial(read, begun, dial) -> None:
    out = filled(read, begun, dial)

    assert_valid(out, begun)
    assert len(read.seen) == out.steps.max()


dials = st.builds(
    Dial,
    st.integers(1, 40),
    st.sampled_from(SHIFTS) | st.floats(0.05, 20),
    st.integers(1, 40),
    st.none() | st.floats(0, 1),
    st.just(0.0) | st.floats(0, 10),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(partial_words(), min_size=1, max_size=3), dials, st.integers(0, 2**31))
def test_whatever_is_given_and_said_and_dialled_answers_are_valid(given_, dial, seed) -> None:
    begun = torch.tensor([answer_of(words) for words in given_])
    generator = torch.Generator().manual_seed(seed)
    scale = 10 ** torch.randint(-2, 5, (1,), generator=generator)

    def restless(answer: Tensor) -> Tensor:
        return scale * torch.randn(*answer.shape, len(WORDS), generator=generator)

    assert_valid(filled(restless, begun, dial, seed), begun)


def test_a_network_that_says_mask_alone_still_answers(begun) -> None:
    masks = torch.zeros(LENGTH, len(WORDS))
    masks[:, TOKEN[MASK]] = 1e4
    out = filled(constant(masks, TOKEN[MASK]), begun, Dial(4))

    assert_valid(out, begun)


@pytest.mark.parametrize("dial", [Dial(6), Dial(6, block=4), Dial(6, threshold=0.5)], ids=str)
def test_what_a_step_commits_never_changes_later(read, begun, dial) -> None:
    out = filled(read, begun, dial)

    for before, after in pairwise([*read.seen, out.answer]):
        kept = before != TOKEN[MASK]
        assert torch.equal(after[kept], before[kept])


def test_each_step_commits_what_its_schedule_tells_of_each_row(read, begun) -> None:
    out = filled(read, begun, Dial(8))
    masks = [(answer == TOKEN[MASK]).sum(dim=1) for answer in [*read.seen, out.answer]]
    counts = torch.stack([before - after for before, after in pairwise(masks)])

    for row, n in enumerate(masks[0].tolist()):
        assert counts[:, row].tolist() == commits(n, 8)


@pytest.mark.parametrize(
    "dial", [Dial(1), Dial(5), Dial(32), Dial(8, block=6), Dial(8, threshold=0.6)], ids=str
)
def test_a_batch_of_many_is_as_many_batches_of_one(
    read, small_network, views, prompt, begun, dial
) -> None:
    together = filled(read, begun, dial)
    for row in range(len(begun)):
        own = slice(row, row + 1)
        with torch.inference_mode():
            cache = small_network.prefill(views[own], prompt[own])
        alone = filled(lambda a, cache=cache: small_network.logits(a, cache), begun[own], dial)

        assert torch.equal(alone.answer, together.answer[own])
        assert torch.equal(alone.steps, together.steps[own])
        assert_close(alone.confidence, together.confidence[own], rtol=1e-3, atol=1e-4)


def test_strips_tell_in_what_is_said(read, begun) -> None:
    out = filled(read, begun[:1].expand(4, -1), Dial(32))

    assert len({tuple(answer) for answer in out.answer.tolist()}) > 1
