"""Names and dates that lead back to nobody without the key.

Subjects, records and files become keyed hashes (HMAC-SHA256, RFC 2104, of kind and name), the same
in every night and every table. Dates move by a number of days that the key draws for each subject,
so intervals inside a subject, and the time of day, hold.
"""

import hmac
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from ops.told_words import TOLD_WORDS

KEY_VARIABLE: Final = "PULSELAKE_DEID_KEY"
MIN_KEY_CHARACTERS: Final = 16
HASH_CHARACTERS: Final = 20
HIDDEN_RECORD: Final = rf"^r[0-9a-f]{{{HASH_CHARACTERS}}}$"
"""What ``Deidentifier.name`` makes of a record."""
SHIFT_DAYS: Final = (36_500, 73_000)
HIDDEN: Final = "…"

_QUOTED: Final = re.compile(r"""(?<!\w)(['"]).*\1(?!\w)""", re.DOTALL)
_MARKS: Final = "()[],.;:"
_NUMBER: Final = re.compile(r"-?\d{1,3}(\.\d{1,3})?")
"""No longer than what names nobody: neither a patient's number nor a year."""
_HIDDEN_ROW: Final = re.compile(rf"{HIDDEN}[)\],.;:]*(?: [(\[]*{HIDDEN}[)\],.;:]*)+")
_BYTES: Final = re.compile(r"\d+(?= bytes\b)")


@dataclass(frozen=True)
class Deidentifier:
    """Replaces names and moves dates under one key, which shows nowhere."""

    key: bytes = field(repr=False)

    def name(self, kind: str, original: str) -> str:
        """Hash a name: the first letter of its kind (``subject``, ``record``, ``file``), 20 hex."""
        return kind[0] + self._hash(kind, original)[:HASH_CHARACTERS]

    def shift(self, subject: str) -> timedelta:
        """The whole days, 100 to 200 years onward, by which a subject's dates move."""
        first, last = SHIFT_DAYS
        return timedelta(days=first + int(self._hash("shift", subject), 16) % (last - first))

    def moved(self, subject: str, moment: datetime | None) -> datetime | None:
        """Move a moment with its subject; null where there is none, or no calendar reaches it."""
        try:
            return None if moment is None else moment + self.shift(subject)
        except OverflowError:
            return None

    def sentence(self, text: str, originals: Iterable[str], said: Iterable[str] = ()) -> str:
        """Tell a sentence by what can't name anybody; everything else becomes ``…``.

        These stay: the words of ``TOLD_WORDS``, short numbers, sizes in bytes, and what the
        operator ``said`` (addresses, the dataset's name). A word that is one of ``originals``, or
        a part of one, becomes its keyed hash; parts are the folders and file name of a path, with
        and without its extension. What is in quotes is free to name anybody, and goes.
        """
        forms = {form for original in originals for form in _forms(original) if form}
        kept = {word for one in said for word in (one, *one.split())}
        sizes = {size[0] for size in _BYTES.finditer(text)}
        quoteless = _QUOTED.sub(HIDDEN, text)
        told = [self._told(piece, forms, kept | sizes) for piece in quoteless.split()]
        return _HIDDEN_ROW.sub(HIDDEN, " ".join(told))

    def _told(self, piece: str, forms: set[str], kept: set[str]) -> str:
        core = piece.strip(_MARKS)
        if core in forms:
            return piece.replace(core, self.name("file", core), 1)
        harmless = core.lower() in TOLD_WORDS or _NUMBER.fullmatch(core)
        return piece if not core or core in kept or harmless else piece.replace(core, HIDDEN, 1)

    def _hash(self, kind: str, original: str) -> str:
        message = f"{kind}\0{original}".encode("utf-8", "surrogateescape")
        return hmac.new(self.key, message, sha256).hexdigest()


def deidentifier(
    configured: str | None = None, environ: Mapping[str, str] = os.environ
) -> Deidentifier:
    """Make a deidentifier of the configured key, else of the one in the environment.

    Raises:
        ValueError: where there is no key, or one that could be guessed.
    """
    key = configured or environ.get(KEY_VARIABLE)
    if not key:
        message = f"de-identification needs a key: set {KEY_VARIABLE} or the key in the config"
        raise ValueError(message)
    if len(key) < MIN_KEY_CHARACTERS:
        message = (
            f"the de-identification key must have at least {MIN_KEY_CHARACTERS} characters, "
            f"got {len(key)}"
        )
        raise ValueError(message)
    return Deidentifier(key.encode())


def _forms(original: str) -> Iterator[str]:
    yield original
    for part in original.split("/"):
        yield part
        stem = part.partition(".")[0]
        yield stem
