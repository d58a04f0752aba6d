"""The grid that every signal is put on: 125 Hz from the record's start, 4.0 s a window."""

from typing import Final

GRID_FS: Final = 125
"""Samples a second on the grid (Hz)."""

WINDOW_SAMPLES: Final = 500
"""Samples a window."""

WINDOW_S: Final = 4.0
"""Seconds a window; windows lie side by side, so ``start_s = WINDOW_S * window_index``."""

MARGIN_SAMPLES: Final = 50
"""Samples on either side of a window that a model may look at, so that joints don't show."""

SHARD_WINDOWS: Final = 256
"""Windows a shard, at most: the unit of work, of memory and of retry."""

MISSING: Final = -32768
"""The stored count that says *not measured*; every other Int16 is a value."""
