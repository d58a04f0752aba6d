"""A training of the annotator: its stages, what learns in each, and that it can be resumed."""

import numpy as np
import polars as pl
import pytest
import safetensors.torch
import torch

from flows.train_annotator import CHECKPOINT, export_annotator
from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_draws import draw, given, lesson, teaching, traced
from flows.train_annotator_steps import CURVES, train_stages
from models.lavida.answer import AT, LENGTH, annotation_of, reading_of, words_of
from models.lavida.checkpoint import read_annotator
from models.lavida.lessons import slots
from models.lavida.network import LaViDa
from models.lavida.reasoning import LENGTH_OF_TRACE, trace_of_tokens
from models.lavida.stages import shares_of
from models.lavida.views import prompt_of
from models.lavida.words import END, FILLED, TOKEN
from ops.split import SPLITS
from ops.strip.lessons import readings

TINY = {"tower_width": 32, "tower_depth": 1, "width": 32, "depth": 1}
SHORT = {"steps_0": 2, "steps_1": 2, "steps_2": 4, "steps_3a": 2, "steps_3b": 2}


def config_of(data, out, **changed) -> TrainAnnotatorConfig:
    told = {**TINY, **SHORT, "batch": 4, "save_every": 2, **changed}
    return TrainAnnotatorConfig(data=data, out=out, **told)


@pytest.fixture(scope="module")
def drawn_from(made_up_uci, tmp_path_factory):
    return teaching(config_of(made_up_uci, tmp_path_factory.mktemp("none")), "train")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def config(made_up_uci, tmp_path) -> TrainAnnotatorConfig:
    return config_of(made_up_uci, tmp_path / "out")


@pytest.fixture(scope="module")
def trained(made_up_uci, tmp_path_factory) -> TrainAnnotatorConfig:
    """All stages and both peers, and the checkpoint."""
    config = config_of(made_up_uci, tmp_path_factory.mktemp("trained"), peers=True)
    export_annotator.fn(train_stages(config), config)
    return config


def test_stage_after_stage_leaves_a_checkpoint_and_curves_that_plot(trained) -> None:
    training = read_annotator(str(trained.out / CHECKPOINT)).settings.training

    assert str(training["command"]).startswith("pulselake train-annotator --data")
    assert "--tower-width 32" in str(training["command"])
    assert "/" not in str(training["command"])
    assert set(training["groups"]) == set(SPLITS)
    curves = pl.read_csv(trained.out / CURVES)
    stages = {figure.partition(":")[0] for figure in curves["figure"]}
    assert stages == {"0", "1", "2", "3a", "3b", "heads", "in-order"}
    assert curves["value"].is_finite().all()


@pytest.mark.parametrize(
    ("stage", "before", "learns"),
    [
        ("1", "0", {"projector"}),
        ("2", "1", {"tower", "projector", "language"}),
        ("3a", "2", {"tower", "projector", "language"}),
        ("3b", "3a", {"tower", "projector", "language"}),
    ],
)
def test_only_what_a_stage_trains_moves_in_it(stage, before, learns, trained) -> None:
    now, then = (weights(trained.out / f"{name}.safetensors") for name in (stage, before))
    moved = {k.split(".")[0] for k in now.keys() & then.keys() if not torch.equal(now[k], then[k])}
    optimised = {k.split(".")[0] for k in now} if before == "0" else learns

    assert moved <= learns
    assert learns <= moved | optimised


def test_heads_are_fitted_on_the_encoder_of_the_last_stage(trained) -> None:
    heads, last, first = (
        weights(trained.out / f"{name}.safetensors") for name in ("heads", "3b", "0")
    )

    assert all(torch.equal(heads[k], last[k]) for k in heads if k.startswith("tower."))
    assert not torch.equal(heads["read.weight"], first["read.weight"])


def test_the_projector_alone_learns_in_the_first_stage(trained) -> None:
    network = LaViDa(trained.sizes)
    shares = shares_of("1")

    assert {name for name, _ in network.named_parameters() if shares(name)} == {
        name for name, _ in network.named_parameters() if name.startswith("projector.")
    }


def weights(path) -> dict[str, torch.Tensor]:
    found = safetensors.torch.load_file(path)
    return {k.removeprefix("averaged."): v for k, v in found.items() if k.startswith("averaged.")}


@pytest.mark.usefixtures("one_thread")
def test_stopped_in_a_stage_and_resumed_it_ends_with_the_same_weights(
    made_up_uci, tmp_path, monkeypatch
) -> None:
    through = train_stages(config_of(made_up_uci, tmp_path / "through")).state_dict()
    config = config_of(made_up_uci, tmp_path / "stopped")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("flows.train_annotator_steps.Curves.write", stop)
        with pytest.raises(KeyboardInterrupt):
            train_stages(config)
    resumed = train_stages(config).state_dict()

    assert all(torch.equal(through[name], resumed[name]) for name in through)


