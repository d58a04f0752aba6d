"""How many tokens a step commits: the timestep shift of section 3.3, as counts that add up."""

import math
from typing import Final, Literal

Shift = float | Literal["cosine"]

BEST: Final = 1 / 3
"""The paper's alpha: most tokens are committed early. 1 is linear; 3 the worst."""


def shifted(t: float, shift: Shift) -> float:
    """Give s(t) of time t in [0, 1], both 0 and 1 at the ends."""
    if shift == "cosine":
        return (1 - math.cos(math.pi * t)) / 2
    return shift * t / (1 + (shift - 1) * t)


def check(steps: int, shift: Shift) -> None:
    """Refuse what is no schedule.

    Raises:
        ValueError: where ``steps`` is not positive, or alpha is not.
    """
    if steps < 1:
        message = f"steps must be positive, got {steps}"
        raise ValueError(message)
    if shift != "cosine" and (isinstance(shift, str) or not 0 < shift < math.inf):
        message = f"shift must be a positive number or cosine, got {shift}"
        raise ValueError(message)


def commits(tokens: int, steps: int, shift: Shift = BEST) -> list[int]:
    """Give what each of ``steps`` commits of ``tokens``: at least one, until none is left.

    Floors of s(t) are differenced and each raised to one; what is then too much is taken back one
    by one, in turn from the first that have more than one; the whole is reversed. Of fewer tokens
    than steps, each of the first steps commits one.

    Raises:
        ValueError: where ``steps`` is not positive, or alpha is not.
    """
    check(steps, shift)
    if tokens <= steps:
        return [1] * tokens + [0] * (steps - tokens)
    reached = [math.floor(tokens * shifted(k / steps, shift) + 1e-9) for k in range(steps)]
    ends = [*reached[1:], tokens]
    counts = [max(1, end - start) for start, end in zip(reached, ends, strict=True)]
    while (excess := sum(counts) - tokens) > 0:
        for i, count in enumerate(counts):
            if excess and count > 1:
                counts[i] -= 1
                excess -= 1
    return counts[::-1]
