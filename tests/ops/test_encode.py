import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ops.encode import LARGEST, decode_counts, encode
from schemas.grid import MISSING


def window(*samples: float) -> np.ndarray:
    return np.array([samples], np.float32)


def steps(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


EXACT = np.array([True])
RESAMPLED = np.array([False])


def test_an_exact_signal_keeps_the_steps_of_its_source() -> None:
    encoded = encode(window(0.0, 0.5, 1.0), steps(0.5), EXACT)

    assert encoded.scale[0] == 0.5
    assert encoded.zero[0] == 0.5
    assert encoded.counts.tolist() == [[-1, 0, 1]]


def test_a_resampled_signal_is_stored_four_times_finer() -> None:
    encoded = encode(window(0.0, 1.0), steps(0.5), RESAMPLED)

    assert encoded.scale[0] == 0.125


def test_twice_the_observed_range_fits() -> None:
    physical = window(-1000.0, 1000.0)
    encoded = encode(physical, steps(0.01), EXACT)
    room = 32_767 * encoded.scale[0]

    assert encoded.scale[0] == np.float32(0.08)
    assert encoded.zero[0] + room >= 2000
    assert encoded.zero[0] - room <= -2000


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_not_finite_or_too_large_is_missing(nothing: float) -> None:
    encoded = encode(window(1.0, nothing), steps(1.0), EXACT)

    assert encoded.counts[0, 1] == MISSING
    assert encoded.counts[0, 0] != MISSING


def test_a_gap_in_a_signal_of_the_largest_floats_overflows_nothing() -> None:
    encoded = encode(window(-1e38, 1e38, np.nan), steps(1.0), EXACT)
    decoded = decode_counts(encoded.counts, encoded.scale, encoded.zero)

    assert np.isfinite(decoded[0]).tolist() == [True, True, False]


def test_a_window_without_a_sample_has_no_scale() -> None:
    encoded = encode(window(np.nan, np.nan), steps(np.nan), EXACT)

    assert np.isnan(encoded.scale[0])
    assert (encoded.counts == MISSING).all()


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float32, (3, 7), elements=st.floats(width=32)),
    arrays(np.float32, 3, elements=st.floats(width=32)),
    arrays(np.bool_, 3),
)
def test_every_sample_comes_back_within_half_a_count(
    physical: np.ndarray, steps: np.ndarray, exact: np.ndarray
) -> None:
    encoded = encode(physical, steps, exact)
    decoded = decode_counts(encoded.counts, encoded.scale, encoded.zero)

    finite = np.abs(physical) <= LARGEST
    assert np.array_equal(np.isfinite(decoded), finite)
    with np.errstate(invalid="ignore"):
        error = np.abs(decoded.astype(np.float64) - physical.astype(np.float64))
        rounding = 2.0**-22 * np.maximum(np.abs(physical), np.abs(encoded.zero)[:, None])
        allowed = encoded.scale[:, None] / 2 + rounding.astype(np.float64)
    assert (error <= allowed + 1e-45)[finite].all()


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.int16, (2, 11), elements=st.integers(-8000, 8000)),
    st.sampled_from([1.0, 0.005, 1 / 7427, 1 / 38.7, 1 / 12.84, 1e-3 / 200]),
    st.integers(-3000, 3000),
)
def test_encoding_what_was_decoded_changes_no_count(
    counts: np.ndarray, step: float, baseline: int
) -> None:
    physical = ((counts.astype(np.float64) - baseline) * step).astype(np.float32)
    known, kept = np.full(2, step, np.float32), np.ones(2, np.bool_)
    once = encode(physical, known, kept)
    decoded = decode_counts(once.counts, once.scale, once.zero)
    again = encode(decoded, known, kept)

    assert np.array_equal(again.counts, once.counts)
    assert np.array_equal(again.scale, once.scale)
    assert np.array_equal(again.zero, once.zero)


@settings(max_examples=30, deadline=None)
@given(arrays(np.int16, (2, 11), elements=st.integers(-8000, 8000)), st.integers(-3000, 3000))
def test_an_exact_signal_loses_nothing(counts: np.ndarray, baseline: int) -> None:
    step = 1 / 7427
    physical = ((counts.astype(np.float64) - baseline) * step).astype(np.float32)
    encoded = encode(physical, np.full(2, step, np.float32), np.ones(2, np.bool_))

    steps_apart = np.diff(encoded.counts.astype(int), axis=1)
    assert np.array_equal(steps_apart, np.diff(counts.astype(int), axis=1))
