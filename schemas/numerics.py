"""Monitor numerics, each on its own time base."""

import re
from typing import Final

import dataframely as dy

from schemas.columns import key

_QUANTITIES: Final[tuple[tuple[str, str], ...]] = (
    (r"nbp[ _-]*(s|sys|systolic)", "nbp_systolic"),
    (r"nbp[ _-]*(d|dias|diastolic)", "nbp_diastolic"),
    (r"nbp[ _-]*(m|mean)", "nbp_mean"),
    (r"(abp|art)[ _-]*(s|sys|systolic)", "abp_systolic"),
    (r"(abp|art)[ _-]*(d|dias|diastolic)", "abp_diastolic"),
    (r"(abp|art)[ _-]*(m|mean)", "abp_mean"),
    (r"hr|heart rate", "heart_rate"),
    (r"pulse|pulse \(spo2\)|pr", "pulse_rate"),
    (r"spo2|%spo2", "spo2"),
    (r"rr|resp|respiration", "respiration_rate"),
)


class Numeric(dy.Schema):
    """One value of a monitor numeric, ``start_s`` seconds from its record's start.

    ``name`` is the monitor's own; ``quantity`` is ours where the name is known (a cuff's
    ``nbp_systolic``, ``nbp_diastolic``, ``nbp_mean``), else null. ``value`` is null where the
    monitor wrote a zero that stands for nothing.
    """

    dataset = key()
    record_id = key()
    name = key()
    start_s = dy.Float64(primary_key=True)
    subject_id = dy.String()
    quantity = dy.String(nullable=True)
    value = dy.Float64(nullable=True)
    unit = dy.String()
    run_id = dy.String()


def quantity_of(name: str) -> str | None:
    """Map a numeric's name in the wild to its quantity; null where it is not known."""
    plain = " ".join(name.lower().split())
    return next((q for pattern, q in _QUANTITIES if re.fullmatch(pattern, plain)), None)
