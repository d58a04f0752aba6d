"""The segments of a record in its time, and what each has to read.

A segment is opened alone: its signal files are fetched, checked, read by grid spans, and gone when
it closes.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil, isclose
from pathlib import Path
from typing import Final

from ops.decode import SignalFile, SignalFileError, open_signal_file, read_counts
from ops.entry import WHOLE_RECORD
from ops.fault_log import FaultLog, below
from ops.header import GAP, Header, SignalSpec
from ops.record_tree import RecordTree
from ops.resample import MAX_FS, MIN_FS, grid_span, source_span
from ops.window_block import Stretch, WaveSignal
from schemas.grid import WINDOW_S
from schemas.modality import UNCALIBRATED, modality_of, to_modality_unit

Fetched = Callable[[Sequence[str]], AbstractContextManager[Path]]
MAX_WINDOWS: Final = 2**31 - 1
MAX_SAMPLES_A_SECOND: Final = 2**23
"""Of all signals together: a window of more would not fit the memory of a shard."""
MAX_TIMES_NAMED: Final = 100
"""Times that a record may name one segment: a short header could make years of one minute."""


@dataclass(frozen=True)
class PlacedSegment:
    """A single-segment header at its place in the record.

    ``n_frames`` is what the record leaves it, null where nothing says; the segment's own header
    may announce fewer or more.
    """

    header: Header
    start_frame: int
    n_frames: int | None


@dataclass
class OpenSegment:
    """A segment whose signal files are at hand, with the modality signals in each."""

    placed: PlacedSegment
    files: list[tuple[SignalFile, dict[int, WaveSignal]]]

    def grid_span(self) -> tuple[int, int]:
        """The grid samples ``[k, k_stop)`` that some signal of the segment has a sample for."""
        spans = [
            grid_span(*self._samples(held, signal), signal.fs)
            for held, signals in self.files
            for signal in signals.values()
        ]
        return min((k for k, _ in spans), default=0), max((stop for _, stop in spans), default=0)

    def read(self, k: int, k_stop: int, log: FaultLog) -> list[Stretch]:
        """Read what the grid samples ``[k, k_stop)`` need; a file that fails is read no more."""
        stretches: list[Stretch] = []
        for held, signals in tuple(self.files):
            try:
                stretches.extend(self._read_file(held, signals, k, k_stop))
            except (SignalFileError, OSError) as error:
                log.add(held.path.name, _step(error), error)
                self.files.remove((held, signals))
        return stretches

    def _read_file(
        self, held: SignalFile, signals: dict[int, WaveSignal], k: int, k_stop: int
    ) -> Iterator[Stretch]:
        first, stop = self._frames(held, signals, k, k_stop)
        if first >= stop:
            return
        counts = read_counts(held, first, stop)
        for number, signal in signals.items():
            own_k, own_stop = grid_span(*self._samples(held, signal), signal.fs)
            start = (self.placed.start_frame + first) * signal.spec.samples_per_frame
            if max(k, own_k) < min(k_stop, own_stop):
                yield Stretch(signal, counts[number], start, max(k, own_k), min(k_stop, own_stop))

    def _frames(
        self, held: SignalFile, signals: dict[int, WaveSignal], k: int, k_stop: int
    ) -> tuple[int, int]:
        """The file's frames that the grid samples are made from."""
        spans = []
        for signal in signals.values():
            spf = signal.spec.samples_per_frame
            first, stop = source_span(k, k_stop, signal.fs)
            spans.append((first // spf, ceil(stop / spf)))
        start = self.placed.start_frame
        first = max(min(first for first, _ in spans) - start, 0)
        return first, min(max(stop for _, stop in spans) - start, self._length(held))

    def _samples(self, held: SignalFile, signal: WaveSignal) -> tuple[int, int]:
        """The signal's samples ``[first, stop)``, counted from the record's start."""
        spf = signal.spec.samples_per_frame
        start = self.placed.start_frame
        return start * spf, (start + self._length(held)) * spf

    def _length(self, held: SignalFile) -> int:
        most = self.placed.n_frames
        return held.n_frames if most is None else min(held.n_frames, most)


def place_segments(tree: RecordTree, log: FaultLog) -> list[PlacedSegment]:
    """Put every readable segment at its frame; gaps, the layout and what is missing are left out.

    A segment of another rate than its record's, beyond what the grid can number, or named too
    often, is a fault.
    """
    master = tree.header
    if not master.segments:
        return [PlacedSegment(master, 0, master.n_frames or None)]
    placed, start = [], 0
    times = Counter[str]()
    for segment in master.segments:
        header = tree.segments.get(segment.name) if segment.name != GAP else None
        if header is not None and segment.n_frames:
            times[segment.name] += 1
            why = _misplaced(master, header, start + segment.n_frames)
            if times[segment.name] > MAX_TIMES_NAMED:
                why = f"is named more than {MAX_TIMES_NAMED} times; it is read that often, no more"
            if why is None:
                placed.append(PlacedSegment(header, start, segment.n_frames))
            else:
                error = ValueError(f"segment {segment.name} {why}")
                log.add(f"{segment.name}.hea", "read", error)
        start += segment.n_frames
    return placed


@contextmanager
def open_segment(
    placed: PlacedSegment, tree: RecordTree, fetched: Fetched, log: FaultLog
) -> Iterator[OpenSegment]:
    """Fetch and check the signal files that hold a modality; each that fails is a fault.

    Raises:
        ChangedError: where one is not the file that was listed.
        TimeoutError: where the source does not answer.
    """
    by_file: dict[str, list[SignalSpec]] = {}
    for spec in placed.header.signals:
        if spec.file_name != GAP:
            by_file.setdefault(spec.file_name, []).append(spec)
    waves = _wave_signals(placed.header, log)
    wanted = [name for name in by_file if name in waves]
    for name in [name for name in wanted if below(tree.folder, name) in tree.absent]:
        missing = FileNotFoundError(
            f"signal file {name} of {placed.header.name} is not in the archive"
        )
        log.add(name, "fetch", missing)
        wanted.remove(name)
    with ExitStack() as stack:
        scratch = _fetch(stack, wanted, fetched, log)
        opened = OpenSegment(placed, [])
        for name, path in scratch.items():
            try:
                held = open_signal_file(path, tuple(by_file[name]), placed.header.n_frames)
            except (SignalFileError, OSError) as error:
                log.add(name, _step(error), error)
            else:
                opened.files.append((held, waves[name]))
        yield opened


def _step(error: Exception) -> str:
    """The step that failed: a disk that does not give a file did not bring it."""
    return "fetch" if isinstance(error, OSError) else "read"


def samples_a_second(placed: PlacedSegment) -> float:
    """Samples a second that a segment's signals hold, all together."""
    return placed.header.fs * sum(one.samples_per_frame for one in placed.header.signals)


def _misplaced(master: Header, header: Header, stop_frame: int) -> str | None:
    if header.segments:
        return "is itself of several segments"
    if not isclose(header.fs, master.fs, rel_tol=1e-9):
        return f"has {header.fs:g} frames a second where its record has {master.fs:g}"
    if stop_frame / master.fs / WINDOW_S > MAX_WINDOWS:
        return "lies beyond the windows that can be numbered"
    return None


def _wave_signals(header: Header, log: FaultLog) -> dict[str, dict[int, WaveSignal]]:
    """The signals of a modality by file and by their number in it; none where they are too many."""
    rate = header.fs * sum(spec.samples_per_frame for spec in header.signals)
    if rate > MAX_SAMPLES_A_SECOND:
        why = f"{header.name} has {rate:g} samples a second, more than {MAX_SAMPLES_A_SECOND}"
        log.add(f"{header.name}.hea", "read", ValueError(why))
        return {}
    waves: dict[str, dict[int, WaveSignal]] = {}
    numbers: dict[str, int] = {}
    names: dict[tuple[str, str], int] = {}
    for spec in header.signals:
        number = numbers.setdefault(spec.file_name, 0)
        numbers[spec.file_name] += 1
        modality = modality_of(spec.name)
        if modality is None or spec.file_name == GAP:
            continue
        fs = header.fs * spec.samples_per_frame
        if not MIN_FS <= fs <= MAX_FS:
            why = f"signal {spec.name} of {header.name} has {fs:g} Hz, expected 1 to 100000"
            log.add(f"{header.name}.hea", "read", ValueError(why))
            continue
        unit, factor = to_modality_unit(modality, spec.unit)
        unit, step = (unit, factor / spec.adc_gain) if spec.adc_gain else (UNCALIBRATED, 1.0)
        again = names[spec.name, unit] = names.get((spec.name, unit), -1) + 1
        wave = WaveSignal(spec, modality, fs, unit, step, again)
        waves.setdefault(spec.file_name, {})[number] = wave
    return waves


def _fetch(stack: ExitStack, names: list[str], fetched: Fetched, log: FaultLog) -> dict[str, Path]:
    """Fetch all at once; where that fails, one by one, to tell which of them fail."""
    if not names:
        return {}
    try:
        scratch = stack.enter_context(fetched(names))
    except WHOLE_RECORD:
        raise
    except OSError as error:
        if len(names) > 1:
            single: dict[str, Path] = {}
            for name in names:
                single |= _fetch(stack, [name], fetched, log)
            return single
        log.add(names[0], "fetch", error)
        return {}
    return {name: scratch / name for name in names}
