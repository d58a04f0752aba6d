"""Pressures below 65 mmHg that were seen, missed and made up."""

import pytest

from ops.audit.hypotension import hypotension


def test_windows_below_65_are_counted_as_seen_and_missed(audited) -> None:
    """Bounds lie 10 around: 60 told as 70 is possibly low, and 80 told as 66 is as well."""
    told = hypotension(
        audited(
            {"true": 60.0, "error": 0.0},
            {"true": 60.0, "error": 10.0},
            {"true": 80.0, "error": -14.0, "subject_id": "b"},
            {"true": 80.0, "error": -20.0, "subject_id": "b"},
            {"true": 80.0, "error": 0.0, "subject_id": "c"},
        )
    )
    counts = ("true_positive", "false_negative", "false_positive", "true_negative")

    assert (told["windows"], told["windows_below"], told["subjects_below"]) == (5, 2, 1)
    assert [told["told"][name] for name in counts] == [1, 1, 1, 2]
    assert [told["possible"][name] for name in counts] == [2, 0, 2, 1]
    assert told["told"]["sensitivity"]["value"] == 0.5
    assert told["told"]["specificity"]["value"] == pytest.approx(2 / 3)


def test_65_itself_is_not_below_65(audited) -> None:
    assert hypotension(audited({"true": 65.0}))["windows_below"] == 0


def test_time_below_is_compared_subject_by_subject(audited) -> None:
    """One subject is low for half of the time and told never to be, the other the other way."""
    told = hypotension(
        audited(
            {"true": 60.0, "error": 10.0},
            {"true": 80.0},
            {"true": 70.0, "error": -10.0, "subject_id": "b"},
            {"true": 80.0, "subject_id": "b"},
        )
    )["share_of_time"]

    assert (told["true"]["mean"], told["told"]["mean"]) == (0.25, 0.25)
    assert (told["bias"]["mean"], told["absolute_difference"]["mean"]) == (0, 0.5)


def test_what_never_happened_has_no_sensitivity(audited) -> None:
    told = hypotension(audited({"true": 80.0}, {"true": 90.0, "subject_id": "b"}))

    assert told["told"]["sensitivity"] == {"value": None, "low": None, "high": None}
    assert told["told"]["specificity"] == {"value": 1, "low": None, "high": None}


def test_a_share_that_few_subjects_tell_of_has_no_bounds(audited) -> None:
    """Eight subjects are never low, and the one that is has a sensitivity of its own alone."""
    never = [{"true": 80.0, "subject_id": f"s{i}"} for i in range(8)]
    told = hypotension(audited({"true": 60.0}, *never))["told"]

    assert told["sensitivity"] == {"value": 1, "low": None, "high": None}
    assert told["specificity"] == {"value": 1, "low": 1, "high": 1}


def test_nobody_at_all_is_told_in_nulls(audited) -> None:
    told = hypotension(audited())

    assert told["windows"] == 0
    assert told["share_of_time"]["true"]["mean"] is None
