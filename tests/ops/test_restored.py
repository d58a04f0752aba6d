"""What is said of samples: values that can be checked by hand, and nothing that can't be kept."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.restored import MOST, from_made, from_samples
from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import F32, PRESSURES, Interval, Made, RestoreBatch, Restored, Task

T = np.arange(WINDOW_SAMPLES) / GRID_FS
FLAT = np.full(WINDOW_SAMPLES, 90, np.float32)


def batch_of(task: Task, target: Modality, x: F32) -> RestoreBatch:
    """Ask for ``x`` (B, T) to be made or mended; nothing else is there."""
    n = len(x)
    signals = {m: x if m == target else np.full_like(x, np.nan) for m in MODALITIES}
    return RestoreBatch(
        task=task,
        target=target,
        conditions=(),
        signals=signals,
        grades={m: ["good"] * n for m in MODALITIES},
        hr=np.full(n, np.nan, np.float32),
        seeds=np.arange(n),
        usual=dict.fromkeys(MODALITIES, np.full((n, 2), np.nan, np.float32)),
        units={m: [UNITS[m]] * n for m in MODALITIES},
    )


def levels(*values: float) -> F32:
    """One window's samples, each the same at every time: (1, S, T)."""
    return np.repeat(np.array(values, np.float32)[None, :, None], WINDOW_SAMPLES, axis=2)


def pulses(foot: float = 80.0, height: float = 40.0) -> F32:
    """A pressure that rises from ``foot`` by ``height`` once every 0.8 s."""
    phase = T * GRID_FS % 100
    rise = np.exp(-0.5 * ((phase - 40) / 8) ** 2)
    return (foot + height * rise).astype(np.float32)


def nothing_measured(n: int = 1) -> F32:
    return np.full((n, WINDOW_SAMPLES), np.nan, np.float32)


def made_of(samples: F32, target: Modality = "ppg") -> Restored:
    return from_samples(batch_of("translate", target, nothing_measured(len(samples))), samples)


def arrays_of(restored: Restored) -> list[F32]:
    parts = [restored.mean, restored.lower, restored.upper]
    for interval in restored.pressures.values():
        parts += [interval.value, interval.lower, interval.upper]
    return parts


def test_the_band_of_nineteen_samples_is_from_the_first_to_the_last() -> None:
    made = made_of(levels(*range(19)))

    assert np.unique(made.mean).tolist() == [9.0]
    assert np.unique(made.lower).tolist() == [0.0]
    assert np.unique(made.upper).tolist() == [18.0]


def test_the_band_of_two_samples_is_as_wide_as_two_can_say() -> None:
    """Student's t at 0.95 with one degree of freedom is 6.314; times sqrt(2) and sqrt(3 / 2)."""
    made = made_of(levels(0, 2))

    np.testing.assert_allclose(made.mean, 1)
    np.testing.assert_allclose(made.upper - 1, 6.314 * np.sqrt(3), rtol=1e-3)
    np.testing.assert_allclose(1 - made.lower, 6.314 * np.sqrt(3), rtol=1e-3)


@pytest.mark.parametrize("n", [2, 5, 10, 18, 19, 50])
def test_the_band_holds_nine_of_ten_where_the_truth_is_as_the_samples_are(n) -> None:
    drawn = np.random.default_rng(n).normal(0, 3, (200, n + 1, WINDOW_SAMPLES))
    truth, samples = drawn[:, 0], drawn[:, 1:].astype(np.float32)
    made = made_of(samples)

    inside = (made.lower <= truth) & (truth <= made.upper)
    assert inside.mean() == pytest.approx(0.9, abs=0.006)


def test_a_single_sample_has_no_band() -> None:
    made = made_of(levels(7.0))

    assert np.isnan(made.lower).all()
    assert np.isnan(made.upper).all()


def test_a_mean_that_one_sample_pulls_out_of_the_band_widens_the_band_to_itself() -> None:
    up, down = made_of(levels(*[0.0] * 49, 1000.0)), made_of(levels(*[0.0] * 49, -1000.0))

    assert (up.lower[0, 0], up.mean[0, 0], up.upper[0, 0]) == (0, 20, 20)
    assert (down.lower[0, 0], down.mean[0, 0], down.upper[0, 0]) == (-20, -20, 0)


