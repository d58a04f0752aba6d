from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.fill.answer import Seen, Terms
from ops.fill.plan import FillShard, shards, window_seed
from ops.fill.rows import fill_rows
from ops.fill.rules import COLUMNS, wanted
from ops.fill.signals import physical, stored_counts
from ops.reference.readings import readings, with_references
from ops.restore import ClassicalRestorer
from schemas.backfill import Backfill
from schemas.grid import MISSING, WINDOW_SAMPLES
from schemas.modality import GRADES, MODALITIES
from schemas.numerics import Numeric

TERMS = Terms(0, "run")
NO_NUMERICS = Numeric.create_empty()
GOOD = ("good", 0)
ABSENT = ("absent", WINDOW_SAMPLES)
PRESSURES = [f"{p}{bound}" for p in ("sbp", "dbp", "map") for bound in ("", "_lower", "_upper")]
SIGNAL = ["samples", "lower", "upper", "scale", "zero", "unit"]


def planned(windows: pl.DataFrame, translate=("abp",), numerics=NO_NUMERICS) -> list[FillShard]:
    rows = windows.select(COLUMNS).lazy()
    wants = wanted(rows, translate=translate, restore=MODALITIES).collect()
    read = readings(windows.lazy(), numerics.lazy())
    return list(shards(with_references(wants, read)))


def fill(windows: pl.DataFrame, restorer, *, translate=("abp",), seed=0) -> pl.DataFrame:
    """What all shards give, valid and in order; ``created_at`` is the clock's."""
    parts = [
        fill_rows(shard, Seen(windows, windows), restorer, Terms(seed, "run"))
        for shard in planned(windows, translate)
    ]
    rows = Backfill.validate(pl.concat([Backfill.create_empty(), *parts]))
    return rows.sort("window_index", "modality").drop("created_at")


def decoded(rows: pl.DataFrame, part: str) -> np.ndarray:
    scale, zero = (rows[c].to_numpy()[:, None] for c in ("scale", "zero"))
    return stored_counts(rows[part]) * scale + zero


@pytest.mark.parametrize("missing", [10, 100, 300])
@pytest.mark.parametrize("m", MODALITIES)
def test_an_imputed_signal_keeps_its_measured_counts_its_scale_and_its_unit(
    make_windows, sawtooth, m, missing
) -> None:
    windows = make_windows({m: ("good", missing)})
    rows = fill(windows, sawtooth(), translate=())
    before = stored_counts(windows[m])

    assert rows.select("modality", "task").rows() == [(m, "impute")]
    for part in ("scale", "zero", "unit"):
        assert rows[part].equals(windows[f"{m}_{part}"])
    for part in ("samples", "lower", "upper"):
        after = stored_counts(rows[part])
        assert (after == before)[before != MISSING].all()
        assert (after != MISSING).all()


def test_a_gap_is_filled_with_what_the_restorer_made(make_windows, sawtooth) -> None:
    restorer = sawtooth()
    rows = fill(make_windows({"abp": ("good", 100)}), restorer)
    made = restorer.restore(restorer.asked[0])

    np.testing.assert_allclose(decoded(rows, "samples")[:, :100], made.mean[:, :100], atol=0.026)
    np.testing.assert_allclose(decoded(rows, "lower")[:, :100], made.lower[:, :100], atol=0.026)
    np.testing.assert_allclose(decoded(rows, "upper")[:, :100], made.upper[:, :100], atol=0.026)


def test_an_imputed_value_beyond_the_headroom_is_held_at_the_rail(make_windows, sawtooth) -> None:
    rows = fill(make_windows({"abp": ("good", 100)}), sawtooth(band=1e9))

    assert set(stored_counts(rows["lower"])[0, :100]) == {-32_767}
    assert set(stored_counts(rows["upper"])[0, :100]) == {32_767}


def test_a_translated_abp_is_in_mmhg_within_half_a_step(make_windows, sawtooth) -> None:
    restorer = sawtooth()
    rows = fill(make_windows({"ppg": GOOD}), restorer)
    made = restorer.restore(restorer.asked[0])

    assert rows.select("task", "unit", "grade").rows() == [("translate", "mmHg", "fair")]
    for part, values in (("samples", made.mean), ("lower", made.lower), ("upper", made.upper)):
        half = rows["scale"][0] / 2 + 1e-4
        np.testing.assert_allclose(decoded(rows, part), values, atol=half, rtol=0)


