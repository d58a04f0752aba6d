"""Columns that several tables share."""

import dataframely as dy

from schemas.grid import WINDOW_SAMPLES
from schemas.modality import GRADES


def stamp() -> dy.Datetime:
    """Wall-clock time in UTC, microseconds."""
    return dy.Datetime(time_unit="us", time_zone="UTC")


def clock(*, nullable: bool = True) -> dy.Datetime:
    """Wall-clock time as a header gives it: naive, microseconds (years reach 2896)."""
    return dy.Datetime(time_unit="us", nullable=nullable)


def counts() -> dy.List:
    """500 stored counts; null where there is no signal."""
    return dy.List(dy.Int16(), nullable=True, min_length=WINDOW_SAMPLES, max_length=WINDOW_SAMPLES)


def scale() -> dy.Float32:
    """Units a stored count, above 0; null where there is no signal."""
    return dy.Float32(nullable=True, min_exclusive=0)


def one_of(*values: str, nullable: bool = False, primary_key: bool = False) -> dy.String:
    """A word out of a closed list; stored as text, which every engine reads."""
    return dy.String(
        nullable=nullable,
        primary_key=primary_key,
        check={"one_of": lambda c: c.is_in(values)},
        metadata={"words": values},
    )


def grade() -> dy.String:
    """Fitness of a signal: truth, condition, neither, or not there."""
    return one_of(*GRADES)


def mmhg() -> dy.Float32:
    """A pressure in mmHg, null where it can't be told."""
    return dy.Float32(nullable=True)


def rate() -> dy.Float32:
    """A heart rate in beats/min, null where it can't be told."""
    return dy.Float32(nullable=True)


def confidence() -> dy.Float32:
    """How sure something is, from 0 to 1."""
    return dy.Float32(min=0, max=1)


def key() -> dy.String:
    """Text that is part of a key."""
    return dy.String(primary_key=True)
