"""A WFDB record as blocks of windows, in the memory of one block."""

from collections.abc import Iterator
from typing import Final

from ops.fault import Fault
from ops.fault_log import FaultLog
from ops.record_tree import RecordTree
from ops.segment import MAX_WINDOWS, Fetched, open_segment, place_segments, samples_a_second
from ops.window_block import Stretch, WindowBlock, assemble
from schemas.grid import SHARD_WINDOWS, WINDOW_S, WINDOW_SAMPLES

__all__ = ["WindowBlock", "read_blocks"]

MAX_BLOCK_SAMPLES: Final = 2**24
"""Decoded samples of a block, at most: fewer windows where a record has many or fast signals."""
MAX_GRID: Final = MAX_WINDOWS * WINDOW_SAMPLES


def read_blocks(tree: RecordTree, fetched: Fetched, faults: list[Fault]) -> Iterator[WindowBlock]:
    """Read a record's windows, segment by segment, block by block.

    Gaps cost nothing. What can't be read is added to ``faults``, and the rest goes on; nothing is
    raised for bad input.

    Args:
        tree: the record's parsed headers.
        fetched: brings files of the record's folder to a scratch folder, gone afterwards.
        faults: takes one fault for each file or segment that can't be read.
    """
    log = FaultLog(faults, tree.folder)
    segments = place_segments(tree, log)
    n_windows = _block_windows(max(map(samples_a_second, segments), default=0.0))
    stretches: list[Stretch] = []
    current = 0
    for placed in segments:
        with open_segment(placed, tree, fetched, log) as segment:
            k, k_stop = segment.grid_span()
            span = n_windows * WINDOW_SAMPLES
            for number in range(k // span, -(-min(k_stop, MAX_GRID) // span)):
                if not segment.files:
                    break
                if number != current:
                    yield from _assembled(stretches, current * n_windows, n_windows)
                    stretches, current = [], number
                block_k, block_stop = number * span, (number + 1) * span
                stretches += segment.read(block_k, block_stop, log)
    yield from _assembled(stretches, current * n_windows, n_windows)


def _assembled(
    stretches: list[Stretch], first_window: int, n_windows: int
) -> Iterator[WindowBlock]:
    block = assemble(stretches, first_window, n_windows) if stretches else None
    if block is not None:
        yield block


def _block_windows(samples_a_second: float) -> int:
    most = int(MAX_BLOCK_SAMPLES / max(samples_a_second * WINDOW_S, 1.0))
    return min(max(most, 1), SHARD_WINDOWS)
