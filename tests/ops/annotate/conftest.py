"""Windows with and without a line, and an annotator that says what it is told to say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pytest

from schemas.annotator import SLOTS, AnnotateBatch, Annotated
from schemas.backfill import Backfill
from schemas.template import Annotation, Pressure
from schemas.windows import Window
from tests.ops.cohort.rows import frame_of, made, window


@dataclass
class Parrot:
    """Says one annotation of each window, with the pressure that was given; keeps its batches."""

    says: Annotation = field(default_factory=Annotation)
    changed: Callable[[Annotated], Annotated] = lambda annotated: annotated
    model_id: str = "parrot-1"
    model_sha256: str = "70"
    spec: dict[str, object] = field(default_factory=dict)
    asked: list[AnnotateBatch] = field(default_factory=list)

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        self.asked.append(batch)
        n = len(batch.given)
        told = [self.says.model_copy(update=_pressure(given)) for given in batch.given]
        sure = dict.fromkeys(SLOTS, np.full(n, 0.5, np.float32))
        return self.changed(Annotated(told, sure, np.full(n, 3, np.int32)))


def _pressure(given: Any) -> dict[str, Pressure]:
    source = given.get("pressure_source", "none")
    return {"pressure": Pressure(band=given.get("pressure_band", "unknown"), source=source)}


@pytest.fixture(scope="session")
def parrot() -> type[Parrot]:
    return Parrot


@pytest.fixture(scope="session")
def windows() -> Callable[..., pl.DataFrame]:
    """Make windows of one record, each by the systole of its line, null where it has none."""

    def make(sbps: Sequence[float | None], **told: Any) -> pl.DataFrame:
        return frame_of(Window, [window("a", i, sbp) | told for i, sbp in enumerate(sbps)])

    return make


@pytest.fixture(scope="session")
def filled() -> Callable[..., pl.DataFrame]:
    """Make synthetic ABP of one record, each by its systole, null where the model abstained."""

    def make(sbps: Sequence[float | None], **told: Any) -> pl.DataFrame:
        return frame_of(Backfill, [made("a", i, sbp) | told for i, sbp in enumerate(sbps)])

    return make
