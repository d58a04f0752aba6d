"""What is learned: each word of an answer once, by two copies behind one prefix."""

import torch

from models.lavida.answer import AT, LENGTH, answer_of, grammar, said
from models.lavida.heads import Heads, heads_losses
from models.lavida.lessons import (
    Lesson,
    lesson_of,
    masked_lesson_losses,
    slots,
    spanned,
    words_in_notes,
)
from models.lavida.words import END, FILLED, TOKEN
from schemas.template import Annotation

ANNOTATION = Annotation(rhythm="ectopy", heart_rate=71, note="early beat and long pause")


def answers(n: int) -> torch.Tensor:
    return torch.tensor([answer_of(said(ANNOTATION))] * n)


def test_the_two_copies_of_a_lesson_mask_each_word_once(small_network, views, prompt) -> None:
    lesson = Lesson(views, prompt, answers(4), slots().expand(4, -1))
    _, told = masked_lesson_losses(small_network, lesson, torch.Generator().manual_seed(0))

    assert torch.equal(told["masked"], 4.0 * slots())


def test_what_is_given_is_not_learned(small_network, views, prompt) -> None:
    maskable = slots().expand(4, -1).clone()
    maskable[:, AT["rhythm"]] = False
    lesson = Lesson(views, prompt, answers(4), maskable)
    _, told = masked_lesson_losses(small_network, lesson, torch.Generator().manual_seed(0))

    assert told["masked"][AT["rhythm"]] == 0


def test_the_loss_is_that_of_two_runs_of_the_whole_network(small_network, views, prompt) -> None:
    lesson = Lesson(views, prompt, answers(4), slots().expand(4, -1))
    loss, _ = masked_lesson_losses(small_network, lesson, torch.Generator().manual_seed(5))
    both = Lesson(
        views.repeat(2, 1, 1, 1),
        prompt.repeat(2, 1),
        answers(8),
        slots().expand(8, -1),
    )
    cache = small_network.prefill(both.views, both.prompt)
    again = small_network.prefill(views, prompt).repeat(2)

    assert torch.isfinite(loss)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(cache.keys, again.keys, strict=True))


def test_a_note_ends_after_its_room_and_what_follows_is_learned_too() -> None:
    whole = answers(3)
    answer, maskable = spanned(whole, torch.tensor([5, 7, 9]))

    assert words_in_notes(whole).tolist() == [5, 5, 5]
    for row, room in enumerate((5, 7, 9)):
        end = AT["note_0"] + room
        assert answer[row, end] == TOKEN[FILLED]
        assert (answer[row, end + 1 :] == TOKEN[END]).all()
        assert not maskable[row, end]
        assert maskable[row, end + 1 :].all()
        assert maskable[row, AT["note_0"] : end].all()


def test_a_shorter_room_has_a_grammar_of_its_own() -> None:
    whole = answers(1)
    answer, _ = spanned(whole, torch.tensor([5]))

    assert grammar(5).allowed(answer).any(dim=2).all()
    assert not grammar(4).allowed(answer).any()
    assert answer.shape == (1, LENGTH)


def test_a_lesson_learns_all_but_what_is_given(views, prompt) -> None:
    given = torch.zeros(4, LENGTH, dtype=torch.bool)
    given[1, AT["rhythm"]] = True
    lesson = lesson_of(views, prompt, answers(4), given, torch.full((4,), 9))

    assert lesson.maskable[:, AT["rhythm"]].tolist() == [True, False, True, True]
    assert lesson.prompt is prompt


def test_heads_say_what_their_slot_may_say_alone(small_sizes, views, prompt) -> None:
    heads = Heads(small_sizes)
    logits = heads(views)
    allowed = grammar().allowed(torch.full((1, LENGTH), -1))[0]
    lesson = Lesson(views, prompt, answers(4), slots().expand(4, -1))
    loss, told = heads_losses(heads, lesson, torch.Generator())

    assert (logits[:, ~allowed] == -torch.inf).all()
    assert logits[:, allowed].isfinite().all()
    assert torch.isfinite(loss)
    assert told["right"].shape == (24,)
