"""Rhythms of records that a training has not seen: ``python -m bench.annotate_rhythms``.

Each record of the MIT-BIH set is judged by the training that left it out
(``pulselake train-annotator --leave-out``), on its windows as they were recorded, against the
rhythms that people told. Beside it stand the rules, which tell no fibrillation; reading their
``irregular`` as atrial fibrillation is what they could be used for. Words are compared where people
told one; in sinus rhythm, where they told none, it counts whether fibrillation is spared. Where a
rhythm is irregular was settled with these records in view, which flatters the rules, and what reads
them.

What the analyser taught is judged by ``bench.annotate``: this is what people taught.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.annotate_card import put_in_card
from bench.annotate_ways import Way, annotator_of, by_rules, config_of, diffusion
from bench.machine import machine
from bench.report import Report, add_json_option, all_met, deliver
from models.lavida.annotator import ROWS
from models.lavida.checkpoint import DIAL_STEPS
from models.lavida.sampling import Dial
from ops.strip.reference import ReferenceStrips, reference_strips
from ops.strip.score import Said, f1_of_words
from schemas.annotation import UNKNOWN
from schemas.restoration import F32

FIBRILLATION: Final = "atrial_fibrillation"


@dataclass(frozen=True)
class Told:
    """What people told of one record's windows, empty in sinus rhythm, and what a way says."""

    record: str
    way: str
    truth: list[str]
    said: list[str]


def told_by(way: Way, strips: ReferenceStrips) -> Told:
    """Let a way say the rhythm of each window whose rhythm is known."""
    kept = np.flatnonzero(strips.rhythm != UNKNOWN)
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
        "told",
        "right",
        "macro-F1",
        "fibrillation found",
        "others spared",
        "sinus",
        "sinus spared",
        "of those said, fibrillation",
    ]
    return Report("Rhythms, each record by a training without it", header, rows, [])


def _row(record: str, way: str, truth: list[str], said: list[str]) -> list[object]:
    sinus = np.array(truth) == ""
    pairs = [(t, s) for t, s in zip(truth, said, strict=True) if t]
    is_af, says_af = (np.array([word == FIBRILLATION for word in x]) for x in (truth, said))
    return [
        record,
        way,
        len(pairs),
        _share(np.array([t == s for t, s in pairs])),
        f1_of_words([t for t, _ in pairs], [s for _, s in pairs]) if pairs else None,
        _share(says_af[is_af]),
        _share(~says_af[~is_af & ~sinus]),
        int(sinus.sum()),
        _share(~says_af[sinus]),
        _share(is_af[says_af]),
    ]


def _share(held: NDArray[np.bool_]) -> float | None:
    return float(held.mean()) if held.size else None


def left_out_of(folder: Path) -> str:
    """Name the record that a training left out, which must be that of its folder.

    Raises:
        ValueError: where it left out another, or began with weights that know references.
    """
    record = config_of(folder).leave_out
    if record != folder.name:
        message = f"the training in {folder} left out {record or 'no record'}"
        raise ValueError(message)
    return record


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_json_option(parser)
    parser.add_argument("--trainings", type=Path, required=True, help="a folder a left-out record")
    parser.add_argument("--references", type=Path, required=True, help="the records")
    parser.add_argument("--card", type=Path, help="checkpoint whose card is to say the figures")
    options = parser.parse_args()
    told = []
    for folder in sorted(path for path in options.trainings.iterdir() if path.is_dir()):
        strips = reference_strips(options.references / left_out_of(folder))
        network = annotator_of(folder, "cpu")
        told += [
            told_by(diffusion("diffusion", network, Dial(DIAL_STEPS), "cpu"), strips),
            told_by(Way("rules", 0, by_rules), strips),
            told_by(Way("rules, irregular as fibrillation", 0, irregular_is_fibrillation), strips),
        ]
    reports = [of_rhythms(told)]
    deliver(options.json, reports, {"machine": machine()})
    if options.card:
        figures = [dict(zip(reports[0].header, row, strict=True)) for row in reports[0].rows]
        put_in_card(options.card, "judged_rhythms", {"left out, one by one": figures})
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
