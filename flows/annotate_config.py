"""What an annotation of a lake is told."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import field_validator

from flows.annotators import AnnotatorConfig
from flows.config import LakeConfig, without_secrets


class AnnotateConfig(LakeConfig, AnnotatorConfig):
    """Windows of a lake into words about them: rhythm, rate, what is wrong with which signal."""

    @field_validator("checkpoint")
    @classmethod
    def _checkpoint_without_secrets(cls, url: str | None) -> str | None:
        return url and without_secrets(url)


def annotation_of(night: Mapping[str, Any]) -> AnnotateConfig:
    """Say how a night of these options annotates, on its own actors.

    The night's checkpoint and steps are those of what fills: a model annotates by its own.
    """
    return AnnotateConfig(**{name: night[name] for name in _OF_A_NIGHT if name in night})


_OF_A_NIGHT: Final = (*LakeConfig.model_fields, "annotator", "gpus_per_actor")
