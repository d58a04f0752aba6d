"""How far bands and intervals are moved so that they hold on people not trained on.

Conformal prediction (Vovk et al. 2005; for quantiles Romano et al. 2019, arXiv 1905.03222) over
groups, each counting alike: over calibration groups, and where heads tell pressures also over the
training groups, each by the head that was fitted without it. The figures are kept in the
checkpoint's card.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.modality import Modality
from schemas.restoration import Task

LEVELS: Final = (0.5, 0.8, 0.9)


class Correction(BaseModel):
    """That of one task on one target from one set of conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    widen: dict[str, float] = Field({}, description="By level, as 0.9: factor of the band's half.")
    outward: dict[str, dict[str, tuple[float, float]]] = Field(
        {}, description="By level and pressure: mmHg that its bounds go outward, lower and upper."
    )
    groups: int = Field(0, ge=0, description="Calibration groups that this rests on.")
    held_out: int = Field(0, ge=0, description="Training groups that outward rests on beside.")


class Calibration(BaseModel):
    """All corrections, by ``key_of``; what is not there is not corrected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corrections: dict[str, Correction] = {}

    def widen(self, key: str, level: float) -> float:
        """Give the factor of a band's half width."""
        return self._of(key).widen.get(str(level), 1.0)

    def outward(self, key: str, level: float) -> dict[str, tuple[float, float]]:
        """Give mmHg by which the bounds of each pressure go outward."""
        return self._of(key).outward.get(str(level), {})

    def _of(self, key: str) -> Correction:
        return self.corrections.get(key, Correction())


def key_of(task: Task, target: Modality, given: tuple[Modality, ...], *, cuff: bool) -> str:
    """Name what a correction is for, as ``translate/abp/ecg+ppg/cuff``."""
    return "/".join([task, target, "+".join(given) or "alone"] + (["cuff"] if cuff else []))
