"""The table of what is asked of a restorer, and how each case is posed.

Shapes: N windows, T = 500 samples each, M = 50 samples of margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.references import REFERENCES
from ops.judge.rows import whole
from ops.judge.spoil import PAPER_DB, SNRS_DB, WINDOW, with_gaps, with_noise
from ops.judge.windows import Windows, others_of
from schemas.grid import MARGIN_SAMPLES
from schemas.modality import MODALITIES, Grade, Modality
from schemas.restoration import F32, RestoreBatch, Task

ABSENT: Final = "absent"


@dataclass(frozen=True)
class Case:
    """One row of the table: a task on one target from some conditions.

    Attributes:
        task: what is asked.
        target: the modality to make.
        given: the modalities to use beside it.
        spoiled: what was done to the target.
        reference: the choice of the cuff reading; null without one.
    """

    task: Task
    target: Modality
    given: tuple[Modality, ...]
    spoiled: str
    reference: str | None = None

    @property
    def name(self) -> str:
        """As ``denoise/ecg/nst 6 dB/ppg+abp``; its start names all the cases that share it."""
        given = "+".join(self.given) or "alone"
        parts = [self.task, self.target, self.spoiled, given]
        return "/".join(parts + ([f"cuff {self.reference}"] if self.reference else []))


@dataclass(frozen=True)
class Posed:
    """A case on windows: what a restorer is given, and what it should have made.

    Attributes:
        case: the case.
        windows: the N windows, clean.
        batch: what is asked.
    """

    case: Case
    windows: Windows
    batch: RestoreBatch

    @property
    def truth(self) -> F32:
        """(N, T) the clean target."""
        return self.windows.signals[self.case.target]


def all_cases() -> list[Case]:
    """List every case; those of the paper with all sets of conditions, the others with two."""
    return [*_imputations(), *_denoisings(), *_translations()]


def calibration_cases(references: Sequence[str]) -> list[Case]:
    """List what bands are corrected by: no noise of it is that of the judgement."""
    noises = [
        Case("denoise", m, given, f"made-{m} {snr} dB")
        for m in MODALITIES
        for given in _sets(m)
        for snr in SNRS_DB
    ]
    translated = [c for c in _translations() if c.reference in (None, *references)]
    return [*_imputations(), *noises, *translated]


def choose_cases(tasks: Sequence[str], cases: Sequence[Case]) -> list[Case]:
    """Keep the cases whose names start with any of ``tasks``; all where there are none.

    Raises:
        ValueError: where one of ``tasks`` starts no case's name.
    """
    for task in tasks:
        if not any(case.name.startswith(task) for case in cases):
            message = f"no case is called {task}; they are called as {cases[0].name}"
            raise ValueError(message)
    return [case for case in cases if not tasks or case.name.startswith(tuple(tasks))]


def _imputations() -> list[Case]:
    return [
        *(Case("impute", m, g, "gap 30 %") for m in MODALITIES for g in _sets(m)),
        *(Case("impute", m, g, "many gaps") for m in MODALITIES for g in _ends(m)),
    ]


def _denoisings() -> list[Case]:
    paper = f"gaussian {PAPER_DB} dB"
    real: dict[Modality, str] = {"ecg": "nst", "ppg": "motion"}
    return [
        *(Case("denoise", m, g, paper) for m in MODALITIES for g in _sets(m)),
        *(
            Case("denoise", m, g, f"{kind} {snr} dB")
            for m, kind in real.items()
            for snr in SNRS_DB
            for g in _ends(m)
        ),
    ]


def _translations() -> list[Case]:
    return [
        Case("translate", m, given, ABSENT, reference)
        for m in MODALITIES
        for given in _sets(m)[1:]
        for reference in (None, *(REFERENCES if m == "abp" else ()))
    ]


def _sets(target: Modality) -> list[tuple[Modality, ...]]:
    others = others_of(target)
    return [(), *((m,) for m in others), others]


def _ends(target: Modality) -> list[tuple[Modality, ...]]:
    return [(), others_of(target)]


def pose(case: Case, windows: Windows, noise: dict[str, F32]) -> Posed:
    """Ask for a case of the windows that are fit for it; ``noise`` are the records of NSTDB."""
    kept = windows.fit_for(case.target, *case.given)
    kept = kept.take(whole(kept.signals[case.target]))
    if case.reference:
        kept = kept.take(np.isfinite(kept.cuffs[case.reference].sbp))
    spoiled = _spoiled(case, kept, noise)
    parts = (slice(0, MARGIN_SAMPLES), WINDOW, slice(WINDOW.stop, None))
    before, x, after = (spoiled[:, part] for part in parts)
    return Posed(case, kept, _batch(case, kept, before, x, after))


def _spoiled(case: Case, windows: Windows, noise: dict[str, F32]) -> F32:
    sides = (windows.before, windows.signals, windows.after)
    wide = np.concatenate([side[case.target] for side in sides], axis=1)
    if case.task == "translate":
        return np.full_like(wide, np.nan)
    if case.task == "impute":
        return with_gaps(wide, windows.seeds, case.spoiled)
    return with_noise(wide, windows.seeds, case.spoiled, noise)


def _batch(case: Case, windows: Windows, before: F32, x: F32, after: F32) -> RestoreBatch:
    n, target = len(windows), case.target
    spoiled: Grade = "absent" if case.task == "translate" else "bad"
    return RestoreBatch(
        task=case.task,
        target=target,
        conditions=case.given,
        signals=_given(case, windows.signals) | {target: x},
        grades={
            m: ["good" if m in case.given else spoiled if m == target else "absent"] * n
            for m in MODALITIES
        },
        hr=_rate(case, windows),
        seeds=windows.seeds,
        usual=windows.usual,
        units={
            m: windows.units[m] if m in (*case.given, target) else [None] * n for m in MODALITIES
        },
        before=_given(case, windows.before) | {target: before},
        after=_given(case, windows.after) | {target: after},
        cuff=windows.cuffs[case.reference] if case.reference else None,
    )


def _given(case: Case, signals: dict[Modality, F32]) -> dict[Modality, F32]:
    return {m: x if m in case.given else np.full_like(x, np.nan) for m, x in signals.items()}


def _rate(case: Case, windows: Windows) -> NDArray[np.float32]:
    """Give (N,) the heart rate of the first condition that tells; the target's own is not known."""
    rate = np.full(len(windows), np.nan, np.float32)
    for m in case.given:
        rate = np.where(np.isfinite(rate), rate, windows.rates[m])
    return rate
