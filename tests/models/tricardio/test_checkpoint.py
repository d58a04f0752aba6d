"""A checkpoint of TriCardio: written, read back, and refused where it is something else."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models.checkpoint import save_checkpoint
from models.tricardio.architecture import ARCHITECTURE
from models.tricardio.calibration import Calibration, Correction
from models.tricardio.checkpoint import read_tricardio, save_tricardio

CORRECTED = Calibration(corrections={"impute/ecg/alone": Correction(widen={"0.9": 1.25}, groups=3)})


@pytest.fixture
def saved(tmp_path, small_tricardio) -> Path:
    path = tmp_path / "t.safetensors"
    made_up = small_tricardio(calibration=CORRECTED, training={"data": "made up"})
    save_tricardio(path, made_up, name="made-up", origin="a test", licence="none")
    return path


def change_card(path: Path, **settings: object) -> None:
    card = path.with_suffix(".json")
    told = json.loads(card.read_text())
    told["settings"] |= settings
    card.write_text(json.dumps(told))


def test_what_was_written_is_read_back(saved) -> None:
    checkpoint = read_tricardio(str(saved))

    assert checkpoint.card.model_id.startswith("made-up-")
    assert checkpoint.settings.sizes.width == 16
    assert checkpoint.settings.calibration.widen("impute/ecg/alone", 0.9) == 1.25
    tensors = safetensors.torch.load_file(saved)
    for part in ("network", "levels", "beats"):
        for name, value in getattr(checkpoint, part).state_dict().items():
            torch.testing.assert_close(value, tensors[f"{part}.{name}"])


def test_what_is_not_corrected_stays_as_it_is(saved) -> None:
    calibration = read_tricardio(str(saved)).settings.calibration

    assert calibration.widen("impute/ppg/alone", 0.9) == 1
    assert calibration.outward("translate/abp/ecg", 0.9) == {}


def test_weights_of_other_sizes_than_the_cards_are_refused(saved) -> None:
    change_card(saved, sizes={"width": 32})

    with pytest.raises(ValueError, match="tensors that are not those of a tricardio"):
        read_tricardio(str(saved))


def test_a_checkpoint_without_a_head_is_an_older_versions(saved) -> None:
    tensors = safetensors.torch.load_file(saved)
    settings = json.loads(saved.with_suffix(".json").read_text())["settings"]
    without = {name: x for name, x in tensors.items() if not name.startswith("beats.")}
    save_checkpoint(
        saved, without, architecture=ARCHITECTURE, name="old", origin="a", settings=settings
    )

    with pytest.raises(ValueError, match=r"has no beats: an earlier version made it"):
        read_tricardio(str(saved))


def test_settings_that_can_not_be_are_named(saved) -> None:
    change_card(saved, sizes={"width": 30, "heads": 4})

    with pytest.raises(ValueError, match=r"settings that can't be used: sizes: .*shared by 4"):
        read_tricardio(str(saved))


def test_weights_that_are_not_finite_are_refused(saved) -> None:
    tensors = safetensors.torch.load_file(saved)
    tensors["network.encoder.position"][0, 0] = torch.nan
    settings = json.loads(saved.with_suffix(".json").read_text())["settings"]
    save_checkpoint(
        saved, tensors, architecture=ARCHITECTURE, name="made-up", origin="a", settings=settings
    )

    with pytest.raises(ValueError, match="weights that are not finite"):
        read_tricardio(str(saved))
