"""The benchmark of annotations, on a training of a few steps and a made-up set."""

import json
import sys

import pytest

from bench import annotate, annotate_images, annotate_ways
from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_steps import train_stages
from models.lavida.checkpoint import DIAL_STEPS
from models.lavida.network import LaViDa
from ops.strip.score import consistent

TINY = {"tower_width": 32, "tower_depth": 1, "width": 32, "depth": 1, "batch": 4}


@pytest.fixture(scope="module")
def out(made_up_uci, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    steps = {f"steps_{stage}": 1 for stage in ("0", "1", "2", "3a", "3b")}
    train_stages(TrainAnnotatorConfig(data=made_up_uci, out=folder, peers=True, **TINY, **steps))
    return folder


def test_it_judges_every_way_and_says_which_bars_are_missed(
    out, made_up_uci, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(annotate_ways, "STEPS", (1, 6))
    result = tmp_path / "annotate.json"
    argv = ["--training", str(out), "--data", str(made_up_uci), "--per-group", "4"]
    monkeypatch.setattr(sys, "argv", ["annotate", *argv, "--runs", "1", "--json", str(result)])
    status = annotate.main()

    told = json.loads(result.read_text())
    assert status in (0, 1)
    assert {bar["name"].partition(",")[0] for bar in told["bars"]} == {
        "slots right on corrupted windows",
        "accuracy at a quarter of the steps",
        "times faster by the cached prefix at 16 steps",
    }
    ways = [row[0] for row in told["tables"][0]["rows"]]
    assert ways[:3] == ["rules", "linear heads", "in order (autoregressive)"]
    assert len(ways) == 3 + 3 * 2 + 2
    of_one_mind = {row[0]: row[11] for row in told["tables"][0]["rows"]}
    assert of_one_mind["rules"] == 1


def test_heads_are_read_as_they_are_though_their_words_do_not_go_together(out, made_up_uci) -> None:
    sets, _ = annotate.windows(made_up_uci, 4)
    heads = annotate_ways.trained(out, "cpu").heads
    said = annotate_ways._by_heads(heads, sets["clean"].signals[:8], "cpu")

    assert len(said) == 8
    assert not all(consistent(s) for s in said)


def test_the_gain_over_another_has_an_interval_over_groups(out, made_up_uci) -> None:
    sets, groups = annotate.windows(made_up_uci, 4)
    rules = annotate.judge(annotate_ways.Way("rules", 0, annotate_ways.by_rules), sets["corrupted"])

    assert annotate.better_by(rules, rules, groups["corrupted"]) == (0, 0, 0)
    assert set(groups["corrupted"]) <= set(groups["clean"])


def test_scans_of_the_same_windows_are_annotated(made_up_uci, tmp_path) -> None:
    config = TrainAnnotatorConfig(data=made_up_uci, out=tmp_path, kind="image", **TINY)
    sets, _ = annotate.windows(made_up_uci, 4)
    way = annotate_images.of_images(LaViDa(config.sizes).eval(), "cpu")
    said = way.say(sets["clean"].signals[:4])

    assert len(said) == 4
    assert annotate.judge(way, sets["corrupted"]).steps == DIAL_STEPS
