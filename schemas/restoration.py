"""What a restorer takes and gives, so that a flow needs not know which one runs.

Shapes: B windows of one task and one target, T = 500 samples each, M = 50 samples of margin.
"""

import math
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from schemas.grid import MARGIN_SAMPLES
from schemas.modality import Grade, Modality

Task = Literal["translate", "impute", "denoise"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)
PRESSURES: Final = ("sbp", "dbp", "map")
LEVEL: Final = 0.9
"""Of the band and of the intervals of ``Restored``."""

CUFF_MMHG: Final = (20.0, 300.0)
"""A cuff's DBP is above the first, its SBP below the second."""

CALIBRATIONS: Final = ("cuff", "line", "none")
"""What a made pressure was calibrated by: a cuff, an arterial line elsewhere in the record."""

ABSTENTIONS: Final = (
    "not_made_for",
    "conditions",
    "range",
    "reference_age",
    "silent",
    "still_bad",
)
"""Why a window has no answer: the model was not made for its task; what it is given is too poor; it
lies out of the range trained on; its reference is too old; the model has nothing to say on it; what
was made would be graded bad again."""

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Cuff:
    """One cuff reading a window, with the signals of its moment.

    Attributes:
        sbp: (B,) mmHg, NaN where there is no reading.
        dbp: (B,) mmHg, likewise.
        age_s: (B,) seconds from the reading to the window, negative where it came later.
        signals: (B, T) of ECG and PPG at the reading, in their unit, NaN where missing.
    """

    sbp: F32
    dbp: F32
    age_s: F32
    signals: dict[Modality, F32]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Say (B,) where there is a reading that can be one, and when it was taken is known."""
        low, high = CUFF_MMHG
        there = np.isfinite(self.age_s) & (self.dbp > low) & (self.sbp < high)
        return np.asarray(there & (self.sbp > self.dbp))


@dataclass(frozen=True)
class RestoreBatch:
    """B windows that ask for the same target by the same task from the same conditions.

    Attributes:
        task: ``translate`` (the target is absent), ``impute`` (it has gaps) or ``denoise``.
        target: the modality to make.
        conditions: the modalities to use beside the target itself, in the order of ``MODALITIES``.
        signals: (B, T) a modality, in its unit, NaN where missing; all NaN where absent.
        grades: B grades a modality.
        hr: (B,) heart rate in beats/min from the best condition, NaN where unknown.
        seeds: (B,) one seed a window, from its key and the run's seed.
        usual: (B, 2) a modality, lowest and highest value that its good windows nearby have in the
            middle, in its unit; NaN where there are none.
        units: B units a modality, null where it is absent.
        before: (B, M) a modality, the samples just before the window, in its unit, NaN where they
            are missing or not fit to look at; none at all where the dict is empty.
        after: (B, M) a modality, the samples just after the window, likewise.
        cuff: a reading for each window; null where there is none for any.
    """

    task: Task
    target: Modality
    conditions: tuple[Modality, ...]
    signals: dict[Modality, F32]
    grades: dict[Modality, list[Grade]]
    hr: F32
    seeds: NDArray[np.int64]
    usual: dict[Modality, F32]
    units: dict[Modality, list[str | None]]
    before: dict[Modality, F32] = field(default_factory=dict)
    after: dict[Modality, F32] = field(default_factory=dict)
    cuff: Cuff | None = None

    def widened(self, m: Modality) -> F32:
        """Give (B, T + 2 M) of a modality with what lies beside it, NaN where missing."""
        x = self.signals[m]
        margin = np.full((len(x), MARGIN_SAMPLES), np.nan, np.float32)
        wide = np.concatenate([self.before.get(m, margin), x, self.after.get(m, margin)], axis=1)
        return np.where(np.isfinite(wide), wide, np.float32("nan"))


@dataclass(frozen=True)
class Interval:
    """(B,) values with the bounds of their 90 % interval, NaN where the model abstained."""

    value: F32
    lower: F32
    upper: F32


@dataclass(frozen=True)
class Made:
    """What a model made of a batch, before what was measured is put back.

    Attributes:
        mean: (B, T) posterior mean in the target's unit; a row of NaN where the model abstained.
        lower: (B, T) lower bound of the band.
        upper: (B, T) upper bound of the band.
        samples: (B, S, T) in the target's unit, where pressures are to be read off them.
        pressures: in mmHg, where the model tells them apart from the signal; else empty.
        level: of the band and of the intervals, as 0.9.
        outward: (B,) mmHg by which the lower and the upper bound of each pressure's interval are to
            move outward, told or read off the samples.
    """

    mean: F32
    lower: F32
    upper: F32
    samples: F32 | None
    pressures: dict[str, Interval]
    level: float
    outward: dict[str, tuple[F32, F32]]


@dataclass(frozen=True)
class Restored:
    """What a restorer made of a batch.

    Attributes:
        mean: (B, T) posterior mean in the target's unit; a row of NaN where the model abstained.
        lower: (B, T) lower bound of the 90 % band.
        upper: (B, T) upper bound of the 90 % band.
        pressures: ``sbp``, ``dbp`` and ``map`` in mmHg where the target is ABP, else empty.
        grade: B grades of the result.
    """

    mean: F32
    lower: F32
    upper: F32
    pressures: dict[str, Interval]
    grade: list[Grade]


Range = tuple[float, float]
ANY: Final[Range] = (-math.inf, math.inf)


@dataclass(frozen=True)
class Trained:
    """What a restorer was trained on, as far as it is known; it should speak on nothing else.

    Attributes:
        data: name of the data set, empty where it is not told.
        subjects: those of the data set that training, choice of version or correction have seen.
        hr: lowest and highest heart rate in it, in beats/min.
        sbp: lowest and highest systolic pressure in it, in mmHg.
        dbp: lowest and highest diastolic pressure in it, in mmHg.
    """

    data: str = ""
    subjects: frozenset[str] = frozenset()
    hr: Range = ANY
    sbp: Range = ANY
    dbp: Range = ANY


class Restorer(Protocol):
    """A model, classical or learned, that makes one modality of a window from what is there."""

    @property
    def model_id(self) -> str:
        """Name and version, as in the lake's ``model_id``."""

    @property
    def model_sha256(self) -> str:
        """Hash of all that decides its output: weights or tables, and code."""

    @property
    def sampler(self) -> str:
        """How samples are drawn; ``none`` for a deterministic restorer."""

    @property
    def steps(self) -> int:
        """Sampler steps; 0 for a deterministic restorer."""

    @property
    def n_samples(self) -> int:
        """Samples that mean and band are taken over; 1 for a deterministic restorer."""

    @property
    def calibrates(self) -> bool:
        """Say whether a pressure that it makes goes by a reading, where the window has one."""

    @property
    def trained(self) -> Trained:
        """What it was trained on."""

    def can(self, task: Task, target: Modality) -> bool:
        """Say whether it was made for this task and target."""

    def restore(self, batch: RestoreBatch) -> Restored:
        """Make the target of every window; a window it should not speak on comes back as NaN."""
