"""The whole table: every method on every case, and what of it is best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ops.judge.cases import Case, Posed, pose
from ops.judge.running import bands_of, run
from ops.judge.score import Known, functional_check, know, score
from ops.judge.windows import Windows
from schemas.restoration import F32, Restored, Restorer


@dataclass(frozen=True)
class Judged:
    """One case with what every method made of it.

    Attributes:
        case: the case.
        windows: windows that were fit for it.
        groups: groups that they come from.
        methods: figures by the method's name.
        best_classical: the classical method of least RMSE; null where none has one.
        functional: figures of the clean and of the corrupted target.
    """

    case: Case
    windows: int
    groups: int
    methods: dict[str, dict[str, Any]]
    best_classical: str | None
    functional: dict[str, Any] | None

    def told(self) -> dict[str, Any]:
        """Give it as JSON does."""
        return {
            "name": self.case.name,
            "task": self.case.task,
            "target": self.case.target,
            "given": list(self.case.given),
            "spoiled": self.case.spoiled,
            "reference": self.case.reference,
            "windows": self.windows,
            "groups": self.groups,
            "best_classical": self.best_classical,
            "functional": self.functional,
            "methods": self.methods,
        }


def judge(
    cases: Sequence[Case],
    windows: Windows,
    noise: dict[str, F32],
    classical: Sequence[Restorer],
    models: Sequence[Restorer],
) -> Iterator[Judged]:
    """Judge methods case by case; a case that no window is fit for is left out."""
    for case in cases:
        posed = pose(case, windows, noise)
        if len(posed.windows):
            yield _judged(posed, classical, models)


def _judged(posed: Posed, classical: Sequence[Restorer], models: Sequence[Restorer]) -> Judged:
    known = know(posed)
    methods = {}
    for restorer in (*models, *classical):
        figures = _figures(restorer, posed, known)
        if figures:
            methods[restorer.model_id] = figures
    return Judged(
        case=posed.case,
        windows=len(posed.windows),
        groups=len(np.unique(posed.windows.groups)),
        methods=methods,
        best_classical=_best(methods, classical),
        functional=functional_check(posed, known),
    )


def _figures(restorer: Restorer, posed: Posed, known: Known) -> dict[str, Any] | None:
    """Run and measure a method; null where it was not made for the case, or has no answer."""
    if not restorer.can(posed.case.task, posed.case.target):
        return None
    restored, seconds = run(restorer, posed.batch)
    if not _told(restored):
        return None
    figures = score(posed, known, restored, bands_of(restorer, posed.batch, restored))
    return {"windows_a_second": len(posed.windows) / max(seconds, 1e-9), **figures}


def _told(restored: Restored) -> bool:
    """Say whether there is one finite sample or pressure."""
    values = (restored.mean, *(interval.value for interval in restored.pressures.values()))
    return any(bool(np.isfinite(x).any()) for x in values)


def _best(methods: dict[str, dict[str, Any]], classical: Sequence[Restorer]) -> str | None:
    names = [r.model_id for r in classical if r.model_id in methods]
    errors = {name: methods[name]["rmse"]["mean"] for name in names}
    told = {name: error for name, error in errors.items() if error is not None}
    return min(told, key=lambda name: told[name]) if told else None
