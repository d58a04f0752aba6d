"""Sizes of a release: by the shapes of its tensors, and by its configuration where shapes can't.

The configuration is JSON from a stranger: what is not named here is left aside, code above all.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.lavida.architecture import RELEASED, LanguageSizes, Sizes, TowerSizes
from models.lavida.released_names import EMBED, LANGUAGE_LAYER, PATCH, POSITION, TOWER_LAYER
from models.reading import read_bytes

Shapes = Mapping[str, tuple[int, ...]]

MOST_BYTES: Final = 2**20
_MOST_SHOWN: Final = 80
_MOST: Final = 2**16


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_told(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        return {name: value for name, value in told.items() if value is not None}


class VisionConfig(_Told):
    """What the shapes of the tower can't tell."""

    heads: int = Field(RELEASED.tower.heads, gt=0, le=_MOST, validation_alias="num_attention_heads")
    side: int = Field(RELEASED.tower.side, gt=0, le=_MOST, validation_alias="image_size")
    eps: float = Field(RELEASED.tower.eps, gt=0, validation_alias="layer_norm_eps")


class ReleasedConfig(_Told):
    """What the shapes can't tell, the release's where it is not named."""

    heads: int = Field(
        RELEASED.language.heads,
        gt=0,
        le=_MOST,
        validation_alias=AliasChoices("num_attention_heads", "n_heads"),
    )
    theta: float = Field(RELEASED.language.theta, gt=0, validation_alias="rope_theta")
    rope_scaling: None = Field(None, description="Which is not done here.")
    eps: float = Field(
        RELEASED.language.eps,
        gt=0,
        validation_alias=AliasChoices("rms_norm_eps", "layer_norm_eps"),
    )
    vision_config: VisionConfig = VisionConfig()


def read_config(path: Path) -> ReleasedConfig:
    """Read a release's ``config.json``; where there is none, the release's own values hold.

    Raises:
        OSError: where it can't be read.
        ValueError: naming the first field that can't be used.
    """
    try:
        return ReleasedConfig.model_validate_json(read_bytes(str(path), MOST_BYTES))
    except FileNotFoundError:
        return ReleasedConfig()
    except ValidationError as error:
        message = f"{path} is no configuration that can be used: {first_wrong(error)}"
        raise ValueError(message) from error


def told_sizes(shapes: Shapes, config: ReleasedConfig, where: str) -> Sizes:
    """Tell the sizes of a release whose tensors, by published names, have these shapes.

    Raises:
        ValueError: where a tensor that tells them is missing, or they fit no network.
    """
    vocabulary, width = _shape(shapes, EMBED, 2, where)
    language = {
        "vocabulary": vocabulary,
        "width": width,
        "depth": _depth(shapes, LANGUAGE_LAYER),
        "heads": config.heads,
        "mlp": _shape(shapes, f"{LANGUAGE_LAYER}0.mlp.gate_proj.weight", 2, where)[0],
        "theta": config.theta,
        "eps": config.eps,
    }
    try:
        return Sizes(
            tower=TowerSizes.model_validate(_tower(shapes, config.vision_config, where)),
            language=LanguageSizes.model_validate(language),
            grid=RELEASED.grid,
            pool=RELEASED.pool,
        )
    except ValidationError as error:
        message = f"{where}: a network of its sizes can't be built: {first_wrong(error)}"
        raise ValueError(message) from error


def first_wrong(error: ValidationError) -> str:
    """Say what the first thing is that is wrong, and what was got."""
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return said
    where = repr(".".join(str(part) for part in first["loc"]))[:_MOST_SHOWN]
    return f"{where}: {said}, got {first['input']!r:.{_MOST_SHOWN}}"


def _tower(shapes: Shapes, config: VisionConfig, where: str) -> dict[str, object]:
    width, channels, patch, _ = _shape(shapes, PATCH, 4, where)
    n_positions = _shape(shapes, POSITION, 2, where)[0]
    if (config.side // patch) ** 2 != n_positions:
        message = (
            f"{where}: {POSITION} has {n_positions} positions, a view of {config.side} pixels a "
            f"side in patches of {patch} has {(config.side // patch) ** 2}"
        )
        raise ValueError(message)
    return {
        "kind": "image",
        "channels": channels,
        "side": config.side,
        "patch": patch,
        "stride": patch,
        "width": width,
        "depth": _depth(shapes, TOWER_LAYER),
        "heads": config.heads,
        "mlp": _shape(shapes, f"{TOWER_LAYER}0.mlp.fc1.weight", 2, where)[0],
        "eps": config.eps,
    }


def _shape(shapes: Shapes, name: str, dimensions: int, where: str) -> tuple[int, ...]:
    if name not in shapes:
        message = f"{where}: {name} is missing"
        raise ValueError(message)
    if len(shapes[name]) != dimensions or not math.prod(shapes[name]):
        message = (
            f"{where}: {name} must have {dimensions} dimensions of at least 1, got {shapes[name]}"
        )
        raise ValueError(message)
    return shapes[name]


def _depth(shapes: Shapes, layers: str) -> int:
    """Count layers, whatever their numbers: one that says 10^9 is one layer, and is then extra."""
    below = (name.removeprefix(layers) for name in shapes if name.startswith(layers))
    return len({name.partition(".")[0] for name in below})
