"""What an annotator learns from in a step: windows drawn, spoiled, and put into tokens."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_folder import stretches
from models.lavida.answer import AT, answer_of, reading_of, said
from models.lavida.architecture import LooksAt
from models.lavida.lessons import Lesson, lesson_of, slots, words_in_notes
from models.lavida.reasoning import tokens_of_trace, trace_slots
from models.lavida.stages import REFERENCED, STAGES, Stage
from models.lavida.views import image_views, prompt_of, signal_views
from ops.split import Split
from ops.strip.image import draw_strips
from ops.strip.lessons import Lessons, readings
from ops.strip.reference import ReferenceStrips, reference_strips
from ops.strip.teaching import Teaching
from ops.strip.traces import right_traces
from schemas.annotation import NOTE_WORDS

BLIND: Final = 0.3
"""Share of lessons in which nothing is given but what nobody could see."""

PARTIAL: Final = 0.3
"""Share of lessons in which, beside what a pipeline gives, each slot is given as often."""

SPANNED: Final = 0.8
"""Share of notes that have more slots than words, in infilling."""

UNCALIBRATED: Final = 0.1
"""Share of windows of whose ABP nobody says that it is in mmHg."""

REFERENCE_STEP_S: Final = 1.0
"""From one window of a reference record to the next."""


def teaching(config: TrainAnnotatorConfig, split: Split) -> Teaching:
    """Open what a split draws from; records with a reference are trained on alone.

    Raises:
        FileNotFoundError: where a folder has no file of its kind.
    """
    drawn_from = stretches(config.data, split)
    found = _references(config.references, config.leave_out) if split == "train" else []
    return Teaching(drawn_from, found)


def _references(folder: Path | None, leave_out: str) -> list[ReferenceStrips]:
    if folder is None:
        return []
    found = sorted(path.with_suffix("") for path in folder.glob("*.atr"))
    if not found:
        message = f"{folder} has no record with a reference (.atr) to train on"
        raise FileNotFoundError(message)
    if leave_out and leave_out not in {path.name for path in found}:
        message = f"{folder} has no record {leave_out} that could be left out"
        raise FileNotFoundError(message)
    return [reference_strips(p, REFERENCE_STEP_S) for p in found if p.name != leave_out]


def draw(drawn_from: Teaching, config: TrainAnnotatorConfig, stage: Stage, step: int) -> Lesson:
    """Draw what a step learns from, by its number alone.

    References teach from infilling on, so that a training without one of them repeats no more than
    that. Every other step of reasoning has traces before its answers.
    """
    rng = np.random.default_rng([config.seed, STAGES.index(stage), step])
    drawn = drawn_from.draw(
        config.batch,
        rng,
        referenced=stage in REFERENCED,
        uncalibrated=uncalibrated(stage, config.kind),
    )
    made = lesson(drawn, stage, rng, config.kind)
    return traced(made, drawn) if stage == "3b" and step % 2 == 0 else made


def uncalibrated(stage: Stage, kind: LooksAt) -> float:
    """Give the share of windows whose ABP has no unit: where a prompt can say so."""
    return UNCALIBRATED if stage != "0" and kind == "signal" else 0.0


def lesson(
    drawn: Lessons, stage: Stage, rng: np.random.Generator, kind: LooksAt = "signal"
) -> Lesson:
    """Make tokens of lessons, some of them given; of images their strips are drawn.

    Notes have as many slots as words, and from infilling on mostly more; heads have all slots.
    """
    answers = torch.tensor([answer_of(said(annotation)) for annotation in drawn.truth])
    room = words_in_notes(answers)
    if stage == "0":
        room = torch.full_like(room, NOTE_WORDS)
    elif stage in ("3a", "3b"):
        more = torch.from_numpy(rng.integers(room.numpy(), NOTE_WORDS + 1))
        room = torch.where(torch.from_numpy(rng.random(len(room)) < SPANNED), more, room)
    told = given(drawn, rng)
    calibrated = torch.from_numpy(drawn.calibrated)
    if kind == "image":
        # Drawn last, so that images teach what signals of the same seed do.
        views = image_views(torch.from_numpy(draw_strips(drawn.signals, rng)))
        return lesson_of(views, prompt_of(calibrated), answers, told, room)
    # Heads have no prompt.
    found = [] if stage == "0" else readings(drawn)
    read = torch.tensor([reading_of(annotation) for annotation in found]) if found else None
    views = signal_views(torch.from_numpy(drawn.signals), calibrated)
    return lesson_of(views, prompt_of(calibrated, read), answers, told, room)


def given(drawn: Lessons, rng: np.random.Generator) -> Tensor:
    """Say (B, A) what is given: what a pipeline gives, in some any slots, in some nothing.

    That a pressure is imputed can't be seen: it is always given.
    """
    n = len(drawn.truth)
    told = torch.zeros(n, len(slots()), dtype=torch.bool)
    for i, known in enumerate(drawn.given):
        for slot in known:
            told[i, AT[slot.removeprefix("pressure_")]] = True
    imputed = [known["pressure_source"] == "imputed" for known in drawn.given]
    kind = rng.random(n)
    any_slot = torch.from_numpy(rng.random(told.shape) < PARTIAL) & slots()
    partly = torch.from_numpy(kind < PARTIAL)[:, None]
    blind = torch.from_numpy((kind > 1 - BLIND) & ~np.array(imputed))[:, None]
    return (told | (any_slot & partly)) & ~blind


def traced(made: Lesson, drawn: Lessons) -> Lesson:
    """Put traces before the answers that they lead to; the other strips are left out.

    Where none is right all are kept as they were.
    """
    traces = right_traces(drawn.signals, drawn.truth)
    kept = [i for i, trace in enumerate(traces) if trace is not None]
    if not kept:
        return made
    tokens = torch.tensor([tokens_of_trace(trace) for trace in traces if trace is not None])
    maskable = trace_slots().expand(len(kept), -1)
    return Lesson(
        made.views[kept],
        made.prompt[kept],
        torch.cat([tokens, made.answer[kept]], dim=1),
        torch.cat([maskable, made.maskable[kept]], dim=1),
    )
