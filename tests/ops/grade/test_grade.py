import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.grade import GRADER_VERSION, grade_windows, window_indexes
from ops.grade.rules import FAIR, GOOD
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import GRADES, MODALITIES, UNITS
from schemas.windows import Window

STEPS = {"ecg": 0.005, "ppg": 0.001, "abp": 0.05}
T = np.arange(WINDOW_SAMPLES) / 125


def beat_train(period_s: float = 0.8, first_s: float = 0.1) -> dict[str, np.ndarray]:
    """One beat series in three signals: QRS and T wave, and pulses of 80 to 120 mmHg."""
    ecg, wave = np.zeros(500), np.zeros(500)
    for beat in np.arange(first_s - period_s, 4, period_s):
        ecg += np.exp(-(((T - beat) / 0.015) ** 2)) - 0.3 * np.exp(
            -(((T - beat - 0.03) / 0.015) ** 2)
        )
        ecg += 0.25 * np.exp(-(((T - beat - 0.25) / 0.05) ** 2))
        since = np.maximum(T - beat - 0.2, 0)
        wave += (since / 0.15) ** 2 * np.exp(2 * (1 - since / 0.15))
    wave = (wave - wave.min()) / np.ptp(wave)
    signals = {"ecg": ecg, "ppg": wave, "abp": 80 + 40 * wave}
    return {m: np.round(s / STEPS[m]) * STEPS[m] for m, s in signals.items()}


def grade(units=UNITS, **changed: np.ndarray) -> pl.DataFrame:
    """Grade one window: the beat train with some signals changed."""
    signals = {m: s[None].astype(np.float32) for m, s in (beat_train() | changed).items()}
    return grade_windows(
        signals, {m: [units[m]] for m in MODALITIES}, {m: np.array([STEPS[m]]) for m in MODALITIES}
    )


def test_a_clean_beat_train_is_good_and_tells_rates_and_pressures() -> None:
    row = grade().row(0, named=True)

    assert [row[f"{m}_grade"] for m in MODALITIES] == ["good"] * 3
    assert [row[f"hr_{m}"] for m in MODALITIES] == pytest.approx([75, 75, 75], rel=0.02)
    assert row["sbp"] == pytest.approx(120, abs=1)
    assert row["dbp"] == pytest.approx(80, abs=1)
    assert row["dbp"] < row["map"] < row["sbp"]


def test_the_columns_are_those_of_the_windows_table() -> None:
    graded = grade()

    wanted = [f"{m}_{part}" for m in MODALITIES for part in ("missing", "grade", "sqi")]
    wanted += ["hr_ecg", "hr_ppg", "hr_abp", "sbp", "dbp", "map"]
    assert set(graded.columns) == set(wanted)
    types = dict(Window.create_empty().schema)
    assert all(graded.schema[name] == types[name] for name in wanted)
    assert GRADER_VERSION


def test_what_is_not_there_is_absent_and_tells_nothing() -> None:
    row = grade(abp=np.full(500, np.nan)).row(0, named=True)

    assert row["abp_grade"] == "absent"
    assert row["abp_missing"] == 1
    assert row["abp_sqi"] == 0
    assert row["hr_abp"] is row["sbp"] is row["dbp"] is row["map"] is None
    assert row["ecg_grade"] == "good"


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("level", [None, 0.0, -5.0])
def test_a_second_of_flat_line_is_bad(modality: str, level: float | None) -> None:
    signal = beat_train()[modality]
    signal[200:325] = signal[200] if level is None else level

    assert grade(**{modality: signal})[f"{modality}_grade"][0] == "bad"


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_whole_flat_line_is_bad_and_not_absent(modality: str) -> None:
    row = grade(**{modality: np.zeros(500)}).row(0, named=True)

    assert row[f"{modality}_grade"] == "bad"
    assert row[f"hr_{modality}"] is None


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_signal_clipped_for_a_second_is_bad(modality: str) -> None:
    signal = beat_train()[modality] + 0.02 * STEPS[modality]
    clipped = np.minimum(signal, np.sort(signal)[500 - 140])

    assert grade(**{modality: clipped})[f"{modality}_grade"][0] == "bad"


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize(
    ("gap", "expected"), [(5, "good"), (50, "fair"), (200, "fair"), (310, "bad")]
)
def test_a_gap_costs_the_grade_by_what_is_left(modality: str, gap: int, expected: str) -> None:
    signal = beat_train()[modality]
    signal[100 : 100 + gap] = np.nan

    row = grade(**{modality: signal}).row(0, named=True)

    assert row[f"{modality}_missing"] == pytest.approx(gap / 500)
    assert row[f"{modality}_grade"] == expected


@pytest.mark.parametrize("offset", [-80.5, -70.0, 200.0])
def test_an_arterial_line_at_no_possible_pressure_is_bad(offset: float) -> None:
    row = grade(abp=beat_train()["abp"] + offset).row(0, named=True)

    assert row["abp_grade"] == "bad"
    assert row["sbp"] is row["dbp"] is row["map"] is None


def test_a_flush_is_bad() -> None:
    abp = beat_train()["abp"]
    abp[150:240] = 295 + np.sin(np.arange(90))

    assert grade(abp=abp)["abp_grade"][0] == "bad"


def test_an_uncalibrated_line_has_a_shape_and_no_pressure() -> None:
    units = UNITS | {"abp": "NU"}
    row = grade(units, abp=25 * beat_train()["abp"]).row(0, named=True)

    assert row["abp_grade"] == "fair"
    assert row["hr_abp"] == pytest.approx(75, rel=0.02)
    assert row["sbp"] is row["dbp"] is row["map"] is None


