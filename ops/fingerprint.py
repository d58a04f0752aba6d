"""What a record's files were when it was read, as one hash."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

from ops.source import Entry


def fingerprint(files: Iterable[str], listing: Mapping[str, Entry]) -> str:
    """Hash name, size and version of every file; one that is not in ``listing`` counts as absent.

    The order of ``files`` and of ``listing`` does not matter, nor does a file named twice. A
    de-identified lake hides names on both sides first (``listing`` by hidden path), since a plain
    hash of a name can be guessed.
    """
    digest = sha256()
    for name in sorted(set(files)):
        entry = listing.get(name)
        parts = (name, str(entry.size), entry.version) if entry else (name,)
        digest.update(json.dumps(parts).encode())
    return digest.hexdigest()
