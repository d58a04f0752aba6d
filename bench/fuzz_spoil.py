"""Ways to spoil the files of a record, each by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import fuzz_text as text
from bench.fuzz_text import Rng

FLAC: Final = b"fLaC"
STREAM_INFO: Final = slice(8, 42)


@dataclass(frozen=True)
class Link:
    """A symbolic link in the place of a file."""

    target: bytes


@dataclass(frozen=True)
class Odd:
    """What is no file in the place of one: a ``folder`` or a ``pipe``."""

    kind: str


Files = dict[bytes, bytes | Link | Odd]
Way = Callable[[Files, Rng, Path], None]


def ways_of(files: Files) -> list[tuple[str, Way]]:
    """Name the ways to spoil what is there; what is like no file of the record is left out."""
    found = [way for way in _WAYS if any(way[2](name, files[name]) for name in files)]
    return [(name, way) for name, way, _ in found]


def _with(change: Callable[[bytes, Rng], bytes], like: Callable[[bytes, object], bool]) -> Way:
    """Change the content of one file that is like this."""

    def way(files: Files, rng: Rng, _: Path) -> None:
        names = sorted(name for name, content in files.items() if like(name, content))
        name = names[int(rng.integers(len(names)))]
        content = files[name]
        if isinstance(content, bytes):
            files[name] = change(content, rng)

    return way


def _named(files: Files, rng: Rng, outside: Path) -> None:
    _with(lambda content, rng: text.named(content, rng, outside), _is_header)(files, rng, outside)


def _catalog(files: Files, rng: Rng, outside: Path) -> None:
    """Put a catalog beside the record, and now and then another below it that names it again."""
    records = [name.removesuffix(b".hea") for name in sorted(files) if name.endswith(b".hea")]
    files[b"RECORDS"] = text.catalog(records, rng, outside)
    if rng.random() < 0.3:
        files[b"below/RECORDS"] = text.catalog(records, rng, outside)


def _stream_info(content: bytes, rng: Rng) -> bytes:
    """Spoil what FLAC says of itself: block sizes, rate, channels, bits and length."""
    said = content[STREAM_INFO]
    if rng.random() < 0.5:
        length = (0, 1, 2**36 - 1, 10**7)[int(rng.integers(4))]
        packed = int.from_bytes(said[10:18], "big") >> 36 << 36 | length
        said = said[:10] + packed.to_bytes(8, "big") + said[18:]
    else:
        said = text.flipped(said, rng)
    return content[: STREAM_INFO.start] + said + content[STREAM_INFO.stop :]


def _linked(files: Files, rng: Rng, outside: Path) -> None:
    """Let a file be a link that leads out of the archive, nowhere, or to itself."""
    name = _any(files, rng)
    there = str(outside).encode()
    kind = b"secret.hea" if name.endswith(b".hea") else b"secret.dat"
    targets = (
        there + b"/" + kind, b"../../outside/" + kind, there, b"../../outside", b"/etc/passwd",
        b"/dev/zero", b"nowhere", name.rpartition(b"/")[2], b"..",
    )  # fmt: skip
    files[name] = Link(targets[int(rng.integers(len(targets)))])
    if rng.random() < 0.2:
        files[b"below"] = Link(there)
        files[b"RECORDS"] = b"below\nbelow/secret\nr\n"


def _odd(files: Files, rng: Rng, _: Path) -> None:
    files[_any(files, rng)] = Odd(("folder", "pipe")[int(rng.integers(2))])


def _renamed(files: Files, rng: Rng, _: Path) -> None:
    """Call a file, or the folder that all lie in, by what is no text or cannot be seen."""
    odd = (
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"a\nb",
        b"\x01",
        b"\xc3\xa9",
        b" ",
        b"a'b\"c",
        b"%00",
        b"::",
    )
    word = odd[int(rng.integers(len(odd)))]
    if rng.random() < 0.5:
        inside = {word + b"/" + name: content for name, content in files.items()}
        files.clear()
        files.update(inside)
        return
    name = _any(files, rng)
    folder, slash, last = name.rpartition(b"/")
    files[folder + slash + word + last] = files.pop(name)


def _gone(files: Files, rng: Rng, _: Path) -> None:
    del files[_any(files, rng)]
    files.setdefault(b"empty.dat", b"")


def _swapped(files: Files, rng: Rng, _: Path) -> None:
    a, b = _any(files, rng), _any(files, rng)
    files[a], files[b] = files[b], files[a]


def _any(files: Files, rng: Rng) -> bytes:
    return sorted(files)[int(rng.integers(len(files)))]


def _is_header(name: bytes, content: object) -> bool:
    return name.endswith(b".hea") and isinstance(content, bytes)


def _is_flac(_: bytes, content: object) -> bool:
    return isinstance(content, bytes) and content.startswith(FLAC)


def _is_table(name: bytes, content: object) -> bool:
    return name.endswith(b".csv.gz") and isinstance(content, bytes)


def _is_signals(name: bytes, content: object) -> bool:
    return isinstance(content, bytes) and not _is_header(name, content)


def _is_any(_: bytes, __: object) -> bool:
    return True


# A way that few records offer stands here several times.
_WAYS: Final[tuple[tuple[str, Way, Callable[[bytes, object], bool]], ...]] = (
    ("header: bytes flipped", _with(text.flipped, _is_header), _is_header),
    ("header: cut", _with(text.cut, _is_header), _is_header),
    ("header: lines moved", _with(text.moved, _is_header), _is_header),
    ("header: hostile number", _with(text.numbered, _is_header), _is_header),
    ("header: hostile number", _with(text.numbered, _is_header), _is_header),
    ("header: hostile name", _named, _is_header),
    ("header: line inserted", _with(text.inserted, _is_header), _is_header),
    ("signals: bytes flipped", _with(text.flipped, _is_signals), _is_signals),
    ("signals: cut or grown", _with(text.cut, _is_signals), _is_signals),
    ("signals: FLAC's own header", _with(_stream_info, _is_flac), _is_flac),
    ("signals: FLAC's own header", _with(_stream_info, _is_flac), _is_flac),
    ("signals: FLAC's own header", _with(_stream_info, _is_flac), _is_flac),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("table: hostile cells", _with(text.table, _is_table), _is_table),
    ("catalog", _catalog, _is_any),
    ("file: a link that leads out", _linked, _is_any),
    ("file: a folder or pipe", _odd, _is_any),
    ("file: an odd name", _renamed, _is_any),
    ("file: gone", _gone, _is_any),
    ("file: another's content", _swapped, _is_any),
)
