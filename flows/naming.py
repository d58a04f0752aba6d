"""How records, subjects, files and times are called in the lake: as they are, or hidden."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from ops.deidentify import Deidentifier
from ops.fault import Fault
from schemas.known_names import is_known_name, is_known_unit


class Naming:
    """Names of a lake's rows; with a ``Deidentifier`` none of the source's own is among them."""

    def __init__(self, deidentifier: Deidentifier | None) -> None:
        self._deidentifier = deidentifier

    @property
    def check(self) -> str | None:
        """Tell one key from another without telling it; null where names are the source's own."""
        return self._deidentifier.name("check", "") if self._deidentifier else None

    def hide(self, kind: str, original: str) -> str:
        """Give the lake's name for a ``record``, ``subject``, ``file``, ``name`` or ``unit``."""
        return self._deidentifier.name(kind, original) if self._deidentifier else original

    def record(self, original: str) -> str:
        """Give the lake's name for a record."""
        return self.hide("record", original)

    def subject(self, original: str) -> str:
        """Give the lake's name for a subject."""
        return self.hide("subject", original)

    def file(self, original: str) -> str:
        """Give the lake's name for a file's path below the source."""
        return self.hide("file", original)

    def signal(self, original: str) -> str:
        """Give the lake's name for a signal or a numeric: what no monitor writes is free text."""
        return original if is_known_name(original) else self.hide("name", original)

    def unit(self, original: str) -> str:
        """Give the lake's name for a unit, likewise."""
        return original if is_known_unit(original) else self.hide("unit", original)

    def signals(self, described: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give what is said of a record's signals, in the lake's names and units."""
        return [
            {**one, "name": self.signal(one["name"]), "unit": self.unit(one["unit"])}
            for one in described
        ]

    def start(self, subject: str, start: datetime | time | None) -> datetime | None:
        """Give the wall clock of a record's start; null where its header has no date."""
        dated = start if isinstance(start, datetime) else None
        return self._deidentifier.moved(subject, dated) if self._deidentifier else dated

    def comments(self, original: Sequence[str]) -> list[str] | None:
        """Give a header's comments; free text is dropped where identifiers are."""
        return None if self._deidentifier else list(original)

    def fault(self, fault: Fault, originals: Iterable[str]) -> Fault:
        """Give a fault in the lake's names; ``originals`` are those its sentence may hold."""
        if self._deidentifier is None:
            return fault
        reason = self._deidentifier.sentence(fault.reason, [*originals, fault.path])
        return replace(fault, path=self.file(fault.path), reason=reason)

    def sentence(self, text: str, said: Iterable[str]) -> str:
        """Give a sentence by what names nobody and by what the operator ``said``."""
        return self._deidentifier.sentence(text, (), said) if self._deidentifier else text
