"""Synthetic signals: never measured, and each says by what, from what and how sure."""

import dataframely as dy
import polars as pl

from schemas.columns import counts, grade, key, mmhg, one_of, scale, stamp
from schemas.modality import MODALITIES
from schemas.restoration import ABSTENTIONS, CALIBRATIONS, TASKS


class Backfill(dy.Schema):
    """One synthetic signal for one window and one task.

    ``physical = sample * scale + zero``, in ``unit``, for ``samples`` (the posterior mean),
    ``lower`` and ``upper`` (a 90 % band) alike; null together where the model abstained, and
    ``abstained`` says why. A made ABP says what it was calibrated by (``calibration``) and how old
    that reading was (``reference_age_s``, negative where it came later). ``input_sha256`` is that
    of the window it was made from, ``reference_sha256`` of the reading, ``spec_sha256`` hashes
    rules, model, sampler and seed.
    """

    dataset = key()
    record_id = key()
    window_index = dy.Int32(primary_key=True, min=0)
    modality = one_of(*MODALITIES, primary_key=True)
    task = one_of(*TASKS, primary_key=True)
    model_id = key()
    subject_id = dy.String()
    start_s = dy.Float64(min=0)
    samples = counts()
    lower = counts()
    upper = counts()
    scale = scale()
    zero = dy.Float32(nullable=True)
    unit = dy.String(nullable=True)
    grade = grade()
    conditions = dy.List(dy.String())
    calibration = one_of(*CALIBRATIONS, nullable=True)
    reference_age_s = dy.Float64(nullable=True)
    abstained = one_of(*ABSTENTIONS, nullable=True)
    sbp = mmhg()
    sbp_lower = mmhg()
    sbp_upper = mmhg()
    dbp = mmhg()
    dbp_lower = mmhg()
    dbp_upper = mmhg()
    map = mmhg()
    map_lower = mmhg()
    map_upper = mmhg()
    n_samples = dy.Int32(min=1)
    model_sha256 = dy.String()
    sampler = dy.String()
    steps = dy.Int32(min=0)
    seed = dy.Int64()
    input_sha256 = dy.String()
    reference_sha256 = dy.String(nullable=True)
    spec_sha256 = dy.String()
    synthetic = dy.Bool(check={"always": lambda c: c})
    run_id = dy.String()
    created_at = stamp()

    @dy.rule()
    def band_and_scale_together(cls) -> pl.Expr:
        """A signal comes with its band and its unit, or not at all."""
        return pl.all_horizontal(
            pl.col(part).is_null() == pl.col("samples").is_null()
            for part in ("lower", "upper", "scale", "zero", "unit")
        )

    @dy.rule()
    def absent_where_abstained(cls) -> pl.Expr:
        """What was not made is absent and says why, and what was made is neither."""
        return (pl.col("samples").is_null() == (pl.col("grade") == "absent")) & (
            pl.col("samples").is_null() == pl.col("abstained").is_not_null()
        )

    @dy.rule()
    def calibrated_where_made(cls) -> pl.Expr:
        """An ABP made from others says what it was calibrated by, and nothing else does."""
        made = (pl.col("task") == "translate") & (pl.col("modality") == "abp")
        aged = pl.col("calibration").is_in(["cuff", "line"]).fill_null(value=False)
        return (pl.col("calibration").is_not_null() == made) & (
            pl.col("reference_age_s").is_not_null() == aged
        )

    @dy.rule()
    def pressure_with_its_interval(cls) -> pl.Expr:
        """A pressure comes with both bounds, and only with the signal that it was read from."""
        return pl.all_horizontal(
            pl.col(p).is_null() == pl.col(f"{p}_{bound}").is_null()
            for p in ("sbp", "dbp", "map")
            for bound in ("lower", "upper")
        ) & (
            pl.col("samples").is_not_null()
            | pl.all_horizontal(pl.col("sbp", "dbp", "map").is_null())
        )
