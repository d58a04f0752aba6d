"""The annotator of images, of made-up weights: what it says is valid, and hangs on what it sees."""

import numpy as np
import pytest
import torch

from models.lavida.annotator import LaVidaAnnotator
from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes
from models.lavida.checkpoint import AnnotatorSettings, read_annotator, save_annotator
from models.lavida.image_annotator import ROWS, LaVidaImageAnnotator
from models.lavida.network import LaViDa
from models.lavida.sampling import Dial
from models.lavida.words import WORDS
from ops.strip.rules import RulesAnnotator
from schemas.annotator import SLOTS
from schemas.strip_image import HEIGHT, WIDTH
from schemas.template import parse_annotation

LAYERS = {"width": 16, "depth": 1, "heads": 2, "mlp": 16}
LANGUAGE = LanguageSizes(vocabulary=len(WORDS), **LAYERS)
OF_IMAGES = Sizes(
    tower=TowerSizes(kind="image", channels=1, side=HEIGHT, patch=8, stride=8, **LAYERS),
    language=LANGUAGE,
)
OF_SIGNALS = Sizes(
    tower=TowerSizes(kind="signal", channels=6, side=125, patch=9, stride=3, **LAYERS),
    language=LANGUAGE,
)


@pytest.fixture(scope="module")
def checkpoint_of(tmp_path_factory):
    """Make a checkpoint of sizes, of weights that are made up."""

    def make(sizes: Sizes):
        torch.manual_seed(0)
        network = LaViDa(sizes)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(3)
        file = tmp_path_factory.mktemp("made-up") / "small.safetensors"
        settings = AnnotatorSettings(sizes=sizes, steps=4)
        save_annotator(file, network, settings, name="small", origin="a test", licence="none")
        return read_annotator(str(file))

    return make


@pytest.fixture(scope="module")
def annotator(checkpoint_of) -> LaVidaImageAnnotator:
    return LaVidaImageAnnotator(checkpoint_of(OF_IMAGES))


def images(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, HEIGHT, WIDTH), np.uint8)


def test_every_annotation_of_images_parses_and_each_slot_has_a_confidence(annotator) -> None:
    out = annotator.annotate(images(ROWS + 3), [{}] * (ROWS + 3))

    assert [parse_annotation(a.to_json()) for a in out.annotations] == list(out.annotations)
    assert set(out.confidence) == set(SLOTS)
    assert all(((c >= 0) & (c <= 1)).all() for c in out.confidence.values())
    assert (out.steps == 4).all()


@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_an_annotation_of_an_image_is_valid_at_every_number_of_steps(checkpoint_of, steps) -> None:
    annotator = LaVidaImageAnnotator(checkpoint_of(OF_IMAGES), Dial(steps))
    out = annotator.annotate(images(3), [{}] * 3)

    assert [parse_annotation(a.to_json()) for a in out.annotations] == list(out.annotations)


def test_what_is_said_hangs_on_what_is_seen(annotator) -> None:
    out = annotator.annotate(images(12), [{}] * 12)

    assert len({a.to_json() for a in out.annotations}) > 1


def test_an_image_is_said_the_same_of_whatever_it_comes_with(annotator) -> None:
    many = annotator.annotate(images(ROWS + 5), [{}] * (ROWS + 5))
    alone = annotator.annotate(images(ROWS + 5)[ROWS + 2 : ROWS + 3], [{}])

    assert alone.annotations[0] == many.annotations[ROWS + 2]


def test_no_pressure_of_an_image_is_imputed_unless_that_is_given(annotator) -> None:
    free = annotator.annotate(images(20), [{}] * 20)
    given = {"pressure_source": "imputed", "pressure_band": "high", "abp_quality": "absent"}
    told = annotator.annotate(images(20), [given] * 20)

    assert {a.pressure.source for a in free.annotations} <= {"measured", "none"}
    assert {(a.pressure.source, a.pressure.band) for a in told.annotations} == {("imputed", "high")}


def test_what_does_not_go_together_of_an_image_is_refused(annotator) -> None:
    wrong = {"rhythm": "bradycardia", "heart_rate": "137"}

    with pytest.raises(ValueError, match="what is given of window 1 does not go together"):
        annotator.annotate(images(2), [{}, wrong])


def test_no_images_are_annotated_as_nothing(annotator) -> None:
    assert list(annotator.annotate(images(0), []).annotations) == []


def test_a_checkpoint_of_the_other_kind_is_refused(checkpoint_of) -> None:
    with pytest.raises(ValueError, match="annotates signals, not images of strips"):
        LaVidaImageAnnotator(checkpoint_of(OF_SIGNALS))
    with pytest.raises(ValueError, match="annotates images of strips, not signals"):
        LaVidaAnnotator(checkpoint_of(OF_IMAGES), RulesAnnotator(), code_sha256="0" * 64)
