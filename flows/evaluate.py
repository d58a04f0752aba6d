"""Judge a model beside every classical method on windows with known truth."""

import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from flows.evaluate_config import EvaluateConfig
from flows.evaluate_table import markdown
from flows.progress import progress
from flows.restorers import make_restorer
from ops.judge.baselines.all import baselines
from ops.judge.cases import Case, all_cases, choose_cases
from ops.judge.claims import claims
from ops.judge.continuity import STRETCH, judge_joints, stretch_cases
from ops.judge.draw import FIT, draw, stretch
from ops.judge.from_lake import lake_timelines
from ops.judge.noise import read_nstdb
from ops.judge.parquet import read_timelines
from ops.judge.table import judge
from ops.judge.timeline import Timeline
from ops.judge.windows import Windows
from ops.lake import Lake
from schemas.modality import Grade
from schemas.restoration import Restorer

MOST_LEARNED: Final = 400
"""Windows of a training group that are looked at, from its start: 27 minutes."""

MOST_STRETCHES: Final = 12
_NOISE: Final = "nst"

NOTES: Final = (
    "Units: PPG and ECG min-max to [-1, 1] by the clean window's range, BP (mmHg - 100) / 50.",
    "Imputation is measured over the missing samples, all else over all samples.",
    "ECG and PPG that are translated have no scale: they are put on the truth's by median and 2-98 "
    "percentile range before measuring.",
    "Means are over groups, each counting alike; low and high bound 95 % by bootstrap over groups.",
    "ECG noise nst: QRS peak-to-peak squared / 8 over noise power, as that program has them; "
    "motion and gaussian: the window's variance over the noise's.",
    "patient mean is an oracle: it knows the patient's other windows' pressures.",
    "Ages of cuff readings count records end to end; uci_cuffless has time cut out between pieces.",
    "hr_error_other holds the heart rate against another modality's, so that clean has one too.",
)


@dataclass(frozen=True)
class _Evidence:
    """What is judged on: windows, stretches for the joints, and what may be learned from."""

    windows: Windows
    stretches: list[Windows]
    train: Windows | None


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Judge, and write ``out`` where it is given.

    Raises:
        OSError: where a file can't be read.
        ValueError: where there is nothing to judge on, or two models share a name.
    """
    start = time.perf_counter()
    noise = read_nstdb(Path(config.noise)) if config.noise else {}
    cases, left_out = _cases(config, bool(noise))
    models = _models(config)
    evidence = _evidence(config, cases)
    classical = baselines(evidence.windows, evidence.train, cases)
    judged = []
    with progress("cases judged", len(cases)) as advance:
        for row in judge(cases, evidence.windows, noise, classical, models):
            judged.append(row.told())
            advance()
    result = {
        **_header(config, evidence),
        "methods": [_method(r, classical=r in classical) for r in (*models, *classical)],
        "left_out": left_out,
        "cases": judged,
        "continuity": _continuity(config, evidence, [*models, *classical]),
        "seconds": round(time.perf_counter() - start, 1),
    }
    result["claims"] = {
        model.model_id: [claim.told() for claim in claims(result, model.model_id)]
        for model in models
    }
    if config.out:
        _write(config.out, json.dumps(result, allow_nan=False) + "\n")
    if config.table:
        _write(config.table, markdown(result))
    return result


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _models(config: EvaluateConfig) -> list[Restorer]:
    models = [make_restorer(one) for one in config.models]
    names = [model.model_id for model in models]
    if len(set(names)) < len(names):
        message = f"checkpoints to judge must differ in model_id, got {', '.join(names)}"
        raise ValueError(message)
    return models


def _cases(config: EvaluateConfig, has_noise: bool) -> tuple[list[Case], list[str]]:
    chosen = choose_cases(config.tasks, all_cases())
    left_out = [c for c in chosen if c.spoiled.startswith(_NOISE) and not has_noise]
    return [c for c in chosen if c not in left_out], [c.name for c in left_out]


def _evidence(config: EvaluateConfig, cases: list[Case]) -> _Evidence:
    fit: tuple[Grade, ...] = ("good",) if config.lake else FIT
    timelines = list(_timelines(config))
    found = (stretch(timeline, STRETCH, fit) for timeline in timelines)
    learns = config.data and any(c.task == "translate" and c.target == "abp" for c in cases)
    return _Evidence(
        windows=draw(timelines, config.per_group, fit),
        stretches=[one for one in found if one is not None][:MOST_STRETCHES],
        train=_train(config) if learns else None,
    )


def _timelines(config: EvaluateConfig) -> Iterator[Timeline]:
    if config.lake:
        return lake_timelines(Lake(config.lake), config.dataset)
    return read_timelines([Path(path) for path in config.data], config.split)


def _train(config: EvaluateConfig) -> Windows:
    timelines = read_timelines([Path(path) for path in config.data], "train", MOST_LEARNED)
    return draw(timelines, config.learn_per_group)


def _continuity(
    config: EvaluateConfig, evidence: _Evidence, restorers: list[Restorer]
) -> list[dict[str, Any]]:
    if not evidence.stretches:
        return []
    cases = [c for c in stretch_cases() if not config.tasks or c.name.startswith(config.tasks)]
    return [judge_joints(case, evidence.stretches, restorers) for case in cases]


def _header(config: EvaluateConfig, evidence: _Evidence) -> dict[str, Any]:
    windows, train = evidence.windows, evidence.train
    return {
        "flow": "evaluate",
        "source": Path(config.lake).name if config.lake else "data",
        "files": sorted(Path(path).name for path in config.data),
        "split": None if config.lake else config.split,
        "per_group": config.per_group,
        "windows": len(windows),
        "groups": np.unique(windows.groups).tolist(),
        "learned_from": _size(train) if train else None,
        "machine": {"cpus": os.cpu_count(), "processor": platform.machine()},
        "notes": list(NOTES),
    }


def _size(windows: Windows) -> dict[str, int]:
    return {"windows": len(windows), "groups": len(np.unique(windows.groups))}


def _method(restorer: Restorer, *, classical: bool) -> dict[str, Any]:
    return {
        "model_id": restorer.model_id,
        "model_sha256": restorer.model_sha256,
        "sampler": restorer.sampler,
        "steps": restorer.steps,
        "n_samples": restorer.n_samples,
        "classical": classical,
    }
