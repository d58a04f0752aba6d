"""A training on images of strips: short, and of what signals of the same seed teach."""

import numpy as np
import pytest
import torch

from flows.train_annotator import export_annotator
from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_draws import draw, lesson, teaching
from flows.train_annotator_steps import train_stages
from models.lavida.checkpoint import read_annotator
from models.lavida.image_annotator import LaVidaImageAnnotator
from ops.strip.image import draw_strips
from schemas.strip_image import HEIGHT
from schemas.template import parse_annotation

TINY = {"tower_width": 32, "tower_depth": 1, "width": 32, "depth": 1}
SHORT = {"steps_0": 1, "steps_1": 1, "steps_2": 2, "steps_3a": 1, "steps_3b": 1}


def config_of(data, out, **changed) -> TrainAnnotatorConfig:
    told = {**TINY, **SHORT, "batch": 4, "save_every": 50, "kind": "image", **changed}
    return TrainAnnotatorConfig(data=data, out=out, **told)


@pytest.mark.usefixtures("one_thread")
def test_a_training_on_images_leaves_a_checkpoint_that_annotates_them(
    made_up_uci, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("flows.train_annotator_steps.VALIDATION_BATCHES", 1)
    config = config_of(made_up_uci, tmp_path / "out")
    checkpoint = read_annotator(str(export_annotator.fn(train_stages(config), config)))
    strips = draw_strips(np.full((2, 3, 500), 90, np.float32))
    out = LaVidaImageAnnotator(checkpoint).annotate(strips, [{}] * 2)

    assert checkpoint.card.name == "lavida-images-1"
    assert checkpoint.settings.sizes.tower.kind == "image"
    assert "--kind image" in str(checkpoint.settings.training["command"])
    assert [parse_annotation(a.to_json()) for a in out.annotations] == list(out.annotations)


def test_images_teach_what_signals_of_the_same_seed_do(made_up_uci, tmp_path) -> None:
    config = config_of(made_up_uci, tmp_path)
    drawn_from = teaching(config, "train")
    images = draw(drawn_from, config, "0", 5)
    signals = draw(drawn_from, config.model_copy(update={"kind": "signal"}), "0", 5)

    assert images.views.shape == (4, 5, 1, HEIGHT, HEIGHT)
    assert signals.views.shape == (4, 5, 6, 125)
    assert torch.equal(images.answer, signals.answer)
    assert torch.equal(images.maskable, signals.maskable)
    assert torch.equal(images.views, draw(drawn_from, config, "0", 5).views)
    assert not torch.equal(images.views, draw(drawn_from, config, "0", 6).views)


def test_every_strip_of_a_step_looks_as_a_scan_of_its_own(made_up_uci, tmp_path) -> None:
    drawn = teaching(config_of(made_up_uci, tmp_path), "train").draw(8, np.random.default_rng(0))
    views = lesson(drawn, "2", np.random.default_rng(1), "image").views
    paper = views[:, 1:].flatten(1).median(dim=1).values

    assert len(paper.unique()) > 4


def test_what_is_named_keeps_its_name(tmp_path) -> None:
    assert config_of(tmp_path, tmp_path, name="mine").name == "mine"
    assert config_of(tmp_path, tmp_path, kind="signal").name == "lavida-strips-1"
