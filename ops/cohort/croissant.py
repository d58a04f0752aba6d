"""A Croissant description of an export: its files, their fields, and whether any was made up.

Croissant 1.1 (docs.mlcommons.org/croissant) with its Responsible AI vocabulary;
``rai:hasSyntheticData`` is what a reader is to look at first.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from ops.cohort.columns import DESCRIPTIONS
from ops.cohort.folder import files_below, sha256_of
from ops.cohort.hours import hourly, subjects
from ops.cohort.pressures import SERIES

NAME: Final = "croissant.json"

CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
CONFORMS_TO: Final = [
    "http://mlcommons.org/croissant/1.1",
    "http://mlcommons.org/croissant/RAI/1.0",
]

_FORMATS: Final = {
    ".parquet": "application/x-parquet",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
}


def write_croissant(folder: Path, told: dict[str, Any], *, synthetic: bool) -> None:
    """Describe all files of a folder; ``told`` are further properties of the data set."""
    paths = files_below(folder)
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **told,
        "rai:hasSyntheticData": synthetic,
        "distribution": [_file(folder, path) for path in paths],
        "recordSet": [_records(folder, path) for path in _tables(paths)],
    }
    text = json.dumps(described, indent=1, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def _tables(paths: list[str]) -> list[str]:
    """Choose a file a table: its Parquet, else its CSV."""
    known = set(paths)
    return [
        path
        for path in paths
        if path.endswith(".parquet")
        or (path.endswith(".csv") and path.removesuffix("csv") + "parquet" not in known)
    ]


def _file(folder: Path, path: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{(folder / path).stat().st_size} B",
        "encodingFormat": _FORMATS[Path(path).suffix],
        "sha256": sha256_of(folder / path),
    }


def _records(folder: Path, path: str) -> dict[str, Any]:
    table = path.rpartition(".")[0].replace("/", "_")
    columns = _schema(folder / path)
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "field": [_field(table, path, name, dtype) for name, dtype in columns.items()],
    }


def _schema(path: Path) -> pl.Schema:
    """Read the columns of a table; a CSV tells no types, and what some rows hold is no type."""
    if path.suffix == ".parquet":
        return pl.Schema(pl.read_parquet_schema(path))
    names = pl.scan_csv(path, infer_schema=False).collect_schema().names()
    return pl.Schema({name: _csv_types().get(name, pl.String()) for name in names})


@cache
def _csv_types() -> dict[str, pl.DataType]:
    """Give the types of the columns of tables that may be there as CSV alone."""
    series = pl.LazyFrame(schema=SERIES)
    tables = [f.collect_schema() for f in (series, hourly(series), subjects(series))]
    types = {name: dtype for of in tables for name, dtype in of.items()}
    return {**types, "synthetic": pl.Boolean(), "meds_subject_id": pl.Int64()}


def _field(table: str, path: str, name: str, dtype: pl.DataType) -> dict[str, Any]:
    listed = isinstance(dtype, pl.List)
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{name}",
        "name": name,
        "description": DESCRIPTIONS.get(name, name.replace("_", " ")),
        "dataType": _data_type(dtype),
        **({"isArray": True, "arrayShape": "-1"} if listed else {}),
        "source": {"fileObject": {"@id": path}, "extract": {"column": name}},
    }


def _data_type(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "sc:Integer"
    if dtype.is_float():
        return "sc:Float"
    if dtype.is_temporal():
        return "sc:DateTime"
    return "sc:Boolean" if dtype == pl.Boolean else "sc:Text"
