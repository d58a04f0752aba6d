"""Checkpoints of an annotator: the weights of a LaViDa, and in its card what its tokens mean."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from models.card import Card
from models.checkpoint import (
    card_alone,
    fill_module,
    load_checkpoint,
    save_checkpoint,
    settings_of,
)
from models.lavida.architecture import ARCHITECTURE, CROPS, VIEWS, Sizes
from models.lavida.network import LaViDa
from models.lavida.shapes import see_shapes
from models.lavida.words import WORDS

DIAL_STEPS: Final = 8
"""Where the dial stands unless a card or a run says otherwise."""


class AnnotatorSettings(BaseModel):
    """What an annotator's card says beside the usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: Sizes
    words: tuple[str, ...] = WORDS
    steps: int = Field(
        DIAL_STEPS, gt=0, description="In which an answer is filled unless told otherwise."
    )
    training: dict[str, JsonValue] = Field(
        {}, description="Data, licence, groups by split, command, figures."
    )


@dataclass(frozen=True)
class AnnotatorCheckpoint:
    """An annotator as it is loaded."""

    card: Card
    settings: AnnotatorSettings
    network: LaViDa


def read_annotator(path: str) -> AnnotatorCheckpoint:
    """Read a checkpoint from a path or an fsspec URL; its weights are kept in half precision.

    Raises:
        OSError: where it, or its card, can't be read.
        ValueError: where it is not what its card says, its tensors are not the network's, or it is
            a released LaViDa, whose words are not those of annotations.
    """
    found = card_alone(path)
    if found.architecture == ARCHITECTURE and found.settings.get("words") is None:
        message = f"{path} is a released LaViDa: its words are not those of annotations"
        raise ValueError(message)
    card, tensors = load_checkpoint(path, ARCHITECTURE)
    settings = settings_of(card, AnnotatorSettings, path)
    if settings.words != WORDS:
        message = f"{path} has other words than this version's annotations: train it again"
        raise ValueError(message)
    _see_sizes(settings.sizes, path)
    see_shapes(tensors, settings.sizes, path)
    network = LaViDa(settings.sizes)
    full = {name: tensor.float() for name, tensor in tensors.items()}
    fill_module(network, full, path, ARCHITECTURE)
    return AnnotatorCheckpoint(card, settings, network.eval())


def _see_sizes(sizes: Sizes, path: str) -> None:
    """See that a network takes the views, and says the words, of annotations."""
    tower, said = sizes.tower, sizes.language.vocabulary
    got = (tower.channels, tower.side, sizes.grid, said)
    wanted = (*VIEWS[tower.kind], (1, CROPS), len(WORDS))
    if got != wanted:
        message = (
            f"{path} must look at {wanted[0]} channels of {wanted[1]} in crops of {wanted[2]}, "
            f"and say {wanted[3]} words, its card says {got}"
        )
        raise ValueError(message)


def save_annotator(
    path: Path,
    network: LaViDa,
    settings: AnnotatorSettings,
    *,
    name: str,
    origin: str,
    licence: str,
) -> Card:
    """Write a network in half precision, and its card.

    Raises:
        OSError: where it can't be written.
        ValueError: where the path or a field of the card is wrong.
    """
    tensors = {
        name: tensor.detach().cpu().to(torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    return save_checkpoint(
        path,
        tensors,
        architecture=ARCHITECTURE,
        name=name,
        origin=origin,
        licence=licence,
        settings=settings.model_dump(mode="json"),
    )
