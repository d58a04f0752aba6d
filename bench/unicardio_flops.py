"""What UniCardio's numbers cost in floating-point operations, the dense way and ours."""

from typing import Final

from models.unicardio.architecture import BLOCKS, FEED_FORWARD, SLOT_SAMPLES, WIDTH

_T: Final = SLOT_SAMPLES
_SQUARE: Final = 2 * _T * WIDTH * WIDTH
"""A slot's tokens through a square matrix."""

_INTO_GATE: Final = _SQUARE * (3 + 1 + 2) + 2 * _SQUARE * FEED_FORWARD // WIDTH
"""Queries, keys and values; out of the attention; feed-forward; into the gate."""


def _attention(slots_asking: int, slots_seen: int) -> int:
    return 4 * slots_asking * _T * slots_seen * _T * WIDTH


def dense_step() -> int:
    """One sample, one step: all four slots, both halves of every output, the positions' terms."""
    a_block = 4 * (_INTO_GATE + 2 * _SQUARE + 2 * _SQUARE) + _attention(4, 4)
    return BLOCKS * a_block + _SQUARE


def target_step(n_conditions: int) -> int:
    """One sample, one step, its own tokens alone."""
    a_block = _INTO_GATE + 2 * _SQUARE + _attention(1, n_conditions + 1)
    # The head's first layer is in the skips, the last residual half is left out.
    return BLOCKS * a_block - _SQUARE


def conditions_step(n_conditions: int) -> int:
    """One window, one step: what all its samples and targets share."""
    a_block = n_conditions * (_INTO_GATE + _SQUARE) + _attention(n_conditions, n_conditions)
    return (BLOCKS - 1) * a_block + n_conditions * 2 * _SQUARE


def times_fewer(n_conditions: int, n_samples: int) -> float:
    """How many times fewer operations a step of a window's samples takes than the dense way."""
    ours = n_samples * target_step(n_conditions) + conditions_step(n_conditions)
    return n_samples * dense_step() / ours
