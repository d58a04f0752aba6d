"""How answers of any grammar are filled, by numbers that can be checked by hand."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.lavida.grammar import Chain, Grammar
from models.lavida.sampling import Dial, Filled, fill
from models.lavida.schedule import commits
from tests.models.lavida.recording import Recorded, constant

MASK = 3
EACH = (0.8, 0.95, 0.5, 0.98, 0.6)
"""How sure word 0 is at each of five positions."""


@pytest.fixture
def sure() -> Recorded:
    """Word 0 as likely as it is, words 1 and 2 share the rest; the mask is said above all."""
    logits = [[log(p), log((1 - p) / 2), log((1 - p) / 2), 9.0] for p in EACH]
    return constant(torch.tensor(logits), MASK)


def free(length: int) -> Grammar:
    """Words 0, 1 and 2 anywhere, whatever else is said."""
    return Grammar(length, 4, [Chain.of_words(i, range(3)) for i in range(length)])


def filled(logits: Recorded, dial: Dial, length: int = 5) -> Filled:
    return fill(logits, free(length), torch.full((1, length), -1), MASK, dial)


def test_a_word_is_as_sure_as_its_share_among_those_allowed(sure) -> None:
    out = filled(sure, Dial(1))

    assert out.answer.tolist() == [[0] * 5]
    assert out.confidence[0].tolist() == pytest.approx(EACH, abs=1e-5)


def test_the_surest_are_committed_first(sure) -> None:
    filled(sure, Dial(5))

    assert sure.committed() == [[3], [1], [0], [4]]


def test_of_words_that_are_as_sure_the_first_is_committed_first() -> None:
    noise = 1e-6 * torch.arange(5.0)[:, None]
    logits = constant(torch.tensor([log(8), 0.0, 0.0, 0.0]) * (1 + noise), MASK)
    filled(logits, Dial(5))

    assert logits.committed() == [[0], [1], [2], [3]]


def test_a_step_commits_as_many_as_its_schedule_tells() -> None:
    logits = constant(torch.randn(32, 4), MASK)
    filled(logits, Dial(8), 32)

    assert [len(now) for now in logits.committed()] == commits(32, 8)[:-1]


def test_all_words_above_the_threshold_are_committed_at_once_and_one_a_step_at_least(sure) -> None:
    out = filled(sure, Dial(1, threshold=0.9))

    assert sure.committed() == [[1, 3], [0], [4]]
    assert out.steps.tolist() == [4]


@pytest.mark.parametrize(
    ("threshold", "steps"), [(0.0, 1), (0.55, 2), (0.79, 3), (0.94, 4), (0.96, 5), (1.0, 5)]
)
def test_a_lower_threshold_takes_fewer_steps(sure, threshold, steps) -> None:
    assert filled(sure, Dial(1, threshold=threshold)).steps.tolist() == [steps]


def test_a_block_is_filled_before_the_next_is_begun(sure) -> None:
    filled(sure, Dial(5, block=2))

    assert sure.committed() == [[1], [0], [3], [2]]


def test_a_threshold_keeps_to_the_block_too(sure) -> None:
    filled(sure, Dial(1, block=2, threshold=0.9))

    assert sure.committed() == [[1], [0], [3], [2]]


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40))
def test_blocks_take_the_steps_that_they_are_told_or_one_each(length, block, steps) -> None:
    blocks = -(-length // block)
    logits = constant(torch.zeros(length, 4), MASK)
    out = filled(logits, Dial(steps, block=block), length)

    assert out.steps.tolist() == [len(logits.seen)]
    assert len(logits.seen) == max(min(steps, length), blocks)


def test_slots_that_depend_on_each_other_are_tried_together() -> None:
    logits = constant(
        torch.tensor([[log(0.6), log(0.4), -9.0, 0.0], [log(0.1), log(0.9), 0.0, 0.0]]), MASK
    )
    alike = Grammar(2, 4, [Chain.of_answers((0, 1), [(0, 0), (1, 1)])])
    out = fill(logits, alike, torch.full((1, 2), -1), MASK, Dial(1))

    assert out.answer.tolist() == [[1, 1]]
    assert out.confidence[0].tolist() == pytest.approx([6 / 7] * 2)


def test_what_is_committed_narrows_what_can_be_said_after_it() -> None:
    logits = constant(torch.tensor([[log(0.5), log(0.4), log(0.1), 0.0]]).expand(2, 4), MASK)
    different = Grammar(2, 4, [Chain.of_answers((0, 1), [(0, 1), (1, 0)])])
    out = fill(logits, different, torch.tensor([[0, -1]]), MASK, Dial(2))

    assert out.answer.tolist() == [[0, 1]]
    assert out.confidence.tolist() == [[1, 1]]


def test_a_row_with_nothing_open_takes_no_step_and_is_certain(sure) -> None:
    given_ = torch.tensor([[2, 1, 0, 1, 2], [-1, -1, 0, 0, 0]])
    out = fill(sure, free(5), given_, MASK, Dial(2))
    alone = fill(sure, free(5), given_[:1], MASK, Dial(2))

    assert out.steps.tolist() == [0, 2]
    assert out.answer[0].tolist() == alone.answer[0].tolist() == [2, 1, 0, 1, 2]
    assert out.confidence[0].tolist() == [1] * 5
    assert len(sure.seen) == 2


def test_a_whole_row_that_no_grammar_allows_is_refused(sure) -> None:
    wrong = torch.tensor([[0, 0, 0, 0, 0], [0, 0, MASK, 0, 0]])

    with pytest.raises(ValueError, match="no answer agrees with what is given in row 1"):
        fill(sure, free(5), wrong, MASK, Dial(1))


def test_logits_that_are_no_numbers_are_refused() -> None:
    logits = constant(torch.tensor([[0.0, 0.0, 0.0, float("nan")]]).expand(5, 4), MASK)

    with pytest.raises(ValueError, match="logits must be numbers, got NaN in row 0"):
        filled(logits, Dial(1))


def test_no_rows_are_filled_by_no_pass(sure) -> None:
    out = fill(sure, free(5), torch.empty((0, 5), dtype=torch.long), MASK, Dial(3))

    assert out.answer.shape == (0, 5)
    assert not sure.seen


def test_temperature_draws_words_by_their_probability_and_the_same_by_the_same_seed(sure) -> None:
    given_ = torch.full((2000, 5), -1)

    def drawn(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return fill(sure, free(5), given_, MASK, Dial(1, temperature=1.0), generator).answer

    first = drawn(0)
    assert torch.equal(first, drawn(0))
    assert not torch.equal(first, drawn(1))
    assert (first == 0).float().mean(dim=0).tolist() == pytest.approx(EACH, abs=0.05)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "steps must be positive, got 0"),
        ({"steps": -3}, "steps must be positive, got -3"),
        ({"shift": 0.0}, "shift must be a positive number or cosine, got 0.0"),
        ({"shift": float("nan")}, "shift must be a positive number or cosine, got nan"),
        ({"shift": "linear"}, "shift must be a positive number or cosine, got linear"),
        ({"block": 0}, "block must be positive, got 0"),
        ({"threshold": -0.1}, "threshold must be from 0 to 1, got -0.1"),
        ({"threshold": 1.1}, "threshold must be from 0 to 1, got 1.1"),
        ({"threshold": float("nan")}, "threshold must be from 0 to 1, got nan"),
        ({"temperature": -1.0}, "temperature must be finite and not negative, got -1.0"),
        ({"temperature": float("inf")}, "temperature must be finite and not negative, got inf"),
    ],
)
def test_a_dial_that_can_not_be_set_is_refused(wrong, said) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Dial(**{"steps": 4} | wrong)
