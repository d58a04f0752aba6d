"""Audited windows: what a model says of a window whose good arterial line was hidden from it."""

import dataframely as dy
import polars as pl

from schemas.columns import key, mmhg, one_of, rate, stamp
from schemas.restoration import ABSTENTIONS, CALIBRATIONS, PRESSURES

HALVES = ("calibrates", "judges")


class Audit(dy.Schema):
    """The error of one model on one window whose measured line was masked.

    ``true_*`` are the line's own pressures, ``sbp``, ``dbp``, ``map`` and their bounds what the
    model said, by its shipped correction; null together where it abstained, and ``abstained`` says
    why. ``reference_*`` is the reading that it was given, null without one; ``reference_age_s`` is
    negative where that came later. ``half`` says whether the window's subject corrects the site's
    intervals or judges them. Demographic columns are null where the site gives none.
    """

    dataset = key()
    record_id = key()
    window_index = dy.Int32(primary_key=True, min=0)
    model_id = key()
    run_id = key()
    subject_id = dy.String()
    start_s = dy.Float64(min=0)
    half = one_of(*HALVES)
    care_unit = dy.String(nullable=True)
    sex = dy.String(nullable=True)
    age_years = dy.Float32(nullable=True)
    race = dy.String(nullable=True)
    skin_tone = dy.String(nullable=True)
    conditions = dy.List(dy.String())
    calibration = one_of(*CALIBRATIONS)
    reference_age_s = dy.Float64(nullable=True)
    reference_sbp = mmhg()
    reference_dbp = mmhg()
    reference_map = mmhg()
    hr = rate()
    abstained = one_of(*ABSTENTIONS, nullable=True)
    true_sbp = dy.Float32()
    true_dbp = dy.Float32()
    true_map = dy.Float32()
    sbp = mmhg()
    sbp_lower = mmhg()
    sbp_upper = mmhg()
    dbp = mmhg()
    dbp_lower = mmhg()
    dbp_upper = mmhg()
    map = mmhg()
    map_lower = mmhg()
    map_upper = mmhg()
    model_sha256 = dy.String()
    input_sha256 = dy.String()
    reference_sha256 = dy.String(nullable=True)
    spec_sha256 = dy.String()
    audited_at = stamp()

    @dy.rule()
    def told_or_abstained(cls) -> pl.Expr:
        """A model says all pressures with their bounds, or none and why."""
        parts = [f"{p}{end}" for p in PRESSURES for end in ("", "_lower", "_upper")]
        return pl.all_horizontal(
            pl.col(part).is_null() == pl.col("abstained").is_not_null() for part in parts
        )

    @dy.rule()
    def reference_is_whole(cls) -> pl.Expr:
        """A calibration other than ``none`` has its reading, and ``none`` has none."""
        parts = ("reference_age_s", "reference_sbp", "reference_dbp", "reference_map")
        return pl.all_horizontal(
            pl.col(part).is_null() == (pl.col("calibration") == "none") for part in parts
        )
