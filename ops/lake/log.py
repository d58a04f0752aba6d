"""The Delta log of one table as it lies there: commits, their times, what each one names."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ops.lake.location import Location

_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint\..*")
_AT_ONCE: Final = 256
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
CLOCKS: Final = timedelta(minutes=1)
"""By how much the clocks of a lake's users may differ."""


class CommitLog:
    """The commits of a table that can be read back, as the log holds them when this is made.

    A commit's time is the one that is written in it: that of its file changes where a lake is
    copied, and delta-rs goes by the file. ``versions`` is empty where there is no such table; its
    first is 0, or that of a checkpoint where older commits have been cleaned away.
    """

    def __init__(self, location: Location, table: str) -> None:
        self._fs, root = location.filesystem()
        self._folder = f"{root}/{table}/_delta_log"
        self._fs.invalidate_cache()  # s3fs keeps listings
        names = self._names()
        found = {int(match[1]) for name in names if (match := _COMMIT.fullmatch(name))}
        checkpoints = [int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name))]
        first = 0 if 0 in found else min(checkpoints, default=max(found, default=0) + 1)
        self._now = datetime.now(UTC) + CLOCKS
        self.versions = sorted(version for version in found if version >= first)

    def time(self, version: int) -> datetime:
        """Tell when a version was committed, by the clocks of all who had committed by then.

        It is the latest stamp up to there, so that a clock that was behind makes no version older
        than the one before it. A stamp that is yet to come is no time, and counts as that before.
        """
        return max(
            (stamp for _, stamp in self._stamps(version) if stamp <= self._now), default=_BEGINNING
        )

    def version_at(self, moment: datetime) -> int | None:
        """Find the newest version at a moment; null where there was none that can be read."""
        newest = None
        for version, stamp in self._stamps():
            if moment < stamp <= self._now:
                break
            newest = version
        return newest

    def version_surely_at(self, moment: datetime) -> int | None:
        """Find the newest version that was there at a moment whichever clocks were wrong.

        A commit whose stamp is yet to come, or older than one before it, may be as young as the
        next that is in order.
        """
        sure, latest = None, _BEGINNING
        for version, stamp in self._stamps():
            if latest <= stamp <= self._now:
                if stamp > moment:
                    break
                sure, latest = version, stamp
        return sure

    def actions(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read every commit, oldest first; give each of its actions with its version."""
        for version, text in self._texts(self.versions):
            for action in self._actions(text):
                yield version, action

    def _stamps(self, last: int | None = None) -> Iterator[tuple[int, datetime]]:
        """Give versions up to ``last`` with what is written in them of their time."""
        versions = [one for one in self.versions if last is None or one <= last]
        return ((version, self._stamp(version, text)) for version, text in self._texts(versions))

    def _stamp(self, version: int, text: bytes) -> datetime:
        for action in self._actions(text):
            stamp = action.get("commitInfo", {}).get("timestamp")
            if stamp is not None:
                try:
                    return datetime.fromtimestamp(stamp / 1000, UTC)
                except (OverflowError, ValueError, OSError):
                    return _END
        return modified(self._fs, self._fs.info(self._path(version)))

    def _texts(self, versions: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Read commits, many at a time: each is a request of its own."""
        for start in range(0, len(versions), _AT_ONCE):
            some = versions[start : start + _AT_ONCE]
            texts = self._fs.cat([self._path(version) for version in some])
            by_name = {path.rpartition("/")[2]: text for path, text in texts.items()}
            for version in some:
                yield version, by_name[f"{version:020}.json"]

    def _names(self) -> list[str]:
        try:
            return [path.rpartition("/")[2] for path in self._fs.ls(self._folder, detail=False)]
        except FileNotFoundError:
            return []

    def _path(self, version: int) -> str:
        return f"{self._folder}/{version:020}.json"

    @staticmethod
    def _actions(text: bytes) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in text.splitlines() if line.strip())


def modified(fs: Any, info: dict[str, Any]) -> datetime:
    """Tell when a file was last written, by the clock of its store."""
    told = info.get("mtime", info.get("LastModified", info.get("last_modified")))
    if isinstance(told, int | float):
        return datetime.fromtimestamp(told, UTC)
    if not isinstance(told, datetime):
        told = fs.modified(info["name"])
    return told if told.tzinfo else told.replace(tzinfo=UTC)
