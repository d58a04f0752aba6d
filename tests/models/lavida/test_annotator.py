"""The annotator, of made-up weights: what it says is valid, and what is known stays as it is."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.lavida.annotator import LaVidaAnnotator
from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes
from models.lavida.checkpoint import AnnotatorSettings, read_annotator, save_annotator
from models.lavida.network import LaViDa
from models.lavida.sampling import Dial
from models.lavida.words import WORDS
from ops.strip.rules import RulesAnnotator
from schemas.annotator import SLOTS, AnnotateBatch, Annotated, Annotator
from schemas.modality import MODALITIES
from schemas.template import Annotation, parse_annotation

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
    return LaVidaAnnotator(read_annotator(path), RulesAnnotator(), Dial(4), code_sha256="0" * 64)


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


def test_what_the_analyser_reads_is_before_its_eyes_and_decides_nothing(path) -> None:
    class Other(RulesAnnotator):
        def annotate(self, batch: AnnotateBatch) -> Annotated:
            assert [dict(given) for given in batch.given] == [{}] * len(batch.given)
            n = len(batch.given)
            one = dict.fromkeys(SLOTS, np.ones(n, np.float32))
            return Annotated([Annotation(rhythm="ectopy")] * n, one, np.zeros(n, np.int32))

    def by(analyser: Annotator) -> Annotated:
        made = LaVidaAnnotator(read_annotator(path), analyser, Dial(4), code_sha256="0" * 64)
        return made.annotate(batch(20, {"rhythm": "tachycardia"}))

    one, other = by(RulesAnnotator()), by(Other())

    assert any((one.confidence[slot] != other.confidence[slot]).any() for slot in SLOTS)
    assert {a.rhythm for a in other.annotations} == {"tachycardia"}


def test_words_that_are_given_are_completed_consistently(annotator) -> None:
    given = {"rhythm": "tachycardia", "heart_rate": "137", "note": "early beat and long pause"}
    out = annotator.annotate(batch(10, given))

    for a in out.annotations:
        assert (a.rhythm, a.heart_rate, a.note) == ("tachycardia", 137, given["note"])


def test_an_imputed_pressure_has_the_band_that_is_given_or_none(annotator) -> None:
    out = annotator.annotate(batch(60, {"pressure_source": "imputed"}))
    banded = annotator.annotate(batch(60, {"pressure_band": "low"}, calibrated=False))

    assert {a.pressure.band for a in out.annotations} == {"unknown"}
    assert {(a.pressure.source, a.pressure.band) for a in banded.annotations} == {
        ("imputed", "low")
    }


def test_no_note_speaks_of_what_is_known_not_to_be(annotator) -> None:
    seen = batch(60)  # each other window without PPG, all with a line
    measured = [a.note for a in annotator.annotate(seen).annotations]
    imputed = [
        a.note for a in annotator.annotate(batch(60, {"pressure_source": "imputed"})).annotations
    ]

    assert not any("no arterial line" in note for note in measured + imputed)
    assert not any("not there" in note for note in measured[1::2])
    assert not any("pulse pressure" in note for note in imputed)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rhythms": "regular"}, "rhythms can't be given, got 'regular'"),
        ({"evidence": "ecg"}, "evidence can't be given"),
        ({"band": "low"}, "band can't be given"),
        ({"rhythm": "jazz"}, "rhythm can't be 'jazz'"),
        ({"heart_rate": "10"}, "heart_rate can't be '10'"),
        ({"heart_rate": "-5"}, "heart_rate can't be '-5'"),
        ({"note": "all is well"}, "note can't be 'all is well'"),
        ({"rhythm": "good"}, "what is given of window 0 does not go together"),
    ],
)
def test_what_can_not_be_given_is_told_by_its_slot(annotator, given, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        annotator.annotate(batch(2, given))


def test_a_temperature_is_refused_as_words_would_depend_on_those_beside_them(path) -> None:
    dial = Dial(4, temperature=1.0)

    with pytest.raises(ValueError, match="depend on those beside it"):
        LaVidaAnnotator(read_annotator(path), RulesAnnotator(), dial, code_sha256="0" * 64)


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


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"language": {"mlp": 10**9}}, r"layers.0.gate.weight must have the shape"),
        ({"language": {"mlp": 10**30}}, "can't be built"),
        ({"language": {"vocabulary": 7}}, "and say .* words"),
        ({"tower": {"channels": 5}}, "must look at 6 channels of 125"),
        ({"grid": (1, 3)}, r"in crops of \(1, 4\)"),
        ({"tower": {"depth": 99}}, "fewer than its card says layers"),
    ],
)
def test_a_card_that_lies_about_sizes_is_refused_before_anything_is_built(
    path, tmp_path, changed, sentence
) -> None:
    weights, card = Path(path), json.loads(Path(path).with_suffix(".json").read_text())
    for part, sizes in changed.items():
        if isinstance(sizes, dict):
            card["settings"]["sizes"][part] |= sizes
        else:
            card["settings"]["sizes"][part] = sizes
    file = tmp_path / "lies.safetensors"
    file.write_bytes(weights.read_bytes())
    file.with_suffix(".json").write_text(json.dumps(card))

    with pytest.raises(ValueError, match=sentence):
        read_annotator(str(file))
