"""How each kind of record of the simulated archive comes about and is written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from infra.demo import artefacts
from infra.demo.numerics import TICKS_HZ, write_numerics
from infra.demo.simulate import Patient, Strip, simulate
from infra.demo.wfdb_write import Clock, Format, Signal, write_layout, write_master, write_record

ADMITTED: Final = datetime(2143, 9, 20, 21, 13, 5, 250_000)  # noqa: DTZ001
"""Header clocks are naive, and de-identified ones lie in the future."""

MIMIC_FRAMES_HZ: Final = 62.4725


@dataclass(frozen=True)
class Case:
    """One subject: who, what its record shows, and how it is written below the archive."""

    patient: Patient
    story: str
    record_id: str
    write: Callable[[Path, "Case", float], None]
    readable: bool = True


def monitor_signals(
    strip: Strip, fmt: Format = "16", *, abp: bool = True, ecg_gain: float = 200.0
) -> list[Signal]:
    """Signals II, PLETH and ABP of a strip with a monitor's gains for the format."""
    fine = fmt != "212"
    signals = [
        Signal("II", "mV", strip.ecg, ecg_gain, fmt=fmt),
        Signal("PLETH", "NU", strip.ppg, 4096 if fine else 1000, fmt=fmt),
    ]
    line = Signal("ABP", "mmHg", strip.abp, 16 if fine else 6, 0 if fine else -200, fmt=fmt)
    return [*signals, line] if abp else signals


def recorded(case: Case, duration_s: float, fs: float) -> Strip:
    """Simulate a case as a good monitor records it."""
    return monitored(case.patient, duration_s, fs)


def monitored(patient: Patient, duration_s: float, fs: float) -> Strip:
    """Simulate a patient with the little noise and wander of a good monitor."""
    strip = simulate(patient, duration_s, fs)
    rng = np.random.default_rng([patient.seed, 0xA0])
    n = len(strip.ecg)
    ecg = strip.ecg + 0.03 * artefacts.wander(n, fs, rng) + rng.normal(0, 0.008, n)
    return replace(
        strip,
        ecg=ecg.astype(np.float32),
        ppg=(strip.ppg + rng.normal(0, 0.002, n)).astype(np.float32),
        abp=(strip.abp + rng.normal(0, 0.25, n)).astype(np.float32),
    )


def _place(folder: Path, case: Case) -> tuple[Path, str, tuple[str, ...]]:
    path = folder / case.record_id
    return path.parent, path.name, (f"subject_id {case.patient.subject_id}",)


def _clock(case: Case, fs: float, counter_fs: float | None = None) -> Clock:
    return Clock(fs, ADMITTED + timedelta(hours=7.3 * (case.patient.seed % 1000)), counter_fs)


def _rng(case: Case) -> np.random.Generator:
    return np.random.default_rng([case.patient.seed, 0xBED])


def write_plain(
    fs: float, fmt: Format, *, abp: bool = True, dated: bool = False
) -> Callable[[Path, Case, float], None]:
    """Give the writer of a single-segment record without artefacts, all signals at ``fs``."""

    def write(folder: Path, case: Case, duration_s: float) -> None:
        home, name, comments = _place(folder, case)
        signals = monitor_signals(recorded(case, duration_s, fs), fmt, abp=abp)
        write_record(home, name, signals, _clock(case, fs) if dated else Clock(fs), comments)

    return write


def write_motion(folder: Path, case: Case, duration_s: float) -> None:
    """A third of the PPG under a moving finger."""
    fs, rng = 125.0, _rng(case)
    strip = recorded(case, duration_s, fs)
    moved = artefacts.ppg_motion(strip.ppg, fs, rng, strength=4.0)
    ppg = artefacts.within(strip.ppg, moved, fs, 0.4 * duration_s, duration_s / 3)
    home, name, comments = _place(folder, case)
    signals = monitor_signals(replace(strip, ppg=ppg), abp=False)
    write_record(home, name, signals, Clock(fs), comments)


def write_cuff(folder: Path, case: Case, duration_s: float) -> None:
    """ECG and PPG beside a file of numerics; the pressure is known by the cuff alone."""
    fs = 125.0
    strip = recorded(case, duration_s, fs)
    home, name, comments = _place(folder, case)
    signals = monitor_signals(strip, abp=False)
    write_record(home, name, signals, _clock(case, fs, TICKS_HZ), comments)
    write_numerics(home / f"{name}n.csv.gz", case.patient, strip)


def write_noisy(folder: Path, case: Case, duration_s: float) -> None:
    """Electrode motion at -12 dB, then muscle at -10 dB, with hum of the mains throughout."""
    fs, rng = 250.0, _rng(case)
    strip = recorded(case, duration_s, fs)
    n = len(strip.ecg)
    hum = artefacts.at_snr(strip.ecg, artefacts.mains(n, fs), 20.0)
    motion = artefacts.at_snr(hum, artefacts.electrode_motion(n, fs, rng), -12.0)
    tremor = artefacts.at_snr(hum, artefacts.muscle(n, fs, rng), -10.0)
    third = duration_s / 3
    ecg = artefacts.within(hum, motion, fs, 0.5 * third, third)
    ecg = artefacts.within(ecg, tremor, fs, 1.8 * third, third)
    home, name, comments = _place(folder, case)
    signals = monitor_signals(replace(strip, ecg=ecg))
    write_record(home, name, signals, _clock(case, fs), comments)


