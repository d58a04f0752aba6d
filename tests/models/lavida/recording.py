"""Logits that remember what they were asked for."""

from itertools import pairwise

from torch import Tensor

from models.lavida.sampling import Logits


class Recorded:
    """Some logits, and the answers that they saw, one a pass; ``mask`` is what is open in them."""

    def __init__(self, logits: Logits, mask: int) -> None:
        self.logits = logits
        self.mask = mask
        self.seen: list[Tensor] = []

    def __call__(self, answer: Tensor) -> Tensor:
        self.seen.append(answer.clone())
        return self.logits(answer)

    def committed(self) -> list[list[int]]:
        """Positions of the first row that each pass but the last committed."""
        open_ = [answer[0] == self.mask for answer in self.seen]
        return [(before & ~after).nonzero()[:, 0].tolist() for before, after in pairwise(open_)]


def constant(logits: Tensor, mask: int) -> Recorded:
    """The same logits (A, V) of any answer."""
    return Recorded(lambda answer: logits.expand(len(answer), -1, -1), mask)
