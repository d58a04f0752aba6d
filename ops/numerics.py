"""Monitor numerics of a record, on the record's clock."""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from ops.decode import SignalFileError
from ops.fault import Fault
from ops.header import HeaderError
from ops.numerics_csv import read_csv
from ops.numerics_record import LONG, NumericsError, read_header, read_signals, signals_by_file
from ops.record_tree import RecordTree
from ops.segment import Fetched, add_fault, below
from schemas.numerics import quantity_of

_ZERO_IS_NOTHING: Final = re.compile(
    r"(btb)?hr|heart rate|pulse\b.*|pr|resp(iration)?|rr|%?spo2\b.*|qt|qtc|qt-hr|"
    r"(abp|art|ao|aobp|ibp|uap|fem|nbp|pap)\d?[ _-]*(s|d|m|sys|dias|mean|systolic|diastolic)?"
)
_CUFF: Final = re.compile(r"nbp.*|.*\(nbp\)")


def read_numerics(tree: RecordTree, fetched: Fetched, faults: list[Fault]) -> pl.DataFrame:
    """Read ``name, quantity, start_s, value, unit`` of a record's numerics, by name and time.

    ``start_s`` counts from the parent record's start. What the monitor never wrote has no row.

    - A zero of a heart, pulse or breath rate, a saturation, an arterial, pulmonary or cuff
      pressure or a QT interval stands for nothing and becomes null; any other zero (ST, DeltaQTc,
      PVC, CVP) is a value.
    - Of rows of one name and time one stays, the first that has a value.
    - A monitor repeats a cuff's values till the next measurement: they keep the times at which
      any of them changes. A measurement that finds the very same values can't be told from that.

    A file that can't be read is added to ``faults``, and the others are read.
    """
    frames = [pl.DataFrame(schema=LONG)]
    for name in tree.numerics:
        try:
            frames += list(_read(tree, name, fetched))
        except (OSError, HeaderError, SignalFileError, NumericsError) as error:
            add_fault(faults, below(tree.folder, name), "numerics", error)
    return _tidy(pl.concat(frames))


def _read(tree: RecordTree, name: str, fetched: Fetched) -> Iterator[pl.DataFrame]:
    with fetched([name]) as scratch:
        if not name.endswith(".hea"):
            yield from read_csv(scratch / name, tree.header)
            return
        header = read_header(scratch / name)
    files = list(signals_by_file(header))
    for absent in [file for file in files if below(tree.folder, file) in tree.absent]:
        message = f"signal file {absent} of {header.name} is not in the archive"
        raise FileNotFoundError(message)
    with fetched(files) as scratch:
        yield from read_signals(scratch, header, tree.header)


def _tidy(long: pl.DataFrame) -> pl.DataFrame:
    names = long["name"].unique().to_list()
    quantities = {name: quantity_of(name) for name in names}
    nothing = [name for name in names if _ZERO_IS_NOTHING.fullmatch(_plain(name))]
    cuff = [name for name in names if _CUFF.fullmatch(_plain(name))]
    is_nothing = pl.col("name").is_in(nothing) & (pl.col("value") == 0)
    times = _cuff_times(long.filter(pl.col("name").is_in(cuff)))
    return (
        long.filter(~pl.col("name").is_in(cuff) | pl.col("start_s").is_in(times.implode()))
        .sort("name", "start_s", is_nothing, maintain_order=True)
        .unique(["name", "start_s"], keep="first", maintain_order=True)
        .select(
            "name",
            pl.col("name").replace_strict(quantities, return_dtype=pl.String).alias("quantity"),
            "start_s",
            pl.when(~is_nothing).then("value").alias("value"),
            "unit",
        )
    )


def _cuff_times(readings: pl.DataFrame) -> pl.Series:
    """The times at which a value of the cuff differs from its last."""
    ordered = readings.sort("start_s", maintain_order=True)
    before = pl.col("value").shift().over("name")
    changed = ordered.filter(before.is_null() | (pl.col("value") != before))
    return changed["start_s"].unique()


def _plain(name: str) -> str:
    return " ".join(name.lower().split())
