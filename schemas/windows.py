"""Measured windows: the table that everything else hangs on."""

import dataframely as dy
import polars as pl

from schemas.columns import clock, counts, grade, key, mmhg, rate, scale
from schemas.grid import WINDOW_S
from schemas.modality import MODALITIES


class Window(dy.Schema):
    """4.0 s of one record on the 125 Hz grid, as measured, and its grades.

    ``physical = sample * scale + zero``, in ``unit``; a sample of -32768 is missing. A signal's
    columns are null together. ``{m}_missing`` is a fraction of the window, ``{m}_sqi`` lies in
    [0, 1].
    """

    dataset = key()
    record_id = key()
    window_index = dy.Int32(primary_key=True, min=0)
    subject_id = dy.String()
    start_s = dy.Float64(min=0)
    start_time = clock()
    ecg = counts()
    ecg_scale = scale()
    ecg_zero = dy.Float32(nullable=True)
    ecg_unit = dy.String(nullable=True)
    ecg_lead = dy.String(nullable=True)
    ecg_missing = dy.Float32(min=0, max=1)
    ecg_grade = grade()
    ecg_sqi = dy.Float32(min=0, max=1)
    ppg = counts()
    ppg_scale = scale()
    ppg_zero = dy.Float32(nullable=True)
    ppg_unit = dy.String(nullable=True)
    ppg_lead = dy.String(nullable=True)
    ppg_missing = dy.Float32(min=0, max=1)
    ppg_grade = grade()
    ppg_sqi = dy.Float32(min=0, max=1)
    abp = counts()
    abp_scale = scale()
    abp_zero = dy.Float32(nullable=True)
    abp_unit = dy.String(nullable=True)
    abp_lead = dy.String(nullable=True)
    abp_missing = dy.Float32(min=0, max=1)
    abp_grade = grade()
    abp_sqi = dy.Float32(min=0, max=1)
    hr_ecg = rate()
    hr_ppg = rate()
    hr_abp = rate()
    sbp = mmhg()
    dbp = mmhg()
    map = mmhg()
    grader_version = dy.String()
    input_sha256 = dy.String()
    run_id = dy.String()

    @dy.rule()
    def on_the_grid(cls) -> pl.Expr:
        """Windows lie side by side from the record's start."""
        return cls.start_s.col == cls.window_index.col * WINDOW_S

    @dy.rule()
    def signal_and_scale_together(cls) -> pl.Expr:
        """A signal without its scale has no unit."""
        return pl.all_horizontal(
            pl.col(m).is_null() == pl.col(f"{m}_{part}").is_null()
            for m in MODALITIES
            for part in ("scale", "zero", "unit", "lead")
        )

    @dy.rule()
    def absent_has_no_signal(cls) -> pl.Expr:
        """What is absent has no samples, and what has samples is not absent."""
        return pl.all_horizontal(
            pl.col(m).is_null() == (pl.col(f"{m}_grade") == "absent") for m in MODALITIES
        )

    @dy.rule()
    def something_is_there(cls) -> pl.Expr:
        """A window in which no modality has a sample is not stored."""
        return pl.any_horizontal(pl.col(m).is_not_null() for m in MODALITIES)

    @dy.rule()
    def pressure_from_a_fit_line(cls) -> pl.Expr:
        """Pressures come from ABP that is good or fair."""
        return cls.abp_grade.col.is_in(["good", "fair"]) | pl.all_horizontal(
            pl.col("sbp", "dbp", "map").is_null()
        )
