"""Plans of small archives, and what a lake would know after them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ops.catalog import Known, Plan, plan_records
from ops.source import Entry, Source

Replan = Callable[..., Plan]


class CountingSource(Source):
    """A source that counts the headers read of it."""

    headers_read = 0

    def read(
        self, paths: Sequence[str], seen: Mapping[str, Entry] | None = None
    ) -> dict[str, bytes | OSError]:
        self.headers_read += sum(path.endswith(".hea") for path in paths)
        return super().read(paths, seen)


@pytest.fixture
def plan() -> Replan:
    """Plan an archive against nothing, or against what an earlier plan read."""

    def _plan(root: Path, before: Plan | None = None, **changed: str) -> Plan:
        source = CountingSource(str(root))
        known = known_after(before) if before else {}
        return plan_records(source, source.listing(), known, changed.get("version", "1"))

    return _plan


def known_after(plan: Plan) -> dict[str, Known]:
    """What the lake knows once everything in a plan was read, or quarantined."""
    read = {r.record_id: Known(r.record_id, r.files, r.fingerprint, "1") for r in plan.to_read}
    quarantined = {
        unread.record_id: Known(unread.record_id, (), unread.fingerprint, "1")
        for unread in plan.faults
        if unread.record_id and unread.fault.step == "header"
    }
    return read | quarantined
