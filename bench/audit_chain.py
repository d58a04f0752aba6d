"""The audit by the real model, from records to a table: samples, a ward, and many wards.

A night is run on the sample records and on a simulated ward of 40 subjects with lines and cuffs,
and on the same ward with transducers that read 8 mmHg high. Then many wards of 40 are drawn from a
pool of simulated subjects whose windows the model has filled once: each is corrected by its own
calibrating half and judged by the other.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from prefect.testing.utilities import prefect_test_harness

from bench.audit_wards import A_WARD, NEAR_MMHG, ON_AVERAGE, averaged, judge_wards, within
from bench.machine import machine
from bench.report import Bar, Report, all_met, show, write
from flows.config import NightlyConfig
from flows.nightly import nightly
from infra.demo.ward import write_ward
from ops.audit.current import current_audit
from ops.audit.measures import audit_measures
from ops.audit.tables import Row, audit_tables
from ops.lake import Lake

BIAS_MMHG: Final = 8.0
WARDS: Final = 200
POOL_SUBJECTS: Final = 800
MINUTES: Final = 12.0
POOL_SEED: Final = 7
ROOT: Final = Path(__file__).parents[1]

COMPARED: Final = (
    "calibration",
    "pressure",
    "method",
    "windows",
    "subjects",
    "mae",
    "mae_low",
    "mae_high",
    "difference",
    "difference_low",
    "difference_high",
)
ERRORS: Final = (
    "calibration",
    "view",
    "pressure",
    "windows",
    "subjects",
    "me",
    "sd",
    "mae",
    "bhs",
    "lower_limit",
    "upper_limit",
    "coverage",
    "coverage_low",
    "coverage_high",
    "width",
)


@dataclass(frozen=True)
class Audited:
    """What a night's audit says of one archive: its rows, and their tables."""

    name: str
    rows: pl.DataFrame
    errors: list[Row]
    comparison: list[Row]
    seconds: float

    def me(self, calibration: str, pressure: str, view: str = "every") -> float:
        """Give a mean error in mmHg."""
        named = {"calibration": calibration, "pressure": pressure, "view": view}
        return float(next(r["me"] for r in self.errors if named.items() <= r.items()))


def audited(name: str, source: Path, lake: Path, **told: Any) -> Audited:
    """Run a night on an archive, and read its audit."""
    began = time.perf_counter()
    nightly(NightlyConfig(source=str(source), lake=str(lake), dataset=name, **told))
    rows = current_audit(Lake(str(lake)))
    tables = audit_tables(audit_measures(rows))
    return Audited(name, rows, tables.errors, tables.comparison, time.perf_counter() - began)


def tables_of(one: Audited) -> list[Report]:
    """Tell an archive's audit: beside what needs no model, and its errors."""
    compared = [[row[name] for name in COMPARED] for row in one.comparison]
    errors = [[row[name] for name in ERRORS] for row in one.errors]
    return [
        Report(f"{one.name}: MAE beside what needs no model, mmHg", list(COMPARED), compared, []),
        Report(f"{one.name}: errors, mmHg", list(ERRORS), errors, []),
    ]


def bias_of(plain: Audited, high: Audited) -> Report:
    """Tell what of a planted bias the audit sees, and what its own correction leaves."""
    rows, bars = [], []
    for pressure in ("sbp", "dbp", "map"):
        seen = high.me("cuff", pressure) - plain.me("cuff", pressure)
        before, after = (high.me("cuff", pressure, v) for v in ("judges", "judges_site"))
        rows.append(
            [pressure, plain.me("cuff", pressure), high.me("cuff", pressure), before, after]
        )
        bars.append(within(f"planted bias seen in {pressure}", seen, (-9.5, -6.5)))
        bars.append(
            Bar(
                f"ME of {pressure} after the site's step, over before",
                abs(after) / abs(before),
                "< 1",
                abs(after) < abs(before),
            )
        )
    header = ["pressure", "ME plain", "ME high", "ME high, judges", "ME high, judges, corrected"]
    return Report("Lines that read 8 mmHg high, cuff-calibrated windows", header, rows, bars)


def wards_of(pool: pl.DataFrame, number: int) -> Report:
    """Judge wards drawn from a pool, as they are and with lines that read high."""
    told = {bias: averaged(judge_wards(pool, bias, number, POOL_SEED)) for bias in (0.0, BIAS_MMHG)}
    names = list(told[0.0])
    near = (-NEAR_MMHG, NEAR_MMHG)
    high = told[BIAS_MMHG]
    moved = told[0.0]["ME before"] - high["ME before"]
    bars = [
        *(
            within(
                f"mean coverage over wards, lines high by {bias:g}",
                row["coverage after"],
                ON_AVERAGE,
            )
            for bias, row in told.items()
        ),
        within("mean ME over wards after correction, lines high by 8", high["ME after"], near),
    ]
    rows = [[bias, *row.values()] for bias, row in told.items()]
    note = (
        f"{number} wards of 40 out of {pool['subject_id'].n_unique()} simulated subjects filled by "
        f"the model, three pressures; a single ward lies in {A_WARD[0]:.0%} to {A_WARD[1]:.0%} as "
        f"'in 87-93 %' says; the bias moved ME by {moved:.2f} mmHg"
    )
    return Report("Wards by the real model", ["lines high by", *names], rows, bars, note)


@contextmanager
def archives(options: argparse.Namespace) -> Iterator[Path]:
    """Give a folder for archives and lakes, and a Prefect server for all nights."""
    with (
        tempfile.TemporaryDirectory(prefix="pulselake-bench-") as folder,
        prefect_test_harness(server_startup_timeout=120),
    ):
        yield Path(options.folder or folder)


def _ward(folder: Path, name: str, subjects: int, bias_mmhg: float = 0.0, **told: Any) -> Audited:
    write_ward(
        folder / name,
        subjects=subjects,
        minutes=MINUTES,
        line_bias_mmhg=bias_mmhg,
        cuff_every_s=180,
        seed=told.pop("seed", 0),
    )
    return audited(name, folder / name, folder / f"{name}-lake", **told)


def main() -> int:
    """Run the nights, draw the wards, print the tables and write them down."""
    options = _options()
    with archives(options) as folder:
        reports = []
        if options.samples and options.samples.is_dir():
            reports += tables_of(audited("samples", options.samples, folder / "samples-lake"))
        plain = _ward(folder, "ward", 40)
        high = _ward(folder, "high", 40, BIAS_MMHG)
        reports += [*tables_of(plain), *tables_of(high), bias_of(plain, high)]
        pool = _ward(folder, "pool", options.pool, seed=POOL_SEED, translate=("abp",), restore=())
        reports.append(wards_of(pool.rows, options.wards))
        seconds = {one.name: round(one.seconds, 1) for one in (plain, high, pool)}
    show(reports)
    write(options.json, reports, {"machine": machine(), "seconds": seconds})
    return 0 if all_met(reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    result = ROOT / "bench" / "results" / "audit_chain.json"
    parser.add_argument("--json", type=Path, default=result)
    parser.add_argument("--samples", type=Path, help="folder of the sample records")
    parser.add_argument("--folder", type=Path, help="where archives and lakes are kept")
    parser.add_argument("--wards", type=int, default=WARDS, help="wards to draw")
    parser.add_argument("--pool", type=int, default=POOL_SUBJECTS, help="subjects to draw from")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
