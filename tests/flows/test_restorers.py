"""Which restorer a run's options choose, and what it is told."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.unicardio_golden import save_made_up
from flows.config import BackfillConfig, load_toml
from flows.restorers import make_restorer, named
from models.card import parse_card
from models.tricardio.checkpoint import SHIPPED, save_tricardio
from models.tricardio.restorer import TriCardioRestorer
from ops import restored
from ops.fill.plan import spec_sha256
from ops.restore import ClassicalRestorer


@pytest.fixture(autouse=True)
def _a_compiler(monkeypatch) -> None:
    """Something stands for the C++ compiler, which is asked for and not run."""
    monkeypatch.setenv("CXX", sys.executable)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("checkpoint") / "u.safetensors"
    save_made_up(path)
    return str(path)


def told(**options: object) -> BackfillConfig:
    return BackfillConfig(**{"lake": "lake", **options})


def spec(checkpoint: str, **options: object) -> str:
    return spec_sha256(make_restorer(told(checkpoint=checkpoint, **options)), 0, 60)


def test_without_a_checkpoint_the_tricardio_that_comes_along_fills() -> None:
    restorer = make_restorer(told())

    assert (told().restorer, told().checkpoint) == ("tricardio", None)
    assert isinstance(restorer, TriCardioRestorer)
    assert restorer.model_id == parse_card(SHIPPED.with_suffix(".json").read_bytes(), "").model_id


def test_the_classical_restorers_remain() -> None:
    assert isinstance(make_restorer(told(restorer="classical")), ClassicalRestorer)


@pytest.fixture(scope="module")
def tricardio(tmp_path_factory, small_tricardio) -> str:
    path = tmp_path_factory.mktemp("checkpoint") / "t.safetensors"
    save_tricardio(path, small_tricardio(), name="t", origin="a test", licence="none")
    return str(path)


def test_a_checkpoint_alone_chooses_its_restorer_by_its_card(checkpoint, tricardio) -> None:
    restorer = make_restorer(told(checkpoint=tricardio))

    assert make_restorer(told(checkpoint=checkpoint)).model_id.startswith("made-up-")
    assert named(told(checkpoint=checkpoint)).restorer == "unicardio"
    assert named(told(checkpoint=tricardio)).restorer == "tricardio"
    assert isinstance(restorer, TriCardioRestorer)
    assert (restorer.sampler, restorer.steps, restorer.n_samples) == ("heun", 2, 10)


def test_a_checkpoint_of_another_restorer_than_is_asked_for_is_refused(
    checkpoint, tricardio
) -> None:
    with pytest.raises(ValueError, match="is a checkpoint of unicardio, tricardio is expected"):
        make_restorer(told(checkpoint=checkpoint, restorer="tricardio"))
    with pytest.raises(ValueError, match="is a checkpoint of tricardio, unicardio is expected"):
        make_restorer(told(checkpoint=tricardio, restorer="unicardio"))


@pytest.mark.parametrize(
    ("restorer", "options"),
    [("tricardio", {"checkpoint": "t.safetensors"}), ("tricardio", {}), ("classical", {})],
)
def test_a_sampler_is_refused_where_there_is_no_choice_of_one(restorer, options) -> None:
    with pytest.raises(ValidationError, match=f"restorer {restorer} has no choice of sampler"):
        told(**{**options, "restorer": restorer}, sampler="ddim")


def test_a_sampler_for_a_checkpoint_that_turns_out_to_have_none_is_refused(tricardio) -> None:
    with pytest.raises(ValueError, match="restorer tricardio has no choice of sampler, got ddpm"):
        make_restorer(told(checkpoint=tricardio, sampler="ddpm"))


def test_an_empty_checkpoint_is_none() -> None:
    assert told(checkpoint="").restorer == "tricardio"
    with pytest.raises(ValidationError, match="restorer unicardio needs a checkpoint"):
        told(checkpoint="", restorer="unicardio")


def test_a_checkpoint_may_come_with_its_restorers_name() -> None:
    assert told(checkpoint="u.safetensors", restorer="unicardio").restorer == "unicardio"


def test_unicardio_without_a_checkpoint_is_refused() -> None:
    with pytest.raises(ValidationError, match="restorer unicardio needs a checkpoint"):
        told(restorer="unicardio")


def test_the_classical_restorer_with_a_checkpoint_is_refused() -> None:
    message = r"restorer classical takes no checkpoint, got .*u\.safetensors"
    with pytest.raises(ValidationError, match=message):
        told(restorer="classical", checkpoint="u.safetensors")


@pytest.mark.parametrize("written", ["u.safetensors", "./u.safetensors", "a/../u.safetensors"])
def test_a_local_checkpoint_is_named_from_the_root(written, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert told(checkpoint=written).checkpoint == str(tmp_path.resolve() / "u.safetensors")


def test_a_checkpoint_may_be_in_the_home_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert told(checkpoint="~/u.safetensors").checkpoint == str(tmp_path / "u.safetensors")


def test_the_url_of_a_checkpoint_stays_as_it_is() -> None:
    url = "s3://models/./u.safetensors"

    assert told(checkpoint=url).checkpoint == url


def test_what_was_told_can_be_told_again(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = told(checkpoint="u.safetensors", samples=4)
    monkeypatch.chdir("/")

    assert BackfillConfig.model_validate_json(config.model_dump_json()) == config
    assert BackfillConfig.model_validate_json(told().model_dump_json()) == told()


def test_a_password_in_a_checkpoints_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        told(checkpoint="ftp://joe:hunter2@host/u.safetensors")

    (error,) = refused.value.errors(include_input=False)
    assert error["loc"] == ("checkpoint",)
    assert "the URL of host holds a password" in error["msg"]
    assert "hunter2" not in error["msg"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("steps", 0),
        ("steps", 49),
        ("samples", 1),
        ("sampler", "euler"),
        ("gpus_per_actor", -1),
        ("restorer", "magic"),
    ],
)
def test_an_option_out_of_its_range_is_named(option, value) -> None:
    with pytest.raises(ValidationError, match=option):
        told(checkpoint="u.safetensors", **{option: value})


def test_all_that_a_model_is_told_can_come_from_a_file(tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text(
        'lake = "lake"\nrestorer = "unicardio"\ncheckpoint = "/models/u.safetensors"\n'
        'sampler = "ddpm"\nsteps = 12\nsamples = 50\ngpus-per-actor = 0.5\nfast = false\n'
    )
    config = BackfillConfig(**load_toml(file))

    assert config == told(
        restorer="unicardio",
        checkpoint="/models/u.safetensors",
        sampler="ddpm",
        steps=12,
        samples=50,
        gpus_per_actor=0.5,
        fast=False,
    )


@pytest.mark.parametrize(
    ("options", "name", "steps", "samples"),
    [
        ({}, "ddim", 6, 10),
        ({"steps": 3, "samples": 4}, "ddim", 3, 4),
        ({"sampler": "ddpm", "steps": 3}, "ddpm", 50, 10),
    ],
)
def test_a_restorer_samples_as_it_is_told(checkpoint, options, name, steps, samples) -> None:
    restorer = make_restorer(told(checkpoint=checkpoint, **options))

    assert (restorer.sampler, restorer.steps, restorer.n_samples) == (name, steps, samples)


@pytest.mark.parametrize(
    ("options", "device", "fast"),
    [
        ({}, "cpu", False),
        ({"fast": True}, "cpu", True),
        ({"gpus_per_actor": 0.25}, "cuda", True),
        ({"gpus_per_actor": 1, "fast": False}, "cuda", False),
    ],
)
def test_where_actors_have_a_gpu_it_is_used_and_fast(checkpoint, options, device, fast) -> None:
    restorer = make_restorer(told(checkpoint=checkpoint, **options))

    assert (restorer._device, restorer._fast) == (device, fast)


def test_a_result_is_another_by_sampler_steps_samples_and_precision(checkpoint) -> None:
    others = [{"sampler": "ddpm"}, {"steps": 5}, {"samples": 11}, {"fast": True}]

    assert len({spec(checkpoint, **options) for options in [{}, *others]}) == 5


def test_a_result_is_the_same_wherever_and_by_how_many_it_is_made(checkpoint) -> None:
    elsewhere = {"gpus_per_actor": 1, "fast": False, "workers": 7, "ray_address": "auto"}

    assert spec(checkpoint, **elsewhere) == spec(checkpoint)


def test_a_result_is_another_where_its_code_has_changed(checkpoint, tmp_path, monkeypatch) -> None:
    before = spec(checkpoint)
    (tmp_path / "more.py").write_text("more = 1\n")
    monkeypatch.setattr(restored, "CODE", (*restored.CODE, tmp_path / "more.py"))
    with_more = spec(checkpoint)
    (tmp_path / "more.py").write_text("more = 2\n")

    assert len({before, with_more, spec(checkpoint)}) == 3


def test_the_code_of_a_result_is_the_networks_and_that_which_sums_it_up() -> None:
    from models.unicardio.restorer import CODE

    names = {Path(path).name for path in (*CODE, *restored.CODE)}
    assert {"network.py", "block.py", "scaling.py", "samplers.py", "draws.py"} <= names
    assert {"restored.py", "beats.py", "pressure.py"} <= names


def test_a_classical_night_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from flows.config import BackfillConfig; "
        "from flows.restorers import make_restorer; "
        "told = BackfillConfig(lake='lake', restorer='classical'); "
        "print(make_restorer(told).model_id, 'torch' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout.split() == ["classical-1", "False"]
