"""Keep small files few while a night adds them: its last commit costs what its first did."""

from collections import Counter
from typing import Final

from ops.lake.compact import compact
from ops.lake.location import Location

MOST_FILES: Final = 2048


class Tidy:
    """Counts files as they come into a lake's tables, and compacts a table now and then.

    A commit opens the table, which takes as long as its log names files.
    """

    def __init__(self, location: Location, most_files: int = MOST_FILES) -> None:
        self._location = location
        self._most_files = most_files
        self._since: Counter[str] = Counter()

    def added(self, table: str, n_files: int) -> int:
        """Take note of new files; give how many fewer they have become, if they were too many."""
        self._since[table] += n_files
        if self._since[table] < self._most_files:
            return 0
        self._since[table] = 0
        return compact(self._location, table)
