"""Rows of a restorer that draws samples: whatever it draws, they are valid."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.fill.answer import Seen, Terms
from ops.fill.plan import shards
from ops.fill.rows import fill_rows
from ops.fill.rules import COLUMNS, wanted
from ops.fill.signals import stored_counts
from ops.reference.readings import readings, with_references
from ops.restored import from_samples
from schemas.backfill import Backfill
from schemas.grid import GRID_FS, MISSING, WINDOW_SAMPLES
from schemas.modality import GRADES, MODALITIES, Modality
from schemas.numerics import Numeric
from schemas.restoration import RestoreBatch, Restored, Task, Trained

T = np.arange(WINDOW_SAMPLES) / GRID_FS
GOOD = ("good", 0)


@dataclass(frozen=True)
class Drawn:
    """Draws pulses of a level and a height by the window's seed; ``poked`` is one value of each.

    Every third window, by its seed, is left unpoked.
    """

    level: float = 80.0
    height: float = 40.0
    poked: float = 80.0
    n_samples: int = 3

    model_id = "drawn-1"
    model_sha256 = "d1"
    sampler = "ddim"
    steps = 1
    calibrates = False
    trained = Trained()

    def can(self, task: Task, target: Modality) -> bool:
        return True

    def restore(self, batch: RestoreBatch) -> Restored:
        samples = []
        for seed in batch.seeds:
            rng = np.random.default_rng(seed)
            lift = rng.normal(0, 0.1, (self.n_samples, 1))
            wave = self.level + self.height * (np.maximum(np.sin(8 * T), 0) + lift)
            wave = wave.astype(np.float32)
            if seed % 3:
                wave[0, rng.integers(WINDOW_SAMPLES)] = self.poked
            samples.append(wave)
        return from_samples(batch, np.stack(samples))


def fill(windows: pl.DataFrame, restorer: Drawn) -> pl.DataFrame:
    rows = windows.select(COLUMNS).lazy()
    wants = wanted(rows, translate=MODALITIES, restore=MODALITIES).collect()
    cut = shards(with_references(wants, readings(windows.lazy(), Numeric.create_empty(lazy=True))))
    parts = [fill_rows(shard, Seen(windows, windows), restorer, Terms(0, "run")) for shard in cut]
    made = Backfill.validate(pl.concat([Backfill.create_empty(), *parts]))
    assert made.height == wants.height
    return made.sort("window_index", "modality")


def test_a_sampled_pressure_comes_with_its_band_and_its_pressures(make_windows) -> None:
    (row,) = fill(make_windows({"ppg": GOOD, "ecg": GOOD}), Drawn()).rows(named=True)

    assert (row["task"], row["n_samples"], row["unit"]) == ("translate", 3, "mmHg")
    assert row["sampler"] == "ddim"
    for name in ("sbp", "dbp", "map"):
        assert row[f"{name}_lower"] < row[name] < row[f"{name}_upper"]
    assert row["dbp"] < row["map"] < row["sbp"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_window_with_one_wild_sample_is_absent_and_its_neighbours_are_not(
    make_windows, value
) -> None:
    windows = make_windows(*[{"ppg": GOOD}] * 12)
    rows = fill(windows, Drawn(poked=value))
    tame = fill(windows, Drawn())
    spoken = tame.filter(pl.col("modality") == "abp", pl.col("seed") % 3 == 0)
    mine = rows.join(spoken.select("window_index", "modality"), on=["window_index", "modality"])

    assert 0 < spoken.height < 12
    assert rows.filter(pl.col("seed") % 3 != 0)["grade"].unique().to_list() == ["absent"]
    assert mine.drop("created_at").equals(spoken.drop("created_at"))


ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
SAID = st.one_of(
    st.just(("absent", WINDOW_SAMPLES)),
    st.tuples(st.sampled_from(GRADES[:3]), st.integers(0, WINDOW_SAMPLES - 1)),
)
WINDOWS = st.lists(st.fixed_dictionaries(dict.fromkeys(MODALITIES, SAID)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    WINDOWS,
    st.builds(Drawn, level=ANY, height=st.floats(-1e6, 1e6), poked=ANY),
    st.sampled_from([None, 75.0]),
)
def test_whatever_is_drawn_every_want_has_one_valid_row(make_windows, said, drawn, hr_abp) -> None:
    windows = make_windows(*said, hr_abp=hr_abp)
    rows = fill(windows, drawn)

    for row in rows.filter(pl.col("samples").is_not_null()).iter_rows(named=True):
        lower, mean, upper = (np.array(row[part]) for part in ("lower", "samples", "upper"))
        assert (lower <= mean).all()
        assert (mean <= upper).all()
        if row["task"] == "impute":
            before = stored_counts(windows[row["modality"]])[row["window_index"]]
            kept = before != MISSING
            for part in (lower, mean, upper):
                assert (part[kept] == before[kept]).all()
