"""Whose record it is."""

import re
from collections.abc import Iterable
from typing import Final

_TAGGED: Final = r"<(?:subject|patient)(?:[ _-]?id)?>\s*[:=]?"
_PLAIN: Final = r"^(?:(?:subject|patient)[ _-]?id\s*[:=\s]|(?:subject|patient)\s*[:=])"
_COMMENT: Final = re.compile(
    rf"(?:{_TAGGED}|{_PLAIN})\s*(?P<value>[\w.\-]*\d[\w.\-]*)\s*(?:$|(?=<))", re.IGNORECASE
)
_FOLDER: Final = re.compile(r"p\d{5,}")
_MATCHED: Final = re.compile(r"(?P<subject>[ps]\d{5,})-\d{4}(?:-\d\d){4}")
_NUMBERED: Final = re.compile(r"[ps]?0*(?P<number>\d+)")


def subject_of(record_id: str, comments: Iterable[str]) -> str:
    """Name the subject by the header's comments, else by the path, else by the record itself.

    A comment counts where it is a key and one value with a digit in it: ``subject_id 10082591``,
    ``<subject_id>: 10082591``, ``Patient: 17b``. A path counts where it has MIMIC's form: a folder
    ``p10020306``, or a record ``p000878-2137-10-26-16-57``. These numbers lose their letter and
    leading zeros (``p000878`` is 878), as in MIMIC's other tables, so that one subject has one name
    whichever of the two says it.
    """
    for comment in comments:
        said = _COMMENT.search(comment.strip())
        if said:
            return plain_subject(said["value"])
    *folders, name = record_id.split("/")
    numbered = [folder for folder in folders if _FOLDER.fullmatch(folder)]
    matched = _MATCHED.fullmatch(name)
    if numbered:
        return plain_subject(max(reversed(numbered), key=len))
    return plain_subject(matched["subject"]) if matched else record_id


def plain_subject(subject: str) -> str:
    """Give a subject's one name: a number without the letter and zeros of MIMIC's paths."""
    numbered = _NUMBERED.fullmatch(subject)
    return numbered["number"] if numbered else subject
