"""Checkpoints of TriCardio: its weights, its heads, and its card's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter
from torch import Tensor, nn

from models.card import Card
from models.checkpoint import fill_module, load_checkpoint, save_checkpoint, settings_of
from models.tricardio.architecture import ARCHITECTURE, Sizes
from models.tricardio.beats import Beats
from models.tricardio.calibration import Calibration
from models.tricardio.levels import Levels
from models.tricardio.network import TriCardio
from schemas.restoration import Range, Trained

SHIPPED: Final = Path(__file__).parent / "weights" / "tricardio-1.safetensors"
"""The checkpoint that comes along, and fills where none is named."""

JUDGED: Final = "test"
"""The groups that a model has never seen."""

_GROUPS: Final = TypeAdapter(dict[str, list[str]])
_NETWORK: Final = "network."
_LEVELS: Final = "levels."
_BEATS: Final = "beats."


class Settings(BaseModel):
    """What a TriCardio's card says beside the usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: Sizes
    calibration: Calibration = Calibration()
    ranges: dict[Literal["hr", "sbp", "dbp"], Range] = Field(
        {}, description="Lowest and highest heart rate and pressure of the training windows."
    )
    training: dict[str, JsonValue] = Field(
        {}, description="Data, licence, groups by split, command, commit, errors."
    )

    def trained(self) -> Trained:
        """Say what the model was trained on: all groups but those that judge it."""
        splits = _GROUPS.validate_python(self.training.get("groups", {}))
        seen = [group for split, groups in splits.items() if split != JUDGED for group in groups]
        return Trained(
            data=str(self.training.get("data", "")), subjects=frozenset(seen), **self.ranges
        )


@dataclass(frozen=True)
class Checkpoint:
    """A TriCardio as it is loaded, ready to be asked."""

    card: Card
    settings: Settings
    network: TriCardio
    levels: Levels
    beats: Beats


def read_tricardio(path: str) -> Checkpoint:
    """Read a checkpoint from a path or an fsspec URL.

    Raises:
        OSError: where it, or its card, can't be read.
        ValueError: where it is not what its card says, or its tensors are not the network's.
    """
    card, tensors = load_checkpoint(path, ARCHITECTURE)
    settings = settings_of(card, Settings, path)
    for prefix in (_NETWORK, _LEVELS, _BEATS):
        if not _below(prefix, tensors):
            message = f"{path} has no {prefix[:-1]}: an earlier version made it, train it again"
            raise ValueError(message)
    network, levels, beats = TriCardio(settings.sizes), Levels(), Beats(settings.sizes.width)
    for prefix, module in ((_NETWORK, network), (_LEVELS, levels), (_BEATS, beats)):
        fill_module(module, _below(prefix, tensors), path, ARCHITECTURE)
    return Checkpoint(card, settings, network.eval(), levels.eval(), beats.eval())


def save_tricardio(
    path: Path,
    checkpoint: Checkpoint,
    *,
    name: str,
    origin: str,
    licence: str,
) -> Card:
    """Write a checkpoint and a new card.

    Raises:
        OSError: where it can't be written.
        ValueError: where the path or a field of the card is wrong.
    """
    parts: dict[str, nn.Module] = {
        _NETWORK: checkpoint.network,
        _LEVELS: checkpoint.levels,
        _BEATS: checkpoint.beats,
    }
    tensors = {
        prefix + k: v for prefix, module in parts.items() for k, v in module.state_dict().items()
    }
    return save_checkpoint(
        path,
        {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
        architecture=ARCHITECTURE,
        name=name,
        origin=origin,
        licence=licence,
        settings=checkpoint.settings.model_dump(mode="json"),
    )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
