"""Simulated archives for the scale benchmark: many short records, or one long one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from infra.demo.bedside import monitor_signals
from infra.demo.simulate import Patient, simulate
from infra.demo.wfdb_write import Clock, write_record

SHORT_S: Final = (8.0, 8.5, 9.0, 9.5, 10.0, 10.5, 11.0, 11.5)
SHORT_FS: Final = 125.0
LONG_FS: Final = 250.0
A_FOLDER: Final = 100
HOUR_S: Final = 3600.0


def short_files(records: int, scratch: Path) -> Iterator[tuple[str, bytes]]:
    """Make an archive's files by path: ``RECORDS``, then a header and a signal file a record.

    A record is 8 to 12 s of ECG, PPG and ABP at 125 Hz; eight patients recur under new names.
    """
    made = [_short(number, seconds, scratch) for number, seconds in enumerate(SHORT_S)]
    names = [f"p{number // A_FOLDER:04d}/r{number:06d}" for number in range(records)]
    yield "RECORDS", "".join(f"{name}\n" for name in names).encode()
    for number, path in enumerate(names):
        header, signals = made[number % len(made)]
        name = path.rpartition("/")[2]
        yield f"{path}.hea", header.replace("NAME", name).encode()
        yield f"{path}.dat", signals


def write_short(folder: Path, records: int, scratch: Path) -> None:
    """Write an archive of short records to local disk."""
    for path, content in short_files(records, scratch):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def write_long(folder: Path, hours: Sequence[int], scratch: Path, hour_s: float = HOUR_S) -> None:
    """Write records at 250 Hz of so many hours each: one simulated hour, over and over."""
    strip = simulate(Patient("long", seed=7), hour_s, LONG_FS)
    n_frames = write_record(scratch, "NAME", monitor_signals(strip), Clock(LONG_FS))
    header = (scratch / "NAME.hea").read_text(encoding="ascii")
    hour = (scratch / "NAME.dat").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"long{number}" for number in range(len(hours))]
    for name, n_hours in zip(names, hours, strict=True):
        longer = header.replace(f" {n_frames}\n", f" {n_frames * n_hours}\n", 1)
        (folder / f"{name}.hea").write_text(longer.replace("NAME", name), encoding="ascii")
        with (folder / f"{name}.dat").open("wb") as signals:
            for _ in range(n_hours):
                signals.write(hour)
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in names), encoding="ascii")


def _short(number: int, seconds: float, scratch: Path) -> tuple[str, bytes]:
    patient = Patient(f"s{number}", heart_rate=62 + 4 * number, sbp=105 + 5 * number, seed=number)
    signals = monitor_signals(simulate(patient, seconds, SHORT_FS))
    write_record(scratch, "NAME", signals, Clock(SHORT_FS))
    header = (scratch / "NAME.hea").read_text(encoding="ascii")
    return header, (scratch / "NAME.dat").read_bytes()
