"""Many short records, for the scale benchmark: what a record costs in archives of each size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.child import told_by
from bench.report import Bar, Report, at_most
from bench.scale_archives import write_short
from bench.scale_s3 import loaded_s3, ward_url

FLAT: Final = 1.5
PLAN_S: Final = 15.0
MEMORY_MIB: Final = 128.0
THREADS: Final = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")

Told = dict[str, Any]


@dataclass(frozen=True)
class Nights:
    """What the first night and one with nothing to do told, of one archive in one place.

    ``ingested`` is false where the lake was filled by copying: then ``first`` is planning alone.
    """

    place: str
    records: int
    first: Told
    again: Told
    ingested: bool = True


def night(step: str, source: str, lake: str, *more: str) -> Told:
    """Run one step of ``bench.scale_night`` in a process of its own.

    Raises:
        RuntimeError: where it fails, with what it said last.
    """
    return told_by(
        "bench.scale_night",
        [step, source, lake, *more],
        failed=f"step {step} failed on {source}",
        environment=THREADS,
    )


def on_disk(sizes: Sequence[int], scratch: Path) -> list[Nights]:
    """Read archives of each size from local disk; lakes are left below ``scratch``."""
    nights = []
    for records in sizes:
        ward, lake = str(scratch / f"ward-{records}" / "ward"), str(scratch / f"lake-{records}")
        write_short(Path(ward), records, scratch)
        nights.append(
            Nights("disk", records, night("first", ward, lake), night("again", ward, lake))
        )
    return nights


def on_s3(sizes: Sequence[int], scratch: Path, ingest_up_to: int) -> list[Nights]:
    """Read archives of each size from moto's S3 into lakes there.

    Larger ones than ``ingest_up_to`` are planned but not read: their rows come from the lake that
    ``on_disk`` left, as if they had been read from here.
    """
    with loaded_s3(sizes) as s3, s3.in_environment():
        return [_in_s3(s3.url(f"lake-{n}"), n, scratch, n <= ingest_up_to) for n in sizes]


def _in_s3(lake: str, records: int, scratch: Path, ingested: bool) -> Nights:
    ward = ward_url(records)
    if ingested:
        first = night("first", ward, lake)
    else:
        first = night("plan", ward, f"{lake}-empty")
        night("copy", ward, lake, "--of", str(scratch / f"lake-{records}"))
    return Nights("S3", records, first, night("again", ward, lake), ingested)


def costs(nights: Sequence[Nights]) -> Report:
    """Tell what each part costs a record, and whether that stays as it is in larger archives."""
    header = ["place", "records", "part", "seconds", "CPU s", "requests", "CPU ms/record"]
    rows = [
        [n.place, n.records, part, t["seconds"], t["cpu_seconds"], t["requests"], _ms(n, t)]
        for n in nights
        for part, t in _parts(n).items()
    ]
    bars = [bar for pair in _pairs(nights) for bar in _flat(*pair)]
    bars += [
        at_most(
            f"seconds to plan {n.records} unchanged records on S3, listing aside",
            _parts(n)["plan, nothing new"]["seconds"],
            PLAN_S,
        )
        for n in nights[-1:]
        if n.place == "S3"
    ]
    return Report("What a record costs", header, rows, bars, "planning is without its listing")


def memory(nights: Sequence[Nights]) -> Report:
    """Tell how much memory a night takes, and how much more a record."""
    header = ["place", "records", "MiB, first night", "MiB, nothing to do"]
    rows = [[n.place, n.records, _peak(n.first), _peak(n.again)] for n in nights]
    bars = [
        at_most(
            f"MiB more in {night_name} of {large.records} than of {small.records}, {large.place}",
            _peak(getattr(large, of)) - _peak(getattr(small, of)),
            MEMORY_MIB,
        )
        for small, large in _ends(nights)
        for of, night_name in (("first", "the first night"), ("again", "a night with nothing"))
    ]
    kib = [
        f"{(_peak(large.again) - _peak(small.again)) * 1024 / (large.records - small.records):.1f}"
        f" KiB a record on {large.place}"
        for small, large in _ends(nights)
    ]
    return Report("Peak memory", header, rows, bars, f"to find nothing: {', '.join(kib)}")


def _parts(nights: Nights) -> dict[str, dict[str, Any]]:
    first, again = nights.first["parts"], nights.again["parts"]
    parts = {"listing": again["listing"], "plan, all new": _less(first["plan"], first["listing"])}
    parts |= {part: first[part] for part in ("ingest", "compact") if part in first}
    parts["plan, nothing new"] = _less(again["plan"], again["listing"])
    parts["rest, nothing new"] = again["rest"]
    return parts


def _less(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        figure: None if whole[figure] is None else whole[figure] - part[figure]
        for figure in ("seconds", "cpu_seconds", "requests")
    }


def _ms(nights: Nights, told: Mapping[str, Any]) -> float:
    return 1000 * float(told["cpu_seconds"]) / nights.records


def _flat(small: Nights, large: Nights) -> Iterator[Bar]:
    """Compare two sizes, part by part, where both did it."""
    before, after = _parts(small), _parts(large)
    for part in before.keys() & after.keys() - {"listing"}:
        times = _ms(large, after[part]) / _ms(small, before[part])
        name = f"{part}, {large.place}: a record of {large.records} against one of {small.records}"
        yield at_most(name, times, FLAT)


def _by_place(nights: Sequence[Nights]) -> list[list[Nights]]:
    return [
        [n for n in nights if n.place == place] for place in dict.fromkeys(n.place for n in nights)
    ]


def _pairs(nights: Sequence[Nights]) -> Iterator[tuple[Nights, Nights]]:
    """The two largest of each place, and the two largest that were ingested."""
    for there in _by_place(nights):
        ingested = [n for n in there if n.ingested]
        for sizes in [there, *([ingested] if len(ingested) < len(there) else [])]:
            if len(sizes) > 1:
                yield sizes[-2], sizes[-1]


def _ends(nights: Sequence[Nights]) -> Iterator[tuple[Nights, Nights]]:
    """The second smallest and the largest of each place."""
    for there in _by_place(nights):
        if len(there) > 2:
            yield there[1], there[-1]


def _peak(told: Told) -> float:
    return max(float(part["peak_mib"]) for part in told["parts"].values())
