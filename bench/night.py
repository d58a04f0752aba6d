"""Where the time of a whole night goes: ``python -m bench.night``.

The command ``pulselake nightly`` in a process of its own, as a scheduler would start it, on the
real records of ``cinc2015``: a first night into an empty lake, by the model that comes along and
as many workers as there are cores, and a second one that finds nothing new. Steps are timed by the
night itself (``timings`` of its summary), and how busy devices were by the actors that fill.

Prints tables and writes JSON; the exit status is 1 where a bar is missed.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.child import ROOT, told_by
from bench.report import Report, all_met, at_least, show, write
from flows.actors.filler import Filler
from flows.backfill_plan import filling, plan_group
from flows.config import BackfillConfig
from flows.record_groups import record_groups
from ops.lake import Lake
from ops.lake.commit import active_files

BUSY_SHARE: Final = 0.9
AROUND: Final = "before and after: imports, Prefect's own server"
BETWEEN: Final = "between steps: the report, the row of the run"


def run_night(source: Path, lake: Path) -> dict[str, Any]:
    """Run one night; give its summary, with the seconds of its process as ``wall``.

    Raises:
        RuntimeError: where it fails, with what it said last.
    """
    wall = time.perf_counter()
    summary = told_by(
        "flows.cli",
        ["nightly", str(source), str(lake), "--json"],
        failed=f"the night on {source.name} failed",
    )
    return {**summary, "wall": time.perf_counter() - wall}


def steps(nights: dict[str, dict[str, Any]]) -> Report:
    """Tell the seconds of every step, and their share of the whole."""
    names = list(dict.fromkeys(step for told in nights.values() for step in told["timings"]))
    rows: list[list[Any]] = []
    for name in [AROUND, *names, BETWEEN]:
        row: list[Any] = [name]
        for told in nights.values():
            seconds = _seconds(told, name)
            row += [seconds, seconds / told["wall"]]
        rows.append(row)
    rows.append(["the whole night", *(x for told in nights.values() for x in (told["wall"], 1.0))])
    header = ["step", *(x for night in nights for x in (f"{night}, s", "share"))]
    return Report("Where a night's time goes", header, rows, [])


def work(night: dict[str, Any], lake: Lake) -> Report:
    """Tell how fast the night read and filled, how busy devices were, what lies in the lake."""
    timings = night["timings"]
    filled = sum(n for of_task in night["backfilled"].values() for n in of_task.values())
    filled += night["backfill_abstained"]
    busy = night["device_busy_share"]
    rows: list[list[Any]] = [
        ["hours of records read and graded a second", _hours(night) / timings["read and grade"]],
        ["synthetic signals a second", filled / timings["fill"]],
        ["synthetic signals a window", filled / night["windows"]],
        ["kB a window in the lake", _bytes(lake, "windows") / night["windows"] / 1000],
        ["kB a synthetic signal in the lake", _bytes(lake, "backfill") / filled / 1000],
        ["devices busy between first and last shard", busy],
        ["MiB of the largest process", night["peak_rss_mib"]],
    ]
    bar = at_least("share of time that devices are busy", busy, BUSY_SHARE)
    return Report("What it did", ["figure", "first night"], rows, [bar])


def beside_device(lake: Lake, most_shards: int = 16) -> Report:
    """Tell what a synthetic signal costs a core beside the device: reading, encoding, writing.

    Shards of the lake are filled again, in this process and by another seed; nothing is committed.
    """
    config = BackfillConfig(lake=lake.url, workers=0, seed=1)
    by = filling(lake, config)
    plans = (plan_group(lake, config, group, by) for group in record_groups(lake, ""))
    shards = [shard for plan in plans for shard in plan.shards]
    filler = Filler(config, "bench")
    filler.work(shards[0])
    taken = shards[1 : most_shards + 1]
    began = time.perf_counter()
    filled = [filler.work(shard) for shard in taken]
    took = time.perf_counter() - began
    on_device = sum(turn.ended - turn.began for shard in filled for turn in shard.busy)
    signals = sum(shard.wants.height for shard in taken)
    rows = [
        ["ms on the device", 1000 * on_device / signals],
        ["ms beside it", 1000 * (took - on_device) / signals],
    ]
    return Report("A synthetic signal, one at a time", ["figure", "measured"], rows, [])


def main() -> int:
    """Run two nights, print where their time went and write it down."""
    options = _options()
    source = options.data / "wfdb" / options.archive
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-night-") as folder:
        lake = Path(folder) / "lake"
        nights = {name: run_night(source, lake) for name in ("first night", "second night")}
        there = Lake(str(lake))
        reports = [steps(nights), work(nights["first night"], there), beside_device(there)]
    if nights["second night"]["rows_changed"]:
        print("the second night changed rows, and should not have", file=sys.stderr)
        return 1
    show(reports)
    told = {"archive": options.archive, "cores": os.cpu_count(), "load_average": load}
    counts = ("windows", "shards", "backfilled", "backfill_abstained", "records_ingested")
    told |= {name: nights["first night"][name] for name in counts}
    write(options.json, reports, told)
    return 0 if all_met(reports) else 1


def _seconds(told: dict[str, Any], step: str) -> float:
    inside = sum(told["timings"].values())
    if step == AROUND:
        return float(told["wall"] - told["seconds"])
    if step == BETWEEN:
        return float(told["seconds"] - inside)
    return float(told["timings"].get(step, 0.0))


def _bytes(lake: Lake, table: str) -> int:
    delta = lake.open(table)
    return 0 if delta is None else int(active_files(delta)["size_bytes"].sum())


def _hours(night: dict[str, Any]) -> float:
    return float(night["windows"]) * 4 / 3600


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    found = Path(os.environ.get("PULSELAKE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=found, help="folder of wfdb/")
    parser.add_argument("--archive", default="cinc2015", help="archive below wfdb/")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "night.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
