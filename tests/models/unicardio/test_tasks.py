from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.unicardio.tasks import TASKS, Task, of_slots, restore, translate

PPG, ABP, ECG, RESTORATION = range(4)
TRAINED = {
    *(((a,), b, b) for a in range(3) for b in range(3) if a != b),
    ((PPG, ABP), ECG, ECG),
    ((PPG, ECG), ABP, ABP),
    ((ABP, ECG), PPG, PPG),
    *(((m,), RESTORATION, m) for m in range(3)),
    *((pair, RESTORATION, m) for pair in ((0, 1), (0, 2), (1, 2)) for m in pair),
    *(((PPG, ABP, ECG), RESTORATION, m) for m in range(3)),
}
NAMES = st.sampled_from(["ppg", "abp", "ecg", "pap", "", "PPG"])


def test_there_are_the_21_tasks_that_were_trained() -> None:
    assert len(TRAINED) == 21
    assert {(t.conditions, t.target, t.head) for t in TASKS} == TRAINED
    assert len({str(task) for task in TASKS}) == 21


def test_tasks_go_by_name() -> None:
    assert translate("ppg", "abp") == Task((PPG,), ABP, ABP)
    assert translate(("ecg", "ppg"), "abp") == Task((PPG, ECG), ABP, ABP)
    assert restore("ecg") == Task((ECG,), RESTORATION, ECG)
    assert restore("ecg", given=("ppg", "abp")) == Task((PPG, ABP, ECG), RESTORATION, ECG)
    assert restore("abp", "ecg") == Task((ABP, ECG), RESTORATION, ABP)
    assert str(translate(("ppg", "ecg"), "abp")) == "translate(ppg + ecg → abp)"
    assert str(restore("ecg", given=("abp", "ppg"))) == "restore(ecg, given ppg + abp)"


def test_numbered_slots_name_the_same_tasks() -> None:
    assert of_slots((2, 0), 1) == translate(("ppg", "ecg"), "abp")
    assert of_slots((1, 2), RESTORATION) == restore("abp", "ecg")
    assert of_slots((1, 2), RESTORATION, 2) == restore("ecg", "abp")


def asked(ask: Callable[[], Task]) -> Task | str:
    """The task, or the words of its refusal."""
    try:
        return ask()
    except ValueError as error:
        return str(error)


@given(st.lists(NAMES, max_size=4).map(tuple), NAMES)
def test_what_was_not_trained_is_refused_with_what_there_is(names, target) -> None:
    for got in (asked(lambda: translate(names, target)), asked(lambda: restore(target, names))):
        if isinstance(got, Task):
            assert (got.conditions, got.target, got.head) in TRAINED
            assert got.modality == target
            assert sorted(names) == sorted({*got.given} - ({target} if got.target == 3 else set()))
        else:
            assert "trained tasks; there are: translate(ppg → abp)" in got
            assert "restore(ecg, given ppg + abp)" in got


@pytest.mark.parametrize("slots", [((), 1), ((0,), 0), ((0, 0), 1), ((0, 1, 2), 1), ((3,), 1)])
def test_slots_that_were_not_trained_are_refused(slots) -> None:
    with pytest.raises(ValueError, match="is none of the 21 trained tasks; there are:"):
        of_slots(*slots)
