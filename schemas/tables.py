"""The tables of a lake, their keys, partitions and sort orders."""

from dataclasses import dataclass
from typing import Final

import dataframely as dy

from schemas.annotations import StoredAnnotation
from schemas.audit import Audit
from schemas.backfill import Backfill
from schemas.demographics import Demographic
from schemas.numerics import Numeric
from schemas.quarantine import Quarantined
from schemas.records import Record
from schemas.runs import Run
from schemas.windows import Window


@dataclass(frozen=True)
class Table:
    """A table of the lake; rows are sorted by ``key`` inside a file."""

    name: str
    schema: type[dy.Schema]
    partition_by: tuple[str, ...] = ("dataset",)
    row_group_rows: int = 10_000

    @property
    def key(self) -> list[str]:
        """The columns that name a row."""
        return self.schema.primary_key()


TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        Table("records", Record),
        Table("windows", Window, row_group_rows=128),
        Table("numerics", Numeric),
        Table("backfill", Backfill, row_group_rows=128),
        Table("annotations", StoredAnnotation),
        Table("demographics", Demographic),
        Table("audit", Audit),
        Table("quarantine", Quarantined),
        Table("runs", Run, partition_by=()),
    )
}
