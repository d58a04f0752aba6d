"""LaViDa: a strip's views and a prompt before an answer that is filled in any order.

Shapes: B strips, V views, P tokens of the prefix, A of the answer.
"""

import torch
from torch import Tensor, nn

from models.lavida.architecture import Sizes
from models.lavida.language import Cache, Language
from models.lavida.projector import Projector
from models.lavida.tower import Tower


class LaViDa(nn.Module):
    """The encoder of views, the projector, and the language model."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.tower = Tower(sizes.tower)
        self.projector = Projector(sizes)
        self.language = Language(sizes.language)

    def prefix(self, views: Tensor, prompt: Tensor) -> Tensor:
        """Embed (B, V, C, ...) views and the prompt's tokens (B, Q) after them: (B, P, D)."""
        encoded = self.tower(views.flatten(0, 1)).unflatten(0, views.shape[:2])
        return torch.cat([self.projector(encoded), self.language.embed(prompt)], dim=1)

    def prefill(self, views: Tensor, prompt: Tensor) -> Cache:
        """Give what the answer needs of a prefix that does not see it."""
        return self.language.prefill(self.prefix(views, prompt))

    def logits(self, answer: Tensor, cache: Cache, mask: Tensor | None = None) -> Tensor:
        """Give (B, A, vocabulary) of the answer's tokens (B, A) behind what is cached.

        ``mask`` broadcasts to (B, H, A, P + A) and is True where one may look.
        """
        out: Tensor = self.language(self.language.embed(answer), mask, cache)
        return out

    def logits_by_full_attention(self, answer: Tensor, prefix: Tensor) -> Tensor:
        """Give the same where the prefix (B, P, D) sees the answer too; nothing can be cached."""
        x = torch.cat([prefix, self.language.embed(answer)], dim=1)
        out: Tensor = self.language(x)
        return out[:, prefix.shape[1] :]