def test_samples_that_agree_have_a_band_of_no_width() -> None:
    made = made_of(np.repeat(pulses()[None, None], 3, axis=1))

    for part in (made.mean, made.lower, made.upper):
        assert part[0].tobytes() == pulses().tobytes()


def test_an_imputed_signal_keeps_its_measured_samples_to_the_bit() -> None:
    x = np.stack([pulses() / 3, pulses() / 7])
    x[0, 100:250] = np.nan
    kept = np.isfinite(x)
    samples = np.random.default_rng(0).normal(30, 5, (2, 6, WINDOW_SAMPLES)).astype(np.float32)
    made = from_samples(batch_of("impute", "abp", x), samples)

    for part in (made.mean, made.lower, made.upper):
        assert part[kept].tobytes() == x[kept].tobytes()
    gap = samples[0, :, 100:250]
    np.testing.assert_allclose(made.mean[0, 100:250], gap.mean(axis=0), rtol=1e-6)
    assert (made.lower[0, 100:250] < made.upper[0, 100:250]).all()


@pytest.mark.parametrize("task", ["translate", "denoise"])
def test_only_an_imputed_signal_keeps_anything_of_itself(task) -> None:
    samples = np.random.default_rng(0).normal(90, 5, (1, 4, WINDOW_SAMPLES)).astype(np.float32)
    one = from_samples(batch_of(task, "abp", pulses()[None]), samples)
    other = from_samples(batch_of(task, "abp", -pulses()[None]), samples)

    for mine, theirs in zip(arrays_of(one), arrays_of(other), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("task", ["translate", "impute", "denoise"])
def test_one_value_that_is_none_makes_its_window_absent_and_no_other(task, value) -> None:
    samples = np.stack([np.stack([pulses(80 + i), pulses(90, 30 + i)]) for i in range(3)])
    x = np.repeat(pulses()[None], 3, axis=0)
    x[:, 50:100] = np.nan
    whole = from_samples(batch_of(task, "abp", x), samples)
    broken = samples.copy()
    broken[1, 1, 60] = value
    made = from_samples(batch_of(task, "abp", x), broken)

    assert made.grade[1] == "absent"
    assert made.grade[::2] == whole.grade[::2]
    assert "absent" not in whole.grade
    for mine, theirs in zip(arrays_of(made), arrays_of(whole), strict=True):
        assert np.isnan(mine[1]).all()
        assert mine[::2].tobytes() == theirs[::2].tobytes()


def test_pressures_are_the_mean_and_band_of_the_samples_own() -> None:
    made = made_of(np.stack([pulses(80 + 10 * i) for i in range(3)])[None], "abp")
    sbp, dbp, mean = (made.pressures[name] for name in PRESSURES)

    np.testing.assert_allclose(
        [sbp.lower[0], sbp.value[0], sbp.upper[0]], [96.3, 130, 163.7], atol=1
    )
    np.testing.assert_allclose(
        [dbp.lower[0], dbp.value[0], dbp.upper[0]], [56.3, 90, 123.7], atol=1
    )
    np.testing.assert_allclose(sbp.upper - sbp.lower, 20 * 2.920 * np.sqrt(4 / 3), rtol=1e-3)
    assert dbp.value < mean.value < sbp.value


def test_a_pressure_is_not_that_of_the_mean_signal() -> None:
    early, late = pulses(), np.roll(pulses(), 50)
    made = made_of(np.stack([early, late])[None], "abp")

    assert made.mean.max() < 105
    np.testing.assert_allclose(made.pressures["sbp"].value, 120, atol=1)


@pytest.mark.parametrize(("silent", "told"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_pressure_is_told_where_half_of_the_samples_have_one(silent, told) -> None:
    made = made_of(np.stack([*[FLAT] * silent, *[pulses()] * (4 - silent)])[None], "abp")

    assert np.isfinite(made.mean).all()
    for name, expected in (("sbp", 120), ("dbp", 80)):
        interval = made.pressures[name]
        for value in (interval.value, interval.lower, interval.upper):
            np.testing.assert_allclose(value, [expected if told else np.nan], atol=1)


def test_only_a_pressure_has_pressures() -> None:
    assert made_of(pulses()[None, None], "ppg").pressures == {}
    assert made_of(pulses()[None, None], "ecg").pressures == {}
    assert set(made_of(pulses()[None, None], "abp").pressures) == set(PRESSURES)


@pytest.mark.parametrize(("apart", "grade"), [(0.0, "fair"), (1.8, "fair"), (1.9, "bad")])
def test_a_signal_is_fair_while_its_band_is_half_as_wide_as_its_range(apart, grade) -> None:
    """The band of two samples is 10.94 times as wide as they are apart; half the range is 20."""
    made = made_of(np.stack([pulses(80), pulses(80 + apart)])[None])

    np.testing.assert_allclose(made.upper - made.lower, 10.94 * apart, atol=0.01)
    assert made.grade == [grade]


def test_the_width_of_an_imputed_signal_is_that_of_its_gap() -> None:
    x = pulses()[None].copy()
    x[0, :50] = np.nan
    samples = np.stack([pulses(78), pulses(82)])[None]
    made = from_samples(batch_of("impute", "abp", x), samples)

    assert (made.upper - made.lower).mean() < 0.5 * np.ptp(made.mean)
    assert made.grade == ["bad"]


def test_no_window_is_no_answer() -> None:
    made = made_of(np.empty((0, 4, WINDOW_SAMPLES), np.float32), "abp")

    assert made.grade == []
    assert all(len(part) == 0 for part in arrays_of(made))


@pytest.mark.parametrize("target", MODALITIES)
def test_a_window_is_told_the_same_whatever_it_comes_with(target) -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(90, 20, (6, 5, WINDOW_SAMPLES)).astype(np.float32)
    samples[1] = FLAT
    samples[2, :3] = pulses()
    samples[3, 2, 7] = np.nan
    x = rng.normal(90, 20, (6, WINDOW_SAMPLES)).astype(np.float32)
    x[:, 100:200] = np.nan
    together = from_samples(batch_of("impute", target, x), samples)
    alone = [from_samples(batch_of("impute", target, x[[i]]), samples[[i]]) for i in range(6)]

    assert together.grade == [one.grade[0] for one in alone]
    parts = zip(*[arrays_of(one) for one in alone], strict=True)
    for whole, ones in zip(arrays_of(together), parts, strict=True):
        assert whole.tobytes() == np.concatenate(ones).tobytes()


@pytest.mark.parametrize("where", ["drawn", "measured"])
def test_what_no_signal_can_be_is_not_told(where) -> None:
    x, samples = pulses()[None].copy(), np.stack([pulses(), pulses(90)])[None]
    x[0, :50] = np.nan
    (samples[0, 1] if where == "drawn" else x[0])[400] = 2 * MOST
    made = from_samples(batch_of("impute", "abp", x), samples)

    assert made.grade == ["absent"]
    assert all(np.isnan(part).all() for part in arrays_of(made))


ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
CURVE = st.tuples(st.floats(-1e12, 1e12), st.floats(0, 1e6), st.sampled_from([pulses(0, 1), FLAT]))


@st.composite
def curves(draw: st.DrawFn, n: int) -> F32:
    """Draw (n, T) curves of any level, height and form, some with a value of any kind in them."""
    said = [draw(CURVE) for _ in range(n)]
    made = np.stack([level + height * form for level, height, form in said]).astype(np.float32)
    for _ in range(draw(st.integers(0, 2))):
        made[draw(st.integers(0, n - 1)), draw(st.integers(0, WINDOW_SAMPLES - 1)) :] = draw(ANY)
    return made


@settings(max_examples=100, deadline=None)
@given(
    st.data(),
    st.integers(1, 3),
    st.integers(2, 5),
    st.sampled_from(["translate", "impute", "denoise"]),
    st.sampled_from(MODALITIES),
)
def test_whatever_is_drawn_a_window_is_told_whole_or_absent(data, n, s, task, target) -> None:
    samples = data.draw(curves(n * s)).reshape(n, s, WINDOW_SAMPLES)
    batch = batch_of(task, target, data.draw(curves(n)))
    made = from_samples(batch, samples)

    band = np.stack([made.lower, made.mean, made.upper])
    whole = np.isfinite(band).all(axis=(0, 2))
    assert not whole[~np.isfinite(samples).all(axis=(1, 2))].any()
    assert np.isnan(band[:, ~whole]).all()
    assert (np.diff(band[:, whole], axis=0) >= 0).all()
    assert [grade == "absent" for grade in made.grade] == (~whole).tolist()
    for interval in made.pressures.values():
        told = np.stack([interval.lower, interval.value, interval.upper])
        known = np.isfinite(told).all(axis=0)
        assert np.isnan(told[:, ~known]).all()
        assert (np.diff(told[:, known], axis=0) >= 0).all()
        assert not known[~whole].any()


def made(**changed: object) -> Made:
    """A flat pressure of 90 mmHg within 80 to 100, no samples, no pressures told."""
    flat = FLAT[None]
    told: dict[str, Any] = {
        "mean": flat,
        "lower": flat - 10,
        "upper": flat + 10,
        "samples": None,
        "pressures": {},
        "level": 0.9,
        "outward": {},
    }
    return Made(**{**told, **changed})


def test_what_a_model_made_keeps_what_was_measured() -> None:
    x = nothing_measured()
    x[0, :100] = 70
    told = from_made(batch_of("impute", "ppg", x), made())

    for side in (told.mean, told.lower, told.upper):
        assert (side[0, :100] == 70).all()
    assert (told.upper - told.lower)[0, 100:].tolist() == [20] * 400
    assert told.pressures == {}


def test_pressures_that_a_model_tells_are_taken_as_they_are() -> None:
    interval = Interval(*(np.array([v], np.float32) for v in (120, 100, 150)))
    told = from_made(
        batch_of("translate", "abp", nothing_measured()), made(pressures={"sbp": interval})
    )

    assert told.pressures["sbp"].value.tolist() == [120]
    assert (told.pressures["sbp"].lower[0], told.pressures["sbp"].upper[0]) == (100, 150)


def test_pressures_are_read_off_samples_and_their_bounds_moved_outward() -> None:
    drawn = np.stack([pulses(height=height) for height in (38, 40, 42)])[None]
    batch = batch_of("denoise", "abp", nothing_measured())
    plain = from_made(batch, made(samples=drawn)).pressures["sbp"]
    moved = from_made(batch, made(samples=drawn, outward={"sbp": (2.0, 3.0)})).pressures["sbp"]
    narrow = from_made(batch, made(samples=drawn, level=0.5)).pressures["sbp"]

    assert plain.value[0] == pytest.approx(120, abs=1)
    assert plain.lower - moved.lower == pytest.approx(2, abs=1e-3)
    assert moved.upper - plain.upper == pytest.approx(3, abs=1e-3)
    assert (plain.upper - plain.lower) > 2 * (narrow.upper - narrow.lower)


def test_bounds_never_cross_the_value_however_they_are_moved() -> None:
    drawn = np.stack([pulses(height=height) for height in (39, 41)])[None]
    batch = batch_of("denoise", "abp", nothing_measured())
    told = from_made(batch, made(samples=drawn, outward={"sbp": (-99.0, -99.0)})).pressures["sbp"]

    assert told.lower == told.value == told.upper


@pytest.mark.parametrize("side", ["mean", "lower", "upper", "samples"])
def test_a_window_of_which_anything_is_not_finite_is_abstained_from(side) -> None:
    wrong = np.repeat(FLAT[None], 2, axis=0)
    wrong[0, 7] = np.inf
    parts = {name: np.repeat(FLAT[None], 2, axis=0) for name in ("mean", "lower", "upper")}
    parts |= {side: wrong[:, None] if side == "samples" else wrong}
    told = from_made(batch_of("translate", "ppg", nothing_measured(2)), made(**parts))

    assert told.grade[0] == "absent"
    assert np.isnan(told.mean[0]).all()
    assert np.isfinite(told.mean[1]).all()
