"""Windows of one split as a torch dataset, read from the lake as they are asked for.

Shapes: N windows, T = 500 samples a signal, at 125 Hz.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ops.encode import decode_counts
from pulselake.places import Places
from pulselake.reader import RowReader
from schemas.grid import MISSING, WINDOW_SAMPLES
from schemas.modality import UNITS, Modality
from schemas.restoration import F32
from schemas.tables import TABLES

Item = dict[str, Any]

MIXED_AT_ONCE: Final = 8
"""Row groups whose windows are mixed in ``batches``: half of what a reader keeps."""


class WindowDataset(Dataset[Item]):
    """Windows, each a dict that torch's own collate function makes batches of.

    For each modality: ``{m}``, float32 (T,) in its unit, 0 where missing; ``{m}_mask``, bool (T,),
    True where observed; and where synthetic signals were asked for, ``{m}_synthetic``, True where
    it is one. Beside them ``dataset``, ``record_id``, ``subject_id`` and ``window_index``. Workers
    of a ``DataLoader`` may be forked or spawned.
    """

    def __init__(
        self,
        modalities: Sequence[Modality],
        places: Places,
        windows: RowReader,
        made_places: Mapping[Modality, Places] | None = None,
        made: RowReader | None = None,
    ) -> None:
        self._modalities = tuple(modalities)
        self._places = places
        self._windows = windows
        self._made_places = made_places or {}
        self._made = made

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Read windows at once, a row group at a time; give them in the order asked for.

        Raises:
            IndexError: where a number is not below the length.
        """
        if not len(indices):
            return []
        chosen = np.arange(len(self))[np.asarray(indices, np.int64)]
        places = self._places.at(chosen)
        rows = self._windows.take(places)
        keys = rows.select(["record_id", "subject_id", "window_index"]).to_pylist()
        items: list[Item] = [
            {"dataset": self._windows.dataset(file), **key}
            for file, key in zip(places.file.tolist(), keys, strict=True)
        ]
        for m in self._modalities:
            signals = _measured(rows, m)
            is_made = self._put_made(signals, m, chosen)
            mask = np.isfinite(signals)
            values = torch.from_numpy(np.where(mask, signals, np.float32(0)))  # (N, T)
            for i, item in enumerate(items):
                item |= {m: values[i], f"{m}_mask": torch.from_numpy(mask[i])}
                if self._made is not None:
                    item[f"{m}_synthetic"] = bool(is_made[i])
        return items

    def batches(self, size: int, seed: int = 0) -> list[list[int]]:
        """Draw every window once, in batches that lie in few row groups; a ``batch_sampler``.

        Row groups are shuffled and the windows of eight at a time mixed, where a plain shuffle
        reads a row group for each window. Another ``seed`` draws another order.
        """
        rng = np.random.default_rng(seed)
        order = np.concatenate([np.empty(0, np.int64), *self._mixed(rng)])
        parts = np.split(order, np.arange(size, len(order), size))
        return [part.tolist() for part in parts if len(part)]

    def _mixed(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        group = self._places.row // TABLES["windows"].row_group_rows
        order = np.lexsort((group, self._places.file))
        places = np.stack([self._places.file[order], group[order]])
        starts = np.flatnonzero((np.diff(places) != 0).any(axis=0)) + 1
        groups = np.split(order, starts)
        turn = rng.permutation(len(groups))
        for i in range(0, len(turn), MIXED_AT_ONCE):
            some = [groups[j] for j in turn[i : i + MIXED_AT_ONCE]]
            yield rng.permutation(np.concatenate(some))

    def _put_made(self, signals: F32, m: Modality, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Put synthetic signals in the place of measured ones; tell where that is."""
        if self._made is None:
            return np.zeros(len(chosen), np.bool_)
        places = self._made_places[m].at(chosen)
        there = places.somewhere
        if there.any():
            rows = self._made.take(places.at(np.flatnonzero(there)))
            signals[there] = _physical(rows, "samples", "scale", "zero")
        return there


def _measured(rows: pa.Table, m: Modality) -> F32:
    """Give (N, T) of a modality in its unit, NaN where missing, absent or of unknown unit."""
    signals = _physical(rows, m, f"{m}_scale", f"{m}_zero")
    units = np.array(rows[f"{m}_unit"].to_pylist(), np.object_)
    signals[units != UNITS[m]] = np.nan
    return signals


def _physical(rows: pa.Table, signal: str, scale: str, zero: str) -> F32:
    column = rows[signal].combine_chunks()
    counts = np.full((len(column), WINDOW_SAMPLES), MISSING, np.int16)
    there = column.is_valid().to_numpy(zero_copy_only=False)
    counts[there] = column.flatten().to_numpy().reshape(-1, WINDOW_SAMPLES)
    scales, zeros = (rows[name].to_numpy().astype(np.float32) for name in (scale, zero))
    return decode_counts(counts, scales, zeros)
