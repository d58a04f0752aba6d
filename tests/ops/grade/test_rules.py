import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.grade import rules, window_indexes
from ops.grade.rules import BAD, CRITERIA, NOT_GOOD, Ramp, Rule, Untold
from ops.grade.scoring import criterion_score, score
from schemas.modality import MODALITIES, UNITS


def told(**values: list[float]) -> dict[str, np.ndarray]:
    """Put float indexes together with a calibrated signal."""
    indexes = {name: np.float32(v) for name, v in values.items()}
    return indexes | {"calibrated": np.ones(len(next(iter(indexes.values()))), bool)}


def names(modality: str) -> set[str]:
    """Name every index that a modality's tables read."""
    read = {ramp.index for criterion in CRITERIA[modality] for ramp in criterion}
    for rule in BAD[modality] + NOT_GOOD[modality]:
        read |= {rule.index, getattr(rule, "minus", None) or rule.index}
    return read


def test_a_ramp_runs_from_worst_to_best_either_way() -> None:
    rising = Ramp("kurtosis", 2, 4).score(told(kurtosis=[1, 2, 3, 4, 9, np.nan]))
    falling = Ramp("kurtosis", 4, 2).score(told(kurtosis=[1, 2, 3, 4, 9, np.nan]))

    np.testing.assert_array_equal(rising, [0, 0, 0.5, 1, 1, np.nan])
    np.testing.assert_array_equal(falling, [1, 1, 0.5, 0, 0, np.nan])


def test_a_criterion_is_the_mean_of_what_is_told() -> None:
    criterion = (Ramp("a", 0, 1), Ramp("b", 0, 1))
    indexes = told(a=[0.25, 0.25, np.nan, np.nan], b=[0.75, np.nan, 1, np.nan])

    assert criterion_score(criterion, indexes).tolist() == [0.5, 0.25, 1, rules.UNTOLD]


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [("<", [True, False, False]), (">", [False, False, True]), (">=", [False, True, True])],
)
def test_a_rule_holds_beyond_its_limit(comparison: rules.Comparison, holds: list[bool]) -> None:
    found = Rule("rail", comparison, 0.2).holds(told(rail=[0.1, 0.2, 0.3]))

    assert found.tolist() == holds


def test_a_rule_takes_one_index_from_another_and_never_holds_untold() -> None:
    indexes = told(sbp=[120, 85, np.nan, 120], dbp=[80, 80, 80, np.nan])

    assert Rule("sbp", "<", 10, minus="dbp").holds(indexes).tolist() == [False, True, False, False]
    assert Untold("sbp").holds(indexes).tolist() == [False, False, True, False]


def test_a_limit_in_a_unit_says_nothing_of_an_uncalibrated_signal() -> None:
    indexes = told(slew=[90, 90], rail=[0.3, 0.3]) | {"calibrated": np.array([True, False])}

    assert Rule("slew", ">", 80).holds(indexes).tolist() == [True, False]
    assert Rule("rail", ">=", 0.2).holds(indexes).tolist() == [True, True]


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_tables_read_indexes_that_are_computed(modality: str) -> None:
    nothing = {m: np.full((1, 500), np.nan, np.float32) for m in MODALITIES}
    frame = window_indexes(
        nothing, {m: [UNITS[m]] for m in MODALITIES}, {m: np.ones(1) for m in MODALITIES}
    )

    assert {f"{modality}_{name}" for name in names(modality)} <= set(frame.columns)


@given(drawn=st.data(), modality=st.sampled_from(MODALITIES))
@settings(max_examples=50, deadline=None)
def test_whatever_is_told_the_score_keeps_below_its_ceilings(drawn, modality: str) -> None:
    values = hnp.arrays(np.float32, 4, elements=st.floats(width=32))
    indexes = {name: drawn.draw(values, label=name) for name in sorted(names(modality))}
    indexes["calibrated"] = drawn.draw(hnp.arrays(np.bool_, 4), label="calibrated")

    scored = score(modality, indexes)

    bad = np.any([rule.holds(indexes) for rule in BAD[modality]], axis=0)
    not_good = np.any([rule.holds(indexes) for rule in NOT_GOOD[modality]], axis=0)
    assert scored.dtype == np.float32
    assert ((scored >= 0) & (scored <= 1)).all()
    assert (scored[bad] < rules.FAIR).all()
    assert (scored[not_good] < rules.GOOD).all()
