"""Windows of MIT-BIH say what people said of them."""

from pathlib import Path

import numpy as np
import pytest

from ops.strip.reference import ReferenceStrips, reference_strips
from ops.strip.rhythm import paced
from schemas.modality import MODALITIES


@pytest.fixture(scope="module")
def strips(real_wfdb: Path) -> ReferenceStrips:
    return reference_strips(real_wfdb / "mitdb" / "201")


def intervals_of(strips: ReferenceStrips, rhythm: str) -> list[str]:
    """Name the rhythms by the reference's beats of the windows that have one by the reference."""
    rows = np.flatnonzero(strips.rhythm == rhythm)
    return [paced(strips.beats[i], float(strips.rate[i])).rhythm for i in rows]


def test_windows_are_of_the_ecg_alone_and_lie_in_one_rhythm(strips: ReferenceStrips) -> None:
    n = len(strips.rhythm)

    assert strips.signals.shape == (n, len(MODALITIES), 500)
    assert np.isfinite(strips.signals[:, 0]).all()
    assert np.isnan(strips.signals[:, 1:]).all()
    assert 400 < n < 452
    assert {"atrial_fibrillation", "ectopy", ""} <= set(strips.rhythm)


def test_beats_of_the_reference_lie_on_qrs_complexes(strips: ReferenceStrips) -> None:
    ecg = strips.signals[:, 0]
    row, k = np.nonzero((strips.beats >= 8) & (strips.beats < 492))
    at = strips.beats[row, k]

    near = np.stack([ecg[row, at + offset] for offset in range(-8, 9)])

    assert (np.ptp(near, axis=0) > 0.3 * np.median(np.ptp(ecg, axis=1))).mean() > 0.95


def test_rates_are_those_of_the_references_beats(strips: ReferenceStrips) -> None:
    counted = (strips.beats >= 0).sum(axis=1)

    assert np.isnan(strips.rate[counted < 2]).all()
    steady = np.abs(strips.rate / 15 - counted) < 2
    assert steady[counted > 2].mean() > 0.9


def test_atrial_fibrillation_is_irregular_by_its_intervals(strips: ReferenceStrips) -> None:
    named = intervals_of(strips, "atrial_fibrillation")

    assert np.mean([name in ("irregular", "ectopy") for name in named]) > 0.85
    assert np.mean([name == "irregular" for name in named]) > 0.75


def test_a_sinus_rhythm_without_early_beats_is_seldom_irregular(real_wfdb: Path) -> None:
    named = intervals_of(reference_strips(real_wfdb / "mitdb" / "222"), "")

    assert np.mean([name in ("irregular", "ectopy") for name in named]) < 0.05


def test_windows_may_overlap(real_wfdb: Path, strips: ReferenceStrips) -> None:
    more = reference_strips(real_wfdb / "mitdb" / "201", step_s=2.0)

    assert len(more.rhythm) == pytest.approx(2 * len(strips.rhythm), rel=0.1)


def test_a_record_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        reference_strips(tmp_path / "nowhere")
