"""A record looked at anew, where its files are not those that were planned with."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ops.catalog.planned import PlannedRecord
from ops.catalog.tree import HEADER, NUMERICS, below, load_tree, parsed, segment_names
from ops.fingerprint import fingerprint
from ops.source import ChangedError, Source


def look_again(source: Source, planned: PlannedRecord, hide: Callable[[str], str]) -> PlannedRecord:
    """Ask for every file of one record by itself, and plan it with what they are now.

    A listing may be older than what it lists, so none is asked for.

    Args:
        source: where the record lies.
        planned: what it was.
        hide: gives the name that the lake knows a file by, for the fingerprint.

    Raises:
        ChangedError: where it changes again, or its header is gone.
        HeaderError: where its header can't be used any more.
        OSError: where the source fails for now.
    """
    folder, _, name = planned.record_id.rpartition("/")
    seen = source.look([planned.path])
    if planned.path not in seen:
        message = f"{planned.path} was listed and is gone"
        raise ChangedError(message)
    raw = source.read([planned.path], seen)[planned.path]
    header = parsed(raw, planned.path, seen)
    parts = [below(folder, part) + HEADER for part in segment_names(header)]
    seen |= source.look([*parts, *(below(folder, name + suffix) for suffix in NUMERICS)])
    tree, _ = load_tree(partial(source.read, seen=seen), planned.record_id, seen)
    seen |= source.look([path for path in tree.files if path not in seen])
    entries = tuple(seen[path] for path in tree.files if path in seen)
    told = {hide(entry.path): entry for entry in entries}
    mark = fingerprint(map(hide, tree.files), told)
    return replace(planned, entries=entries, files=tree.files, fingerprint=mark)
