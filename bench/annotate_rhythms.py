"""Rhythms of records that a training has not seen: ``python -m bench.annotate_rhythms``.

Each record of the MIT-BIH set is judged by the training that left it out
(``pulselake train-annotator --leave-out``), on its windows as they were recorded, against the
rhythms that people told. Beside it stand the rules, which tell no fibrillation; reading their
``irregular`` as atrial fibrillation is what they could be used for.

What the analyser taught is judged by ``bench.annotate``: this is what people taught.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.annotate_ways import Way, annotator_of, by_rules, diffusion
from bench.machine import machine
from bench.report import Report, add_json_option, all_met, deliver
from models.lavida.annotator import ROWS
from models.lavida.sampling import Dial
from ops.strip.reference import ReferenceStrips, reference_strips
from ops.strip.score import Said, f1_of_words
from schemas.annotation import UNKNOWN
from schemas.restoration import F32

FIBRILLATION: Final = "atrial_fibrillation"
STEPS: Final = 8


@dataclass(frozen=True)
class Told:
    """Rhythms of one record's windows that people told, and what a way says of them."""

    record: str
    way: str
    truth: list[str]
    said: list[str]


def told_by(way: Way, strips: ReferenceStrips) -> Told:
    """Let a way say the rhythm of each window whose rhythm a person told."""
    kept = np.flatnonzero((strips.rhythm != "") & (strips.rhythm != UNKNOWN))
    said: list[str] = []
    for first in range(0, kept.size, ROWS):
        rows = kept[np.minimum(np.arange(first, first + ROWS), kept.size - 1)]
        said += [str(one["rhythm"]) for one in way.say(strips.signals[rows])][: kept.size - first]
    return Told(strips.record, way.name, strips.rhythm[kept].tolist(), said)


def irregular_is_fibrillation(signals: F32) -> list[Said]:
    """Read what rules call irregular as atrial fibrillation."""
    read = {"irregular": FIBRILLATION}
    return [
        {**said, "rhythm": read.get(said["rhythm"], said["rhythm"])} for said in by_rules(signals)
    ]


def of_rhythms(told: Sequence[Told]) -> Report:
    """Tell by record and over all how right each way is, and of fibrillation both sides."""
    ways = list(dict.fromkeys(one.way for one in told))
    rows = [_row(one.record, one.way, one.truth, one.said) for one in told]
    for way in ways:
        of_way = [one for one in told if one.way == way]
        truth = [word for one in of_way for word in one.truth]
        rows.append(_row("all", way, truth, [word for one in of_way for word in one.said]))
    header = [
        "record",
        "way",
        "windows",
        "right",
        "macro-F1",
        "fibrillation found",
        "others spared",
    ]
    return Report("Rhythms, each record by a training without it", header, rows, [])


def _row(record: str, way: str, truth: list[str], said: list[str]) -> list[object]:
    right = float(np.mean([t == s for t, s in zip(truth, said, strict=True)]))
    is_af, says_af = (np.array([word == FIBRILLATION for word in x]) for x in (truth, said))
    found = float(says_af[is_af].mean()) if is_af.any() else None
    spared = float((~says_af[~is_af]).mean()) if (~is_af).any() else None
    return [
        record,
        way,
        len(truth),
        right,
        f1_of_words(truth, said),
        found,
        spared,
    ]


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--trainings", type=Path, required=True, help="a folder a left-out record")
    parser.add_argument("--references", type=Path, required=True, help="the records")
    options = parser.parse_args()
    told = []
    for folder in sorted(path for path in options.trainings.iterdir() if path.is_dir()):
        strips = reference_strips(options.references / folder.name)
        network = annotator_of(folder, "cpu")
        told += [
            told_by(diffusion("diffusion", network, Dial(STEPS), "cpu"), strips),
            told_by(Way("rules", 0, by_rules), strips),
            told_by(Way("rules, irregular as fibrillation", 0, irregular_is_fibrillation), strips),
        ]
    reports = [of_rhythms(told)]
    deliver(options.json, reports, {"machine": machine()})
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
