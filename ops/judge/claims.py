"""What a shipped model is to reach, read off an evaluation: each claim with its figure.

Errors are over groups, each counting alike; "of the best classical" is over the least RMSE, or the
largest gain, that any classical method reached in that case.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.modality import MODALITIES
from schemas.restoration import PRESSURES

Row = dict[str, Any]

ALONE: Final = 0.75
WITH_ONE: Final = 0.6
GAIN_DB: Final = 3.0
RATE_ERROR: Final = 2.0
F1: Final = 0.9
SHAPE: Final = 0.9
OF_HELD: Final = 0.85
COVERAGE: Final = (0.87, 0.93)
_NOISES: Final = (("ecg", "nst"), ("ppg", "motion"))
_BOTH: Final = "translate/abp/absent/ecg+ppg"


@dataclass(frozen=True)
class Claim:
    """One figure, what was asked of it, and whether it is met."""

    name: str
    value: float
    asked: str
    met: bool

    def told(self) -> Row:
        """Give it as JSON does."""
        return asdict(self)


def claims(result: Row, model_id: str) -> list[Claim]:
    """List the claims that an evaluation's cases settle for one of its models."""
    cases = {case["name"]: case for case in result["cases"] if model_id in case["methods"]}
    classical = [m["model_id"] for m in result["methods"] if m["classical"]]
    told = _Told(cases, model_id, classical)
    return [
        *_imputation(told),
        *_denoising(told),
        *_translation(told),
        *_pressure(told),
        *_coverage(told),
    ]


@dataclass(frozen=True)
class _Told:
    cases: dict[str, Row]
    model: str
    classical: list[str]

    def of(self, case: str, *keys: str, method: str = "") -> float | None:
        """Look a figure up; null where the case, the method or the figure is not there."""
        found: Any = self.cases.get(case, {}).get("methods", {}).get(method or self.model)
        for key in keys:
            found = found.get(key) if found else None
        return None if found is None else float(found)

    def best(self, case: str, key: str, *, most: bool) -> float | None:
        """Give the best mean that a classical method reached."""
        values = [self.of(case, key, "mean", method=name) for name in self.classical]
        known = [value for value in values if value is not None]
        return (max(known) if most else min(known)) if known else None


def _imputation(told: _Told) -> Iterator[Claim]:
    for m in MODALITIES:
        start = f"impute/{m}/gap 30 %/"
        base = told.best(start + "alone", "rmse", most=False)
        others = [other for other in MODALITIES if other != m]
        for given, bar in (("alone", ALONE), *((other, WITH_ONE) for other in others)):
            error = told.of(start + given, "rmse", "mean")
            if base and error is not None:
                name = f"30 % gap in {m}, {given if given == 'alone' else 'with ' + given}: "
                name += "RMSE over that of the best classical method alone"
                yield Claim(name, error / base, f"<= {bar:g}", error / base <= bar)


def _denoising(told: _Told) -> Iterator[Claim]:
    for m, kind in _NOISES:
        case = f"denoise/{m}/{kind} 0 dB/alone"
        gain, base = told.of(case, "snr_gain_db", "mean"), told.best(case, "snr_gain_db", most=True)
        if gain is not None and base is not None:
            name = f"{m} with {kind} noise at 0 dB: gain above the best classical method, dB"
            yield Claim(name, gain - base, f">= {GAIN_DB:g}", gain - base >= GAIN_DB)
        gain = told.of(f"denoise/{m}/{kind} 12 dB/alone", "snr_gain_db", "mean")
        if gain is not None:
            yield Claim(f"{m} with {kind} noise at 12 dB: gain, dB", gain, ">= 0", gain >= 0)


def _translation(told: _Told) -> Iterator[Claim]:
    case = "translate/ecg/absent/ppg"
    rate, f1 = told.of(case, "hr_error", "mean"), told.of(case, "f1_150", "mean")
    if rate is not None and f1 is not None:
        yield Claim(
            "PPG to ECG: heart rate MAE, beats/min", rate, f"<= {RATE_ERROR:g}", rate <= RATE_ERROR
        )
        yield Claim("PPG to ECG: beat F1 within 150 ms", f1, f">= {F1:g}", f1 >= F1)
    shape = told.of(_BOTH, "correlation", "median")
    if shape is not None:
        yield Claim(
            "PPG + ECG to ABP: median correlation of shape", shape, f">= {SHAPE:g}", shape >= SHAPE
        )


def _pressure(told: _Told) -> Iterator[Claim]:
    cuff = f"{_BOTH}/cuff first"
    for p in ("sbp", "dbp"):
        keys = ("pressures", p, "mae", "mean")
        error = told.of(cuff, *keys)
        for method, bar in (("last cuff", OF_HELD), ("boosting on pairs", 1.0)):
            base = told.of(cuff, *keys, method=method)
            if error is not None and base:
                name = f"{p.upper()} with a first cuff: MAE over that of {method}"
                yield Claim(name, error / base, f"<= {bar:g}", error / base <= bar)
        error, base = told.of(_BOTH, *keys), told.of(_BOTH, *keys, method="population mean")
        if error is not None and base:
            name = f"{p.upper()} without a cuff: MAE over the population mean's"
            yield Claim(name, error / base, "<= 1", error / base <= 1)


def _coverage(told: _Told) -> Iterator[Claim]:
    low, high = COVERAGE
    for case, how in ((_BOTH, "without a cuff"), (f"{_BOTH}/cuff first", "with a first cuff")):
        for p in PRESSURES:
            keys = ("pressures", p, "intervals", "90", "coverage", "mean")
            share = told.of(case, *keys)
            if share is not None:
                name = f"{p.upper()} {how}: coverage of the 90 % interval"
                yield Claim(name, share, f"{low:g} to {high:g}", low <= share <= high)
    for m in MODALITIES:
        for task, spoiled in (("impute", "gap 30 %"), ("denoise", "gaussian 15 dB")):
            share = told.of(f"{task}/{m}/{spoiled}/alone", "bands", "90", "coverage", "mean")
            if share is not None:
                name = f"{task} {m} alone ({spoiled}): coverage of the 90 % band"
                yield Claim(name, share, f"{low:g} to {high:g}", low <= share <= high)