def test_a_folder_with_another_training_is_refused(trained) -> None:
    with pytest.raises(ValueError, match="holds a training of another configuration"):
        train_stages(trained.model_copy(update={"rate": 0.5}))


def test_a_step_draws_the_same_whenever_it_is_taken(drawn_from, config) -> None:
    one, other = (draw(drawn_from, config, "2", 7) for _ in range(2))

    assert torch.equal(one.answer, other.answer)
    assert torch.equal(one.views, other.views)
    assert not torch.equal(one.views, draw(drawn_from, config, "2", 8).views)


def test_what_rules_read_of_a_spoiled_window_is_in_the_prompt(drawn_from, rng) -> None:
    drawn = drawn_from.draw(16, rng, uncalibrated=0.5)
    made = lesson(drawn, "2", rng)
    read = torch.tensor([reading_of(annotation) for annotation in readings(drawn)])

    assert made.views.shape == (16, 5, 6, 125)
    assert torch.equal(made.prompt, prompt_of(torch.from_numpy(drawn.calibrated), read))
    assert len(made.prompt[:, 1].unique()) == 2


def test_heads_learn_from_windows_whose_unit_is_known(drawn_from, config) -> None:
    asked = [draw(drawn_from, config, stage, 0).prompt[:, 1] for stage in ("0", "2")]
    asked += [draw(drawn_from, config, "2", step).prompt[:, 1] for step in range(1, 10)]

    assert len(asked[0].unique()) == 1
    assert len(torch.cat(asked[1:]).unique()) == 2


def test_before_infilling_a_note_has_as_many_slots_as_words(drawn_from, rng) -> None:
    made = lesson(drawn_from.draw(32, rng), "2", rng)
    notes = made.answer[:, AT["note_0"] :]

    assert not (made.answer == TOKEN["[S]"]).any()
    assert ((notes == TOKEN[FILLED]).sum(dim=1) == 1).all()
    behind = (notes == TOKEN[FILLED]).cumsum(dim=1).bool() & (notes != TOKEN[FILLED])
    assert (notes[behind] == TOKEN[END]).all()


def test_in_infilling_what_ends_a_note_is_never_masked(drawn_from, rng) -> None:
    made = lesson(drawn_from.draw(64, rng), "3a", rng)

    assert (made.answer == TOKEN["[S]"]).any()
    assert not made.maskable[made.answer == TOKEN[FILLED]].any()
    assert not made.maskable[:, ~slots() & (torch.arange(LENGTH) < AT["note_0"])].any()


def test_an_imputed_pressure_is_always_given(drawn_from, rng) -> None:
    drawn = drawn_from.draw(200, rng)
    told = given(drawn, rng)
    imputed = [i for i, known in enumerate(drawn.given) if known["pressure_source"] == "imputed"]

    assert imputed
    assert told[imputed][:, [AT["source"], AT["band"]]].all()
    assert not told[:, AT["source"]].all()


def test_traces_stand_before_the_answers_that_they_lead_to(drawn_from, rng) -> None:
    drawn = drawn_from.draw(64, rng)
    made = traced(lesson(drawn, "3b", rng), drawn)

    assert made.answer.shape[1] == LENGTH_OF_TRACE + LENGTH
    assert 0 < len(made.answer) <= 64
    for row in made.answer.tolist():
        trace = trace_of_tokens(row[:LENGTH_OF_TRACE])
        rate = annotation_of(words_of(_whole(row[LENGTH_OF_TRACE:]))).heart_rate
        if isinstance(rate, int) and len(trace.intervals_s) > 2:
            middle = sorted(trace.intervals_s)[len(trace.intervals_s) // 2]
            assert abs(60 / middle - rate) < 0.25 * rate


def _whole(row: list[int]) -> list[int]:
    """Give an answer whose note ended early the slots that it did without."""
    at = AT["note_0"]
    end = row.index(TOKEN[FILLED], at)
    note = row[at:end] + [TOKEN["[S]"]] * (9 - (end - at))
    return [*row[:at], *note, TOKEN[FILLED], TOKEN[END]]


def test_folders_without_what_is_needed_are_told(tmp_path, made_up_uci) -> None:
    with pytest.raises(FileNotFoundError, match="has no Parquet file to train on"):
        teaching(config_of(tmp_path, tmp_path / "out"), "train")
    with pytest.raises(FileNotFoundError, match="has no record with a reference"):
        teaching(config_of(made_up_uci, tmp_path / "out", references=tmp_path), "train")
