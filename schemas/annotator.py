"""What an annotator takes and gives, so that a flow needs not know which one runs.

Shapes: B windows, T = 500 samples each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.modality import MODALITIES, Modality
from schemas.template import Annotation

F32 = NDArray[np.float32]

SLOTS: Final = (
    "rhythm",
    "heart_rate",
    *(f"{m}_{part}" for m in MODALITIES for part in ("quality", "artefact")),
    "pressure_band",
    "pressure_source",
    "evidence",
    "note",
)
"""What is told of a window, each with a confidence of its own."""

Given = Mapping[str, str]
"""What is known beforehand, by slots of ``SLOTS`` that are a word; it stays as it is."""


@dataclass(frozen=True)
class AnnotateBatch:
    """B windows to annotate.

    Attributes:
        signals: (B, T) a modality, in its unit, NaN where missing; all NaN where absent.
        calibrated: (B,) a modality, whether it is in the unit of its modality rather than ``NU``.
        given: B partial annotations, to be completed consistently.
    """

    signals: Mapping[Modality, F32]
    calibrated: Mapping[Modality, NDArray[np.bool_]]
    given: Sequence[Given]


@dataclass(frozen=True)
class Annotated:
    """B filled templates.

    Attributes:
        annotations: B of them, each valid.
        confidence: (B,) a slot of ``SLOTS``, in [0, 1]; that of a slot of several words is the
            least of theirs, and of what was given 1.
        steps: (B,) passes through the network; 0 of one that has none.
    """

    annotations: Sequence[Annotation]
    confidence: Mapping[str, F32]
    steps: NDArray[np.int32]


class Annotator(Protocol):
    """Fills templates; the same window gives the same annotation whatever its batch."""

    @property
    def model_id(self) -> str:
        """Name the model, and tell it from others of its name."""

    @property
    def model_sha256(self) -> str:
        """Of the checkpoint, or of the code where there is none."""

    @property
    def spec(self) -> Mapping[str, object]:
        """All else that decides an annotation: steps, schedule, code."""

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Fill the templates of B windows.

        Raises:
            ValueError: where what is given of a window does not go together, naming which.
        """
