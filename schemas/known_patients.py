"""Words by which sites tell who a patient is and where; whatever else stands there is free text."""

import re
from typing import Final

MOST_YEARS: Final = 120
MOST_DIGITS: Final = 2
"""A tone is numbered by so many, a patient by more."""

_UNITS: Final = """
icu micu sicu msicu ccu cicu ctsicu cticu csicu csru cvicu tsicu ticu bicu nicu nsicu neuroicu picu
imcu hdu pacu ed er or cathlab stepdown telemetry ward
"""
CARE_UNITS: Final = frozenset(_UNITS.split())
"""Units as MIMIC-II, -III and -IV, eICU and others write them."""

_SEXES: Final = {"f": "F", "female": "F", "m": "M", "male": "M", "x": "X", "other": "X"}
_IN_BRACKETS: Final = re.compile(r"\((?P<word>[^()]*)\)$")
_WORD: Final = re.compile(r"[a-z]+|\d+")
_GROUPS: Final = """
african alaska alaskan american and answer asian black brazilian cambodian cape caribbean caucasian
central chinese cuban declined dominican east eastern european filipino guatemalan hawaiian
hispanic honduran indian islander japanese korean latina latino mexican middle mixed more multiple
multiracial native north northern not of one or other pacific portuguese puerto race races rican
russian salvadoran south southeast southern than to two unknown verdean vietnamese western white
"""
_TONES: Final = """
black brown dark darker fair fitzpatrick i ii iii iv light lighter medium monk olive pale skin tan
to tone type v very vi white
"""


def care_unit_of(text: str) -> str | None:
    """Give the unit's own short word (``Medical ICU (MICU)`` is ``micu``); null for any other."""
    plain = " ".join(text.lower().split())
    short = _IN_BRACKETS.search(plain)
    word = re.sub(r"[\s/_.-]", "", short["word"] if short else plain)
    return word if word in CARE_UNITS else None


def sex_of(text: str) -> str | None:
    """Give ``F``, ``M``, or ``X`` for any other that is told; null where the word is none."""
    return _SEXES.get(text.strip().lower())


def is_known_group(text: str) -> bool:
    """Whether a race or ethnicity is told by words that name nobody."""
    return _is_of(text, _GROUPS.split())


def is_known_tone(text: str) -> bool:
    """Whether a skin tone is told by words or the small numbers of a scale."""
    return _is_of(text, _TONES.split(), numbers=True)


def _is_of(text: str, words: list[str], *, numbers: bool = False) -> bool:
    """Whether a text is made of these words, signs and, perhaps, small numbers alone."""
    plain = text.lower()
    found = _WORD.findall(plain)
    rest = _WORD.sub("", plain)
    known = all(
        word in words or (numbers and len(word) <= MOST_DIGITS and word.isdecimal())
        for word in found
    )
    return bool(found) and known and all(c in " /-,()+" for c in rest)
