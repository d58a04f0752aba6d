"""LaViDa-LLaDA's published checkpoint, made one of ours and loaded.

Tensors are mapped from the release's shards and written one by one, in the type that they came in:
memory is not in proportion to the checkpoint. What is checked is every name, shape, type and
number; no code of the release is run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from models.card import NOT_STATED, Card
from models.checkpoint import card_path, map_checkpoint, save_checkpoint
from models.lavida.architecture import ARCHITECTURE, Sizes
from models.lavida.network import LaViDa
from models.lavida.released_files import Held, Release, find_release, held_tensors
from models.lavida.released_names import Place, released_names
from models.lavida.released_sizes import first_wrong, read_config, told_sizes
from models.lavida.shapes import network_of, see_shape, see_shapes, shown
from models.mapped import map_tensors, sha256_of

_FLOATS: Final = ("BF16", "F16", "F32")
_PIECE: Final = 2**22


class Settings(BaseModel):
    """What the card of an imported release says beside the usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: Sizes
    words: None = None
    """The tokens are those of the release's tokenizer, which is not imported."""
    files: dict[str, str] = {}
    """SHA-256 of each file that it was made from."""


def import_lavida(
    source: Path,
    out: Path,
    *,
    licence: str = NOT_STATED,
    origin: str | None = None,
    name: str = ARCHITECTURE,
) -> Card:
    """Write the tensors of a release, a folder or its index or only file, to ``out``.

    ``origin`` is the source's name where it is not given.

    Raises:
        OSError: where one can't be read or the other written.
        ValueError: where the source is no release, naming the first tensor that disagrees, or
            ``out`` is no place for a checkpoint.
    """
    release = find_release(source)
    _see_apart(out, release)
    with release.held_still():
        held = held_tensors(release)
        shapes = {name: tensor.form.shape for name, tensor in held.items()}
        sizes = told_sizes(shapes, read_config(release.config), str(release.named))
        places = released_names(sizes)
        _see_forms(held, places, release)
        tensors = _finite(held, release)
        files = {file.name: sha256_of(file) for file in release.files}
    settings = Settings(sizes=sizes, files=files)
    return save_checkpoint(
        out,
        {place.ours: tensors[name] for name, place in places.items() if place.ours},
        architecture=ARCHITECTURE,
        name=name,
        origin=origin or source.resolve().name.encode(errors="replace").decode(),
        origin_sha256=next(iter(files.values())) if len(files) == 1 else None,
        licence=licence,
        settings=settings.model_dump(mode="json"),
    )


def is_release(card: Card) -> bool:
    """Tell the card of an imported release from those of LaViDas that have words of ours."""
    return card.architecture == ARCHITECTURE and card.settings.get("words", ()) is None


def read_lavida_released(path: str) -> tuple[Card, LaViDa]:
    """Load an imported release, whose tensors stay on the disk until they are used.

    They have the type that they came in, and so must the views that the network is given.

    Raises:
        OSError: where it, or its card, can't be read.
        ValueError: where it is not what its card says, or its tensors are not the network's.
    """
    card, tensors = map_checkpoint(path, ARCHITECTURE)
    sizes = _settings(card, path).sizes
    see_shapes(tensors, sizes, path)
    network = network_of(sizes)
    network.load_state_dict(tensors, assign=True)
    return card, network.eval()


def _see_apart(out: Path, release: Release) -> None:
    read = {file.resolve() for file in (*release.files, release.named, release.config)}
    written = {out.resolve(), Path(card_path(str(out))).resolve()}
    for file in sorted(read & written):
        message = f"{out} would overwrite {file}, which it is made from: name another file"
        raise ValueError(message)


def _see_forms(held: Mapping[str, Held], places: Mapping[str, Place], release: Release) -> None:
    """Name the first tensor, in the network's order, that is missing, of another form, or extra."""
    dtype = None
    for name, place in places.items():
        if name not in held:
            message = (
                f"{release.named}: {name} is missing, a tensor of shape {place.shape} is expected"
            )
            raise ValueError(message)
        file, _, form = held[name]
        see_shape(form.shape, place.shape, f"{file}: {name}")
        dtype = dtype or form.dtype
        if form.dtype != dtype or dtype not in _FLOATS:
            wanted = dtype if dtype in _FLOATS else f"one of {', '.join(_FLOATS)}"
            message = f"{file}: {name} must be of type {wanted}, got {form.dtype}"
            raise ValueError(message)
    for name in held:
        if name not in places:
            file, given, _ = held[name]
            message = f"{file}: {shown(given)} is no tensor of LaViDa-LLaDA"
            raise ValueError(message)


def _finite(held: Mapping[str, Held], release: Release) -> dict[str, Tensor]:
    """Map all tensors, and see that their numbers are finite, a piece at a time."""
    files = {file: map_tensors(file) for file in release.files}
    tensors = {name: files[tensor.file][tensor.name] for name, tensor in held.items()}
    for name, tensor in tensors.items():
        if not all(piece.isfinite().all() for piece in torch.split(tensor.flatten(), _PIECE)):
            message = f"{held[name].file}: {name} holds numbers that are not finite"
            raise ValueError(message)
    return tensors


def _settings(card: Card, path: str) -> Settings:
    try:
        return Settings.model_validate(card.settings)
    except ValidationError as error:
        message = f"the card of {path} has settings that can't be used: {first_wrong(error)}"
        raise ValueError(message) from error
