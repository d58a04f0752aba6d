"""One atomic commit: new files in, the rows they replace out."""

import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from ops.lake.arrow import delta_schema
from ops.lake.evolve import conformed, dtypes, grow
from ops.lake.files import DataFile, write_files
from ops.lake.location import LakeError, Location
from ops.lake.marks import withdrawn_since
from schemas.tables import Table

APP_ID: Final = "pulselake"
MOST_ATTEMPTS: Final = 30
LONGEST_WAIT_S: Final = 12 * 3600.0
"""How long a finished file may wait for its commit: vacuum takes older ones for orphans."""

KEPT: Final[dict[str, str | None]] = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 30 days",
}
"""What other writers need to know, so that the lake can be read as it was."""

Mark = Callable[[DeltaTable], Transaction | None]


def commit_files(
    location: Location,
    table: Table,
    files: Sequence[DataFile],
    replacing: pl.DataFrame | None,
    mark: Mark | None = None,
) -> int:
    """Commit ``files``, take out the rows that match ``replacing``; see ``Lake.commit``.

    ``mark`` is asked what the log shall remember of this commit, by the version that it follows.
    """
    if not files and mark is None and (replacing is None or replacing.is_empty()):
        return 0
    known: dict[str, _Leaving] = {}
    for attempt in range(MOST_ATTEMPTS):
        delta = ensure_table(location, table)
        if files or replacing is not None:
            grow(location, table, delta)
        _refuse(location, table, delta, files)
        marked = mark(delta) if mark else None
        candidates = _candidates(table, delta, replacing, files)
        outgoing = _outgoing(location, table, candidates, replacing, known)
        if not files and not outgoing.paths and marked is None:
            return 0
        new = [*files, *outgoing.rewritten]
        if _transact(location, delta, table, new, outgoing.paths, mark=marked):
            lost = [leaving for path, leaving in known.items() if path not in outgoing.paths]
            _discard(location, [file for leaving in lost for file in leaving.rewritten])
            return outgoing.n_rows
        time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311
    _discard(location, [file for leaving in known.values() for file in leaving.rewritten])
    message = (
        f"table {table.name} of {location.url} lost the race for a commit {MOST_ATTEMPTS} times"
    )
    raise LakeError(message)


def _refuse(location: Location, table: Table, delta: DeltaTable, files: Sequence[DataFile]) -> None:
    """Refuse files of a withdrawn model, and those that vacuum may have taken.

    Raises:
        ValueError: naming the model.
        OSError: where a file has waited too long.
    """
    for file in files:
        waited_s = time.time() - file.finished_at
        if waited_s > LONGEST_WAIT_S:
            message = (
                f"file {file.path} of table {table.name} has waited {waited_s / 3600:.0f} h for "
                "its commit, and vacuum may have taken it: run again"
            )
            raise LakeError(message)
    if "model_id" not in table.key:
        return
    for model_id in {model for file in files for model in _models(location, table, file)}:
        since = withdrawn_since(delta, model_id)
        if since:
            message = (
                f"model {model_id} is withdrawn from table {table.name} of lake {location.url} "
                f"since {since:%Y-%m-%d %H:%M:%S} UTC: nothing by it goes in"
            )
            raise ValueError(message)


def _models(location: Location, table: Table, file: DataFile) -> list[str]:
    """Name the models in a file: by its statistics where it has but one."""
    stats = json.loads(file.stats)
    first, last = (stats[end]["model_id"] for end in ("minValues", "maxValues"))
    if first == last:
        return [first]
    rows = scan_file(location, table, file.path, file.partition)
    return rows.select("model_id").unique().collect()["model_id"].to_list()


def swap_files(
    location: Location, table: Table, delta: DeltaTable, old: list[str], new: Sequence[DataFile]
) -> bool:
    """Put the same rows in other files; False where another writer came first."""
    done = _transact(location, delta, table, new, old, data_change=False)
    if not done:
        _discard(location, new)
    return done


def active_files(delta: DeltaTable) -> pl.DataFrame:
    """List a table's data files, one row each, with the statistics of the log flattened.

    ``path`` is that of the file itself; the log escapes it once more.
    """
    files = pl.DataFrame(delta.get_add_actions(flatten=True))
    paths = [unquote(path) for path in files["path"]]
    return files.with_columns(pl.Series("path", paths, dtype=pl.String))


def scan_file(
    location: Location, table: Table, path: str, partition: dict[str, str | None]
) -> pl.LazyFrame:
    """Scan one data file with its partition's values, by the table's schema.

    Columns that came since the file was written are null.
    """
    stored = {name: dtype for name, dtype in dtypes(table).items() if name not in partition}
    rows = pl.scan_parquet(
        f"{location.table_url(table.name)}/{path}",
        storage_options=location.polars_options(),
        hive_partitioning=False,
        glob=False,
        schema=stored,
        missing_columns="insert",
        extra_columns="ignore",
    ).with_columns(pl.lit(value, pl.String).alias(name) for name, value in partition.items())
    return conformed(rows, table, dtypes(table))


def open_table(location: Location, name: str) -> DeltaTable | None:
    """Open a table at its newest version; null where nothing was ever written to it."""
    with location.reached():
        try:
            return DeltaTable(location.table_url(name), storage_options=location.delta_options())
        except TableNotFoundError:
            return None


