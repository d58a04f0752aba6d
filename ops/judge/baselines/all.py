"""The list of classical methods for a set of cases."""

from collections.abc import Sequence

from ops.judge.baselines.boosting import boosting, boosting_on_pairs
from ops.judge.baselines.curves import curves
from ops.judge.baselines.pressures import last_cuff, patient_mean, population
from ops.judge.cases import Case
from ops.judge.windows import Windows
from ops.restore import ClassicalRestorer
from schemas.restoration import Restorer


def baselines(judged: Windows, train: Windows | None, cases: Sequence[Case]) -> list[Restorer]:
    """Make the classical methods; without windows to learn from, those that learn are left out."""
    asked = [case for case in cases if case.task == "translate" and case.target == "abp"]
    methods: list[Restorer] = [ClassicalRestorer(), *curves()]
    if not asked:
        return methods
    methods += [patient_mean(judged), last_cuff()]
    if train is None:
        return methods
    given = [case.given for case in asked]
    paired = [case.given for case in asked if case.reference]
    return [*methods, population(train), boosting(train, given), boosting_on_pairs(train, paired)]
