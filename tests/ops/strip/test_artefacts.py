"""Each artefact is named by the mark that it leaves, and shown where it lies."""

from collections.abc import Callable

import numpy as np
import pytest

from ops.beats import detect_beats
from ops.corrupt.noise import noise_of
from ops.strip.artefacts import Found, artefacts
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32

Spoil = Callable[[F32], F32]


def found(x: F32, modality: Modality, quality: str = "good") -> Found:
    calibrated = np.ones(len(x), np.bool_)
    return artefacts(x, detect_beats(x, modality), np.full(len(x), quality), calibrated, modality)


def of(clean: F32, modality: Modality) -> F32:
    return clean[:4, MODALITIES.index(modality)].copy()


def lost(x: F32) -> F32:
    x[:, 100:200] = np.nan
    return x


def level(x: F32) -> F32:
    x[:, 100:200] = x.mean()
    return x


def flushed(x: F32) -> F32:
    x[:, 100:200] = 260
    return x


def cut(x: F32) -> F32:
    return np.minimum(x, np.quantile(x, 0.7, axis=1, keepdims=True))


def spiked(x: F32) -> F32:
    x[:, 150:152] += 4 * np.ptp(x)
    return x


def with_noise(kind: str, share: float) -> Spoil:
    def spoil(x: F32) -> F32:
        rng = np.random.default_rng(0)
        return x + share * np.ptp(x) * noise_of(kind, len(x), x.shape[1], rng)

    return spoil


@pytest.mark.parametrize("m", MODALITIES)
def test_nothing_is_wrong_with_a_clean_signal(clean: F32, m: Modality) -> None:
    seen = found(of(clean, m), m)

    assert (seen.artefact == "none").all()
    assert np.isnan(seen.span_s).all()


@pytest.mark.parametrize("m", MODALITIES)
@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lost, "gap"),
        (level, "flat"),
        (spiked, "spikes"),
        (with_noise("white", 0.25), "noise"),
        (with_noise("wander", 0.4), "wander"),
    ],
    ids=["gap", "flat", "spikes", "white", "wander"],
)
def test_what_any_signal_may_have_is_named(
    clean: F32, m: Modality, spoil: Spoil, name: str
) -> None:
    assert found(spoil(of(clean, m)), m).artefact.tolist() == [name] * 4


@pytest.mark.parametrize("m", ["ppg", "abp"])
def test_pulses_cut_beat_by_beat_are_saturated(clean: F32, m: Modality) -> None:
    seen = found(cut(of(clean, m)), m)

    assert (seen.artefact == "saturated").all()
    assert (np.diff(seen.span_s, axis=1) > 2).all()


def test_a_line_at_the_pressure_of_the_bag_is_flushed_and_not_flat(clean: F32) -> None:
    assert (found(flushed(of(clean, "abp")), "abp").artefact == "flush").all()


def test_a_line_without_a_unit_is_never_flushed(clean: F32) -> None:
    x = flushed(of(clean, "abp"))
    nowhere = np.zeros(len(x), np.bool_)

    seen = artefacts(x, detect_beats(x, "abp"), np.full(len(x), "bad"), nowhere, "abp")

    assert not (seen.artefact == "flush").any()


def test_a_line_that_rises_slowly_is_damped(clean: F32) -> None:
    x = of(clean, "abp")
    spectrum = np.fft.rfft(x, axis=1)
    spectrum /= np.sqrt(1 + (np.fft.rfftfreq(500, 0.008) / 1.5) ** 4)

    seen = found(np.fft.irfft(spectrum, axis=1).astype(np.float32), "abp")

    assert (seen.artefact == "damped").all()
    np.testing.assert_array_equal(seen.span_s, [[0, 4]] * 4)


@pytest.mark.parametrize("spoil", [lost, level, flushed], ids=["gap", "flat", "flush"])
def test_what_holds_for_a_stretch_is_shown_from_end_to_end(clean: F32, spoil: Spoil) -> None:
    seen = found(spoil(of(clean, "abp")), "abp")

    np.testing.assert_allclose(seen.span_s, [[0.8, 1.6]] * 4, atol=0.02)


def test_a_spike_is_shown_where_it_is(clean: F32) -> None:
    seen = found(spiked(of(clean, "ppg")), "ppg")

    np.testing.assert_allclose(seen.span_s, [[1.1, 1.3]] * 4, atol=0.02)


def test_a_burst_of_noise_is_shown_where_it_is(clean: F32) -> None:
    x = of(clean, "ppg")
    shaking = noise_of("white", len(x), 125, np.random.default_rng(2))
    x[:, 250:375] += 0.3 * np.ptp(x) * shaking

    seen = found(x, "ppg")

    assert (seen.artefact == "noise").all()
    np.testing.assert_allclose(seen.span_s, [[2, 3]] * 4, atol=0.41)


def test_a_bad_signal_without_a_mark_is_bad_for_an_unknown_reason(clean: F32) -> None:
    assert (found(of(clean, "ppg"), "ppg", quality="bad").artefact == "unknown").all()


def test_an_absent_signal_has_no_artefact() -> None:
    nothing = np.full((1, 500), np.nan, np.float32)

    assert found(nothing, "ecg", quality="absent").artefact.tolist() == ["none"]


@pytest.mark.parametrize("m", MODALITIES)
def test_a_signals_size_and_level_tell_nothing(clean: F32, m: Modality) -> None:
    x = with_noise("muscle", 0.2)(of(clean, m))

    scaled = found((x / 16 - 2).astype(np.float32), m)

    assert (scaled.artefact == found(x, m).artefact).all()
