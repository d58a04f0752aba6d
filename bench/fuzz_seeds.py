"""Small pieces of records, whole and good, for the fuzzer to spoil."""

import gzip
import io
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

import soundfile

from ops.header import Header, parse_header

_BITS: Final = {"61": 16, "160": 16, "80": 8, "8": 8, "212": 12, "310": 32 / 3, "311": 32 / 3}
FLAC: Final = ("508", "516", "524")
CSV_ROWS: Final = 40
MIMIC4: Final = "mimic4wdb/waves/p100"
BEDSIDE: Final = f"{MIMIC4}/p10020306/83404654"
SEGMENT: Final = "83404654_0006"


@dataclass(frozen=True)
class Seed:
    """A record or an archive of a few, its files by name."""

    name: str
    files: dict[str, bytes]


def real_seeds(wfdb: Path) -> list[Seed]:
    """Cut pieces of a few windows from the archives of real records."""
    samples, parts = wfdb / "samples", wfdb / "samples" / "multi-segment"
    return [
        Seed("cinc2015", piece(wfdb / "cinc2015" / "training", "a171l", 2500)),
        Seed("challenge 2015", piece(samples, "a103l", 1500)),
        Seed("mitdb", piece(wfdb / "mitdb", "201", 2500)),
        Seed("nstdb", piece(wfdb / "nstdb", "118e_6", 2500)),
        Seed("mimic2", piece(samples, "3000003_0003", 1000)),
        Seed("mghdb", piece(samples, "03700181", 1501)),
        Seed("mixed rates", piece(samples, "mixedsignals", 800)),
        Seed("format 212", piece(samples, "v102s", 1500)),
        Seed("ten formats", _as_leads(piece(samples, "binformats", 499))),
        Seed("three FLACs", _as_leads(piece(samples, "flacformats", 499))),
        Seed("mimic4 segment", piece(wfdb / BEDSIDE, SEGMENT, 640)),
        _segments(wfdb / BEDSIDE),
        _tables(wfdb),
        _minutes(parts / "s25047"),
        Seed("fixed layout", _whole(parts / "041s")),
        Seed("varying layout", _whole(parts / "p000878")),
    ]


def piece(folder: Path, record: str, n_frames: int) -> dict[str, bytes]:
    """Give a record's header and signal files, cut to ``n_frames``."""
    raw = (folder / f"{record}.hea").read_bytes()
    header = parse_header(raw, record)
    files = {f"{record}.hea": _shorter(raw, n_frames)}
    for name in dict.fromkeys(signal.file_name for signal in header.signals):
        files[name] = _cut(folder / name, header, n_frames)
    return files


def _cut(path: Path, header: Header, n_frames: int) -> bytes:
    specs = [spec for spec in header.signals if spec.file_name == path.name]
    fmt, a_frame = specs[0].fmt, sum(spec.samples_per_frame for spec in specs)
    if fmt in FLAC:
        counts, rate = soundfile.read(
            path, n_frames * specs[0].samples_per_frame, dtype="int32", always_2d=True
        )
        cut = io.BytesIO()
        kind = {"508": "PCM_S8", "516": "PCM_16", "524": "PCM_24"}[fmt]
        soundfile.write(cut, counts, rate, kind, format="FLAC")
        return cut.getvalue()
    skew = max(spec.skew for spec in specs)
    held = ceil((n_frames + skew) * a_frame * _BITS.get(fmt, int(fmt)) / 8)
    return path.read_bytes()[: specs[0].byte_offset + held]


def _shorter(raw: bytes, n_frames: int) -> bytes:
    lines = raw.split(b"\n")
    at = next(number for number, line in enumerate(lines) if not line.startswith(b"#"))
    words = lines[at].split()
    lines[at] = b" ".join([*words[:3], str(n_frames).encode(), *words[4:]])
    return b"\n".join(lines)


def _as_leads(files: dict[str, bytes]) -> dict[str, bytes]:
    """Call signals of no modality by names that have one, so that they are read."""
    named = {}
    for name, content in files.items():
        lines = content.split(b"\n") if name.endswith(".hea") else []
        cut = [line.partition(b", fmt")[0].replace(b"sig ", b"V") for line in lines]
        named[name] = b"\n".join(cut) if lines else content
    return named


def _segments(folder: Path) -> Seed:
    """A record of two segments and a gap, with its layout and a catalog that names it."""
    names = (SEGMENT, "83404654_0007")
    files = {"83404654_0000.hea": (folder / "83404654_0000.hea").read_bytes(), "RECORDS": b"r\n"}
    for name in names:
        files |= piece(folder, name, 320)
    lines = ["r/4 7 62.4725/999.56 960 18:30:00.123 26/10/2137", "83404654_0000 0"]
    lines += [f"{names[0]} 320", "~ 320", f"{names[1]} 320", ""]
    return Seed("mimic4 record", files | {"r.hea": "\n".join(lines).encode()})


def _tables(wfdb: Path) -> Seed:
    """One short segment beside a monitor's table."""
    (table,) = wfdb.glob(f"{MIMIC4}/p10082591/*/*n.csv.gz")
    with gzip.open(table) as lines:
        rows = [row for row, _ in zip(lines, range(CSV_ROWS), strict=False)]
    files = piece(wfdb / BEDSIDE, SEGMENT, 64)
    return Seed("mimic4 numerics", files | {f"{SEGMENT}n.csv.gz": gzip.compress(b"".join(rows))})


def _minutes(folder: Path) -> Seed:
    """One short segment beside numerics in WFDB's own form."""
    record = "3234460_0006"
    (header,) = folder.glob("*-44n.hea")
    numerics = {
        f"{record}n.hea": header.read_bytes(),
        "3234460n.dat": (folder / "3234460n.dat").read_bytes(),
    }
    return Seed("mimic3 numerics", piece(folder, record, 500) | numerics)


def _whole(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
