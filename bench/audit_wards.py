"""Whether a site's own audit makes its intervals hold: many wards of 40 made-up subjects.

In each ward half of the subjects correct the intervals and the other half judge them. Wards differ
in how alike a patient's errors are (ICC), in how wrong the shipped intervals are, and in whether
the ward's transducers read high.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bench.report import Bar, Report, all_met, show, write
from bench.ward_pool import WARD_SUBJECTS, Errors, biased, draw_ward, simulate_pool
from ops.audit.site import corrected, site_corrections
from ops.audit.told import told_of
from ops.judge.pressure_measures import interval_measures, pressure_measures
from schemas.restoration import PRESSURES

ICCS: Final = (0.3, 0.6, 0.9)
TOO_NARROW: Final = (0.7, 1.0, 1.4)
BIAS_MMHG: Final = 8.0
WARDS: Final = 200
POOL_SUBJECTS: Final = 4000
SEED: Final = 2026
ON_AVERAGE: Final = (0.88, 0.92)
NEAR_MMHG: Final = 1.0
A_WARD: Final = (0.87, 0.93)
ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What the judging half of one ward says of one pressure.

    Attributes:
        subjects: calibrating subjects of the largest correction.
        corrected: share of windows whose correction is the site's.
        coverage: of those windows' intervals, as shipped and corrected; null without any.
        everywhere: of all windows' intervals, likewise.
        width: of those windows' intervals in mmHg, likewise.
        me: of those windows' errors in mmHg, likewise.
    """

    subjects: int
    corrected: float
    coverage: tuple[float, float]
    everywhere: tuple[float, float]
    width: tuple[float, float]
    me: tuple[float, float]


def judge_ward(ward: pl.DataFrame) -> list[Outcome]:
    """Correct a ward by its calibrating half and judge that by the other, pressure by pressure."""
    corrections = site_corrections(ward)
    judges = ward.filter(pl.col("half") == "judges", pl.col("abstained").is_null())
    after = corrected(judges.lazy(), corrections).collect()
    site = after["correction"] == "site"
    subjects = int(corrections["subjects"].max())  # type: ignore[arg-type]
    outcomes = []
    for p in PRESSURES:
        told = [_told(rows.filter(site), p) for rows in (judges, after)]
        whole = [_told(rows, p)["coverage"] for rows in (judges, after)]
        pairs = {name: (told[0][name], told[1][name]) for name in ("coverage", "width", "me")}
        share = float(site.to_numpy().mean())
        outcomes.append(Outcome(subjects, share, everywhere=(whole[0], whole[1]), **pairs))
    return outcomes


def _told(rows: pl.DataFrame, p: str) -> dict[str, float]:
    of = told_of(rows, p)
    intervals = interval_measures(of.lower, of.upper, of.true, of.subjects)
    errors = pressure_measures(of.value, of.true, of.subjects)
    means = {name: intervals[name]["mean"] for name in ("coverage", "width")}
    return means | {"me": errors["me"]}


def within(name: str, value: float, bounds: tuple[float, float]) -> Bar:
    """Make a bar that is met between two bounds."""
    low, high = bounds
    return Bar(name, value, f"{low:g} to {high:g}", bool(low <= value <= high))


CASE: Final = ("ICC", "too narrow by", "lines high by")
COVERAGE: Final = (
    "calibrating subjects",
    "share corrected",
    "coverage before",
    "coverage after",
    "all windows before",
    "all windows after",
)
REST: Final = (
    "in 87-93 % before",
    "in 87-93 % after",
    "width before",
    "width after",
    "ME before",
    "ME after",
)

Row = dict[str, float]


def judge_wards(pool: pl.DataFrame, bias_mmhg: float, number: int, seed: int) -> list[Outcome]:
    """Judge so many wards drawn from a pool of audit rows, every pressure of each."""
    drawn = (biased(draw_ward(pool, seed * 1000 + k), bias_mmhg) for k in range(number))
    return [outcome for ward in drawn for outcome in judge_ward(ward)]


def averaged(outcomes: Sequence[Outcome]) -> Row:
    """Average the outcomes of wards and pressures."""
    corrected = [o for o in outcomes if o.corrected]
    coverage = np.array([o.coverage for o in corrected])
    inside = (coverage >= A_WARD[0]) & (coverage <= A_WARD[1])
    pairs = {
        "coverage": coverage,
        "all windows": np.array([o.everywhere for o in outcomes]),
        "in 87-93 %": inside,
        "width": np.array([o.width for o in corrected]),
        "ME": np.array([o.me for o in corrected]),
    }
    return {
        "calibrating subjects": float(np.mean([o.subjects for o in outcomes])),
        "share corrected": float(np.mean([o.corrected for o in outcomes])),
        **{f"{name} before": float(pair[:, 0].mean()) for name, pair in pairs.items()},
        **{f"{name} after": float(pair[:, 1].mean()) for name, pair in pairs.items()},
    }


def rows_of(number: int, subjects: int) -> Iterator[Row]:
    """Judge wards of every population, of the worst again with lines that read high."""
    for k, (icc, too_narrow) in enumerate(product(ICCS, TOO_NARROW)):
        pool = simulate_pool(Errors(icc, too_narrow), subjects, SEED + k)
        for bias in (0.0, BIAS_MMHG) if too_narrow == max(TOO_NARROW) else (0.0,):
            case = dict(zip(CASE, (icc, too_narrow, bias), strict=True))
            yield case | averaged(judge_wards(pool, bias, number, SEED + k))


def reports_of(rows: Sequence[Row], note: str) -> list[Report]:
    """Put coverage and its bars into one table, what else there is into another."""
    bars = [within(f"mean coverage, {_case(r)}", r["coverage after"], ON_AVERAGE) for r in rows]
    high = [row for row in rows if row["lines high by"]]
    seen = (-BIAS_MMHG - NEAR_MMHG, -BIAS_MMHG + NEAR_MMHG)
    bars += [within(f"ME seen, {_case(row)}", row["ME before"], seen) for row in high]
    left = (-NEAR_MMHG, NEAR_MMHG)
    bars += [within(f"ME left, {_case(row)}", row["ME after"], left) for row in high]
    coverage, rest = ([[r[n] for n in (*CASE, *names)] for r in rows] for names in (COVERAGE, REST))
    return [
        Report("Coverage of 90 % intervals", [*CASE, *COVERAGE], coverage, bars, note),
        Report("Wards, widths and errors (mmHg)", [*CASE, *REST], rest, []),
    ]


def _case(row: Row) -> str:
    high = f", lines {row['lines high by']:g} mmHg high" if row["lines high by"] else ""
    return f"ICC {row['ICC']:g}, too narrow by {row['too narrow by']:g}{high}"


def main() -> int:
    """Judge the wards, print the table and write it down."""
    options = _options()
    started = time.perf_counter()
    note = (
        f"means of {options.wards} wards of {WARD_SUBJECTS} subjects out of {options.pool} and of "
        "three pressures, before and after the correction, over subjects of the judging half; but "
        "for 'all windows', of those that had calibrating subjects enough"
    )
    reports = reports_of(list(rows_of(options.wards, options.pool)), note)
    show(reports)
    write(options.json, reports, {"seconds": round(time.perf_counter() - started, 1)})
    return 0 if all_met(reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    result = ROOT / "bench" / "results" / "audit_wards.json"
    parser.add_argument("--json", type=Path, default=result)
    parser.add_argument("--wards", type=int, default=WARDS, help="wards a population")
    parser.add_argument("--pool", type=int, default=POOL_SUBJECTS, help="subjects to draw from")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
