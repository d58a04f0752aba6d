import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.fill.rules import COLUMNS, KEY, wanted
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import GRADES, MODALITIES
from schemas.restoration import TASKS

NOTHING = ("absent", WINDOW_SAMPLES)
GOOD = ("good", 0)


def asked(windows: pl.DataFrame, *, translate=("abp",), restore=MODALITIES) -> pl.DataFrame:
    rows = windows.select(COLUMNS).lazy()
    return wanted(rows, translate=translate, restore=restore).collect()


def tasks(windows: pl.DataFrame, **said) -> list[tuple[str, str, list[str]]]:
    return asked(windows, **said).select("modality", "task", "conditions").rows()


@pytest.mark.parametrize("abp", [NOTHING, ("bad", 301), ("fair", 301), ("bad", 0), ("bad", 300)])
@pytest.mark.parametrize("ecg", ["good", "fair"])
def test_abp_that_is_absent_or_mostly_missing_or_dead_is_translated(make_windows, abp, ecg) -> None:
    windows = make_windows({"abp": abp, "ecg": (ecg, 0)})

    assert tasks(windows) == [("abp", "translate", ["ecg"])]


def test_translation_takes_every_condition_that_is_good_or_fair(make_windows) -> None:
    windows = make_windows({"ppg": ("fair", 0), "ecg": ("good", 0)})

    assert tasks(windows) == [("abp", "translate", ["ecg", "ppg"])]


def test_translation_from_nothing_fit_is_not_attempted(make_windows) -> None:
    windows = make_windows({"ecg": ("bad", 0)}, {"ppg": ("bad", 0), "ecg": ("bad", 0)})

    assert tasks(windows, restore=()) == []


@pytest.mark.parametrize("m", ["ecg", "ppg"])
def test_ecg_and_ppg_are_translated_only_where_the_run_asks(make_windows, m) -> None:
    windows = make_windows({"abp": GOOD, "ecg": GOOD, "ppg": GOOD, m: NOTHING})
    other = "ppg" if m == "ecg" else "ecg"

    assert tasks(windows) == []
    assert tasks(windows, translate=("abp", m)) == [(m, "translate", [other, "abp"])]


@pytest.mark.parametrize("ecg", [("bad", 301), ("fair", 400)])
def test_what_is_to_be_translated_and_is_not_asked_for_is_left_alone(make_windows, ecg) -> None:
    windows = make_windows({"abp": GOOD, "ecg": ecg})

    assert tasks(windows) == []


@pytest.mark.parametrize("m", MODALITIES)
@pytest.mark.parametrize("grade", ["good", "fair"])
@pytest.mark.parametrize("missing", [10, 100, 300])
def test_a_fit_signal_with_gaps_is_imputed(make_windows, m, grade, missing) -> None:
    windows = make_windows({m: (grade, missing)})

    assert tasks(windows, translate=()) == [(m, "impute", [])]


def test_imputation_uses_the_others_that_are_good_or_fair(make_windows) -> None:
    windows = make_windows({"ecg": ("fair", 50), "ppg": ("bad", 0), "abp": ("good", 0)})

    assert ("ecg", "impute", ["abp"]) in tasks(windows)


@pytest.mark.parametrize("missing", [0, 9])
def test_less_than_two_per_cent_missing_is_left_alone(make_windows, missing) -> None:
    windows = make_windows(dict.fromkeys(MODALITIES, ("good", missing)))

    assert tasks(windows) == []


@pytest.mark.parametrize("m", ["ecg", "ppg"])
@pytest.mark.parametrize("missing", [0, 5, 300])
def test_a_bad_signal_is_denoised(make_windows, m, missing) -> None:
    windows = make_windows({m: ("bad", missing), "abp": GOOD})

    assert tasks(windows) == [(m, "denoise", ["abp"])]


def test_bad_abp_with_a_pulse_is_denoised(make_windows) -> None:
    windows = make_windows({"abp": ("bad", 0), "ecg": GOOD}, hr_abp=75.0)

    assert tasks(windows) == [("abp", "denoise", ["ecg"])]


@pytest.mark.parametrize("abp", [("bad", 0), ("fair", 100), ("good", 100)])
def test_abp_without_a_unit_is_neither_denoised_nor_imputed(make_windows, abp) -> None:
    windows = make_windows({"abp": abp, "ecg": GOOD}, hr_abp=75.0, abp_unit="NU")

    assert tasks(windows) == []


@pytest.mark.parametrize("unit", ["mV", "NU"])
def test_ecg_without_a_unit_is_denoised_all_the_same(make_windows, unit) -> None:
    windows = make_windows({"ecg": ("bad", 0)}, ecg_unit=unit)

    assert tasks(windows) == [("ecg", "denoise", [])]


def test_only_modalities_that_the_run_restores_are_imputed_and_denoised(make_windows) -> None:
    windows = make_windows({"ecg": ("bad", 0), "ppg": ("fair", 50)})

    assert [m for m, *_ in tasks(windows, translate=(), restore=("ppg",))] == ["ppg"]
    assert tasks(windows, translate=(), restore=()) == []


def test_no_windows_want_nothing(make_windows) -> None:
    assert asked(make_windows({}).clear()).is_empty()


def test_a_want_names_its_window_and_what_it_is_made_from(make_windows) -> None:
    rows = asked(make_windows({"ecg": GOOD}, {"ecg": GOOD}))

    assert rows.columns == [
        *KEY[:3],
        "subject_id",
        "start_s",
        "input_sha256",
        "modality",
        "task",
        "conditions",
    ]
    assert rows["window_index"].to_list() == [0, 1]
    assert rows["input_sha256"].to_list() == ["input 0", "input 1"]


SAID = st.one_of(
    st.just(NOTHING), st.tuples(st.sampled_from(GRADES[:3]), st.integers(0, WINDOW_SAMPLES))
)
WINDOWS = st.lists(st.fixed_dictionaries(dict.fromkeys(MODALITIES, SAID)), min_size=1, max_size=6)
SOME = st.lists(st.sampled_from(MODALITIES), unique=True)


@settings(max_examples=50, deadline=None)
@given(WINDOWS, st.sampled_from([None, 75.0]), SOME, SOME)
def test_whatever_the_grades_at_most_one_possible_task_is_asked_a_window_and_target(
    make_windows, said, hr_abp, translate, restore
) -> None:
    windows = make_windows(*said, hr_abp=hr_abp)
    rows = asked(windows, translate=translate, restore=restore)

    assert rows.select("window_index", "modality").is_unique().all()
    for row in rows.iter_rows(named=True):
        own = said[row["window_index"]]
        fit = [m for m in MODALITIES if m != row["modality"] and own[m][0] in {"good", "fair"}]
        assert row["task"] in TASKS
        assert row["conditions"] == fit
        assert row["modality"] in (translate if row["task"] == "translate" else restore)
        assert row["conditions"] or row["task"] != "translate"
        assert row["task"] == "translate" or own[row["modality"]][0] != "absent"
