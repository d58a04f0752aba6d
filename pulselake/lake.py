"""A lake as a researcher reads it: LazyFrames in physical units, training sets, SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING

import polars as pl

from ops.audit.current import current_audit
from ops.cohort.pressures import SourceKind, pressures
from ops.lake import Lake as Store
from ops.lake.commit import active_files
from ops.split import SHARES, Split
from pulselake.units import BAND, backfill_in_units, windows_in_units
from schemas.modality import MODALITIES, Modality
from schemas.tables import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pulselake.training import WindowDataset


def open_lake(url: str | PathLike[str], as_of: datetime | str | None = None) -> "Lake":
    """Open a lake to read it.

    Args:
        url: a folder or fsspec URL; S3 is set up by the standard AWS variables.
        as_of: reads the lake as it was at this time (UTC where it has no zone), or when the run of
            this id had ended; null reads what is there at each call.

    Raises:
        ValueError: where there is no lake, or ``as_of`` is neither time nor run, or can't be read.
        OSError: where the lake fails for now.
    """
    return Lake(url, as_of)


class Lake:
    """Tables of one lake. Each method gives a frame that reads nothing until it is collected.

    ``dataset`` narrows to one dataset. A table that nothing was written to yet is an empty frame.
    """

    def __init__(self, url: str | PathLike[str], as_of: datetime | str | None = None) -> None:
        self._store = Store(str(url), as_of)
        # Where it is to be read as it was, the moment is looked for and not the newest tables.
        if self._store.moment is None and all(self._store.open(name) is None for name in TABLES):
            message = f"there is no lake at {self._store.url}"
            raise ValueError(message)

    def __repr__(self) -> str:
        moment = self._store.moment
        return f"<lake {self._store.url}{f' as of {moment:%Y-%m-%dT%H:%M:%SZ}' if moment else ''}>"

    def windows(self, dataset: str = "", *, signals: bool = True) -> pl.LazyFrame:
        """Scan measured windows with their grades, heart rates and pressures.

        ``ecg`` (mV), ``ppg`` (NU) and ``abp`` (mmHg) are lists of 500 at 125 Hz, null in samples
        that are missing; a signal of unknown calibration is null, its ``{m}_unit`` then ``NU``.
        """
        rows = windows_in_units(self._rows("windows", dataset))
        return rows if signals else rows.drop(MODALITIES)

    def synthetic(self, dataset: str = "", *, signals: bool = True) -> pl.LazyFrame:
        """Scan what models made: ``samples`` and their 90 % band in ``unit``, and pressures.

        ``synthetic`` is true in every row; where a model made nothing, ``abstained`` says why.
        """
        rows = backfill_in_units(self._rows("backfill", dataset))
        return rows if signals else rows.drop(BAND)

    def annotations(self, dataset: str = "") -> pl.LazyFrame:
        """Scan what is said of windows, in words: rhythm, quality, pressure band, a note.

        ``pressure_source`` says whether a band is of a ``measured`` line or an ``imputed`` one;
        ``{slot}_confidence`` says how sure the annotator is.
        """
        return self._rows("annotations", dataset)

    def pressures(self, *sources: SourceKind, mix: bool = False, dataset: str = "") -> pl.LazyFrame:
        """Scan SBP, DBP and MAP a window, with intervals where they are synthetic.

        Args:
            sources: ``measured`` (the default) or ``synthetic``, whose intervals are corrected by
                the site's own audit where it has enough subjects.
            mix: allows both in one frame; the column ``source`` then says which is which.
            dataset: the dataset to narrow to.

        Raises:
            MixedError: where both are asked for without ``mix``.
            ValueError: where a source is neither.
        """
        self._see_dataset("windows", dataset)
        return pressures(self._store, *(sources or ("measured",)), mix=mix, dataset=dataset)

    def records(self, dataset: str = "") -> pl.LazyFrame:
        """Scan WFDB records as last read."""
        return self._rows("records", dataset)

    def numerics(self, dataset: str = "") -> pl.LazyFrame:
        """Scan monitors' numerics on their own time base, cuff pressures among them."""
        return self._rows("numerics", dataset)

    def demographics(self, dataset: str = "") -> pl.LazyFrame:
        """Scan what the site tells of patients beside the signals."""
        return self._rows("demographics", dataset)

    def audit(self, dataset: str = "") -> pl.LazyFrame:
        """Scan what models said of windows whose good arterial line was hidden from them.

        Of each window, model and spec the newest row, while the window is as it was.
        """
        self._see_dataset("audit", dataset)
        return current_audit(self._store, dataset).lazy()

    def quarantine(self, dataset: str = "") -> pl.LazyFrame:
        """Scan inputs and shards that could not be used, and why."""
        return self._rows("quarantine", dataset)

    def runs(self) -> pl.LazyFrame:
        """Scan the runs that wrote the lake."""
        return self._store.scan("runs")

    def dataset(
        self,
        split: Split,
        *,
        modalities: Sequence[Modality] = MODALITIES,
        where: pl.Expr | None = None,
        dataset: str = "",
        seed: int = 0,
        shares: Mapping[Split, float] = SHARES,
        synthetic: str = "",
    ) -> "WindowDataset":
        """Make a torch dataset of one split's windows; see ``pulselake.training``.

        Args:
            split: a subject is in one split for good, whoever else comes into the lake.
            modalities: the signals to give; a window that has none of them is left out.
            where: a condition on columns of ``windows()``.
            dataset: the dataset to narrow to.
            seed: shuffles which subjects fall into which split.
            shares: splits in order and their shares of subjects, which add up to 1.
            synthetic: a ``model_id`` whose translated signals, flagged, stand in for those that are
                absent or not fit.

        Raises:
            ValueError: naming the argument and what is wrong with it.
        """
        from pulselake.choosing import window_dataset  # torch takes seconds to import

        self._see_dataset("windows", dataset)
        return window_dataset(
            self._store,
            split=split,
            modalities=modalities,
            where=where,
            dataset=dataset,
            seed=seed,
            shares=shares,
            synthetic=synthetic,
        )

    def duckdb(self) -> "DuckDBPyConnection":
        """Connect to DuckDB with a view a table; see ``pulselake.sql``."""
        from pulselake.sql import connect  # for those alone who use it

        return connect(self._store)

    def _rows(self, table: str, dataset: str) -> pl.LazyFrame:
        self._see_dataset(table, dataset)
        return self._store.scan(table, dataset)

    def _see_dataset(self, table: str, dataset: str) -> None:
        """Tell a dataset that has no row of a table from one that is misspelt."""
        if not dataset or dataset in self._datasets(table):
            return
        known = sorted(self._datasets("records") | self._datasets("quarantine"))
        if dataset not in known:
            message = f"lake {self._store.url} has no dataset {dataset!r}; it has {known}"
            raise ValueError(message)

    def _datasets(self, table: str) -> set[str]:
        delta = self._store.open(table)
        files = pl.DataFrame() if delta is None else active_files(delta)
        return set() if files.is_empty() else set(files["partition.dataset"])
