import json

import pytest
from typer.testing import CliRunner

from flows.annotators import AnnotatorConfig, make_annotator
from flows.cli import app
from flows.nightly import nightly
from flows.upkeep_config import WithdrawConfig
from flows.withdraw import withdraw

BY_RULES = ("--annotator", "rules", "--workers", "0")


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def test_json_is_one_object_and_a_person_is_told_the_rhythms(annotating, config) -> None:
    first = json.loads(run("annotate", config.lake, *BY_RULES, "--json").stdout)
    again = run("annotate", config.lake, *BY_RULES, "--strict")
    shown = run("withdraw", annotating.lake, "--model-id", "rules-1")

    assert first["annotated"]["regular"] > 0
    assert "records found" not in again.stdout
    assert again.exit_code == 3
    assert "rows of annotations went, and it is refused" in shown.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--annotator", "rules", "--checkpoint", "u.safetensors"],
            "annotator rules takes no checkpoint",
        ),
        (["--annotator", "rules", "--steps", "4"], "annotator rules takes no steps, got 4"),
        (["--annotator", "magic"], "'rules' or 'lavida'"),
        (["--checkpoint", "u.safetensors", "--steps", "0"], "steps"),
        (["--checkpoint", "ftp://joe:hunter2@host/u.safetensors"], "holds a password"),
    ],
)
def test_an_annotator_and_what_it_does_not_go_with_is_a_usage_error(options, words) -> None:
    done = run("annotate", "lake", *options)

    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())
    assert "hunter2" not in done.output


def test_a_lake_or_a_dataset_that_is_not_there_is_told(annotating, tmp_path) -> None:
    nowhere = run("annotate", str(tmp_path / "typo"))
    other = run("annotate", annotating.lake, "--dataset", "typo", "--workers", "0")

    assert "there is no lake at" in str(nowhere.exception)
    assert "there are: ward" in str(other.exception)


def test_a_checkpoint_of_a_model_that_fills_annotates_nothing() -> None:
    from models.tricardio.checkpoint import SHIPPED

    with pytest.raises(ValueError, match="is a checkpoint of tricardio, lavida is expected"):
        make_annotator(AnnotatorConfig(checkpoint=str(SHIPPED)))


def test_a_file_of_a_night_serves_an_annotation_and_the_other_way_round(config, tmp_path) -> None:
    file = tmp_path / "night.toml"
    told = f'source = "{config.source}"\nlake = "{config.lake}"\nannotator = "rules"\nworkers = 0\n'
    file.write_text(told + 'restorer = "classical"\nannotate = true\n')

    assert run("annotate", "--config", str(file), "--json").exit_code == 0
    assert run("nightly", "--config", str(file), "--json").exit_code == 0


def test_status_tells_of_windows_that_a_night_would_annotate(config) -> None:
    night = config.model_copy(update={"annotate": True, "annotator": "rules"})
    nightly(night)
    calm = json.loads(run("status", config.lake, "--json").stdout)
    withdraw(WithdrawConfig(lake=config.lake, model_id="rules-1"))
    refused = json.loads(run("status", config.lake, "--json").stdout)
    withdraw(WithdrawConfig(lake=config.lake, model_id="rules-1", allow=True))
    waiting = json.loads(run("status", config.lake, "--json").stdout)

    n = calm["tables"]["annotations"]
    assert [work["step"] for work in calm["next"]] == ["nothing"]
    assert "annotate by another model" in refused["next"][0]["reason"]
    assert waiting["next"] == [
        {"dataset": "ward", "step": "annotate", "count": n}
        | {"reason": "windows to say something of, by rules-1"}
    ]
