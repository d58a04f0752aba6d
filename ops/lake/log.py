"""The Delta log of one table as it lies there: commits, their times, what each one names."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from ops.lake.location import Location

_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint\..*")
_AT_ONCE: Final = 256


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
        self.versions = sorted(version for version in found if version >= first)

    def time(self, version: int) -> datetime:
        """Tell when a version was committed, by the clock of who did."""
        for action in self._actions(self._fs.cat_file(self._path(version))):
            stamp = action.get("commitInfo", {}).get("timestamp")
            if stamp is not None:
                return datetime.fromtimestamp(stamp / 1000, UTC)
        return modified(self._fs, self._fs.info(self._path(version)))

    def version_at(self, moment: datetime) -> int | None:
        """Find the newest version at a moment; null where there was none that can be read."""
        low, high = 0, len(self.versions)
        while low < high:
            middle = (low + high) // 2
            if self.time(self.versions[middle]) <= moment:
                low = middle + 1
            else:
                high = middle
        return self.versions[low - 1] if low else None

    def actions(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read every commit, oldest first; give each of its actions with its version."""
        for start in range(0, len(self.versions), _AT_ONCE):
            some = self.versions[start : start + _AT_ONCE]
            texts = self._fs.cat([self._path(version) for version in some])
            by_name = {path.rpartition("/")[2]: text for path, text in texts.items()}
            for version in some:
                for action in self._actions(by_name[f"{version:020}.json"]):
                    yield version, action

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