def ensure_table(location: Location, table: Table) -> DeltaTable:
    """Open a table, making it where it is not there; two that make it at once both get it."""
    return open_table(location, table.name) or DeltaTable.create(
        location.table_url(table.name),
        schema=delta_schema(table),
        mode="ignore",
        partition_by=list(table.partition_by),
        name=table.name,
        description=(table.schema.__doc__ or "").split("\n", maxsplit=1)[0],
        configuration=KEPT,
        storage_options=location.delta_options(),
    )


@dataclass(frozen=True)
class _Leaving:
    """How many rows of one file go, and what remains of it."""

    n_rows: int
    rewritten: list[DataFile]


@dataclass(frozen=True)
class _Outgoing:
    """Files that a commit takes out, what remains of them, and how many rows go."""

    paths: list[str]
    rewritten: list[DataFile]
    n_rows: int


def _outgoing(
    location: Location,
    table: Table,
    candidates: pl.DataFrame,
    replacing: pl.DataFrame | None,
    known: dict[str, _Leaving],
) -> _Outgoing:
    """Tell what goes; ``known`` keeps what was found, so that a lost race costs new files alone."""
    leaving: dict[str, _Leaving] = {}
    for path, *values in candidates.rows():
        if path not in known and replacing is not None:
            partition = dict(zip(table.partition_by, values, strict=True))
            known[path] = _leaving(location, table, path, partition, replacing)
        if known[path].n_rows:
            leaving[path] = known[path]
    rewritten = [file for one in leaving.values() for file in one.rewritten]
    return _Outgoing([*leaving], rewritten, sum(one.n_rows for one in leaving.values()))


def _leaving(
    location: Location,
    table: Table,
    path: str,
    partition: dict[str, str | None],
    replacing: pl.DataFrame,
) -> _Leaving:
    rows = scan_file(location, table, path, partition)
    keys = rows.select(replacing.columns).collect()
    goes = keys.with_row_index("row").join(replacing, on=replacing.columns, how="semi")
    if goes.is_empty() or goes.height == keys.height:
        return _Leaving(goes.height, [])
    rest = rows.with_row_index("row").collect().join(goes, on="row", how="anti")
    return _Leaving(goes.height, write_files(location, table, [rest.drop("row")], anew=True))


def _candidates(
    table: Table, delta: DeltaTable, replacing: pl.DataFrame | None, new: Sequence[DataFile]
) -> pl.DataFrame:
    """Find files that may hold a row to replace; give path and partition of each.

    ``new`` are none of them: a commit that is tried again may have put them in the first time.
    """
    none = pl.DataFrame(schema={"path": pl.String})
    if replacing is None or replacing.is_empty():
        return none
    files = active_files(delta)
    if files.is_empty():
        return none
    files = files.filter(~pl.col("path").is_in([file.path for file in new]))
    for column in replacing.columns:
        wanted = replacing[column].unique().sort()
        if column in table.partition_by:
            files = files.filter(pl.col(f"partition.{column}").is_in(wanted.implode()))
        elif f"min.{column}" in files.columns:
            first = wanted.search_sorted(files[f"min.{column}"], side="left")
            beyond = wanted.search_sorted(files[f"max.{column}"], side="right")
            files = files.filter(pl.Series(beyond > first) | files[f"min.{column}"].is_null())
    return files.select("path", *(f"partition.{c}" for c in table.partition_by))


def _transact(
    location: Location,
    delta: DeltaTable,
    table: Table,
    new: Sequence[DataFile],
    old: Sequence[str],
    *,
    data_change: bool = True,
    mark: Transaction | None = None,
) -> bool:
    """Commit against the version that was read: of two writers at once, one must read again.

    False where another writer came first.
    """
    commit_id = uuid.uuid4().hex
    now_ms = int(time.time() * 1000)
    seen = delta.transaction_version(APP_ID)
    adds = [AddAction(f.path, f.size, f.partition, now_ms, data_change, f.stats) for f in new]
    removes = [RemoveAction(path, data_change, now_ms) for path in old]
    transactions = [Transaction(APP_ID, 0 if seen is None else seen + 1)]
    try:
        delta.create_write_transaction(
            [*adds, *removes],
            mode="append",
            schema=delta_schema(table),
            partition_by=list(table.partition_by),
            commit_properties=CommitProperties(
                custom_metadata={"commit_id": commit_id},
                app_transactions=[*transactions, mark] if mark else transactions,
                max_commit_retries=0,
            ),
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )
    except CommitFailedError:
        return _came_first(location, table, delta.version() + 1, commit_id)
    return True


def _came_first(location: Location, table: Table, version: int, commit_id: str) -> bool:
    """Tell whether a version is this very commit, whose success a store has failed to tell."""
    fs, root = location.filesystem()
    try:
        text = fs.cat_file(f"{root}/{table.name}/_delta_log/{version:020}.json")
    except FileNotFoundError:
        return False
    return commit_id.encode() in text


def _discard(location: Location, files: Sequence[DataFile]) -> None:
    """Delete files of a commit that was lost."""
    fs, root = location.filesystem()
    for file in files:
        fs.rm_file(f"{root}/{file.table}/{file.path}")
