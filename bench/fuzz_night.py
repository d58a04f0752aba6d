"""Cases of one range in a process of their own, through what a night does with an archive.

Listing, planning, reading and committing are a night's own; only Prefect and Ray are left out.
Cases share an archive, and each has a folder of its own there; what fails is done again case by
case. A case that hangs ends the process by its alarm.
"""

import argparse
import json
import signal
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from bench.fuzz_cases import Case, lay_out, make_case
from bench.fuzz_seeds import Seed, real_seeds
from bench.fuzz_watch import Trap, Watch, bound_memory, peak_growth
from flows.actors.pool import Done
from flows.actors.reader import Reader
from flows.config import IngestConfig
from flows.ingest_commit import commit_records, quarantine_unread
from flows.naming import Naming
from flows.quarantine import CODE_VERSION
from flows.summary import RunSummary
from infra.demo.wfdb_write import Clock, Signal, write_record
from ops.catalog import Plan, PlannedRecord, Unread, plan_records
from ops.catalog.tree import is_numerics
from ops.lake import Lake
from ops.source import Entry

HANG_S: Final = 60.0
A_CASE_S: Final = 4.0
"""An archive may take so long, and so much more for each of its cases."""
MORE_BYTES: Final = 2 * 2**30
HIDDEN_CASES: Final = 32
HIDDEN_EVERY: Final = 8
"""So many cases in a row are de-identified, and then none till so many times as many are done."""
WARM_UP: Final = 8
"""Cases done before the first: what is imported or opened once is no case's."""
KEY: Final = "a key of sixteen and more"
FOR_NOW: Final = "OSError"


@dataclass
class Told:
    """What became of one case.

    ``outcome`` is ``read`` (something of it is in, and nothing in quarantine), ``partly``,
    ``refused`` (all that there is of it is in quarantine) or ``nothing`` (no catalog offers it).
    ``failures`` are what must not be; ``for_now`` counts faults that a night would try again.
    ``seconds`` are those of reading, by the clock; ``peak_mib`` is beyond what was held before.
    """

    number: int
    seed: str
    ways: tuple[str, ...]
    outcome: str = "nothing"
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    for_now: int = 0
    failures: list[str] = field(default_factory=list)


class Night:
    """Takes cases through a night, some at a time, and looks at what is left of each."""

    def __init__(self, run_seed: int, seeds: Sequence[Seed], folder: Path, watch: Watch) -> None:
        self._run_seed, self._seeds = run_seed, seeds
        self._folder, self._watch = folder, watch
        self._outside = make_outside(folder / "outside")
        self._trap = Trap(self._outside)

    def run(self, first: int, stop: int) -> list[Told]:
        """Take the cases of one archive through; where that fails, each in an archive alone."""
        cases = [
            make_case(self._run_seed, number, self._seeds, self._outside)
            for number in range(first, stop)
        ]
        told = [Told(case.number, case.seed, case.ways) for case in cases]
        try:
            self._whole(cases, told)
        except Exception as error:
            if len(cases) > 1:
                return [
                    one for number in range(first, stop) for one in self.run(number, number + 1)
                ]
            told[0].failures.append(f"the night: {_said(error)}")
        return told

    def _whole(self, cases: Sequence[Case], told: list[Told]) -> None:
        with tempfile.TemporaryDirectory(prefix="night-", dir=self._folder) as here:
            _Archive(Path(here), cases, told, self._watch, self._trap).night()


