"""The peer that reads from left to right."""

import copy

import torch

from models.lavida.answer import LENGTH, annotation_of, grammar, words_of
from models.lavida.autoregressive import autoregressive_losses, fill_in_order
from models.lavida.language import causal_mask
from models.lavida.lessons import Lesson, slots
from models.lavida.words import END, TOKEN


def test_words_read_one_by_one_are_those_of_one_pass(small_network, views, prompt) -> None:
    cache = small_network.prefill(views, prompt)
    given = torch.full((4, LENGTH), -1)
    with torch.inference_mode():
        filled = fill_in_order(small_network, cache, grammar(), given)
        before = torch.cat([torch.full((4, 1), TOKEN[END]), filled.answer[:, :-1]], dim=1)
        logits = small_network.logits(before, cache, causal_mask(cache.length, LENGTH))

    for at in range(LENGTH):
        known = filled.answer.clone()
        known[:, at:] = -1
        allowed = grammar().allowed(known)[:, at]
        best = logits[:, at].masked_fill(~allowed, -torch.inf).argmax(dim=1)
        assert torch.equal(best, filled.answer[:, at])


def test_what_is_given_stays_and_what_comes_out_parses(small_network, views, prompt, begun) -> None:
    cache = small_network.prefill(views, prompt)
    filled = fill_in_order(small_network, cache, grammar(), begun)

    assert torch.equal(filled.answer[begun >= 0], begun[begun >= 0])
    for row in filled.answer.tolist():
        annotation_of(words_of(row))


def test_it_learns_an_answer_by_heart(small_network, views, prompt) -> None:
    small_network = copy.deepcopy(small_network)
    answer = fill_in_order(
        small_network,
        small_network.prefill(views, prompt),
        grammar(),
        torch.full((4, LENGTH), -1),
    ).answer.clone()
    lesson = Lesson(views, prompt, answer.roll(1, dims=0), slots().expand(4, -1))
    optimiser = torch.optim.Adam(small_network.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss, _ = autoregressive_losses(small_network, lesson, torch.Generator())
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.5 * losses[0]
