"""Fit the tables of the classical restorers and judge them on people they never saw.

``python -m bench.restore_fit [--data DIR] [--json FILE]`` reads uci_cuffless, writes
``ops/restore/classical.json`` and prints what the restorers reach on the test groups.

The population's beat is fitted on the training groups; the rules (which gap is short, whose beats
to follow, the shares of template and wander) are chosen on the validation groups; residuals are
measured on training and calibration groups, the population's by cross-fitting over five folds of
them, as nothing else is fitted there. The test groups judge, once.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.restore_cases import read_windows
from bench.restore_judge import judge, table_of
from bench.restore_population import fit_population
from bench.restore_residuals import Case, cases, measure
from bench.restore_rules import choose_denoise_rule, choose_impute_rule, order_delays
from ops.cuffless import ATTRIBUTION
from ops.judge.windows import Windows
from ops.restore.tables import TABLES_PATH, Tables, parse_tables
from ops.split import SHARES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import TASKS, Task

ROOT: Final = Path(__file__).parents[1]
PER_GROUP: Final = 24
SEED: Final = 2015
_FOLDS: Final = 5


def main() -> None:
    """Fit, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("PULSELAKE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default / "uci_cuffless")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "restore.json")
    parser.add_argument("--judge", choices=SHARES, default="test", help="the split that judges")
    arguments = parser.parse_args()
    splits = read_windows(arguments.data, PER_GROUP, SEED)
    content = fit(splits)
    TABLES_PATH.write_text(json.dumps(content) + "\n")
    results = {"splits": counts(splits), "rules": rules_of(content)} | judge(
        splits[arguments.judge]
    )
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    print(table_of(results))


def rules_of(content: dict[str, Any]) -> dict[str, Any]:
    """Take out what was chosen, for the record."""
    delays = {m: content["population"][m]["delay"] for m in MODALITIES}
    return {"impute": content["impute"], "denoise": content["denoise"], "delay_samples": delays}


def counts(splits: dict[Any, Windows]) -> dict[str, dict[str, int]]:
    """Count groups and windows of every split."""
    return {
        split: {"groups": len(set(windows.groups)), "windows": len(windows)}
        for split, windows in splits.items()
    }


def fit(splits: dict[Any, Windows]) -> dict[str, Any]:
    """Make the content of the table file."""
    train, validation = splits["train"], splits["validation"]
    rng = np.random.default_rng(SEED)
    impute = {m: choose_impute_rule(validation, m, rng) for m in MODALITIES}
    content: dict[str, Any] = {
        "attribution": ATTRIBUTION,
        "splits": counts(splits),
        "impute": impute,
        "denoise": {
            m: choose_denoise_rule(validation, m, tuple(impute[m]["guests"]), rng)
            for m in MODALITIES
        },
        "population": {m: _population(train, validation, m) for m in MODALITIES},
    }
    content["residuals"] = {
        task: {m: _residuals(splits, content, task, m) for m in MODALITIES} for task in TASKS
    }
    return content


def _population(train: Windows, validation: Windows, target: Modality) -> dict[str, Any]:
    fitted = fit_population(train.fit_for(target), target)
    order = order_delays(validation, target, fitted)
    return fitted | {"delay": {m: fitted["delay"][m] for m in order}}


def _residuals(
    splits: dict[Any, Windows], content: dict[str, Any], task: Task, target: Modality
) -> dict[str, Any]:
    rng = np.random.default_rng([SEED, TASKS.index(task), MODALITIES.index(target)])
    train, calibration = splits["train"], splits["calibration"]
    whole = parse_tables(content)
    if task != "translate":
        folds = [(list(cases(part, task, target, rng)), whole) for part in (train, calibration)]
        return measure(folds, task, target)
    names = np.unique(train.groups)
    fold_of = np.searchsorted(names, train.groups) % _FOLDS
    crossed: list[tuple[list[Case], Tables]] = [
        (list(cases(calibration, task, target, rng)), whole)
    ]
    for fold in range(_FOLDS):
        rest = train.take(fold_of != fold).fit_for(target)
        fitted = fit_population(rest, target)
        order = content["population"][target]["delay"]
        part = {target: fitted | {"delay": {m: fitted["delay"][m] for m in order}}}
        held_out = list(cases(train.take(fold_of == fold), task, target, rng))
        crossed.append((held_out, parse_tables(content | {"population": part})))
    return measure(crossed, task, target)


if __name__ == "__main__":
    main()
