"""Classical restorers: the baseline of every evaluation, and the answer without a checkpoint."""

from ops.restore.classical import ClassicalRestorer

__all__ = ["ClassicalRestorer"]
