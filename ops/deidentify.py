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

KEY_VARIABLE: Final = "PULSELAKE_DEID_KEY"
MIN_KEY_CHARACTERS: Final = 16
HASH_CHARACTERS: Final = 20
SHIFT_DAYS: Final = (36_500, 73_000)
LONG_NAME: Final = 5

_QUOTED: Final = re.compile(r"""(?<!\w)(['"]).*\1(?!\w)""", re.DOTALL)


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

    def sentence(self, text: str, originals: Iterable[str]) -> str:
        """Replace every original in a sentence, whole or in part, and drop what it quotes.

        The parts are the folders and file name of a path, with and without its extension. Names of
        five characters and more go wherever they stand, shorter ones as words. Quotes hold text of
        the source, free to name anybody.
        """
        hidden = {
            form: self.name("file", form)
            for original in originals
            for form in _forms(original)
            if form
        }
        if hidden:
            longest_first = sorted(hidden, key=len, reverse=True)
            pattern = "|".join(_pattern(form) for form in longest_first)
            text = re.sub(pattern, lambda found: hidden[found[0]], text)
        return _QUOTED.sub("'…'", text)

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


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= LONG_NAME else rf"(?<![A-Za-z0-9_]){escaped}(?![A-Za-z0-9_])"
