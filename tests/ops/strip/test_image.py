"""Strips as images: the trace lies where its signal is, and nowhere else."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.strip.image import HIGHEST_MMHG, LANES, draw_strips, row_of
from schemas.modality import MODALITIES
from schemas.strip_image import HEIGHT, WIDTH

TRACE = 130
"""Levels below which a pixel is trace, not grid."""


def signals(**of: np.ndarray | float) -> np.ndarray:
    """One strip, whose other modalities are not there."""
    x = np.full((1, len(MODALITIES), 500), np.nan, np.float32)
    for m, values in of.items():
        x[0, MODALITIES.index(m)] = values
    return x


def lane(images: np.ndarray, modality: str) -> np.ndarray:
    return images[:, slice(*LANES[modality])]


@given(
    hnp.arrays(
        np.float32, (2, 3, 500), elements=st.floats(width=32), fill=st.floats(width=32, min_value=0)
    ),
    st.one_of(st.none(), st.integers(0, 2**32)),
)
def test_any_signals_give_an_image_of_the_form(x, seed) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    images = draw_strips(x, rng)

    assert images.shape == (2, HEIGHT, WIDTH)
    assert images.dtype == np.uint8
    absent = ~np.isfinite(x).any(axis=2)
    if rng is None:
        assert all(
            not (lane(images[[b]], MODALITIES[m]) < TRACE).any()
            for b, m in zip(*np.nonzero(absent), strict=True)
        )


@given(st.floats(-50, 350, width=32))
def test_a_level_pressure_is_a_dark_line_in_its_row(mmhg) -> None:
    image = draw_strips(signals(abp=mmhg))[0].astype(float)
    darkness = (250 - image[slice(*LANES["abp"])]).clip(0)
    darkness[darkness < 250 - TRACE] = 0
    rows = np.arange(*LANES["abp"]) + 0.5
    middle = (darkness * rows[:, None]).sum(axis=0) / darkness.sum(axis=0)

    assert np.abs(middle - row_of(np.float32(mmhg))).max() <= 0.6
    assert not (image[: LANES["abp"][0]] < TRACE).any()


def test_five_mmhg_are_a_row() -> None:
    rows = row_of(np.array([0, 5, 100, HIGHEST_MMHG, 999], np.float32))

    assert rows.tolist() == [94, 93, 74, 54, 54]


def test_a_pressure_can_be_read_by_dashed_lines_that_no_other_lane_has() -> None:
    there = draw_strips(signals(abp=100.0))[0]
    absent = draw_strips(signals(ecg=0.0))[0]

    for row in row_of(np.array([50, 150], np.float32)).astype(int):
        assert there[row].mean() < absent[row].mean() - 10
        assert np.ptp(there[row].astype(int)) > 30
    np.testing.assert_array_equal(there[: LANES["ecg"][1] - 10], empty()[: LANES["ecg"][1] - 10])


def empty() -> np.ndarray:
    return draw_strips(signals())[0]


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_gap_is_blank_and_the_rest_is_not(modality) -> None:
    x = 90 + 20 * np.sin(np.arange(500) / 10)
    x[200:300] = np.nan
    dark = (lane(draw_strips(signals(**{modality: x})), modality)[0] < TRACE).any(axis=0)
    begins, ends = 200 * WIDTH // 500, 300 * WIDTH // 500

    assert not dark[begins + 1 : ends - 1].any()
    assert dark[: begins - 1].all()
    assert dark[ends + 1 :].all()


def test_a_signal_without_a_fixed_scale_fills_its_lane_whatever_its_gain() -> None:
    wave = np.sin(np.arange(500) / 20)
    one, other = (draw_strips(signals(ppg=wave * gain + 7)) for gain in (1e-3, 1e4))
    dark = np.flatnonzero((one[0] < TRACE).any(axis=1))

    assert np.abs(one.astype(int) - other).max() <= 1
    assert dark.min() <= LANES["ppg"][0] + 4
    assert dark.max() >= LANES["ppg"][1] - 5


def test_a_spike_that_is_far_beyond_the_rest_stays_in_its_lane() -> None:
    x = np.sin(np.arange(500) / 20)
    x[250] = 1e30
    image = draw_strips(signals(ppg=x))[0]
    dark = np.flatnonzero((image < TRACE).any(axis=1))

    assert LANES["ppg"][0] <= dark.min() <= dark.max() < LANES["ppg"][1]
    assert (image[:, WIDTH // 4] < TRACE).sum() < 5


def test_a_generator_alone_decides_how_a_strip_looks() -> None:
    x = np.repeat(signals(ecg=np.sin(np.arange(500) / 20), abp=90.0), 3, axis=0)
    one, again = (draw_strips(x, np.random.default_rng(5)) for _ in range(2))
    other = draw_strips(x, np.random.default_rng(6))

    np.testing.assert_array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 1
    assert np.abs(one[0].astype(int) - one[1]).mean() > 1


def test_a_shifted_scan_keeps_every_trace_in_its_lane() -> None:
    x = np.repeat(signals(ppg=np.sin(np.arange(500) / 20)), 200, axis=0)
    images = draw_strips(x, np.random.default_rng(0)).astype(int)
    quiet = draw_strips(np.full_like(x, np.nan), np.random.default_rng(0))

    changed = np.abs(images - quiet).max(axis=(0, 2))
    assert np.flatnonzero(changed).tolist() == list(range(*LANES["ppg"]))


def test_no_strips_are_no_images() -> None:
    assert draw_strips(np.zeros((0, 3, 500), np.float32)).shape == (0, HEIGHT, WIDTH)
