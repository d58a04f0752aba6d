"""Linear heads on the encoder: a word for each slot, whatever is said in the others.

Shapes: B strips, V views, N tokens a view, E width of the encoder, A tokens of the answer.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.lavida.answer import LENGTH, grammar
from models.lavida.architecture import Sizes
from models.lavida.lessons import Lesson, slots
from models.lavida.tower import Tower
from models.lavida.words import WORDS


class Heads(nn.Module):
    """An encoder, and one linear layer from what is seen of each view, on average and at most."""

    def __init__(self, sizes: Sizes, tower: Tower | None = None) -> None:
        super().__init__()
        self.tower = tower or Tower(sizes.tower)
        self.norm = nn.LayerNorm(2 * sizes.tower.width)
        self.read = nn.Linear(sizes.views * 2 * sizes.tower.width, LENGTH * len(WORDS))
        allowed = grammar().allowed(torch.full((1, LENGTH), -1))[0]
        self.register_buffer("forbidden", ~allowed, persistent=False)

    def forward(self, views: Tensor) -> Tensor:
        """Give (B, A, words) of (B, V, C, ...) views; what a slot can't say is -inf."""
        encoded = self.tower(views.flatten(0, 1))  # (B*V, N, E)
        seen = self.norm(torch.cat([encoded.mean(dim=1), encoded.amax(dim=1)], dim=1))
        logits = self.read(seen.view(len(views), -1)).view(-1, LENGTH, len(WORDS))
        return torch.as_tensor(logits.masked_fill(self.forbidden, -torch.inf))


def heads_losses(
    heads: Heads, lesson: Lesson, _: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give the mean cross-entropy over slots, and how often each is right."""
    at = slots().to(lesson.answer.device)  # heads know of no pipeline: nothing is given to them
    logits, answer = heads(lesson.views)[:, at], lesson.answer[:, at]
    loss = F.cross_entropy(logits.flatten(0, 1), answer.flatten())
    right = (logits.detach().argmax(dim=2) == answer).float().sum(dim=0)
    return loss, {"right": right, "masked": torch.full_like(right, len(answer))}