def test_a_rate_that_no_other_signal_shares_is_not_good() -> None:
    other = beat_train(0.5)["ppg"]

    row = grade(ppg=other).row(0, named=True)

    assert (row["ecg_grade"], row["ppg_grade"], row["abp_grade"]) == ("good", "fair", "good")


def test_noise_lowers_the_score_step_by_step() -> None:
    noise = np.random.default_rng(0).standard_normal(500)
    scores = [
        grade(ecg=beat_train()["ecg"] + a * noise)["ecg_sqi"][0] for a in (0, 0.05, 0.1, 0.2, 0.4)
    ]

    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < FAIR


def test_polarity_and_scale_of_ecg_and_ppg_do_not_matter() -> None:
    train = beat_train()
    units = UNITS | {"ecg": "NU"}

    row = grade(units, ecg=-3000 * train["ecg"], ppg=-7 * train["ppg"]).row(0, named=True)

    assert row["ecg_grade"] == row["ppg_grade"] == "good"


@pytest.mark.parametrize("exponent", [20, 31, 64, 126])
def test_counts_without_a_unit_are_graded_alike_however_large_they_are(exponent: int) -> None:
    units = dict.fromkeys(MODALITIES, "NU")
    pulses = {m: s - s.mean() for m, s in beat_train().items()}
    large = {m: s * 2.0 ** (exponent - 6) for m, s in pulses.items()}

    assert grade(units, **large).equals(grade(units, **{m: 64 * s for m, s in pulses.items()}))


def test_no_windows_give_no_rows() -> None:
    signals = {m: np.empty((0, 500), np.float32) for m in MODALITIES}

    graded = grade_windows(signals, {m: [] for m in MODALITIES}, {m: np.empty(0) for m in signals})

    assert graded.height == 0
    assert graded.columns == grade().columns


def test_indexes_come_as_a_frame_with_a_row_a_window() -> None:
    signals = {m: np.stack([s, np.full(500, np.nan)]) for m, s in beat_train().items()}

    frame = window_indexes(
        signals, {m: [UNITS[m], None] for m in MODALITIES}, {m: np.ones(2) for m in MODALITIES}
    )

    assert frame["ecg_there"].to_list() == [True, False]
    assert frame["ecg_template_correlation"][0] > 0.99
    assert frame["abp_sbp"].to_list() == [pytest.approx(120, abs=1), None]


windows = hnp.arrays(
    np.float32,
    (3, 500),
    elements=st.floats(-300, 400, width=32) | st.floats(width=32),
    fill=st.floats(-5, 200, width=32) | st.floats(width=32),
)


@given(ecg=windows, ppg=windows, abp=windows, unit=st.sampled_from(["mmHg", "NU"]))
@settings(max_examples=30, deadline=None)
def test_whatever_goes_in_a_valid_grade_of_that_window_alone_comes_out(ecg, ppg, abp, unit) -> None:
    signals = {"ecg": ecg, "ppg": ppg, "abp": abp}
    units = {"ecg": ["mV"] * 3, "ppg": ["NU"] * 3, "abp": [unit] * 3}
    steps = {m: np.full(3, STEPS[m], np.float32) for m in MODALITIES}

    together = grade_windows(signals, units, steps)
    alone = [
        grade_windows(
            {m: s[i : i + 1] for m, s in signals.items()},
            {m: u[i : i + 1] for m, u in units.items()},
            {m: s[i : i + 1] for m, s in steps.items()},
        )
        for i in range(3)
    ]

    assert together.equals(pl.concat(alone))
    for m in MODALITIES:
        sqi, word = together[f"{m}_sqi"], together[f"{m}_grade"]
        assert sqi.is_between(0, 1).all()
        assert word.is_in(GRADES).all()
        np.testing.assert_array_equal(word == "absent", ~np.isfinite(signals[m]).any(axis=1))
        assert ((word == "good") == (sqi >= GOOD)).all()
    fit = together["abp_grade"].is_in(["good", "fair"])
    assert together.filter(~fit)["sbp"].is_null().all()
    assert not together.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_real_windows_get_the_same_floats_in_any_batch(real_uci) -> None:
    records = pl.read_parquet(real_uci / "uci-0.parquet", n_rows=30)
    record = records.filter(pl.col("ecg").list.len() >= 8000).row(0, named=True)
    scale = {"ecg": 0.002, "ppg": 1 / 1023, "abp": 0.05}
    signals = {
        m: (np.array(record[m][:8000], np.float32) * np.float32(scale[m])).reshape(16, 500)
        for m in MODALITIES
    }

    def graded(rows: slice) -> pl.DataFrame:
        part = {m: s[rows] for m, s in signals.items()}
        n = len(part["ecg"])
        return grade_windows(
            part, {m: [UNITS[m]] * n for m in part}, {m: np.full(n, scale[m]) for m in part}
        )

    whole = graded(slice(None))

    assert whole.equals(pl.concat([graded(slice(i, i + 1)) for i in range(16)]))
    assert whole.equals(pl.concat([graded(slice(0, 7)), graded(slice(7, 16))]))


def test_a_noisy_line_tells_its_rate_where_another_signal_confirms_it() -> None:
    noise = 14 * np.random.default_rng(0).standard_normal(WINDOW_SAMPLES)
    row = grade(abp=beat_train()["abp"] + noise).row(0, named=True)

    assert row["abp_grade"] == "bad"
    assert row["hr_abp"] == pytest.approx(row["hr_ecg"], rel=0.1)
    assert row["sbp"] is None


def test_an_unzeroed_line_tells_no_rate() -> None:
    row = grade(abp=beat_train()["abp"] / 50 - 2).row(0, named=True)

    assert row["abp_grade"] == "bad"
    assert row["hr_abp"] is None