def write_gaps(folder: Path, case: Case, duration_s: float) -> None:
    """Short losses in PPG and ABP by turns, a long one in both, one flush and a damped line."""
    fs, rng = 125.0, _rng(case)
    strip = recorded(case, duration_s, fs)
    ppg, abp = strip.ppg, strip.abp
    abp = artefacts.within(abp, artefacts.damped(abp, fs), fs, 0.7 * duration_s, 12.0)
    abp = artefacts.flushed(abp, fs, 0.9 * duration_s)
    for start_s in np.arange(4.0, 0.6 * duration_s, 10.0):
        ppg = artefacts.lost(ppg, fs, start_s + rng.uniform(0, 2), rng.uniform(0.3, 2.0))
        abp = artefacts.lost(abp, fs, start_s + 4 + rng.uniform(0, 2), rng.uniform(0.3, 2.0))
    ppg = artefacts.lost(ppg, fs, 0.6 * duration_s, 10.0)
    abp = artefacts.lost(abp, fs, 0.6 * duration_s, 10.0)
    home, name, comments = _place(folder, case)
    signals = monitor_signals(replace(strip, ppg=ppg, abp=abp))
    write_record(home, name, signals, _clock(case, fs), comments)


def write_segments(folder: Path, case: Case, duration_s: float) -> None:
    """Variable layout: a gap, then twice the ECG's gain, and at last no arterial line."""
    fs = 125.0
    home, name, comments = _place(folder, case)
    clock = _clock(case, fs)
    strip = recorded(case, duration_s, fs)
    first, gap, second = (round(share * duration_s) for share in (0.4, 0.1, 0.3))
    layout = monitor_signals(strip)
    write_layout(home, f"{name}_layout", layout, clock)
    parts = (
        (0, first, monitor_signals(strip)),
        (first + gap, first + gap + second, monitor_signals(strip, ecg_gain=400.0)),
        (first + gap + second, len(strip.ecg) / fs, monitor_signals(strip, abp=False)),
    )
    written = []
    for number, (start_s, end_s, signals) in enumerate(parts, start=1):
        segment = f"{name}_{number:04d}"
        cut = [_cut(signal, start_s, end_s, fs) for signal in signals]
        at = None if clock.start is None else clock.start + timedelta(seconds=start_s)
        written.append((segment, write_record(home, segment, cut, replace(clock, start=at))))
    segments = [(f"{name}_layout", 0), written[0], ("~", round(gap * fs)), *written[1:]]
    write_master(home, name, segments, len(layout), clock, comments)


def write_flac(folder: Path, case: Case, duration_s: float) -> None:
    """MIMIC-IV's form: FLAC, ECG at four samples a frame, PPG and ABP at two, Resp at one."""
    home, name, comments = _place(folder, case)
    clock = _clock(case, MIMIC_FRAMES_HZ, TICKS_HZ)
    bare = replace(clock, start=None)
    n_frames = round(duration_s * MIMIC_FRAMES_HZ)
    strip = recorded(case, n_frames / MIMIC_FRAMES_HZ, 4 * MIMIC_FRAMES_HZ)
    signals = [
        Signal("II", "mV", strip.ecg, 200, 0, "516", "e", 4),
        Signal("ABP", "mmHg", strip.abp[::2], 16, 800, "516", "p", 2),
        Signal("Pleth", "NU", strip.ppg[::2], 4096, 0, "516", "p", 2),
        Signal("Resp", "Ohm", strip.respiration[::4], 4093, 2, "516", "r", 1),
    ]
    write_layout(home, f"{name}_0000", signals, bare)
    half = n_frames // 2
    halves = [[_frames(s, 0, half) for s in signals], [_frames(s, half, n_frames) for s in signals]]
    written = [
        (segment, write_record(home, segment, part, bare))
        for segment, part in zip((f"{name}_0001", f"{name}_0002"), halves, strict=True)
    ]
    write_master(home, name, [(f"{name}_0000", 0), *written], len(signals), clock, comments)


def write_truncated(folder: Path, case: Case, duration_s: float) -> None:
    """The header promises it all; the copy of the signal file broke off."""
    write_plain(250.0, "16")(folder, case, duration_s)
    signal_file = (folder / case.record_id).with_suffix(".dat")
    whole = signal_file.read_bytes()
    signal_file.write_bytes(whole[: len(whole) * 2 // 5 + 1])


def _cut(signal: Signal, start_s: float, end_s: float, fs: float) -> Signal:
    return _frames(signal, round(start_s * fs), round(end_s * fs))


def _frames(signal: Signal, first: int, last: int) -> Signal:
    spf = signal.samples_per_frame
    return replace(signal, p_signal=signal.p_signal[first * spf : last * spf])
