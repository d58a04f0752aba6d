"""What signals a record's headers tell of, and how long it is."""

from typing import Any

from ops.record_tree import RecordTree
from schemas.modality import UNCALIBRATED, modality_of


def described_signals(tree: RecordTree) -> list[dict[str, Any]]:
    """Describe each signal once, by name, in the order of the headers.

    ``fs`` is its own rate in Hz; ``unit`` is NU where its gain is 0, whatever the header says.
    """
    described: dict[str, dict[str, Any]] = {}
    for header in (tree.header, *tree.segments.values()):
        for signal in header.signals:
            described.setdefault(
                signal.name,
                {
                    "name": signal.name,
                    "modality": modality_of(signal.name),
                    "fs": header.fs * signal.samples_per_frame,
                    "unit": signal.unit if signal.adc_gain else UNCALIBRATED,
                    "adc_gain": signal.adc_gain,
                },
            )
    return list(described.values())


def duration_s(tree: RecordTree, end_s: float) -> float:
    """Give a record's length by its header, else the end of its last observed sample."""
    frames = tree.header.n_frames
    if frames is None and tree.header.segments:
        frames = sum(segment.n_frames for segment in tree.header.segments)
    return frames / tree.header.fs if frames is not None else end_s
