"""What an archive costs as it grows: ``python -m bench.scale``.

Archives of 10 to 10,000 short records, on local disk and on moto's S3: planning of all that is new,
ingest, and a night with nothing to do. One record of 72 h against records of an hour. A whole
``nightly`` with nothing to do, Prefect included. Each step has a process of its own with one thread
and no Ray, whose memory is told by its high-water mark. What a record costs is held to CPU seconds
of that process, which what else the machine does leaves nearly alone; planning to the clock's.

Prints tables and writes JSON. The exit status is 1 where a bar is missed. Ten minutes.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.child import ROOT
from bench.report import Report, all_met, at_most, show, write
from bench.scale_long import long_record, ran
from bench.scale_many import Told, costs, memory, night, on_disk, on_s3

PARTS: Final = ("many", "long", "flow")
IDLE_NIGHT_S: Final = 60.0


def idle_night(records: int, told: Told) -> Report:
    """Tell how long a whole night takes that finds nothing."""
    took = told["parts"]["night"]
    rows = [[step, seconds] for step, seconds in told["timings"].items()]
    rows.append(["whole night, Prefect included", took["seconds"]])
    bar = at_most(
        f"seconds of a night with nothing to do, {records} records", took["seconds"], IDLE_NIGHT_S
    )
    note = f"{took['peak_mib']:.0f} MiB at peak; on local disk"
    return Report(
        f"nightly over {records} unchanged records", ["step", "seconds"], rows, [bar], note
    )


def main() -> int:
    """Run the parts that are asked for, print what they took and write it down."""
    options = _options()
    load = os.getloadavg()[0]
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        scratch = Path(folder)
        sizes = sorted(options.records)
        if "many" in options.only:
            nights = on_disk(sizes, scratch) + on_s3(sizes, scratch, options.s3_ingest)
            reports += [costs(nights), memory(nights)]
        if "flow" in options.only:
            if "many" not in options.only:
                on_disk(sizes[-1:], scratch)
            places = scratch / f"ward-{sizes[-1]}" / "ward", scratch / f"lake-{sizes[-1]}"
            reports.append(idle_night(sizes[-1], night("flow", *map(str, places))))
        if "long" in options.only:
            reports.append(long_record(options.hours, ran(options.hours, scratch)))
    show(reports)
    told = {"only": options.only, "cores": os.cpu_count(), "load_average": load}
    write(options.json, reports, told)
    return 0 if all_met(reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--records", nargs="+", type=int, default=[10, 100, 1000, 10_000])
    parser.add_argument("--s3-ingest", type=int, default=1000, help="largest archive read from S3")
    parser.add_argument("--hours", type=int, default=72, help="of the long record")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "scale.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