@pytest.mark.parametrize(("band", "scale"), [(10.0, 0.05), (5000.0, 0.4)])
def test_a_synthetic_signal_and_its_band_are_stored_with_twofold_headroom(
    make_windows, sawtooth, band, scale
) -> None:
    rows = fill(make_windows({"ppg": GOOD}), sawtooth(band=band))
    counts = np.stack([stored_counts(rows[part]) for part in ("lower", "upper")]).astype(int)

    assert rows["scale"][0] == pytest.approx(scale)
    assert counts.max() - counts.min() <= 32_767
    assert (decoded(rows, "upper") - decoded(rows, "samples")).min() >= band - scale


@pytest.mark.parametrize("m", ["ecg", "ppg"])
def test_an_ecg_or_ppg_made_from_nothing_has_no_known_unit(make_windows, sawtooth, m) -> None:
    rows = fill(make_windows({"abp": GOOD}), sawtooth(), translate=(m,))

    assert rows.select("modality", "unit", "sbp").rows() == [(m, "NU", None)]


@pytest.mark.parametrize(("m", "unit"), [("ecg", "mV"), ("ppg", "NU")])
def test_a_denoised_signal_keeps_its_unit(make_windows, sawtooth, m, unit) -> None:
    rows = fill(make_windows({m: ("bad", 0), "abp": GOOD}), sawtooth())

    assert rows.select("task", "unit").rows() == [("denoise", unit)]


def test_abp_without_a_unit_that_is_dead_is_made_anew_in_mmhg(make_windows, sawtooth) -> None:
    rows = fill(make_windows({"abp": ("bad", 0), "ppg": GOOD}, abp_unit="NU"), sawtooth())

    assert rows.select("task", "unit").rows() == [("translate", "mmHg")]


def test_an_abstention_is_a_row_without_a_signal(make_windows, sawtooth) -> None:
    windows = make_windows({"ppg": GOOD}, {"ppg": GOOD}).with_columns(
        hr_ppg=pl.Series([None, 75.0], dtype=pl.Float32)
    )
    silent, spoken = fill(windows, sawtooth()).rows(named=True)

    assert all(silent[part] is None for part in [*SIGNAL, *PRESSURES])
    assert silent["grade"] == "absent"
    assert all(spoken[part] is not None for part in [*SIGNAL, *PRESSURES])


def test_what_a_restorer_was_not_made_for_is_abstained_from_and_not_asked(
    make_windows, sawtooth
) -> None:
    restorer = sawtooth(tasks=("impute",))
    rows = fill(make_windows({"ppg": GOOD, "ecg": ("fair", 50)}), restorer)

    assert rows.select("modality", "grade").rows() == [("abp", "absent"), ("ecg", "fair")]
    assert rows["samples"].is_null().to_list() == [True, False]
    assert [batch.task for batch in restorer.asked] == ["impute"]


