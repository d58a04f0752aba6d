"""LaViDa behind the interface of ``schemas.annotator``.

Shapes: B windows, A tokens of an answer, M = 3 modalities, T samples.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import schemas.annotation
from models.lavida.answer import AT, NOTE, reading_of
from models.lavida.checkpoint import AnnotatorCheckpoint
from models.lavida.completion import Completion, words_given, wrong_of_pressures
from models.lavida.sampling import Dial
from models.lavida.views import prompt_of, signal_views
from models.lavida.words import TOKEN
from schemas.annotator import AnnotateBatch, Annotated, Annotator, Given
from schemas.modality import MODALITIES

_PARTS: Final = (
    *("annotator", "answer", "architecture", "checkpoint", "completion", "grammar", "language"),
    *("network", "projector", "sampling", "schedule", "tower", "views", "words"),
)
CODE: Final = (
    *(Path(__file__).parent / f"{part}.py" for part in _PARTS),
    Path(schemas.annotation.__file__),
)
"""The files that decide an annotation beside the weights, for the hash of what makes it; those that
train, and that read a release, are none of them."""

ROWS: Final = 64
"""Windows through the network at once."""


class LaVidaAnnotator:
    """Fills templates of windows in a few steps, what an analyser reads of them before its eyes.

    Raises:
        ValueError: where the checkpoint is of images.
    """

    def __init__(
        self,
        checkpoint: AnnotatorCheckpoint,
        analyser: Annotator,
        dial: Dial | None = None,
        *,
        code_sha256: str,
        device: str = "cpu",
    ) -> None:
        self._analyser = analyser
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
        """Where the dial stands, the code, and what the analyser is."""
        read_by = {"model_id": self._analyser.model_id, "sha256": self._analyser.model_sha256}
        dial = vars(self._completion.dial)
        return {**dial, "code_sha256": self._code_sha256, "read_by": read_by}

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Fill the templates of B windows.

        What a window does not have is absent, and what it has is not; a pressure is measured only
        of a calibrated line that is there, and imputed only where that is given. The analyser
        reads the signals alone; what it says is before the network's eyes, and no slot is bound.

        Raises:
            ValueError: where what is given of a window does not go together, naming which.
        """
        signals = np.stack([batch.signals[m] for m in MODALITIES], axis=1)
        calibrated = np.asarray(batch.calibrated["abp"], np.bool_)
        there = np.asarray(np.isfinite(signals).any(axis=2))
        known = [_known(g, t) for g, t in zip(batch.given, there, strict=True)]
        alone = AnnotateBatch(batch.signals, batch.calibrated, [{}] * len(known))
        found = self._analyser.annotate(alone).annotations
        read = torch.tensor([reading_of(annotation) for annotation in found], dtype=torch.long)
        seen, unit = torch.from_numpy(signals), torch.from_numpy(calibrated)

        def look(rows: Tensor) -> tuple[Tensor, Tensor]:
            units = unit[rows].to(self._device)
            prompt = prompt_of(units, read[rows].to(self._device))
            return signal_views(seen[rows].to(self._device), units), prompt

        wrong = _wrong(there, calibrated, batch.given)
        return self._completion.complete(look, known, batch.given, wrong)


def _known(given: Given, there: NDArray[np.bool_]) -> dict[str, str]:
    """Give what is known of a window in the answer's slots."""
    absent = [m for m, t in zip(MODALITIES, there, strict=True) if not t]
    return {f"{m}_quality": "absent" for m in absent} | words_given(given)


def _wrong(
    there: NDArray[np.bool_], calibrated: NDArray[np.bool_], given: Sequence[Given]
) -> Tensor:
    """Say (B, A, words) which words are known to be wrong.

    Of notes it is those that speak of a line that is not there, of a pressure that is not measured,
    and of a signal's absence that is.
    """
    wrong = wrong_of_pressures(given)
    for i, m in enumerate(MODALITIES):
        wrong[:, AT[f"{m}_quality"], TOKEN["absent"]] = torch.from_numpy(there[:, i])
    ecg, ppg, abp = there.T
    line = abp & calibrated
    wrong[:, AT["source"], TOKEN["measured"]] = torch.from_numpy(~line)
    told = [one.get("pressure_source", "measured") == "measured" for one in given]
    measured = line & np.array(told, np.bool_)
    for word, is_wrong in (("pulse", ~measured), ("no", abp), ("not", ecg & ppg)):
        for slot in NOTE:
            wrong[:, AT[slot], TOKEN[word]] |= torch.from_numpy(is_wrong)
    return wrong
