"""Which windows are judged, what lies beside them, and whose cuff they are given."""

import numpy as np
import polars as pl
import pytest

from ops.judge.draw import draw, stretch
from ops.judge.parquet import parquet_files, read_timelines
from ops.judge.rows import join_rows, take_rows
from ops.judge.timeline import seed_of
from ops.restored import read_pressures
from ops.split import split_of


def test_groups_of_the_split_alone_are_read(timelines) -> None:
    assert [split_of(one.group) for one in timelines] == ["validation"] * 3
    assert [len(one) for one in timelines] == [20, 20, 20]


def test_windows_are_evenly_spaced_in_the_time_of_their_group(windows) -> None:
    _, counts = np.unique(windows.groups, return_counts=True)

    assert counts.tolist() == [5, 5, 5]
    assert len(set(windows.seeds.tolist())) == 15


def test_without_a_list_of_records_a_block_is_a_group(made_up_uci, tmp_path) -> None:
    pl.read_parquet(made_up_uci / "uci-0.parquet").write_parquet(tmp_path / "some.parquet")
    groups = [one.group for one in read_timelines([tmp_path / "some.parquet"], "train")]

    assert groups
    assert all(group.endswith("_block") for group in groups)


def test_a_folder_without_data_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="holds no Parquet file"):
        parquet_files([tmp_path])


def test_margins_are_the_samples_beside_the_window_in_its_record(timelines) -> None:
    drawn = draw(timelines[:1], 20)

    assert np.isnan(drawn.before["ppg"][[0, 10]]).all()
    assert np.isnan(drawn.after["ppg"][[9, 19]]).all()
    np.testing.assert_array_equal(drawn.before["ppg"][1], drawn.signals["ppg"][0, -50:])
    np.testing.assert_array_equal(drawn.after["ppg"][1], drawn.signals["ppg"][2, :50])


def test_the_first_cuff_is_that_of_the_groups_first_valid_window(timelines) -> None:
    drawn = draw(timelines[:1], 20)
    cuff = drawn.cuffs["first"]
    read = read_pressures(drawn.signals["abp"][:1], np.ones(1, np.bool_))

    assert np.isnan(cuff.sbp[0])
    np.testing.assert_array_equal(cuff.sbp[1:], np.full(19, read["sbp"][0]))
    np.testing.assert_array_equal(cuff.age_s[1:], 4 * np.arange(1, 20))
    np.testing.assert_array_equal(cuff.signals["ecg"][5], drawn.signals["ecg"][0])
    assert set(cuff.signals) == {"ecg", "ppg"}


def test_no_window_is_its_own_reference(timelines) -> None:
    drawn = draw(timelines, 20)

    assert not (drawn.cuffs["random"].age_s == 0).any()
    assert (drawn.cuffs["random"].age_s < 0).any()


def test_the_window_before_is_of_the_same_record(timelines) -> None:
    cuff = draw(timelines[:1], 20).cuffs["previous"]

    assert np.flatnonzero(np.isnan(cuff.sbp)).tolist() == [0, 10]
    assert set(cuff.age_s[np.isfinite(cuff.sbp)].tolist()) == {4.0}


def test_a_seed_is_of_the_windows_name_alone() -> None:
    assert seed_of("a", 1) == seed_of("a", 1) >= 0
    assert len({seed_of(r, i) for r in "abc" for i in range(50)}) == 150


def test_the_usual_range_is_of_other_windows(timelines) -> None:
    drawn = draw(timelines[:1], 20)
    low = drawn.signals["abp"].min(axis=1)

    expected = np.median(np.delete(low, 4))
    assert drawn.usual["abp"][4, 0] == pytest.approx(expected)


def test_a_stretch_follows_on_within_a_record(timelines) -> None:
    found = stretch(timelines[0], 4)

    assert found is not None
    np.testing.assert_array_equal(found.before["abp"][1], found.signals["abp"][0, -50:])
    assert stretch(timelines[0], 11) is None


def test_rows_that_are_cut_and_joined_are_as_before(windows) -> None:
    parts = [take_rows(windows, slice(0, 4)), take_rows(windows, slice(4, None))]
    joined = join_rows(parts)

    assert joined.groups.tolist() == windows.groups.tolist()
    assert joined.units == windows.units
    np.testing.assert_array_equal(joined.cuffs["first"].sbp, windows.cuffs["first"].sbp)
