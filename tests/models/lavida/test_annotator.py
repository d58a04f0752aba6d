"""The annotator, of made-up weights: what it says is valid, and what is known stays as it is."""

import numpy as np
import pytest
import torch

from models.lavida.annotator import LaVidaAnnotator
from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes
from models.lavida.checkpoint import AnnotatorSettings, read_annotator, save_annotator
from models.lavida.network import LaViDa
from models.lavida.sampling import Dial
from models.lavida.words import WORDS
from schemas.annotator import SLOTS, AnnotateBatch
from schemas.modality import MODALITIES
from schemas.template import parse_annotation

SIZES = Sizes(
    tower=TowerSizes(
        kind="signal", channels=6, side=125, patch=9, stride=3, width=16, depth=1, heads=2, mlp=16
    ),
    language=LanguageSizes(vocabulary=len(WORDS), width=16, depth=1, heads=2, mlp=16),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> str:
    torch.manual_seed(0)
    network = LaViDa(SIZES)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    file = tmp_path_factory.mktemp("made-up") / "small.safetensors"
    save_annotator(
        file, network, AnnotatorSettings(sizes=SIZES), name="small", origin="a test", licence="none"
    )
    return str(file)


@pytest.fixture(scope="module")
def annotator(path) -> LaVidaAnnotator:
    return LaVidaAnnotator(read_annotator(path), Dial(4), code_sha256="0" * 64)


def batch(n: int, given: dict[str, str] | None = None, calibrated: bool = True) -> AnnotateBatch:
    rng = np.random.default_rng(0)
    signals = {m: rng.standard_normal((n, 500)).astype(np.float32) for m in MODALITIES}
    signals["abp"] = 90 + 20 * signals["abp"]
    signals["ppg"][::2] = np.nan
    return AnnotateBatch(
        signals, {m: np.full(n, calibrated) for m in MODALITIES}, [given or {}] * n
    )


def test_every_annotation_parses_and_each_slot_has_a_confidence(annotator) -> None:
    out = annotator.annotate(batch(70))

    assert [parse_annotation(a.to_json()) for a in out.annotations] == list(out.annotations)
    assert set(out.confidence) == set(SLOTS)
    assert all(((c >= 0) & (c <= 1)).all() and c.shape == (70,) for c in out.confidence.values())
    assert (out.steps == 4).all()


def test_what_is_not_there_is_absent_and_what_is_there_is_not(annotator) -> None:
    out = annotator.annotate(batch(20))

    absent = [a.ppg.quality == "absent" for a in out.annotations]
    assert absent == [i % 2 == 0 for i in range(20)]
    assert all(a.ecg.quality != "absent" for a in out.annotations)


def test_no_pressure_is_imputed_unless_that_is_given(annotator) -> None:
    free = annotator.annotate(batch(40))
    given = {"pressure_source": "imputed", "pressure_band": "low"}
    told = annotator.annotate(batch(40, given))

    assert {a.pressure.source for a in free.annotations} <= {"measured", "none"}
    assert {(a.pressure.source, a.pressure.band) for a in told.annotations} == {("imputed", "low")}
    assert (told.confidence["pressure_source"] == 1).all()


def test_a_line_without_a_unit_measures_no_pressure(annotator) -> None:
    out = annotator.annotate(batch(40, calibrated=False))

    assert {a.pressure.source for a in out.annotations} == {"none"}


def test_a_window_is_said_the_same_of_whatever_it_comes_with(annotator) -> None:
    many = batch(70)
    out = annotator.annotate(many)
    alone = AnnotateBatch(
        {m: x[66:67] for m, x in many.signals.items()},
        {m: x[66:67] for m, x in many.calibrated.items()},
        [{}],
    )

    assert annotator.annotate(alone).annotations[0] == out.annotations[66]


def test_words_that_are_given_are_completed_consistently(annotator) -> None:
    given = {"rhythm": "tachycardia", "heart_rate": "137", "note": "early beat and long pause"}
    out = annotator.annotate(batch(10, given))

    for a in out.annotations:
        assert (a.rhythm, a.heart_rate, a.note) == ("tachycardia", 137, given["note"])


def test_what_does_not_go_together_is_refused_by_window(annotator) -> None:
    wrong = batch(3, {"rhythm": "bradycardia", "heart_rate": "137"})

    with pytest.raises(ValueError, match="what is given of window 0 does not go together"):
        annotator.annotate(wrong)


def test_nothing_at_all_is_annotated_as_nothing(annotator) -> None:
    out = annotator.annotate(batch(0))

    assert list(out.annotations) == []
    assert out.steps.shape == (0,)


def test_a_checkpoint_with_other_words_is_refused(path, tmp_path) -> None:
    settings = AnnotatorSettings(sizes=SIZES, words=("other", *WORDS[1:]))
    file = tmp_path / "other.safetensors"
    save_annotator(file, LaViDa(SIZES), settings, name="other", origin="a test", licence="none")

    with pytest.raises(ValueError, match="has other words than this version's annotations"):
        read_annotator(str(file))
