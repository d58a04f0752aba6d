"""The grammar against all answers, listed one by one."""

from itertools import product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.lavida.grammar import Chain, Grammar

WORDS = 3

Answers = list[tuple[int, ...]]


@st.composite
def grammars(draw) -> tuple[Grammar, Answers]:
    """Up to 5 positions shared among chains of some answers each, and all answers."""
    length = draw(st.integers(1, 5))
    left = draw(st.permutations(range(length)))
    chains, parts = [], []
    while left:
        n = draw(st.integers(1, min(3, len(left))))
        positions, left = left[:n], left[n:]
        word = st.integers(0, WORDS - 1)
        parts.append(draw(st.sets(st.tuples(*[word] * n), min_size=1, max_size=6)))
        chains.append(Chain.of_answers(positions, parts[-1]))
    order = [position for chain in chains for position in chain.positions]
    said = [sum(choice, ()) for choice in product(*parts)]
    answers = [tuple(words[order.index(i)] for i in range(length)) for words in said]
    return Grammar(length, WORDS, chains), answers


@st.composite
def cases(draw, agree: bool) -> tuple[Grammar, Answers, torch.Tensor, torch.Tensor]:
    """A grammar, its answers, and logits and what is given of three rows: of answers, or any."""
    grammar, answers = draw(grammars())
    length = grammar.length
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    logits = draw(st.floats(0.1, 20)) * torch.randn((3, length, WORDS), generator=generator)
    words = st.sampled_from(answers) if agree else st.tuples(*[st.integers(0, WORDS - 1)] * length)
    shown = st.tuples(*[st.booleans()] * length)
    rows = [zip(draw(words), draw(shown), strict=True) for _ in range(3)]
    fixed = torch.tensor([[word if is_shown else -1 for word, is_shown in row] for row in rows])
    return grammar, answers, logits, fixed


def agreeing(answers: Answers, fixed: torch.Tensor) -> Answers:
    """Those that say what is given of one row."""
    return [
        answer
        for answer in answers
        if all(said in (-1, word) for said, word in zip(fixed.tolist(), answer, strict=True))
    ]


def heights(answers: Answers, logits: torch.Tensor) -> torch.Tensor:
    """The summed logits of each answer in one row."""
    return torch.stack([logits[range(len(a)), list(a)].double().sum() for a in answers])


@settings(deadline=None)
@given(cases(agree=True))
def test_the_best_answer_is_the_highest_of_all_that_agree(case) -> None:
    grammar, answers, logits, fixed = case
    of_rows = [agreeing(answers, row) for row in fixed]

    best = grammar.best(logits, fixed)

    for row, some in enumerate(of_rows):
        assert tuple(best[row].tolist()) in some
        got, all_ = heights([best[row].tolist()], logits[row]), heights(some, logits[row])
        torch.testing.assert_close(got[0], all_.max(), rtol=1e-4, atol=1e-4)


@settings(deadline=None)
@given(cases(agree=True))
def test_a_marginal_is_the_share_of_the_answers_that_say_the_word(case) -> None:
    grammar, answers, logits, fixed = case
    of_rows = [agreeing(answers, row) for row in fixed]
    expected = torch.zeros(logits.shape, dtype=torch.float64)
    for row, some in enumerate(of_rows):
        for answer, share in zip(some, heights(some, logits[row]).softmax(0), strict=True):
            expected[row, range(len(answer)), list(answer)] += share

    marginals = grammar.marginals(logits, fixed)

    torch.testing.assert_close(marginals.double(), expected, rtol=1e-3, atol=1e-4)


@settings(deadline=None)
@given(st.booleans().flatmap(cases))
def test_allowed_is_what_some_answer_says_that_agrees(case) -> None:
    grammar, answers, _, fixed = case
    expected = torch.zeros((*fixed.shape, WORDS), dtype=torch.bool)
    for row in range(len(fixed)):
        for answer in agreeing(answers, fixed[row]):
            expected[row, range(len(answer)), list(answer)] = True

    assert torch.equal(grammar.allowed(fixed), expected)


@settings(deadline=None)
@given(cases(agree=False))
def test_a_row_that_no_answer_agrees_with_is_refused_by_its_number(case) -> None:
    grammar, answers, logits, fixed = case
    wrong = [row for row in range(len(fixed)) if not agreeing(answers, fixed[row])]
    assume(wrong)

    with pytest.raises(ValueError, match=f"^no answer agrees with what is given in row {wrong[0]}"):
        grammar.best(logits, fixed)


@settings(deadline=None)
@given(st.sets(st.tuples(*[st.integers(0, WORDS - 1)] * 4), min_size=1, max_size=12))
def test_a_chain_has_one_state_for_each_different_future(answers) -> None:
    chain = Chain.of_answers(range(4), answers)

    for i, step in enumerate(chain.steps):
        begun = {answer[:i] for answer in answers}
        futures = {frozenset(a[i:] for a in answers if a[:i] == start) for start in begun}
        assert {source for source, _, _ in step} == set(range(len(futures)))
        assert len(step) == sum(len({future[0] for future in some}) for some in futures)


def test_a_chain_of_all_words_has_one_state_a_step() -> None:
    chain = Chain.of_answers((0, 1, 2), product(range(2), repeat=3))

    assert chain.steps == (((0, 0, 0), (0, 1, 0)),) * 3


def test_a_walk_into_a_dead_end_is_no_edge() -> None:
    chain = Chain.of_walk(
        (0, 1), [(0, 1), (0, 1)], lambda i, state, word: word if i == 0 or state else None, ""
    )

    assert [word for _, word, _ in chain.steps[0]] == [1]


def test_a_chain_that_can_say_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nothing can be said at the positions \(4, 2\)"):
        Chain.of_walk((4, 2), [(0,), (0,)], lambda *_: None, "")


@pytest.mark.parametrize("positions", [[(0,)], [(0, 1), (1,)], [(0, 1, 2)]])
def test_a_position_on_no_chain_or_on_two_is_refused(positions) -> None:
    chains = [Chain.of_answers(some, [(0,) * len(some)]) for some in positions]

    with pytest.raises(ValueError, match="each of 2 positions must be on one chain"):
        Grammar(2, WORDS, chains)
