"""The data dictionary: every table, column, type, unit and meaning, as Markdown.

``python -m schemas.dictionary docs/lake.md`` writes it over the end of that page.
"""

import sys
from pathlib import Path
from typing import Final

import dataframely as dy
import polars as pl

from schemas.meanings import meaning_of
from schemas.tables import TABLES, Table

TITLE: Final = "## Every column"
_SAID: Final = (
    "Written from the schemas by `python -m schemas.dictionary docs/lake.md`. In **bold** is the "
    "key; a type with `?` may be null; words in brackets are all that may stand there."
)


def dictionary() -> str:
    """Write all tables, in the order in which the lake has them."""
    return "\n\n".join([TITLE, _SAID, *map(describe, TABLES.values())]) + "\n"


def describe(table: Table) -> str:
    """Write one table: what a row is, its columns, and its rules."""
    columns = [_row(table, name, column) for name, column in table.schema.columns().items()]
    return "\n".join(
        [
            f"### {table.name}",
            "",
            _plain((table.schema.__doc__ or "").partition("\n")[0]),
            *_rules(table.schema),
            "",
            "| column | type | unit | means |",
            "|---|---|---|---|",
            *columns,
        ]
    )


def replaced(page: str) -> str:
    """Give a page with its dictionary as it is now; it ends with one, or has none yet."""
    return page.partition(TITLE)[0].rstrip("\n") + "\n\n" + dictionary()


def _row(table: Table, name: str, column: dy.Column) -> str:
    unit, meaning = meaning_of(table.name, name)
    words = (column.metadata or {}).get("words", ())
    listed = f" ({', '.join(f'`{word}`' for word in words)})" if words else ""
    named = f"**`{name}`**" if column.primary_key else f"`{name}`"
    kind = f"{_type(column.dtype)}{'?' if column.nullable else ''}"
    return f"| {named} | {kind} | {unit} | {meaning}{listed} |"


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return f"list of {_type(dtype.inner)}"  # type: ignore[arg-type]
    return str(dtype.base_type()).lower()


def _rules(schema: type[dy.Schema]) -> list[str]:
    """Give what holds in every row, in the words of the schema's rules."""
    rules = [vars(schema)[name].validation_fn for name in vars(schema) if _is_rule(schema, name)]
    said = [f"- {_plain(rule.__doc__ or rule.__name__)}" for rule in rules]
    return ["", "Of every row:", "", *said] if said else []


def _is_rule(schema: type[dy.Schema], name: str) -> bool:
    return hasattr(vars(schema)[name], "validation_fn")


def _plain(text: str) -> str:
    return text.replace("``", "`")


def main() -> None:
    """Write the dictionary over the end of a page."""
    page = Path(sys.argv[1])
    page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
