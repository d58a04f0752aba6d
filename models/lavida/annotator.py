"""LaViDa behind the interface of ``schemas.annotator``.

Shapes: B windows, A tokens of an answer, M = 3 modalities, T samples.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lavida.answer import AT
from models.lavida.checkpoint import AnnotatorCheckpoint
from models.lavida.completion import Completion, never_imputed, words_given
from models.lavida.sampling import Dial
from models.lavida.views import prompt_of, signal_views
from models.lavida.words import TOKEN
from schemas.annotator import AnnotateBatch, Annotated, Given
from schemas.modality import MODALITIES

CODE: Final = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""The files that decide an annotation beside the weights, for the hash of what makes it."""

ROWS: Final = 64
"""Windows through the network at once."""


class LaVidaAnnotator:
    """Fills templates of windows in a few steps.

    Raises:
        ValueError: where the checkpoint is of images.
    """

    def __init__(
        self,
        checkpoint: AnnotatorCheckpoint,
        dial: Dial | None = None,
        *,
        code_sha256: str,
        device: str = "cpu",
    ) -> None:
        self._completion = Completion(checkpoint, "signal", dial, rows=ROWS, device=device)
        self._code_sha256 = code_sha256
        self._device = device

    @property
    def model_id(self) -> str:
        """The checkpoint's."""
        return self._completion.card.model_id

    @property
    def model_sha256(self) -> str:
        """The checkpoint's."""
        return self._completion.card.sha256

    @property
    def spec(self) -> Mapping[str, object]:
        """Where the dial stands, and the code."""
        return {**vars(self._completion.dial), "code_sha256": self._code_sha256}

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Fill the templates of B windows.

        What a window does not have is absent, and what it has is not; a pressure is measured only
        of a calibrated line that is there, and imputed only where that is given.

        Raises:
            ValueError: where what is given of a window does not go together, naming which.
        """
        signals = np.stack([batch.signals[m] for m in MODALITIES], axis=1)
        calibrated = np.asarray(batch.calibrated["abp"], np.bool_)
        there = np.asarray(np.isfinite(signals).any(axis=2))
        known = [_known(g, t) for g, t in zip(batch.given, there, strict=True)]
        seen, unit = torch.from_numpy(signals), torch.from_numpy(calibrated)

        def look(rows: Tensor) -> tuple[Tensor, Tensor]:
            units = unit[rows].to(self._device)
            return signal_views(seen[rows].to(self._device), units), prompt_of(units)

        return self._completion.complete(look, known, batch.given, _wrong(there, calibrated))


def _known(given: Given, there: NDArray[np.bool_]) -> dict[str, str]:
    """Give what is known of a window in the answer's slots."""
    absent = [m for m, t in zip(MODALITIES, there, strict=True) if not t]
    return {f"{m}_quality": "absent" for m in absent} | words_given(given)


def _wrong(there: NDArray[np.bool_], calibrated: NDArray[np.bool_]) -> Tensor:
    """Say (B, A, words) which words are known to be wrong."""
    wrong = never_imputed(len(there))
    for i, m in enumerate(MODALITIES):
        wrong[:, AT[f"{m}_quality"], TOKEN["absent"]] = torch.from_numpy(there[:, i])
    line = there[:, MODALITIES.index("abp")] & calibrated
    wrong[:, AT["source"], TOKEN["measured"]] = torch.from_numpy(~line)
    return wrong
