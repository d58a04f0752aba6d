"""Whose errors correct a site's intervals, and whose judge them: a fixed halving of subjects."""

import hashlib

import polars as pl

from schemas.audit import HALVES

_SUBJECT = ["dataset", "subject_id"]


def half_of(dataset: str, subject_id: str) -> str:
    """Give the half of a subject: by the two names alone, the same on every machine, for good.

    The lowest bit of the SHA-256 of both, on lines of their own, chooses.
    """
    digest = hashlib.sha256(f"{dataset}\n{subject_id}".encode()).digest()
    return HALVES[digest[-1] & 1]


def with_halves(rows: pl.DataFrame) -> pl.DataFrame:
    """Say the ``half`` of every row by its ``dataset`` and ``subject_id``."""
    subjects = rows.select(_SUBJECT).unique()
    halves = pl.Series("half", [half_of(*names) for names in subjects.rows()], dtype=pl.String)
    there = rows.drop("half", strict=False)
    return there.join(subjects.with_columns(halves), on=_SUBJECT, how="left", maintain_order="left")