class _Archive:
    """One archive of some cases, its lake and scratch."""

    def __init__(
        self, root: Path, cases: Sequence[Case], told: list[Told], watch: Watch, trap: Trap
    ) -> None:
        self._cases, self._watch, self._trap = cases, watch, trap
        self._told = {case.folder: one for case, one in zip(cases, told, strict=True)}
        self._archive, self._lake, self._scratch = (
            root / n for n in ("archive", "lake", "scratch")
        )
        for folder in (self._archive, self._lake, self._scratch):
            folder.mkdir()
        hidden = cases[0].number // HIDDEN_CASES % HIDDEN_EVERY == 0
        self._config = IngestConfig(
            source=str(self._archive),
            lake=str(self._lake),
            scratch=str(self._scratch),
            dataset="fuzz",
            workers=0,
            **({"deidentify": True, "deid_key": KEY} if hidden else {}),
        )
        self._naming = Naming(self._config.deidentifier())
        self._summary = RunSummary(run_id="fuzz", flow="ingest", lake=str(self._lake))

    def night(self) -> None:
        """List, plan, read, commit, and look at what is left."""
        for case in self._cases:
            lay_out(case, self._archive)
        self._trap.sprung()  # by laying out
        with self._watch.only(self._archive, self._lake, self._scratch):
            listing, plan = self._planned()
        self._blame("planning", None)
        reader = Reader(self._config, "fuzz")
        done = [Done(planned, 1, self._read(reader, planned)) for planned in plan.to_read]
        done = [one for one in done if one.result is not None]
        with self._watch.only(self._archive, self._lake, self._scratch):
            quarantine_unread(self._config, plan, self._summary)
            commit_records(done, self._config, self._summary)
        self._blame("committing", None)
        self._look(listing, plan, done)

    def _planned(self) -> tuple[dict[str, Entry], Plan]:
        source = self._config.open_source()
        listing = source.listing()
        hide = self._naming.hide if self._config.deidentify else None
        return listing, plan_records(source, listing, {}, CODE_VERSION, hide)

    def _read(self, reader: Reader, planned: PlannedRecord) -> Any:
        told = self._of(planned.path)
        folder = self._archive / planned.path.partition("/")[0]
        began, cpu, result = time.perf_counter(), time.process_time(), None
        with peak_growth() as grown, self._watch.only(folder, self._lake, self._scratch):
            try:
                result = reader.work(planned)
            except Exception as error:
                told.failures.append(f"reading: {_said(error)}")
        told.seconds += time.perf_counter() - began
        told.cpu_seconds += time.process_time() - cpu
        told.peak_mib = max(told.peak_mib, grown[0])
        self._blame("reading", told)
        return result

    def _blame(self, step: str, told: Told | None) -> None:
        """Put down what was opened outside to a case; where it can't be told whose, start over."""
        heard = list(dict.fromkeys(self._watch.trespasses))
        self._watch.trespasses.clear()
        if self._trap.sprung():
            heard.append("what lies outside the archive was opened")
        if heard and told is None and len(self._cases) > 1:
            message = f"{step} trespassed"
            raise RuntimeError(message)
        for one in heard:
            (told or next(iter(self._told.values()))).failures.append(f"{step}: {one}")

    def _of(self, path: str) -> Told:
        return self._told[path.partition("/")[0]]

    def _look(self, listing: dict[str, Entry], plan: Plan, done: Sequence[Done]) -> None:
        lake = Lake(str(self._lake))
        rows = lake.scan("quarantine").collect()
        there = set(rows.select("path", "step").rows())
        for one in done:
            self._look_at_record(one, there)
        for unread in plan.faults:
            self._look_at_fault(unread, there)
        self._unsaid(listing, plan)
        for reason in rows["reason"]:
            self._wants(_is_sentence(reason), "", f"a reason is no sentence: {reason[:200]!r}")
        stored = lake.scan("windows").select(pl.len()).collect().item()
        read = sum(one.result.n_windows for one in done)
        self._wants(stored == read, "", f"{read} windows were read and {stored} are stored")

    def _look_at_record(self, one: Done, there: set[tuple[str, str]]) -> None:
        told, faults = self._of(one.item.path), one.result.quarantine
        told.for_now += (faults["error"] == FOR_NOW).sum()
        status = one.result.record["status"][0]
        is_told = (status == "partial") == bool(faults.height)
        self._wants(is_told, one.item.path, f"{status}, and {faults.height} faults")
        for fault in faults.select("path", "step").rows():
            self._wants(fault in there, one.item.path, "a fault of reading has no row")
        is_whole = told.outcome in {"nothing", "read"} and not faults.height
        told.outcome = "read" if is_whole else "partly"

    def _look_at_fault(self, unread: Unread, there: set[tuple[str, str]]) -> None:
        whose = (unread.record_id or unread.fault.path).partition("/")[0]
        fault = self._naming.fault(unread.fault, [unread.record_id or ""])
        has_row = (fault.path, fault.step) in there
        self._wants(has_row, whose, "a fault of planning has no row")
        if whose in self._told:
            told = self._told[whose]
            told.for_now += unread.fault.error == FOR_NOW
            told.outcome = "partly" if told.outcome in {"read", "partly"} else "refused"

    def _unsaid(self, listing: dict[str, Entry], plan: Plan) -> None:
        """See that no header is passed over but where a catalog rules or another record has it."""
        named = {file for planned in plan.to_read for file in planned.files}
        named |= {unread.fault.path for unread in plan.faults}
        named |= {f"{unread.record_id}.hea" for unread in plan.faults}
        ruled = {path.partition("/")[0] for path in listing if path.endswith("/RECORDS")}
        # They may be segments of the record that could not be fetched.
        ruled |= {u.fault.path.partition("/")[0] for u in plan.faults if u.fault.step == "fetch"}
        for path in listing:
            folder = path.partition("/")[0]
            if path.endswith(".hea") and folder not in ruled and not is_numerics(path, listing):
                said = path in named or ascii(path)[1:-1] in named
                self._wants(said, folder, f"nothing is said of {path!a}")

    def _wants(self, is_so: bool, path: str, failure: str) -> None:
        if not is_so:
            told = self._told.get(path.partition("/")[0]) or next(iter(self._told.values()))
            told.failures.append(failure)


def make_outside(folder: Path) -> Path:
    """Make a folder that no case may open, with a record in it that would be read."""
    if not folder.is_dir():
        n = 1000
        signals = [Signal("II", "mV", pl.arange(n, eager=True).to_numpy().astype("f4"), 1.0)]
        write_record(folder, "secret", signals, Clock(125.0))
    return folder


def _is_sentence(reason: str) -> bool:
    return bool(reason.strip()) and reason.isprintable() and "Traceback" not in reason


def _said(error: BaseException) -> str:
    trace, last = error.__traceback__, ""
    while trace is not None:
        last = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {last}: {' '.join(str(error).split())[:200]}"


def main() -> None:
    """Take a range of cases through; what became of each is a line of JSON in ``FOLDER/told``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wfdb", type=Path)
    parser.add_argument("folder", type=Path)
    for name in ("seed", "first", "stop", "at-once"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    warnings.simplefilter("error")
    night = Night(options.seed, real_seeds(options.wfdb), options.folder, Watch())
    night.run(0, WARM_UP)
    bound_memory(MORE_BYTES)
    with (options.folder / "told").open("w", encoding="utf-8") as file:
        for first in range(options.first, options.stop, options.at_once):
            stop = min(first + options.at_once, options.stop)
            signal.setitimer(signal.ITIMER_REAL, HANG_S + A_CASE_S * (stop - first))
            for told in night.run(first, stop):
                file.write(json.dumps(asdict(told)) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
