"""The stages of a training, and what learns in each.

0: the encoder with linear heads, since none comes trained; 1: the projector alone; 2: everything,
the encoder slowly; 3a: infilling, spans that may be shorter than their slots; 3b: reasoning, a
trace before the answer. Heads, a peer, learn alone on the encoder of the last.
"""

from collections.abc import Callable
from typing import Final, Literal, get_args

Stage = Literal["0", "1", "2", "3a", "3b"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)

REFERENCED: Final[frozenset[Stage]] = frozenset({"3a", "3b"})
"""Stages in which records with reference rhythms teach too."""

SLOW: Final = 0.1
"""Of the rate of everything else: what the encoder learns at once it has learned."""


def shares_of(stage: Stage | Literal["heads"]) -> Callable[[str], float]:
    """Give what share of the learning rate each parameter has in a stage."""

    def share(name: str) -> float:
        part = name.split(".", 1)[0]
        if stage == "1":
            return float(part == "projector")
        if stage == "heads":
            return float(part != "tower")
        return SLOW if part == "tower" and stage != "0" else 1.0

    return share
