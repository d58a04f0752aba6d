"""From the encoder's tokens to those of the language model: projected, then thinned.

Shapes: B strips, V views of each, N tokens a view, D width of the language model, R rows and
C columns of crops, P tokens of the prefix.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.lavida.architecture import Sizes


class Projector(nn.Module):
    """Two layers, and the token that ends a row of the crops' map."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        width = sizes.language.width
        self.into = nn.Linear(sizes.tower.width, width)
        self.onto = nn.Linear(width, width)
        self.newline = nn.Parameter(torch.randn(width) * width**-0.5)

    def forward(self, encoded: Tensor) -> Tensor:
        """Give (B, P, D) of (B, V, N, E): the whole, then the map of all crops, row by row."""
        projected = self.onto(F.gelu(self.into(encoded)))
        pooled = self.pool(projected)  # (B, V, h, w, D)
        whole, crops = pooled[:, 0].flatten(1, 2), pooled[:, 1:]
        rows, columns = self.sizes.grid
        laid = crops.view(len(crops), rows, columns, *crops.shape[2:]).transpose(2, 3)
        laid = laid.flatten(3, 4).flatten(1, 2)  # (B, R*h, C*w, D)
        end = self.newline.expand(*laid.shape[:2], 1, -1)
        return torch.cat([whole, torch.cat([laid, end], dim=2).flatten(1, 2)], dim=1)

    def pool(self, x: Tensor) -> Tensor:
        """Resize (B, V, N, D) linearly to ceil(n / pool) tokens a side: (B, V, h, w, D)."""
        n, to = self.sizes.tower.tokens, self.sizes.pooled
        maps = x.flatten(0, 1).transpose(1, 2)  # (B*V, D, N)
        if self.sizes.tower.dimensions == 1:
            small = F.interpolate(maps, size=to, mode="linear")[:, :, None]
        else:
            small = F.interpolate(maps.view(*maps.shape[:2], n, n), size=(to, to), mode="bilinear")
        return small.permute(0, 2, 3, 1).reshape(*x.shape[:2], -1, to, x.shape[3])
