"""LaViDa before images of strips, as archives hold scans of them.

Shapes: B strips, H rows and W columns of pixels, of ``schemas.strip_image``.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lavida.checkpoint import AnnotatorCheckpoint
from models.lavida.completion import Completion, words_given, wrong_of_pressures
from models.lavida.sampling import Dial
from models.lavida.views import image_views, prompt_of
from schemas.annotator import Annotated, Given

ROWS: Final = 16
"""Strips through the network at once."""


class LaVidaImageAnnotator:
    """Fills templates of images of strips, whose pressures are in mmHg.

    Raises:
        ValueError: where the checkpoint is of signals.
    """

    def __init__(
        self, checkpoint: AnnotatorCheckpoint, dial: Dial | None = None, *, device: str = "cpu"
    ) -> None:
        self._completion = Completion(checkpoint, "image", dial, rows=ROWS, device=device)
        self._device = device

    @property
    def model_id(self) -> str:
        """The checkpoint's."""
        return self._completion.card.model_id

    def annotate(self, images: NDArray[np.uint8], given: Sequence[Given]) -> Annotated:
        """Fill the templates of (B, H, W) images; nothing is known of them but what is given.

        A pressure is imputed only where that is given.

        Raises:
            ValueError: where what is given of an image does not go together, naming which.
        """
        known = [words_given(one) for _, one in zip(images, given, strict=True)]
        seen = torch.from_numpy(images)

        def look(rows: Tensor) -> tuple[Tensor, Tensor]:
            calibrated = torch.ones(len(rows), dtype=torch.bool, device=self._device)
            return image_views(seen[rows].to(self._device)), prompt_of(calibrated)

        return self._completion.complete(look, known, given, wrong_of_pressures(given))
