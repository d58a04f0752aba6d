"""Ways to annotate a strip: rules, linear heads, a decoder in order, and diffusion by its dial.

Shapes: N windows, M = 3 modalities, T = 500 samples, A tokens of an answer.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_steps import HEADS, IN_ORDER, averaged
from flows.train_folder import CONFIG
from models.lavida.answer import AT, LENGTH, annotation_of, answer_of, grammar, reading_of, words_of
from models.lavida.autoregressive import fill_in_order
from models.lavida.heads import Heads
from models.lavida.network import LaViDa
from models.lavida.reasoning import fill_with_reason
from models.lavida.sampling import Dial, Filled, Logits, fill
from models.lavida.stages import STAGES
from models.lavida.views import prompt_of, signal_views
from models.lavida.words import MASK, TOKEN, WORDS
from ops.strip.lessons import by_modality, units_known
from ops.strip.rules import read_by_rules
from ops.strip.score import Said, said_of
from schemas.annotation import RATES, UNKNOWN, seconds_of
from schemas.restoration import F32
from schemas.template import Annotation

SHIFTS: Final[dict[str, float]] = {"1/3": 1 / 3, "1": 1.0, "3": 3.0}
STEPS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 32)
MOST_SURE: Final = 0.9


@dataclass(frozen=True)
class Way:
    """How ``say`` tells of (N, M, T) signals, N at most ``ROWS``; ``steps`` are passes at most."""

    name: str
    steps: float
    say: Callable[[F32], list[Said]]


@dataclass(frozen=True)
class Trained:
    """What a training has left: the annotator and its peers."""

    network: LaViDa
    in_order: LaViDa
    heads: Heads
    reasoning: LaViDa | None


def trained(out: Path, device: str) -> Trained:
    """Read the last states of a training with its peers.

    Raises:
        FileNotFoundError: where one is not there.
    """
    sizes, reasoning = config_of(out).sizes, out / "3b.safetensors"
    return Trained(
        annotator_of(out, device),
        _filled(out / f"{IN_ORDER}.safetensors", LaViDa(sizes)).to(device),
        _filled(out / f"{HEADS}.safetensors", Heads(sizes)).to(device),
        _filled(reasoning, LaViDa(sizes)).to(device) if reasoning.is_file() else None,
    )


def annotator_of(out: Path, device: str) -> LaViDa:
    """Read the network of the last stage that a training has been through.

    Raises:
        FileNotFoundError: where there is none.
    """
    config = config_of(out)
    for stage in reversed(STAGES):
        state = out / f"{stage}.safetensors"
        if stage != "0" and config.steps_of(stage) and state.is_file():
            network: LaViDa = _filled(state, LaViDa(config.sizes)).to(device)
            return network
    message = f"{out} holds no training of an annotator"
    raise FileNotFoundError(message)


def config_of(out: Path) -> TrainAnnotatorConfig:
    """Read what a training was told."""
    told = json.loads((out / CONFIG).read_text(encoding="utf-8"))
    return TrainAnnotatorConfig(**told, out=out)


def _filled(state: Path, network: Any) -> Any:
    """Take the weights to half precision, in which a checkpoint holds them."""
    network.load_state_dict(averaged(state))
    return network.half().float().eval()


def ways(of: Trained, device: str) -> Iterator[Way]:
    """List them all."""
    yield Way("rules", 0, by_rules)
    yield Way("linear heads", 1, lambda x: _by_heads(of.heads, x, device))
    yield Way("in order (autoregressive)", 24, lambda x: _in_order(of.in_order, x, device))
    for name, shift in SHIFTS.items():
        for steps in STEPS:
            yield diffusion(f"diffusion, alpha {name}", of.network, Dial(steps, shift), device)
    sure = Dial(1, threshold=MOST_SURE)
    yield diffusion(f"diffusion, all above {MOST_SURE}", of.network, sure, device)
    if reasoning := of.reasoning:
        yield Way("diffusion, with a trace first", 16, lambda x: _reasoned(reasoning, x, device))


def diffusion(name: str, network: LaViDa, dial: Dial, device: str) -> Way:
    """Fill answers by the dial."""

    def say(signals: F32) -> list[Said]:
        return said_by(by_diffusion(network, seen(signals, device), dial))

    most = len(AT) if dial.threshold is not None else min(dial.steps, len(AT))
    return Way(name, most, say)


Seen = tuple[Tensor, Tensor, Tensor]
"""Views, prompts, and answers of which nothing is given."""


@torch.inference_mode()
def by_diffusion(network: LaViDa, looked_at: Seen, dial: Dial) -> Filled:
    """Fill answers behind a cached prefix."""
    views, prompt, given = looked_at
    cache = network.prefill(views, prompt)
    return _filled_by(lambda answer: network.logits(answer, cache), given, dial)


@torch.inference_mode()
def without_cache(network: LaViDa, looked_at: Seen, dial: Dial) -> Filled:
    """Fill answers with the prefix read anew in each step; views are encoded once.

    The prefix then sees the answer, as it may where nothing is cached.
    """
    views, prompt, given = looked_at
    prefix = network.prefix(views, prompt)
    return _filled_by(lambda answer: network.logits_by_full_attention(answer, prefix), given, dial)


def _filled_by(logits: Logits, given: Tensor, dial: Dial) -> Filled:
    return fill(logits, grammar().to(given.device), given, TOKEN[MASK], dial)


def seen(signals: F32, device: str) -> Seen:
    """Look at windows, and let the rules read them."""
    x = torch.from_numpy(signals).to(device)
    calibrated = torch.ones(len(x), dtype=torch.bool, device=device)
    given = torch.tensor([answer_of({})] * len(x), device=device)
    read = torch.tensor([reading_of(found) for found in _found(signals)], device=device)
    return signal_views(x, calibrated), prompt_of(calibrated, read), given


def by_rules(signals: F32) -> list[Said]:
    """Say what rules find in what is there."""
    return [said_of(annotation) for annotation in _found(signals)]


def _found(signals: F32) -> list[Annotation]:
    return read_by_rules(by_modality(signals), units_known(np.ones(len(signals), np.bool_)))


@torch.inference_mode()
def _by_heads(heads: nn.Module, signals: F32, device: str) -> list[Said]:
    """Take each slot's best word; they may not go together, so they are read as they are."""
    x = torch.from_numpy(signals).to(device)
    views = signal_views(x, torch.ones(len(x), dtype=torch.bool, device=device))
    tokens = heads(views).argmax(dim=2)
    return [_loosely_said(words_of(row)) for row in tokens.tolist()]


