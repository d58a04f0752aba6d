"""Numerics in MIMIC-IV's form: ``…n.csv.gz``, a column a numeric, times in ticks of the counter."""

import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ops.header import Header
from ops.numerics_record import MAX_VALUES, NumericsError, Readings, readings

MAX_CSV_BYTES: Final = 512 * 2**20
"""Unpacked bytes of a file, at most."""
MAX_COLUMNS: Final = 1000
MAX_CELLS: Final = 20_000_000
"""Rows times columns of a file, at most: an empty cell packs to nothing and takes time all the same
(four seconds for these). A monitor of eighteen columns writes 140 000 an hour."""
MAX_ODD: Final = 5_000_000
"""Cells that are no numbers, at most."""
MAX_OF_A_NAME: Final = 3_000_000
"""Values of one name, at most: five weeks at one a second. They are sorted at once, at 75 bytes."""
MOST_TOLD: Final = 5
MAX_LINE_BYTES: Final = 2**20
_CHUNK_BYTES: Final = 2**22
_CHUNK_CELLS: Final = 2**20
_COLUMN: Final = re.compile(r"(?P<name>[^\[]*?)\s*(?:\[(?P<unit>[^\[\]]*)\])?\s*")


def read_csv(path: Path, parent: Header, odd: Counter[str]) -> Iterator[Readings]:
    """Read the values of a file, some lines at a time.

    A column is called ``name [unit]``; ``time`` comes first, and its tick 0 is the counter's. A
    cell that is no number is left out, and counted in ``odd`` by its column.

    Raises:
        NumericsError: where it does not unpack, does not parse, or passes a bound.
    """
    chunks = _unpacked(path)
    heading, _, rest = next(chunks, b"").partition(b"\n")
    columns = _columns(heading, path.name)
    n_cells, n_values = 0, Counter[str]()
    for lines in _pieces(chain([rest], chunks), len(columns)):
        n_cells += _n_cells(lines, len(columns))
        _bound(n_cells, MAX_CELLS, "cells", path.name)
        for part in _parsed(lines, columns, path.name, parent, odd) if lines.strip() else ():
            n_values[part.name] += part.values.height
            yield part
        _bound(n_values.total(), MAX_VALUES, "values", path.name)
        _bound(max(n_values.values(), default=0), MAX_OF_A_NAME, "values of one name", path.name)
        _bound(odd.total(), MAX_ODD, "cells that are no numbers", path.name)


def _bound(count: int, most: int, what: str, file_name: str) -> None:
    if count > most:
        message = f"{file_name} has more than {most} {what}"
        raise NumericsError(message)


def _n_cells(lines: bytes, n_columns: int) -> int:
    """Count cells before they are made: a line may leave out its last ones."""
    return (lines.count(b"\n") + 1) * n_columns


