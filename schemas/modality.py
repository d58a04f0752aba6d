"""The three modalities and the names that monitors give them.

Names are those of WFDB headers in MIMIC-II, -III and -IV, the PhysioNet challenges and the
MIT-BIH databases.
"""

import re
from typing import Final, Literal, get_args

Modality = Literal["ecg", "ppg", "abp"]
Grade = Literal["good", "fair", "bad", "absent"]

MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)
GRADES: Final[tuple[Grade, ...]] = get_args(Grade)

UNITS: Final[dict[Modality, str]] = {"ecg": "mV", "ppg": "NU", "abp": "mmHg"}
"""The unit of each modality where its calibration is known."""

UNCALIBRATED: Final = "NU"

_ECG_PREFERENCE: Final = ("ii", "mlii", "ml2", "mcl2")
_ECG_NAMES: Final = re.compile(
    r"(?:ecg|ekg)?[ _-]*(?:lead)?[ _-]*"
    r"(?P<lead>i{1,3}|av[rlf]|v\d{0,2}r?|mcl|m?cl\d|ml(?:i{1,3}|v|\d)|d[123]|e[ck]g[ _-]?\d*)\+?"
)
_PPG_NAMES: Final = frozenset(
    {"pleth", "ppg", "plethl", "plethr", "plet", "plethysmogram", "spo2 pleth"}
)
_ABP_NAMES: Final = frozenset(
    {"abp", "art", "aobp", "abp1", "art1", "ao", "ibp", "bp", "fem", "rad", "uap"}
)

_TO_UNIT: Final[dict[str, tuple[str, float]]] = {
    "mv": ("mV", 1.0),
    "uv": ("mV", 1e-3),
    "µv": ("mV", 1e-3),
    "v": ("mV", 1e3),
    "mmhg": ("mmHg", 1.0),
    "kpa": ("mmHg", 7.500617),
    "cmh2o": ("mmHg", 0.735559),
}


def modality_of(signal_name: str) -> Modality | None:
    """Map a signal's name in the wild to its modality; null where it is none of the three.

    PAP, CVP and the like are pressures and not ABP.
    """
    name = " ".join(signal_name.lower().split())
    if name in _ABP_NAMES:
        return "abp"
    if name in _PPG_NAMES:
        return "ppg"
    return "ecg" if _ECG_NAMES.fullmatch(name) else None


def lead_rank(modality: Modality, signal_name: str) -> int:
    """Rank a lead among those of one modality: 0 is taken first, 1 competes by its samples."""
    named = _ECG_NAMES.fullmatch(" ".join(signal_name.lower().split()))
    preferred = named is not None and named["lead"] in _ECG_PREFERENCE
    return int(modality == "ecg" and not preferred)


def to_modality_unit(modality: Modality, unit: str) -> tuple[str, float]:
    """Give the unit that a signal is stored in and the factor from ``unit`` to it.

    A unit that is not of the modality's kind is kept out of the tables as ``NU`` with factor 1.
    """
    stored, factor = _TO_UNIT.get(unit.strip().lower(), (UNCALIBRATED, 1.0))
    return (stored, factor) if stored == UNITS[modality] else (UNCALIBRATED, 1.0)
