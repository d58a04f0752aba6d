"""The checkpoints that come along and annotate where none is named."""

from pathlib import Path
from typing import Final

_WEIGHTS: Final = Path(__file__).parent / "weights"

STRIPS: Final = _WEIGHTS / "lavida-strips-1.safetensors"
"""Looks at signals."""

IMAGES: Final = _WEIGHTS / "lavida-images-1.safetensors"
"""Looks at images of strips."""
