"""Scales of a night: from what was observed or from the record's good windows, never the truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.unicardio.architecture import MODALITY_OF_SLOT, SLOT_SAMPLES
from models.unicardio.scaling import GAP, from_scale, range_of, scaled_slots, to_scale
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import F32, RestoreBatch, Task

UNKNOWN = (np.nan, np.nan)


def row(*values: float) -> F32:
    """One window that holds these values, and then the last of them on and on."""
    x = np.full((1, SLOT_SAMPLES), values[-1], np.float32)
    x[0, : len(values)] = values
    return x


def ask(
    task: Task,
    target: Modality,
    usual: tuple[float, float] = UNKNOWN,
    unit: str | None = "mmHg",
    **signals: F32,
) -> RestoreBatch:
    """Ask for a target of windows with these signals; ``usual`` is that of all three."""
    n = len(next(iter(signals.values())))
    absent = np.full((n, SLOT_SAMPLES), np.nan, np.float32)
    return RestoreBatch(
        task=task,
        target=target,
        conditions=tuple(m for m in MODALITIES if m in signals and m != target),
        signals={m: signals.get(m, absent) for m in MODALITIES},
        grades={m: ["good" if m in signals else "absent"] * n for m in MODALITIES},
        hr=np.full(n, np.nan, np.float32),
        seeds=np.arange(n),
        usual=dict.fromkeys(MODALITIES, np.full((n, 2), usual, np.float32)),
        units={m: [unit if m == "abp" else UNITS[m]] * n for m in MODALITIES},
    )


def test_a_gap_is_coded_as_in_the_release() -> None:
    scaled = to_scale(row(0.0, np.nan, 10.0), np.array([[0, 10]], np.float32))

    assert GAP == -1
    assert scaled[0, :3].tolist() == [-1, -1, 1]


def test_a_signal_that_is_absent_is_coded_as_a_gap() -> None:
    slots = scaled_slots(ask("translate", "abp", ppg=row(2, 4)))

    assert slots.shape == (1, 3, SLOT_SAMPLES)
    assert (slots[0, 1:] == GAP).all()


def test_slots_are_ppg_bp_and_ecg() -> None:
    signals = {"ecg": row(-1, 3), "ppg": row(2, 4, 3), "abp": row(100, 125)}
    slots = scaled_slots(ask("impute", "abp", **signals))

    assert MODALITY_OF_SLOT == ("ppg", "abp", "ecg")
    assert slots[0, :, :3].tolist() == [[-1, 1, 0], [0, 0.5, 0.5], [-1, 1, 1]]


@pytest.mark.parametrize(("mmhg", "scaled"), [(50, -1), (100, 0), (150, 1), (175, 1.5)])
def test_a_pressure_is_less_100_over_50_whatever_else_is_there(mmhg, scaled) -> None:
    for task in ("impute", "denoise"):
        slots = scaled_slots(ask(task, "abp", (0, 1), abp=row(mmhg, 80, 90)))

        assert slots[0, 1, 0] == scaled


@pytest.mark.parametrize("unit", [None, "NU"])
def test_a_pressure_without_its_unit_has_no_scale(unit) -> None:
    signals = {"ppg": row(0, 1), "abp": row(80, 120)}

    assert np.isnan(range_of(ask("translate", "ecg", unit=unit, **signals), "abp")).all()
    assert np.isnan(range_of(ask("impute", "abp", unit=unit, **signals), "abp")).all()
    assert np.isnan(range_of(ask("denoise", "abp", unit=unit, **signals), "abp")).all()


@pytest.mark.parametrize("unit", [None, "NU", "mmHg"])
def test_a_pressure_that_is_made_has_the_scale_of_mmhg_whatever_was_there(unit) -> None:
    batch = ask("translate", "abp", unit=unit, ppg=row(0, 1), abp=row(80, 7000))

    assert range_of(batch, "abp").tolist() == [[50, 150]]


@pytest.mark.parametrize("target", ["ecg", "ppg"])
def test_what_is_made_of_nothing_is_between_minus_1_and_1(target) -> None:
    assert range_of(ask("translate", target, abp=row(80, 120)), target).tolist() == [[-1, 1]]


@pytest.mark.parametrize("m", ["ecg", "ppg"])
def test_a_condition_is_scaled_by_what_was_observed_of_it(m) -> None:
    batch = ask("translate", "abp", (-100, 100), **{m: row(5, np.nan, -3, 2)})

    assert range_of(batch, m).tolist() == [[-3, 5]]


@pytest.mark.parametrize("m", ["ecg", "ppg"])
def test_a_signal_with_a_gap_is_scaled_by_what_was_observed_of_it(m) -> None:
    batch = ask("impute", m, (-100, 100), **{m: row(5, np.nan, -3, 2)})

    assert range_of(batch, m).tolist() == [[-3, 5]]


@pytest.mark.parametrize("m", ["ecg", "ppg"])
def test_a_noisy_signal_is_scaled_by_the_good_windows_of_its_record(m) -> None:
    batch = ask("denoise", m, (-1, 3), **{m: row(500, np.nan, -300, 1)})

    assert range_of(batch, m).tolist() == [[-1, 3]]
    assert scaled_slots(batch)[0, MODALITY_OF_SLOT.index(m), :4].tolist() == [249.5, -1, -150.5, 0]


@pytest.mark.parametrize("usual", [UNKNOWN, (2, 2), (3, -1), (-np.inf, 1), (-3e38, 3e38)])
def test_a_noisy_signal_without_good_windows_nearby_is_scaled_by_itself(usual) -> None:
    batch = ask("denoise", "ecg", usual, ecg=row(5, np.nan, -3, 2))

    assert range_of(batch, "ecg").tolist() == [[-3, 5]]


@pytest.mark.parametrize("m", ["ecg", "ppg"])
@pytest.mark.parametrize(
    "flat", [row(2), row(np.nan), row(np.nan, 2, np.nan), row(np.inf, 2), row(-3e38, 3e38)]
)
def test_a_signal_without_two_values_has_no_scale(m, flat) -> None:
    assert np.isnan(range_of(ask("translate", "abp", **{m: flat}), m)).all()
    assert np.isnan(range_of(ask("impute", m, **{m: flat}), m)).all()


def test_a_windows_scale_is_its_own() -> None:
    x = np.concatenate([row(0, 1), row(2), row(-5, 5)])
    batch = ask("translate", "abp", ppg=x, ecg=x[::-1])

    np.testing.assert_array_equal(range_of(batch, "ppg"), [[0, 1], UNKNOWN, [-5, 5]])
    np.testing.assert_array_equal(range_of(batch, "ecg"), [[-5, 5], UNKNOWN, [0, 1]])


def test_a_samples_way_back_is_the_way_there_reversed() -> None:
    ends = np.array([[50, 150], [-0.5, 0.25]], np.float32)
    x = np.concatenate([row(50, 100, 151), row(-0.5, 0.25, 7)])
    back = from_scale(to_scale(x, ends)[:, None], ends)

    assert back.shape == (2, 1, SLOT_SAMPLES)
    np.testing.assert_allclose(back[:, 0], x, rtol=1e-6, atol=1e-5)


def test_minus_1_and_1_of_the_network_are_the_ends() -> None:
    y = np.array([[[-1, 1, 0]]], np.float32)

    assert from_scale(y, np.array([[50, 150]], np.float32)).tolist() == [[[50, 150, 100]]]


@pytest.mark.parametrize("target", MODALITIES)
@pytest.mark.parametrize("truth", [row(*range(9)), row(*range(5), -999, 999, 7, 8)])
def test_what_a_gap_hides_has_no_part_in_the_scale(target, truth) -> None:
    signals = {m: row(1, 2) for m in MODALITIES}
    observed = truth.copy()
    observed[0, 5:7] = np.nan
    batch = ask("impute", target, **{**signals, target: observed})

    expected = [50, 150] if target == "abp" else [0, 8]
    assert range_of(batch, target).tolist() == [expected]


@pytest.mark.parametrize("target", MODALITIES)
@pytest.mark.parametrize("truth", [row(60, 70, 80), row(-999, 999)])
def test_what_is_to_be_made_has_no_part_in_any_scale(target, truth) -> None:
    signals = {m: row(60, 140) for m in MODALITIES}
    batch = ask("translate", target, (60, 70), **{**signals, target: truth})
    plain = ask("translate", target, **signals)

    for m in MODALITIES:
        np.testing.assert_array_equal(range_of(batch, m), range_of(plain, m))


ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
WINDOW = st.lists(ANY, min_size=1, max_size=4).map(lambda values: row(*values))


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(MODALITIES, WINDOW)),
    st.sampled_from(["translate", "impute", "denoise"]),
    st.sampled_from(MODALITIES),
    st.tuples(ANY, ANY),
)
def test_whatever_goes_in_the_network_reads_numbers(signals, task, target, usual) -> None:
    batch = ask(task, target, usual, **signals)
    slots = scaled_slots(batch)

    assert slots.dtype == np.float32
    assert np.isfinite(slots).all()
    for i, m in enumerate(MODALITY_OF_SLOT):
        ends = range_of(batch, m)
        assert ends.dtype == np.float32
        assert np.isnan(ends).all() or ends[0, 0] < ends[0, 1]
        assert (slots[0, i, ~np.isfinite(batch.signals[m][0])] == GAP).all()
        if m != target and m != "abp" and np.isfinite(ends).all():
            assert np.abs(slots[0, i]).max() <= 1
    again = scaled_slots(replace(batch, seeds=batch.seeds + 1))
    assert again.tobytes() == slots.tobytes()
