"""Stretches are drawn from anywhere, with their margins, and none rules."""

import numpy as np
import pytest

from ops.cuffless import CufflessRecord
from ops.stretches import Stretches, cut
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES

NO_BREAKS = np.array([], np.int64)


def ramp(samples: int, name: str = "a", group: str = "g") -> CufflessRecord:
    counts = np.tile(np.arange(samples, dtype=np.int16), (3, 1))
    return CufflessRecord(name, group, counts)


def test_a_window_is_cut_with_its_margins() -> None:
    x = cut(ramp(2000).counts, 600, NO_BREAKS)

    assert x.shape == (3, WINDOW_SAMPLES + 2 * MARGIN_SAMPLES)
    np.testing.assert_allclose(x[2] / 0.05, np.arange(550, 1150), rtol=1e-5)


@pytest.mark.parametrize(("start", "before", "after"), [(0, 50, 0), (20, 30, 0), (100, 0, 50)])
def test_beyond_a_records_ends_nothing_is_known(start, before, after) -> None:
    x = cut(ramp(600).counts, start, NO_BREAKS)

    unknown = np.isnan(x[0])
    assert unknown[:before].all()
    assert unknown[600 - after :].all()
    assert unknown.sum() == before + after


def test_what_lies_beyond_a_break_is_no_neighbour() -> None:
    x = cut(ramp(3000).counts, 1000, np.array([1000, 2000]))

    assert np.isnan(x[:, :50]).all()
    np.testing.assert_allclose(x[2, 50:] / 0.05, np.arange(1000, 1550), rtol=1e-5)


def test_no_window_is_drawn_across_a_break() -> None:
    counts = np.tile(100 * np.sin(np.arange(3000) / 20), (3, 1)).astype(np.int16)
    counts[:, 1000:] += 8000
    drawn = Stretches([CufflessRecord("a", "g", counts)]).draw(200, np.random.default_rng(0))
    window = drawn.clean[:, 2, MARGIN_SAMPLES:-MARGIN_SAMPLES] / 0.05

    assert np.isfinite(window).all()
    assert (np.ptp(window, axis=1) < 1000).all()


def test_the_same_generator_draws_the_same_and_all_of_it_is_from_the_records() -> None:
    stretches = Stretches([ramp(1500), ramp(800, "b", "h")])
    one, other = (stretches.draw(20, np.random.default_rng(4)) for _ in range(2))

    np.testing.assert_array_equal(one.clean, other.clean)
    steps = np.diff(one.clean[:, 2] / np.float32(0.05), axis=1)
    assert np.allclose(steps[np.isfinite(steps)], 1, atol=1e-2)
    assert one.fit.shape == (20, 3)


def test_a_long_group_does_not_rule() -> None:
    long = [ramp(30_000, f"l{i}", "long") for i in range(4)]
    stretches = Stretches([*long, ramp(30_000, "s", "short")])

    assert stretches._chances[-1] == pytest.approx(1 / 3)


def test_records_too_short_to_draw_from_are_left_out_or_told() -> None:
    with pytest.raises(ValueError, match=r"no record of 4 s or more"):
        Stretches([ramp(499)])
