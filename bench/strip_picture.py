"""The picture of the README: four seconds of a simulated patient, and what TriCardio made of them.

``python -m bench.strip_picture docs/img/strip.svg`` draws it again.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
from markupsafe import Markup

from flows.backfill import backfill
from flows.config import BackfillConfig, IngestConfig
from flows.ingest import ingest
from infra.demo.archive import CASES
from ops.lake import Lake
from ops.report.strips import Lane, Strip, draw_strip
from ops.report.svg import element, text
from ops.report.words import MODALITIES_TOLD

SUBJECT: Final = "10000109"
"""Whose arterial line has gaps."""

AT_WINDOW: Final = 20
WIDTH: Final = 900
MARGIN: Final = 12
LEFT: Final = 230
LANE: Final = 104
GAP: Final = 22
TOP: Final = 40
BOTTOM: Final = 30
_STYLE: Final = """
:root { --ink: #1f2328; --quiet: #59636e; --hair: #d1d9e0; --measured: #0072b2;
  --synthetic: #b34700; --band: rgb(213 94 0 / .2); --page: #ffffff }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f6fc; --quiet: #9198a1; --hair: #3d444d;
  --measured: #56b4e9; --synthetic: #e69f00; --band: rgb(230 159 0 / .25); --page: #0d1117 } }
text { font: 13px system-ui, sans-serif; fill: var(--ink) }
.quiet { fill: var(--quiet); font-size: 12px }
.paper { fill: var(--page) }
.trace * { vector-effect: non-scaling-stroke; stroke-linejoin: round }
.grid { stroke: var(--hair) }
.measured { fill: none; stroke: var(--measured); stroke-width: 1.75 }
.synthetic { fill: none; stroke: var(--synthetic); stroke-width: 2; stroke-dasharray: 6 3 }
.halo { fill: none; stroke: var(--page); stroke-width: 5 }
.band { fill: var(--band) }
"""


def made_strip() -> Strip:
    """Simulate one patient of the demo's ward, run the night on it, and draw one window."""
    with tempfile.TemporaryDirectory() as folder:
        lake = _night(Path(folder))
        this = pl.col("window_index") == AT_WINDOW
        row = lake.scan("backfill").filter(this, modality="abp").collect().to_dicts()[0]
        window = lake.scan("windows").filter(this).collect().to_dicts()[0]
    return draw_strip(row, window, "strip")


def _night(folder: Path) -> Lake:
    place, case = next((i, c) for i, c in enumerate(CASES) if c.patient.subject_id == SUBJECT)
    seeded = replace(case, patient=replace(case.patient, seed=place))
    case.write(folder / "ward", seeded, 180.0)
    told = {"lake": str(folder / "lake"), "workers": 0, "dataset": "ward"}
    ingest(IngestConfig.model_validate({**told, "source": str(folder / "ward")}))
    backfill(BackfillConfig.model_validate(told))
    return Lake(str(folder / "lake"))


def drawn(strip: Strip) -> str:
    """Write a strip as one picture that says what is on it, and stands on light and dark alike."""
    height = TOP + len(strip.lanes) * (LANE + GAP) + BOTTOM
    lanes = [part for i, lane in enumerate(strip.lanes) for part in _lane(lane, i)]
    seconds = [text(_x(s), height - 10, f"{s} s", "middle", "quiet") for s in range(5)]
    return element(
        "svg",
        element(
            "title", "Four seconds of ECG, PPG and arterial pressure, a gap of which is filled"
        ),
        element("desc", _told(strip)),
        Markup(f"<style>{_STYLE}</style>"),  # noqa: S704 (our own)
        element("rect", width=WIDTH, height=height, class_="paper"),
        text(MARGIN, 20, "Measured: a solid line. Synthetic: a dashed line in its 90 % band."),
        *lanes,
        *seconds,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
    )


def _lane(lane: Lane, place: int) -> list[Markup]:
    y = TOP + place * (LANE + GAP)
    kinds = [
        k for k, there in (("measured", lane.measured), ("synthetic", lane.synthetic)) if there
    ]
    width = WIDTH - LEFT - 2 * MARGIN
    return [
        text(MARGIN, y + 18, MODALITIES_TOLD[lane.modality]),
        text(MARGIN, y + 36, " and ".join(kinds), "start", "quiet"),
        text(LEFT - 8, y + 14, f"{lane.high:.3g} {lane.unit}", "end", "quiet"),
        text(LEFT - 8, y + LANE - 2, f"{lane.low:.3g} {lane.unit}", "end", "quiet"),
        element("svg", lane.svg, x=LEFT, y=y, width=width, height=LANE),
    ]


def _x(seconds: int) -> float:
    return LEFT + (WIDTH - LEFT - 2 * MARGIN) * seconds / 4


def _told(strip: Strip) -> str:
    given = " and ".join(MODALITIES_TOLD[m] for m in strip.row["conditions"] if m != "abp")
    pressures = ", ".join(f"{name} {value} ({within})" for name, value, within in strip.pressures)
    return (
        f"A simulated patient. Where the arterial line has a gap, {strip.row['model_id']} filled "
        f"it from what is left of the line and from {given}, with a band that is meant to hold "
        f"90 % of the truth. {pressures} mmHg; the 90 % intervals are in brackets."
    )


def main() -> None:
    """Draw the picture into a file."""
    Path(sys.argv[1]).write_text(drawn(made_strip()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
