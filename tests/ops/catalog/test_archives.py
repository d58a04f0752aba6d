"""The catalog over real archives, against lists checked by eye."""

from pathlib import Path

import pytest

from ops.catalog import Known, load_tree, plan_records
from ops.source import Source

SAMPLES = [
    "03700181",
    "3000003_0003",
    "a103l",
    "a103l-no-len",
    "binformats",
    "flacformats",
    "mixedsignals",
    "multi-segment/041s/041s",
    "multi-segment/fixed1/v102s",
    "multi-segment/p000878/p000878-2137-10-26-16-57",
    "multi-segment/s00001/s00001-2896-10-09-01-56",
    "multi-segment/s00001/s00001-2896-10-10-00-31",
    "multi-segment/s25047/s25047-2704-05-04-10-44",
    "v102s",
]
MIMIC4 = [
    "waves/p100/p10014354/81739927/81739927",
    "waves/p100/p10020306/83404654/83404654",
    "waves/p100/p10039708/85583557/85583557",
    "waves/p100/p10082591/84050536/84050536",
]


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("samples", SAMPLES),
        ("mimic4wdb", MIMIC4),
        ("nstdb", ["118e_6", "bw", "em", "ma"]),
        ("mitdb", ["201", "203", "219", "222"]),
    ],
)
def test_the_records_of_an_archive_are_found(
    real_wfdb: Path, name: str, records: list[str]
) -> None:
    source = Source(str(real_wfdb / name))

    plan = plan_records(source, source.listing(), {}, "1")

    assert sorted(record.record_id for record in plan.to_read) == records
    assert plan.faults == []


def test_a_second_night_over_cinc2015_reads_its_records_file_alone(real_wfdb: Path) -> None:
    source = Source(str(real_wfdb / "cinc2015"))
    listing = source.listing()
    first = plan_records(source, listing, {}, "1")
    known = {r.record_id: Known(r.record_id, r.files, r.fingerprint, "1") for r in first.to_read}
    read, asked = source.read, []
    source.read = lambda paths, seen=None: asked.extend(paths) or read(paths)

    second = plan_records(source, listing, known, "1")

    assert (len(first.to_read), len(second.unchanged), second.to_read) == (39, 39, [])
    assert asked == ["training/RECORDS"]


def test_the_nearly_empty_record_names_thirty_segments_that_are_not_there(real_wfdb: Path) -> None:
    source = Source(str(real_wfdb / "samples"))

    tree, faults = load_tree(source.read, SAMPLES[9], source.listing())

    assert len(tree.segments) == 3
    assert len(faults) == 30
    assert faults[0].reason == (
        "record multi-segment/p000878/p000878-2137-10-26-16-57 names segment 3269321_0003, "
        "whose header is not there"
    )


def test_numerics_go_with_their_parent(real_wfdb: Path) -> None:
    samples, mimic4 = (Source(str(real_wfdb / name)) for name in ("samples", "mimic4wdb"))

    header, _ = load_tree(samples.read, SAMPLES[10], samples.listing())
    ticks, _ = load_tree(mimic4.read, MIMIC4[2], mimic4.listing())

    assert header.numerics == ("s00001-2896-10-09-01-56n.hea",)
    assert "multi-segment/s00001/3248903n.dat" in header.files
    assert ticks.numerics == ("85583557n.csv.gz",)