@pytest.mark.parametrize("part", ["mean", "lower", "upper"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_signal_with_a_hole_in_it_or_in_its_band_is_not_stored(
    make_windows, sawtooth, part, value
) -> None:
    class Broken(sawtooth):
        def restore(self, batch):
            restored = super().restore(batch)
            values = getattr(restored, part).copy()
            values[0, 7] = value
            return replace(restored, **{part: values})

    rows = fill(make_windows({"ppg": GOOD}, {"ppg": GOOD}), Broken())

    assert rows["samples"].is_null().to_list() == [True, False]
    assert rows["grade"].to_list() == ["absent", "fair"]
    assert rows["sbp"].is_null().to_list() == [True, False]


@pytest.mark.parametrize("bound", ["lower", "upper"])
def test_a_pressure_without_its_interval_is_not_stored(make_windows, sawtooth, bound) -> None:
    class Unsure(sawtooth):
        def restore(self, batch):
            restored = super().restore(batch)
            unknown = np.full(len(batch.seeds), np.nan, np.float32)
            sbp = replace(restored.pressures["sbp"], **{bound: unknown})
            return replace(restored, pressures={**restored.pressures, "sbp": sbp})

    (row,) = fill(make_windows({"ppg": GOOD}), Unsure()).rows(named=True)

    assert row["sbp"] is row["sbp_lower"] is row["sbp_upper"] is None
    assert row["map_lower"] < row["map"] < row["map_upper"]


def test_a_batch_is_of_one_task_one_target_and_the_same_conditions(make_windows, sawtooth) -> None:
    restorer = sawtooth()
    windows = make_windows(
        {"ppg": GOOD}, {"ppg": GOOD, "ecg": GOOD}, {"ppg": GOOD}, {"abp": ("good", 50)}
    )
    fill(windows, restorer)

    asked = [(b.task, b.target, b.conditions, len(b.seeds)) for b in restorer.asked]
    assert sorted(asked) == [
        ("impute", "abp", (), 1),
        ("translate", "abp", ("ecg", "ppg"), 1),
        ("translate", "abp", ("ppg",), 2),
    ]


def test_a_restorer_sees_physical_units_grades_seeds_and_a_heart_rate(
    make_windows, sawtooth
) -> None:
    restorer = sawtooth()
    windows = make_windows({"ecg": GOOD, "abp": ("fair", 100)}).with_columns(hr_ecg=60.0)
    fill(windows, restorer, seed=9)
    (batch,) = restorer.asked

    counts = np.array(windows["abp"][0].to_list()[100:])
    np.testing.assert_allclose(batch.signals["abp"][0, 100:], counts * 0.05 + 90, rtol=1e-5)
    assert np.isnan(batch.signals["abp"][0, :100]).all()
    assert np.isnan(batch.signals["ppg"]).all()
    assert batch.grades == {"ecg": ["good"], "ppg": ["absent"], "abp": ["fair"]}
    assert batch.seeds.tolist() == [window_seed("ward", "a", 0, "abp", 9)]
    assert batch.hr.tolist() == [60.0]


def test_a_window_that_changed_or_went_since_the_shard_was_cut_has_no_row(
    make_windows, sawtooth
) -> None:
    windows = make_windows({"ppg": GOOD}, {"ppg": GOOD}, {"ppg": GOOD})
    (shard,) = planned(windows)
    now = windows[1:].with_columns(input_sha256=pl.Series(["changed", "input 2"]))
    rows = fill_rows(shard, Seen(now, now), sawtooth(), TERMS)

    assert rows["window_index"].to_list() == [2]


def test_a_shard_of_which_nothing_is_left_gives_no_rows(make_windows, sawtooth) -> None:
    windows = make_windows({"ppg": GOOD})
    (shard,) = planned(windows)
    rows = fill_rows(shard, Seen(windows.clear(), windows), sawtooth(), TERMS)

    assert rows.equals(Backfill.create_empty())


def test_a_modality_that_no_window_has_is_missing_throughout(make_windows) -> None:
    windows = make_windows({"ppg": GOOD}, {"ppg": GOOD})

    assert (stored_counts(windows["abp"]) == MISSING).all()
    assert np.isnan(physical(windows, "abp")).all()
    assert physical(windows, "abp").shape == (2, WINDOW_SAMPLES)


MIXED = [
    {"ppg": GOOD, "ecg": GOOD},
    {"ppg": ("fair", 100), "ecg": ("bad", 0), "abp": GOOD},
    {"ppg": ("bad", 0), "abp": ("fair", 200)},
    {"ecg": ("good", 260), "ppg": GOOD, "abp": ("bad", 0)},
    {"ppg": GOOD},
    {"ppg": GOOD, "ecg": GOOD, "abp": ("good", 20)},
]


@pytest.fixture(scope="module")
def classical() -> ClassicalRestorer:
    return ClassicalRestorer()


@pytest.fixture(params=["sawtooth", "classical"])
def restorer(request, sawtooth, classical):
    return sawtooth() if request.param == "sawtooth" else classical


def test_a_result_does_not_depend_on_the_order_of_the_windows(make_windows, restorer) -> None:
    windows = make_windows(*MIXED, *MIXED)
    shuffled = windows.sample(fraction=1, shuffle=True, seed=3)

    assert fill(shuffled, restorer).equals(fill(windows, restorer))


def test_a_result_does_not_depend_on_what_a_window_is_batched_with(make_windows, restorer) -> None:
    windows = make_windows(*MIXED, *MIXED)
    together = fill(windows, restorer)
    alone = pl.concat([fill(one, restorer) for one in windows.iter_slices(1)])

    assert alone.equals(together)


def test_a_result_does_not_depend_on_how_a_record_is_cut_into_shards(
    make_windows, sawtooth
) -> None:
    windows = make_windows(*[{"ppg": GOOD, "ecg": ("bad", 0)}] * 300)
    whole = fill(windows, sawtooth())
    halves = pl.concat([fill(half, sawtooth()) for half in windows.iter_slices(150)])

    assert whole.height == 600
    assert halves.equals(whole)


def test_another_seed_gives_another_signal_where_the_restorer_draws(make_windows, sawtooth) -> None:
    windows = make_windows(*[{"ppg": GOOD}] * 8)
    one, same, other = (fill(windows, sawtooth(), seed=seed) for seed in (0, 0, 1))

    assert one.equals(same)
    assert not one["seed"].equals(other["seed"])
    assert not np.array_equal(decoded(one, "samples"), decoded(other, "samples"))


def test_the_classical_restorer_keeps_measured_counts(make_windows, classical) -> None:
    windows = make_windows(*[dict.fromkeys(MODALITIES, ("good", 150))] * 3)
    rows = fill(windows, classical)

    assert rows["samples"].null_count() == 0
    assert rows.height == 9
    for row in rows.iter_rows(named=True):
        before = np.array(windows[row["modality"]][row["window_index"]].to_list())
        kept = before != MISSING
        assert (np.array(row["samples"])[kept] == before[kept]).all()


def test_the_classical_restorer_makes_abp_of_a_pulse_with_intervals(
    make_windows, classical
) -> None:
    rows = fill(make_windows({"ppg": GOOD, "ecg": GOOD}), classical)
    (row,) = rows.rows(named=True)
    mean, lower, upper = (decoded(rows, part) for part in ("samples", "lower", "upper"))

    assert (row["task"], row["unit"], row["conditions"]) == ("translate", "mmHg", ["ecg", "ppg"])
    assert row["dbp"] < row["map"] < row["sbp"]
    assert all(row[f"{p}_lower"] < row[p] < row[f"{p}_upper"] for p in ("sbp", "dbp", "map"))
    assert (lower <= mean).all()
    assert (mean <= upper).all()


SAID = st.one_of(
    st.just(ABSENT), st.tuples(st.sampled_from(GRADES[:3]), st.integers(0, WINDOW_SAMPLES - 1))
)
WINDOWS = st.lists(st.fixed_dictionaries(dict.fromkeys(MODALITIES, SAID)), min_size=1, max_size=5)


@settings(max_examples=20, deadline=None)
@given(WINDOWS, st.booleans(), st.sampled_from([None, 75.0]), st.floats(0.0, 1e6))
def test_whatever_the_windows_every_want_has_one_valid_row(
    make_windows, sawtooth, classical, said, learned, hr_abp, band
) -> None:
    windows = make_windows(*said, hr_abp=hr_abp)
    restorer = sawtooth(band=band) if learned else classical
    rows = fill(windows, restorer, translate=MODALITIES)
    asked = ["window_index", "modality", "task", "conditions", "input_sha256"]
    cut = planned(windows, MODALITIES)
    wants = [want for shard in cut for want in shard.wants.select(asked).rows()]

    key = rows.select(asked).rows()
    assert key == wants
    for row in rows.filter(task="impute", grade="fair").iter_rows(named=True):
        before = np.array(windows[row["modality"]][row["window_index"]].to_list())
        kept = before != MISSING
        assert (np.array(row["samples"])[kept] == before[kept]).all()


def test_a_denoised_pressure_that_would_be_bad_again_is_not_stored(make_windows, sawtooth) -> None:
    class Unzeroed(sawtooth):
        def restore(self, batch):
            made = super().restore(batch)
            shifted = {name: getattr(made, name) - 200 for name in ("mean", "lower", "upper")}
            return replace(made, **shifted)

    (row,) = fill(make_windows({"abp": ("bad", 0), "ppg": GOOD}, hr_abp=75.0), Unzeroed()).rows(
        named=True
    )

    assert (row["task"], row["samples"], row["sbp"]) == ("denoise", None, None)
