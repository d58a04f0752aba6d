"""An annotation as an answer: fixed words with slots between them, and what these may say.

The answer has the template's form whatever fills it, so nothing has to be parsed. ``[S]`` is a slot
of the note that no word is needed for, and ``[FIM]`` its end.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations
from typing import Final

from models.lavida.grammar import Chain, Grammar, State
from models.lavida.words import (
    END,
    FILLED,
    KEYS,
    SHORTER,
    STEPS,
    TOKEN,
    WORDS,
)
from schemas.annotation import (
    ARTEFACTS,
    BANDS,
    MOST_PHRASES,
    NOTE_WORDS,
    OF_A_LINE,
    PHRASES,
    QUALITIES,
    RATES,
    RHYTHMS,
    SHOWN,
    SOURCES,
    UNKNOWN,
    goes,
    note_of,
    rate_fits,
    seconds_of,
    source_fits,
    step_of,
)
from schemas.modality import MODALITIES, Modality
from schemas.template import Annotation, Evidence, Pressure, Signal

_SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "rhythm": ("rhythm",),
    "heart_rate": ("hundreds", "tens", "units"),
    "ecg": ("ecg_quality", "ecg_artefact"),
    "ppg": ("ppg_quality", "ppg_artefact"),
    "abp": ("abp_quality", "abp_artefact"),
    "pressure": ("band", "source"),
    "evidence": ("signal", "from", "to"),
    "note": tuple(f"note_{i}" for i in range(NOTE_WORDS)),
}
"""Slots behind each key of the template."""

NOTE: Final = _SLOTS["note"]
"""Slots of the note."""

SLOT_NAMES: Final = tuple(slot for key in KEYS for slot in _SLOTS[key])
"""In the order of the answer."""

_LAID: Final = (*(part for key in KEYS for part in (key, *_SLOTS[key])), FILLED, END)
LENGTH: Final = len(_LAID)
"""Tokens of an answer."""

AT: Final = {slot: _LAID.index(slot, _LAID.index(key) + 1) for key in KEYS for slot in _SLOTS[key]}
"""Position of each slot."""

FIXED: Final = {i: TOKEN[part] for i, part in enumerate(_LAID) if i not in AT.values()}
"""Token of each position that is no slot."""

Words = Mapping[str, str]
"""What is said in slots, by their names."""


def answer_of(words: Words) -> list[int]:
    """Give the tokens of an answer, -1 in the slots that nothing is said of."""
    answer = [FIXED.get(i, -1) for i in range(LENGTH)]
    for slot, word in words.items():
        answer[AT[slot]] = TOKEN[word]
    return answer


def words_of(answer: Iterable[int]) -> dict[str, str]:
    """Give what a whole answer says in its slots."""
    tokens = list(answer)
    return {slot: WORDS[tokens[at]] for slot, at in AT.items()}


def said(annotation: Annotation) -> dict[str, str]:
    """Say an annotation in its slots."""
    words = {"rhythm": annotation.rhythm, **_rate(annotation.heart_rate)}
    for m in MODALITIES:
        words |= {
            f"{m}_quality": annotation.signal(m).quality,
            f"{m}_artefact": annotation.signal(m).artefact,
        }
    pressure, evidence = annotation.pressure, annotation.evidence
    words |= {"band": pressure.band, "source": pressure.source, "signal": evidence.signal}
    words |= {"from": _step(evidence.from_s), "to": _step(evidence.to_s)}
    return words | _note(annotation.note)


def reading_of(annotation: Annotation) -> list[int]:
    """Give the tokens of what an analyser has read, slot by slot, for a prompt."""
    words = said(annotation)
    return [TOKEN[words[slot]] for slot in SLOT_NAMES]


def annotation_of(words: Words) -> Annotation:
    """Fill the template with what is said in all slots.

    Raises:
        ValueError: where that does not go together, which no answer of the grammar does.
    """
    number = "".join(words[slot] for slot in _SLOTS["heart_rate"])
    note = [words[slot] for slot in _SLOTS["note"] if words[slot] != SHORTER]
    return Annotation(
        rhythm=words["rhythm"],
        heart_rate=int(number) if number.isdigit() else UNKNOWN,
        pressure=Pressure(band=words["band"], source=words["source"]),
        evidence=Evidence(
            signal=words["signal"],
            from_s=_seconds(words["from"]),
            to_s=_seconds(words["to"]),
        ),
        note=" ".join(note),
        **{m: _signal(words, m) for m in MODALITIES},
    )


@cache
def grammar(room: int = NOTE_WORDS) -> Grammar:
    """Give all that an annotation may say whose note has ``room`` slots."""
    end = AT[NOTE[0]] + room
    fixed = {at: token for at, token in FIXED.items() if at < end}
    fixed |= {end: TOKEN[FILLED]} | dict.fromkeys(range(end + 1, LENGTH), TOKEN[END])
    words = [Chain.of_words(at, [token]) for at, token in fixed.items()]
    return Grammar(LENGTH, len(WORDS), [*words, _rates(), _signals(), _notes(room)])


def _rates() -> Chain:
    """Rhythms and the rates that they can have."""
    answers: list[list[str]] = []
    for rhythm in RHYTHMS:
        fit = [rate for rate in range(RATES[0], RATES[1] + 1) if rate_fits(rhythm, rate)]
        answers += [[rhythm, *f"{rate:03d}"] for rate in fit]
        answers.append([rhythm, UNKNOWN, UNKNOWN, UNKNOWN])
    positions = [AT[slot] for slot in ("rhythm", *_SLOTS["heart_rate"])]
    return Chain.of_answers(positions, ([TOKEN[word] for word in a] for a in answers))


def _notes(room: int) -> Chain:
    """Notes of phrases in their order that have room, filled up."""
    sizes = range(MOST_PHRASES + 1)
    numbers = (list(c) for n in sizes for c in combinations(range(len(PHRASES)), n))
    notes = [list(_note(note_of(some)).values()) for some in numbers]
    short = [note[:room] for note in notes if set(note[room:]) <= {SHORTER}]
    positions = [AT[slot] for slot in NOTE[:room]]
    return Chain.of_answers(positions, ([TOKEN[word] for word in note] for note in short))


def _signals() -> Chain:
    """Qualities and artefacts, and what of pressure and evidence goes with them."""
    slots = [slot for m in MODALITIES for slot in _SLOTS[m]]
    # The source comes before the band that hangs on it.
    slots += ["source", "band", *_SLOTS["evidence"]]
    choice = {
        **{f"{m}_quality": QUALITIES for m in MODALITIES},
        **{
            f"{m}_artefact": [a for a in ARTEFACTS if m == "abp" or a not in OF_A_LINE]
            for m in MODALITIES
        },
        "source": SOURCES,
        "band": BANDS,
        "signal": SHOWN,
        "from": (*STEPS, UNKNOWN),
        "to": (*STEPS, UNKNOWN),
    }

    def walk(i: int, state: State, token: int) -> State | None:
        return _goes_on(slots[i], state, WORDS[token])

    words = [[TOKEN[word] for word in choice[slot]] for slot in slots]
    return Chain.of_walk([AT[slot] for slot in slots], words, walk, (frozenset(), UNKNOWN))


def _goes_on(slot: str, state: State, word: str) -> State | None:
    """Tell how a walk over signals goes on; its state is which are absent, and the last word."""
    absent, last = state
    modality, _, part = slot.partition("_")
    if part == "quality":
        return (absent | {modality} if word == "absent" else absent, word)
    if part == "artefact":
        # Of ABP the quality is still needed: its pressure hangs on it.
        return (absent, last) if goes(last, word) else None
    if slot == "source":
        return (absent, word) if source_fits(last, word) else None
    if slot == "band":
        return (absent, word) if last != "none" or word == UNKNOWN else None
    if slot == "signal":
        return None if word in absent else (frozenset(), word)
    if slot == "from":
        return (absent, word) if (last == UNKNOWN) == (word == UNKNOWN) else None
    if UNKNOWN in (last, word):
        return (absent, word) if last == word else None
    return (absent, word) if STEPS.index(last) < STEPS.index(word) else None


def _rate(rate: int | str) -> dict[str, str]:
    digits = f"{rate:03d}" if isinstance(rate, int) else [UNKNOWN] * 3
    return dict(zip(_SLOTS["heart_rate"], digits, strict=True))


def _note(note: str) -> dict[str, str]:
    words = note.split(" ")
    return dict(zip(_SLOTS["note"], [*words, *[SHORTER] * (NOTE_WORDS - len(words))], strict=True))


def _signal(words: Words, modality: Modality) -> Signal:
    return Signal(
        quality=words[f"{modality}_quality"],
        artefact=words[f"{modality}_artefact"],
    )


def _step(seconds: float | str) -> str:
    return UNKNOWN if isinstance(seconds, str) else STEPS[step_of(seconds)]


def _seconds(word: str) -> float | str:
    return UNKNOWN if word == UNKNOWN else seconds_of(STEPS.index(word))
