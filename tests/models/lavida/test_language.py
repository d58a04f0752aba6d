"""What the layers may look at, and the exact cache of a prefix."""

import pytest
import torch
from torch.testing import assert_close

from models.lavida.architecture import RELEASED, LanguageSizes
from models.lavida.language import Language, causal_mask, prefix_mask, turned, turns_of
from models.lavida.words import WORDS

PREFIX, ANSWER = 7, 5
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture
def language(small_network) -> Language:
    return small_network.language


@pytest.fixture
def answer() -> torch.Tensor:
    """Four answers of five tokens."""
    return torch.randint(len(WORDS), (4, ANSWER), generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def test_cached_logits_are_those_of_a_prefix_that_does_not_see_the_answer(
    small_network, views, prompt, answer
) -> None:
    prefix = small_network.prefix(views, prompt)
    x = torch.cat([prefix, small_network.language.embed(answer)], dim=1)
    whole = small_network.language(x, prefix_mask(prefix.shape[1], ANSWER))[:, -ANSWER:]
    cached = small_network.logits(answer, small_network.prefill(views, prompt))
    full = small_network.logits_by_full_attention(answer, prefix)

    assert_close(cached, whole, **CLOSE)
    assert (cached - full).abs().max() > 0.01


@torch.inference_mode()
def test_the_cache_of_one_layer_is_exact_under_full_attention_too() -> None:
    language = Language(LanguageSizes(vocabulary=9, width=8, depth=1, heads=2, mlp=8))
    x = torch.randn(2, PREFIX + ANSWER, 8)
    cached = language(x[:, PREFIX:], None, language.prefill(x[:, :PREFIX]))

    assert_close(cached, language(x)[:, PREFIX:], **CLOSE)


@torch.inference_mode()
def test_keys_are_cached_as_they_are_turned_at_their_positions(language) -> None:
    x = torch.randn(1, PREFIX, 32)
    first = language.layers[0]
    keys = first.k(first.norm1(x)).view(1, PREFIX, 4, 8).transpose(1, 2)
    cache = language.prefill(x)

    assert cache.length == PREFIX
    assert_close(cache.keys[0], turned(keys, turns_of(PREFIX, language.sizes, x.device)))


@torch.inference_mode()
def test_a_repeated_cache_stands_before_one_set_of_answers_after_the_other(
    small_network, views, prompt, answer
) -> None:
    cache = small_network.prefill(views, prompt)
    other = answer.flip(1)
    together = small_network.logits(torch.cat([answer, other]), cache.repeat(2))
    apart = [small_network.logits(a, cache) for a in (answer, other)]

    assert_close(together, torch.cat(apart), **CLOSE)


@torch.inference_mode()
def test_every_token_of_an_answer_sees_every_other(language) -> None:
    x = torch.randn(1, ANSWER, 32)
    for i in range(ANSWER):
        changed = x.clone()
        changed[:, i] += 1
        moved = (language(changed) - language(x)).abs().amax(dim=(0, 2))

        assert (moved > 1e-4).all()


@torch.inference_mode()
def test_by_the_causal_mask_a_token_sees_none_after_it(language) -> None:
    prefix, x = torch.randn(1, PREFIX, 32), torch.randn(1, ANSWER, 32)
    cache = language.prefill(prefix)
    changed = x.clone()
    changed[:, 3] += 1
    mask = causal_mask(PREFIX, ANSWER)
    moved = (language(changed, mask, cache) - language(x, mask, cache)).abs().amax(dim=(0, 2))

    assert (moved[:3] < 1e-5).all()
    assert (moved[3:] > 1e-4).all()


def test_masks_say_who_may_look_at_whom() -> None:
    assert prefix_mask(2, 1).int().tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 1]]
    assert causal_mask(1, 2).int().tolist() == [[1, 1, 0], [1, 1, 1]]


def test_scores_depend_on_the_distance_alone(small_sizes) -> None:
    q, k = torch.randn(2, 1, 1, 1, 8)
    turns = turns_of(30, small_sizes.language, q.device)
    turned_q, turned_k = (turned(x.expand(1, 1, 30, 8), turns)[0, 0] for x in (q, k))
    scores = turned_q @ turned_k.T

    assert_close(scores[1:, 1:], scores[:-1, :-1], rtol=0, atol=1e-5)
    assert scores[0].std() > 1e-3
    assert_close(turned_q.norm(dim=1), q.norm().expand(30))


def test_the_first_position_is_not_turned_and_the_second_by_powers_of_theta() -> None:
    sizes = LanguageSizes(vocabulary=9, width=8, depth=1, heads=2, mlp=8, theta=100.0)
    x = torch.tensor([1.0, 2.0, 0.0, 0.0]).expand(1, 1, 2, 4)
    first, second = turned(x, turns_of(2, sizes, x.device))[0, 0]
    angle = torch.tensor([1.0, 0.1])

    assert first.tolist() == [1, 2, 0, 0]
    assert_close(second[:2], torch.tensor([1.0, 2.0]) * angle.cos())
    assert_close(second[2:], torch.tensor([1.0, 2.0]) * angle.sin())


def test_at_the_released_sizes_there_are_the_released_numbers() -> None:
    with torch.device("meta"):
        tensors = Language(RELEASED.language).state_dict().values()

    assert len(tensors) == 291
    assert sum(tensor.numel() for tensor in tensors) == 8_015_581_184
