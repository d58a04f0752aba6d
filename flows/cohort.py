"""Export the pressures of a lake for a study. The lake is only read: no row of ``runs``."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl

from flows.cohort_config import CohortConfig
from flows.cohort_summary import METHODS, CohortSummary
from flows.upkeep import datasets_of, lake_there
from ops.audit.current import current_audit
from ops.audit.measures import audit_measures
from ops.cohort.answers import Spec, specs_of
from ops.cohort.croissant import write_croissant
from ops.cohort.export import drop_tables, write_forms, write_tables
from ops.cohort.figures import Figures, figures
from ops.cohort.folder import leave_marker, whole_folder
from ops.cohort.methods import Model, Study, methods
from ops.cohort.pressures import SourceKind, pressures
from ops.cohort.where import condition
from ops.cohort.words import counted
from ops.lake import Lake

_SPEC: Final = {"dataset": pl.String, "spec_sha256": pl.String}


def cohort(config: CohortConfig) -> CohortSummary:
    """Export each source to a folder of its own, or both to one where ``mix`` asks for it.

    Raises:
        ValueError: where there is no such lake, dataset or model, or something is at ``out``
            already.
    """
    lake_there(config)
    lake = Lake(config.lake, config.as_of)
    datasets = datasets_of(lake, config.dataset)
    _see_model(lake, config)
    summary = CohortSummary(lake=lake.url, dataset=config.dataset, out=config.out)
    clock = time.perf_counter()
    audit = current_audit(lake, config.dataset)
    found: dict[str, Figures] = {}
    specs: list[Spec] = []
    with whole_folder(Path(config.out), overwrite=config.overwrite) as folder:
        for name, sources in _folders(config).items():
            of_folder, made_by = _export(lake, config, audit, summary, folder / name, sources)
            found |= of_folder
            specs += made_by
        told = _methods(lake, config, audit, datasets, found, specs)
        (folder / METHODS).write_text(told, encoding="utf-8")
        summary.folders = [*_folders(config)]
        summary.sources = {source: of.told() for source, of in found.items()}
        summary.without_clock = sum(of.without_clock for of in found.values())
        summary.seconds = round(time.perf_counter() - clock, 3)
        summary.see_memory()
        leave_marker(folder, summary.model_dump(exclude={"run_id", "error"}))
    summary.seconds = round(time.perf_counter() - clock, 3)
    return summary


def _see_model(lake: Lake, config: CohortConfig) -> None:
    if not config.model_id:
        return
    made = lake.scan("backfill", config.dataset).filter(pl.col("modality") == "abp")
    there = made.select("model_id").unique().collect()["model_id"].sort().to_list()
    if config.model_id not in there:
        known = ", ".join(there) or "none"
        message = f"model {config.model_id} made no pressure in {lake.url}; there are: {known}"
        raise ValueError(message)


def _folders(config: CohortConfig) -> Mapping[str, tuple[SourceKind, ...]]:
    if config.mix:
        return {"mixed": config.source}
    return {source: (source,) for source in dict.fromkeys(config.source)}


def _export(
    lake: Lake,
    config: CohortConfig,
    audit: pl.DataFrame,
    summary: CohortSummary,
    folder: Path,
    sources: tuple[SourceKind, ...],
) -> tuple[dict[str, Figures], list[Spec]]:
    @contextmanager
    def timed(step: str) -> Iterator[None]:
        with summary.timed(f"{folder.name} {step}"):
            yield

    series = pressures(
        lake,
        *sources,
        dataset=config.dataset,
        model_id=config.model_id,
        audit=audit,
        mix=config.mix,
    ).filter(condition(config.where))
    rows = write_tables(series, folder, timed)
    found = figures(rows)
    with timed("specs"):
        specs = specs_of(lake, config.dataset, rows) if "synthetic" in sources else []
    write_forms(rows, folder, config.format, timed, version=version("pulselake"))
    if "parquet" not in config.format:
        drop_tables(folder)
    if "croissant" in config.format:
        with timed("croissant"):
            _describe(config, folder, found)
    return {source: found.get(source, Figures()) for source in sources}, specs


def _describe(config: CohortConfig, folder: Path, found: Mapping[str, Figures]) -> None:
    made = found.get("synthetic", Figures())
    taken = f", windows that meet {config.where}" if config.where else ""
    told = {
        "name": f"pulselake-cohort-{folder.name}",
        "description": f"Arterial blood pressures by window of 4 s, hour and subject{taken}: "
        + ", ".join(f"{counted(of.windows, 'window')} {source}" for source, of in found.items()),
        "version": "1.0.0",
        "rai:personalSensitiveInformation": [
            "Vital signs of patients, with the lake's subject ids"
        ],
        "rai:dataLimitations": ["Read methods.md, which says what is not known"],
    }
    if made.windows:
        told["rai:dataImputationProtocol"] = (
            f"Pressures of {counted(made.windows, 'window')} without a measured one are by "
            f"{', '.join(made.models)}, each with its 90 % interval and the column synthetic"
        )
    write_croissant(folder, told, synthetic=bool(made.windows))


def _methods(
    lake: Lake,
    config: CohortConfig,
    audit: pl.DataFrame,
    datasets: list[str],
    found: Mapping[str, Figures],
    specs: list[Spec],
) -> str:
    study = Study(
        datasets=datasets,
        where=config.where,
        as_of=f"{lake.moment:%Y-%m-%d %H:%M:%S} UTC" if lake.moment else None,
        mix=config.mix,
        version=version("pulselake"),
        graders=_graders(lake, config.dataset),
        models=[*dict.fromkeys(Model.of(spec) for spec in specs)],
        model_id=config.model_id,
        specs=specs,
    )
    keys = pl.DataFrame([spec.key for spec in specs], _SPEC, orient="row").unique()
    return methods(study, found, audit_measures(audit.join(keys, on=[*_SPEC], how="semi")))


def _graders(lake: Lake, dataset: str) -> list[str]:
    records = lake.scan("records", dataset).select("grader_version").unique().collect()
    return records["grader_version"].sort().to_list()