def _pieces(chunks: Iterable[bytes], n_columns: int) -> Iterator[bytes]:
    """Cut chunks of many short lines, which hold more cells than bytes."""
    most = max(_CHUNK_CELLS // n_columns, 1)
    for lines in chunks:
        if _n_cells(lines, n_columns) <= _CHUNK_CELLS:
            yield lines
            continue
        ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n"))[most - 1 :: most] + 1
        bounds = [0, *ends.tolist(), len(lines)]
        yield from (lines[start:end] for start, end in pairwise(bounds) if start < end)


def _columns(heading: bytes, file_name: str) -> list[str]:
    try:
        columns = next(csv.reader([heading.decode("utf-8", "replace").strip()]), [])
    except csv.Error as error:
        message = f"the names of columns in {file_name} do not parse: {error}"
        raise NumericsError(message) from error
    if not columns or columns[0].strip() != "time":
        message = f"{file_name} does not begin with a column called time"
        raise NumericsError(message)
    if len(columns) > MAX_COLUMNS:
        message = f"{file_name} has {len(columns)} columns, more than {MAX_COLUMNS}"
        raise NumericsError(message)
    return columns


def odd_cells(odd: Counter[str], file_name: str) -> NumericsError:
    """Say how many cells of which columns were no numbers, the worst columns by name."""
    worst = ", ".join(f"{count} in {column[:40]!r}" for column, count in odd.most_common(MOST_TOLD))
    more = f" and {len(odd) - MOST_TOLD} more columns" if len(odd) > MOST_TOLD else ""
    message = f"cells of {file_name} that are no numbers: {worst}{more}"
    return NumericsError(message)


def _parsed(
    lines: bytes, columns: list[str], file_name: str, parent: Header, odd: Counter[str]
) -> Iterator[Readings]:
    try:
        long = _numbers(lines, len(columns), odd_by_number := Counter[int]())
    except pl.exceptions.PolarsError as error:
        why = str(error).partition("\n")[0][:120]
        message = f"{file_name} does not parse as columns of numbers: {why}"
        raise NumericsError(message) from error
    for number, count in odd_by_number.items():
        odd[columns[number]] += count
    start_s = (pl.col("tick") - parent.base_counter) / parent.counter_fs
    there = long.select("number", "value", start_s=start_s).drop_nulls()
    by_number = there.partition_by("number", maintain_order=True)
    for rows in by_number:
        column = columns[int(rows["number"][0])]
        found = _COLUMN.fullmatch(column)
        name, unit = (found["name"], found["unit"] or "") if found else (column, "")
        yield readings(name, unit, rows["start_s"], rows["value"])


def _numbers(lines: bytes, n_columns: int, odd: Counter[int]) -> pl.DataFrame:
    """Parse lines as ``number`` of the column, ``value`` and ``tick``, a row a cell.

    Where a cell is no number, all are taken as text first, to tell which are.
    """
    try:
        return _long(_table(lines, n_columns, pl.Float64))
    except pl.exceptions.PolarsError:
        text = _as_text(lines, n_columns)
    ticks = _as_numbers(text.select(number=pl.lit("0"), value="0"), odd)
    long = _long(text.with_columns(ticks["value"].alias("0")))
    return _as_numbers(long, odd)


def _long(wide: pl.DataFrame) -> pl.DataFrame:
    """Leave out empty cells before a frame is made of each column: most are in hostile tables."""
    return wide.unpivot(index="0", variable_name="number").drop_nulls("value").rename({"0": "tick"})


def _as_numbers(long: pl.DataFrame, odd: Counter[int]) -> pl.DataFrame:
    """Cast text to numbers, and count what is none by its column; what is blank is no text."""
    plain = long["value"].str.strip_chars(' "\t\r')
    value = plain.cast(pl.Float64, strict=False)
    is_odd = value.is_null() & (plain != "")
    counted = long.filter(is_odd).group_by("number", maintain_order=True).len()
    for number, count in counted.rows():
        odd[int(number)] += count
    return long.with_columns(value)


def _as_text(lines: bytes, n_columns: int) -> pl.DataFrame:
    """Take quotes for text where they do not come in pairs."""
    try:
        return _table(lines, n_columns, pl.String)
    except pl.exceptions.PolarsError:
        return _table(lines, n_columns, pl.String, quote_char=None)


def _table(
    lines: bytes, n_columns: int, dtype: type[pl.DataType], quote_char: str | None = '"'
) -> pl.DataFrame:
    return pl.read_csv(
        lines,
        has_header=False,
        schema={f"{number}": dtype for number in range(n_columns)},
        encoding="utf8" if dtype == pl.Float64 else "utf8-lossy",
        quote_char=quote_char,
        missing_columns="insert",
    )


def _unpacked(path: Path) -> Iterator[bytes]:
    """Unpack in pieces of whole lines, up to the bounds that a bomb meets."""
    total, rest = 0, b""
    for text in _inflated(path):
        total += len(text)
        lines, newline, rest = (rest + text).rpartition(b"\n")
        if total > MAX_CSV_BYTES:
            message = f"{path.name} unpacks to more than {MAX_CSV_BYTES} bytes"
            raise NumericsError(message)
        if len(rest) > MAX_LINE_BYTES:
            message = f"{path.name} has a line of more than {MAX_LINE_BYTES} bytes"
            raise NumericsError(message)
        if newline:
            yield lines + newline
    if rest:
        yield rest


def _inflated(path: Path) -> Iterator[bytes]:
    unzip = zlib.decompressobj(wbits=31)
    with path.open("rb") as packed:
        while raw := unzip.unconsumed_tail or unzip.unused_data or packed.read(2**16):
            if unzip.eof:
                unzip = zlib.decompressobj(wbits=31)
            try:
                yield unzip.decompress(raw, _CHUNK_BYTES)
            except zlib.error as error:
                message = f"{path.name} is no gzip file: {error}"
                raise NumericsError(message) from error
    if not unzip.eof:
        message = f"{path.name} ends before what is packed in it does"
        raise NumericsError(message)
