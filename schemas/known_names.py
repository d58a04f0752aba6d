"""Names and units of signals and numerics that monitors write: whatever else stands is free text.

Names are those of MIMIC-II, -III and -IV, the PhysioNet challenges and the MIT-BIH databases.
"""

import re
from typing import Final

from schemas.modality import modality_of
from schemas.numerics import quantity_of

MOST_DIGITS: Final = 2
"""A lead is numbered by so many, a patient by more."""

_LEAD: Final = r"i{1,3}|av[rlf]|v\d?|mcl\d?|mv?\d?|ml(?:i{1,3}|\d)|e[ck]g\d?"
_KNOWN: Final = re.compile(
    r"(?:abp|art|ao|aobp|ibp|bp|uap|uvp|fem|rad|nbp|pap|cvp|icp|lap|rap|cpp|p)\d?"
    r"[ _-]*(?:s|d|m|sys|dias|mean|systolic|diastolic|rate|pulse)?"
    r"|(?:btb)?hr|heart rate|qt|qtc|qt-hr|deltaqtc|pvc|pvc rate(?: per minute)?|pvc/min"
    rf"|st[ _-]?(?:{_LEAD})?"
    r"|(?:pulse|pr)(?: rate)?(?: \((?:spo2|nbp|abp|art|ao|fem|rad)\))?"
    r"|%?(?:spo2|sao2|svo2|scvo2)(?: ?[lr])?|perf(?:[ -]?(?:rel|[lr]))?"
    r"|resp(?:\.|iration)?(?: imp)?|rr(?: \((?:co2|spo2)\))?|aw-?rr"
    r"|(?:et|im)?[ -]?co2|fio2|peep|pip"
    r"|t(?:emp|blood|core|rect|skin|esoph|naso|vesic)?[ -]?\d?"
    r"|co|ci|cco|sv|svi|svv|svr|ppv|bis|sqi|sr|emg|eeg\d?|noise\d?|pcw|event|status"
)
_UNITS: Final = re.compile(
    r"|nu|%|[mµμu]?v|mmhg|k?pa|cmh2o|bpm|rpm|pm|/min|1/min|mm|m?ohms?|ohm/s"
    r"|[mµμu]?s|m?sec|hz|°?[cf]|deg ?[cf]|m?l|m?l/min|m?l/min/m2|l/m|adu?|counts?|n/?a"
)


def is_known_name(name: str) -> bool:
    """Whether monitors call a signal or a numeric so; none of them names anybody."""
    plain = _plain(name)
    if sum(c.isdigit() for c in plain) > MOST_DIGITS:
        return False
    told = modality_of(plain) is not None or quantity_of(plain) is not None
    return told or _KNOWN.fullmatch(plain) is not None


def is_known_unit(unit: str) -> bool:
    """Whether monitors measure in it; the empty text is no unit."""
    return _UNITS.fullmatch(_plain(unit)) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