@torch.inference_mode()
def _in_order(network: LaViDa, signals: F32, device: str) -> list[Said]:
    views, prompt, given = seen(signals, device)
    return said_by(fill_in_order(network, network.prefill(views, prompt), grammar(), given))


@torch.inference_mode()
def _reasoned(network: LaViDa, signals: F32, device: str) -> list[Said]:
    views, prompt, given = seen(signals, device)
    none = torch.zeros(*given.shape, len(WORDS), dtype=torch.bool, device=device)
    filled, _ = fill_with_reason(network, network.prefill(views, prompt), given, none, Dial(8))
    return said_by(filled)


def said_by(filled: Filled) -> list[Said]:
    """Read whole answers."""
    return [said_of(annotation_of(words_of(row))) for row in filled.answer.tolist()]


def _loosely_said(words: dict[str, str]) -> Said:
    """Read words of which nobody has seen to it that they go together."""
    number = "".join(words[digit] for digit in ("hundreds", "tens", "units"))
    rate = int(number) if number.isdigit() and RATES[0] <= int(number) <= RATES[1] else None
    unknown = {words[digit] for digit in ("hundreds", "tens", "units")} == {UNKNOWN}
    span = [words["from"], words["to"]]
    told = [s if s == UNKNOWN else seconds_of(int(s.removeprefix("@"))) for s in span]
    note = [words[f"note_{i}"] for i in range(LENGTH) if f"note_{i}" in words]
    return {
        **{slot: words[slot] for slot in words if slot.endswith(("_quality", "_artefact"))},
        "rhythm": words["rhythm"],
        "heart_rate": UNKNOWN if unknown else rate,
        "pressure_band": words["band"],
        "pressure_source": words["source"],
        "evidence": (words["signal"], *told),
        "note": " ".join(word for word in note if word != "[S]"),
    }
