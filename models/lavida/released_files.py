"""The files of a release: its shards, what lies in which, and whether the index tells the truth.

Headers alone are read here. No name in an index leads out of the folder.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from models.lavida.released_names import published
from models.lavida.released_sizes import first_wrong
from models.lavida.shapes import shown
from models.mapped import Form, forms_of, held_still
from models.reading import read_bytes

CONFIG: Final = "config.json"
INDEX: Final = "model.safetensors.index.json"
SINGLE: Final = "model.safetensors"
MOST_INDEX_BYTES: Final = 2**22
MOST_BYTES: Final = 2**36
"""Of all shards: twice what the release would have in float32."""

_SUFFIX: Final = ".safetensors"


def _in_folder(name: str) -> str:
    plain = name.isprintable() and not {"/", "\\"} & set(name)
    if not (plain and name.endswith(_SUFFIX)):
        message = f"it must be the name of a {_SUFFIX} file in the same folder"
        raise ValueError(message)
    return name


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    weight_map: dict[str, Annotated[str, AfterValidator(_in_folder)]] = Field(min_length=1)


class Held(NamedTuple):
    """Where a tensor lies, and what it is there."""

    file: Path
    name: str
    form: Form


@dataclass(frozen=True)
class Release:
    """A release on a local disk."""

    folder: Path
    files: tuple[Path, ...]
    index: Path | None
    file_by_name: dict[str, str]

    @property
    def named(self) -> Path:
        """What a sentence names of it."""
        return self.index or self.files[0]

    @property
    def config(self) -> Path:
        """Where its configuration is, if there is one."""
        return self.folder / CONFIG

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """See that none of its files changes meanwhile.

        Raises:
            OSError: where one can't be read.
            ValueError: where one was changed or replaced, or they are too large.
        """
        with ExitStack() as stack:
            for file in self.files:
                stack.enter_context(held_still(file))
            n_bytes = sum(file.stat().st_size for file in self.files)
            if n_bytes > MOST_BYTES:
                message = f"{self.named} has {n_bytes:,} bytes, at most {MOST_BYTES:,} are read"
                raise ValueError(message)
            yield


def looks_released(path: Path) -> bool:
    """Tell whether a path is that of a folder, an index or a safetensors file."""
    return path.is_dir() or path.name.endswith((_SUFFIX, ".json"))


def find_release(path: Path) -> Release:
    """Find the files of a release by its folder, its index, or its only file.

    Raises:
        OSError: where an index can't be read.
        ValueError: where there is none, or the index is broken.
    """
    if path.is_dir():
        path = _in(path)
    if path.name.endswith(_SUFFIX):
        return Release(path.parent, (path,), None, dict.fromkeys(forms_of(path), path.name))
    try:
        index = _Index.model_validate_json(read_bytes(str(path), MOST_INDEX_BYTES))
    except ValidationError as error:
        message = f"{path} is no index of shards: {first_wrong(error)}"
        raise ValueError(message) from error
    files = tuple(path.parent / name for name in sorted(set(index.weight_map.values())))
    return Release(path.parent, files, path, index.weight_map)


def _in(folder: Path) -> Path:
    for name in (INDEX, SINGLE):
        if (folder / name).exists():
            return folder / name
    message = f"{folder} holds neither {INDEX} nor {SINGLE}"
    raise ValueError(message)


def held_tensors(release: Release) -> dict[str, Held]:
    """Tell what lies where, by published names.

    Raises:
        OSError: where a shard can't be read.
        ValueError: where one is broken, or its tensors are not those that the index names.
    """
    held: dict[str, Held] = {}
    for file in release.files:
        for name, form in forms_of(file).items():
            _see_named(release, file, name)
            if published(name) in held:
                message = f"{file}: {shown(name)} is there by two names"
                raise ValueError(message)
            held[published(name)] = Held(file, name, form)
    for name, said in release.file_by_name.items():
        if published(name) not in held:
            message = f"{release.folder / said}: {shown(name)} is missing, which the index names"
            raise ValueError(message)
    return held


def _see_named(release: Release, file: Path, name: str) -> None:
    said = release.file_by_name.get(name)
    if said != file.name:
        where = f"names it in {said}" if said else "does not name it"
        message = f"{file}: {shown(name)} is in this shard, the index {where}"
        raise ValueError(message)
