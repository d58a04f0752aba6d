"""Windows and readings that the pressure heads learn from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flows.train_levels import pairs_of, see
from models.tricardio.architecture import Sizes
from models.tricardio.network import TriCardio
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.judge.windows import Windows

SMALL = Sizes(width=16, depth=1, heads=2, fine_width=8, flow_width=16, flow_depth=1, flow_heads=2)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def windows(made_up_uci) -> Windows:
    return draw(read_timelines([made_up_uci], "train"), 4)


@pytest.fixture(scope="module")
def network() -> TriCardio:
    torch.manual_seed(0)
    return TriCardio(SMALL).eval()


def test_a_group_is_the_same_one_by_whichever_signals_it_is_seen(network, windows) -> None:
    first = windows.groups == np.unique(windows.groups)[0]
    without = replace(windows, fit={**windows.fit, "ecg": windows.fit["ecg"] & ~first})
    by_ecg, by_ppg = (see(network, without, (m,)) for m in ("ecg", "ppg"))

    assert 0 not in by_ecg.groups
    assert set(by_ppg.groups) == set(by_ecg.groups) | {0}


def test_a_reading_is_that_of_another_window_of_the_same_group(network, windows) -> None:
    seen = see(network, windows, ("ecg", "ppg"))
    rows = np.flatnonzero(seen.groups != 1)
    _, reference, truth = pairs_of(seen, np.random.default_rng(0), rows, 200, 0.0)
    same = seen.truth[:, 0][None] == truth[:, :1]
    own = np.array([seen.groups[np.flatnonzero(row)[0]] for row in same.numpy()])
    read = seen.truth[:, 0][None] == reference.sbp[:, None]
    other = np.array([seen.groups[np.flatnonzero(row)[0]] for row in read.numpy()])

    np.testing.assert_array_equal(own, other)
    assert 1 not in own
    assert (reference.sbp != truth[:, 0]).float().mean() > 0.9
    assert (reference.age_s != 0).all()


def test_windows_without_a_reading_are_as_many_as_asked_for(network, windows) -> None:
    seen = see(network, windows, ("ppg",))
    rows = np.arange(len(seen.groups))
    _, reference, _ = pairs_of(seen, np.random.default_rng(0), rows, 1000, 0.3)

    assert reference.sbp.isnan().float().mean() == pytest.approx(0.3, abs=0.05)
