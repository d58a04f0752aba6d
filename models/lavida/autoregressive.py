"""The peer that diffusion is judged beside: the same network, read from left to right.

Shapes: B strips, P tokens of the prefix, A of the answer, V words.
"""

import torch
from torch import Tensor

from models.lavida.grammar import Grammar
from models.lavida.language import Cache, causal_mask
from models.lavida.lessons import Lesson
from models.lavida.masking import masked_loss
from models.lavida.network import LaViDa
from models.lavida.sampling import Filled
from models.lavida.words import END, TOKEN


def autoregressive_losses(
    network: LaViDa, lesson: Lesson, _: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give the cross-entropy of each word that is learned, all before it being known."""
    cache = network.prefill(lesson.views, lesson.prompt)
    mask = causal_mask(cache.length, lesson.answer.shape[1], lesson.answer.device)
    logits = network.logits(_moved(lesson.answer), cache, mask)
    one = torch.ones(len(logits), device=logits.device)
    loss = masked_loss(logits, lesson.answer, lesson.maskable, one, "mean")
    with torch.no_grad():
        right = (logits.argmax(dim=2) == lesson.answer) & lesson.maskable
    return loss, {"right": right.sum(dim=0).float(), "masked": lesson.maskable.sum(dim=0).float()}


@torch.inference_mode()
def fill_in_order(network: LaViDa, cache: Cache, grammar: Grammar, given: Tensor) -> Filled:
    """Fill what is -1 in ``given`` (B, A) from left to right, each word the best that is allowed.

    Keys and values of what is said are kept; words that are given to all rows are read together.

    Raises:
        ValueError: where nothing in the grammar agrees with what a row gives.
    """
    answer = given.clone()
    confidence = torch.ones(given.shape, device=given.device)
    open_ = given < 0
    read = 0
    for at in open_.any(dim=0).nonzero()[:, 0].tolist():
        said = _moved(answer)[:, read : at + 1]
        logits, cache = network.language.extended(network.language.embed(said), cache)
        read = at + 1
        allowed = grammar.allowed(answer)[:, at]
        if not allowed.any(dim=1).all():
            message = "no answer agrees with what is given"
            raise ValueError(message)
        share = logits[:, -1].float().masked_fill(~allowed, -torch.inf).softmax(dim=1)
        sure, word = share.max(dim=1)
        answer[:, at] = torch.where(open_[:, at], word, answer[:, at])
        confidence[:, at] = torch.where(open_[:, at], sure, 1.0)
    return Filled(answer, confidence, open_.sum(dim=1))


def _moved(answer: Tensor) -> Tensor:
    """Give the words before each; before the first is the word that ends answers."""
    begin = torch.full_like(answer[:, :1], TOKEN[END])
    return torch.cat([begin, answer[:, :-1]], dim=1)
