"""Monitor numerics of a record, on the record's clock."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import polars as pl

from ops.decode import SignalFileError, told_by_disk
from ops.entry import WHOLE_RECORD
from ops.fault import Fault
from ops.fault_log import FaultLog, below
from ops.header import HeaderError
from ops.numerics_csv import odd_cells, read_csv
from ops.numerics_record import (
    NumericsError,
    Readings,
    read_header,
    read_signals,
    signals_by_file,
)
from ops.record_tree import RecordTree
from ops.segment import Fetched
from schemas.numerics import quantity_of

_ZERO_IS_NOTHING: Final = re.compile(
    r"(btb)?hr|heart rate|pulse\b.*|pr|resp(iration)?|rr|%?spo2\b.*|qt|qtc|qt-hr|"
    r"(abp|art|ao|aobp|ibp|uap|fem|nbp|pap)\d?[ _-]*(s|d|m|sys|dias|mean|systolic|diastolic)?"
)
_CUFF: Final = re.compile(r"nbp.*|.*\(nbp\)")


def numerics_by_name(
    tree: RecordTree, fetched: Fetched, faults: list[Fault]
) -> Iterator[pl.DataFrame]:
    """Read ``name, quantity, start_s, value, unit`` of a record's numerics, a name at a time.

    Names come in order, each with its rows by time, one a time. ``start_s`` counts from the parent
    record's start. What the monitor never wrote has no row. A value takes 16 bytes until the turn
    of its name comes.

    - A zero of a heart, pulse or breath rate, a saturation, an arterial, pulmonary or cuff
      pressure or a QT interval stands for nothing and becomes null; any other zero (ST, DeltaQTc,
      PVC, CVP) is a value.
    - Of rows of one name and time one stays, the first that has a value.
    - A monitor repeats a cuff's values till the next measurement: they keep the times at which
      any of them changes. A measurement that finds the very same values can't be told from that.

    A file that can't be read is added to ``faults``, and the others are read; so is one with cells
    that are no numbers, whose other cells are read.
    """
    log = FaultLog(faults, tree.folder)
    by_name: dict[str, list[Readings]] = {}
    for file_name in tree.numerics:
        odd = Counter[str]()
        try:
            with told_by_disk(file_name):
                found = list(_read(tree, file_name, fetched, odd))
        except WHOLE_RECORD:
            raise
        except (OSError, HeaderError, SignalFileError, NumericsError) as error:
            log.add(file_name, "numerics", error)
            continue
        if odd:
            log.add(file_name, "numerics", odd_cells(odd, file_name))
        for one in found:
            by_name.setdefault(one.name, []).append(one)
    times = _cuff_times([one for name, many in by_name.items() if _is_cuff(name) for one in many])
    for name in sorted(by_name):
        rows = _tidy(name, by_name.pop(name))
        yield rows.filter(pl.col("start_s").is_in(times.implode())) if _is_cuff(name) else rows


def _read(tree: RecordTree, name: str, fetched: Fetched, odd: Counter[str]) -> Iterator[Readings]:
    with fetched([name]) as scratch:
        if not name.endswith(".hea"):
            yield from read_csv(scratch / name, tree.header, odd)
            return
        header = read_header(scratch / name)
    files = list(signals_by_file(header))
    for absent in [file for file in files if below(tree.folder, file) in tree.absent]:
        message = f"signal file {absent} of {header.name} is not in the archive"
        raise FileNotFoundError(message)
    with fetched(files) as scratch:
        yield from read_signals(scratch, header, tree.header)


def _tidy(name: str, many: list[Readings]) -> pl.DataFrame:
    """Rows of one name, sorted, one a time, with null where a zero stands for nothing."""
    zero_is_nothing = _ZERO_IS_NOTHING.fullmatch(_plain(name)) is not None
    is_nothing = pl.lit(zero_is_nothing) & (pl.col("value") == 0)
    rows = pl.concat([one.values.with_columns(unit=pl.lit(one.unit)) for one in many])
    return (
        rows.sort("start_s", is_nothing, maintain_order=True)
        .unique("start_s", keep="first", maintain_order=True)
        .select(
            pl.lit(name).alias("name"),
            pl.lit(quantity_of(name), pl.String).alias("quantity"),
            "start_s",
            pl.when(~is_nothing).then("value").alias("value"),
            "unit",
        )
    )


def _cuff_times(cuff: list[Readings]) -> pl.Series:
    """The times at which a value of the cuff differs from its last."""
    times = [pl.Series([], dtype=pl.Float64)]
    for name in {one.name for one in cuff}:
        values = pl.concat([one.values for one in cuff if one.name == name])
        ordered = values.sort("start_s", maintain_order=True)
        before = pl.col("value").shift()
        changed = ordered.filter(before.is_null() | (pl.col("value") != before))
        times.append(changed["start_s"])
    return pl.concat(times).unique()


def _is_cuff(name: str) -> bool:
    return _CUFF.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return " ".join(name.lower().split())
