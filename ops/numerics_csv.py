"""Numerics in MIMIC-IV's form: ``…n.csv.gz``, a column a numeric, times in ticks of the counter."""

import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl

from ops.header import Header
from ops.numerics_record import MAX_VALUES, NumericsError, Readings, readings

MAX_CSV_BYTES: Final = 512 * 2**20
"""Unpacked bytes of a file, at most."""
MAX_COLUMNS: Final = 1000
MOST_TOLD: Final = 5
MAX_LINE_BYTES: Final = 2**20
_CHUNK_BYTES: Final = 2**22
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
    n_values = 0
    for lines in chain([rest], chunks):
        for part in _parsed(lines, columns, path.name, parent, odd) if lines.strip() else ():
            n_values += part.values.height
            yield part
        if n_values > MAX_VALUES:
            message = f"{path.name} has more than {MAX_VALUES} values"
            raise NumericsError(message)


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
        wide = _numbers(lines, len(columns), odd_by_number := Counter[int]())
    except pl.exceptions.PolarsError as error:
        why = str(error).partition("\n")[0][:120]
        message = f"{file_name} does not parse as columns of numbers: {why}"
        raise NumericsError(message) from error
    for number, count in odd_by_number.items():
        odd[columns[number]] += count
    start_s = (wide["0"] - parent.base_counter) / parent.counter_fs
    for number, column in enumerate(columns[1:], start=1):
        found = _COLUMN.fullmatch(column)
        name, unit = (found["name"], found["unit"] or "") if found else (column, "")
        value = wide[f"{number}"]
        there = value.is_not_null() & start_s.is_not_null()
        yield readings(name, unit, start_s.filter(there), value.filter(there))


def _numbers(lines: bytes, n_columns: int, odd: Counter[int]) -> pl.DataFrame:
    """Parse lines as numbers; where a cell is none, as text first, to tell which are."""
    try:
        return _table(lines, n_columns, pl.Float64)
    except pl.exceptions.PolarsError:
        text = _as_text(lines, n_columns)
    plain = pl.all().str.strip_chars(' "\t\r')
    text = text.with_columns(pl.when(plain != "").then(plain).name.keep())
    wide = text.with_columns(pl.all().cast(pl.Float64, strict=False))
    for number, column in enumerate(wide.columns):
        n_odd = wide[column].null_count() - text[column].null_count()
        if n_odd:
            odd[number] += n_odd
    return wide


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
