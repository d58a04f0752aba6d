"""Headers in bulk: many small reads at once, and little of them held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ops.source import ChangedError, Entry, Source

FILES_AT_ONCE: Final = 256
HELD_BYTES: Final = 2**16


def read_listed(
    source: Source, paths: Sequence[str], listing: Mapping[str, Entry]
) -> dict[str, bytes | OSError]:
    """Read files whole, as they were listed; one that is another by now, as it is now."""
    raws = source.read(paths, listing)
    changed = [path for path, raw in raws.items() if isinstance(raw, ChangedError)]
    return raws | source.read(changed, source.look(changed)) if changed else raws


class HeaderCache:
    """The headers of a batch; a large one is not held but read again."""

    def __init__(self, source: Source, listing: Mapping[str, Entry]) -> None:
        self._source, self._listing = source, listing
        self._held: dict[str, bytes | OSError] = {}

    def __call__(self, paths: Sequence[str]) -> dict[str, bytes | OSError]:
        """Give headers by path, from the source where they are not held."""
        missing = [path for path in paths if path not in self._held]
        return {path: self._held[path] for path in paths if path in self._held} | (
            read_listed(self._source, missing, self._listing) if missing else {}
        )

    def fill(self, paths: Iterable[str]) -> None:
        """Read what is not held yet, in chunks."""
        small = [
            path
            for path in dict.fromkeys(paths)
            if path not in self._held and self._listing[path].size <= HELD_BYTES
        ]
        for start in range(0, len(small), FILES_AT_ONCE):
            some = small[start : start + FILES_AT_ONCE]
            self._held.update(read_listed(self._source, some, self._listing))
