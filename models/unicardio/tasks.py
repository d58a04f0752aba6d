"""What the network was trained to do, by name: 21 tasks over four slots (arXiv 2505.22306).

A task reads one to three condition slots and makes one target slot. A translation makes the slot of
an absent modality; a restoration, imputing or denoising alike, makes the restoration slot by the
head of the corrupted modality, whose own slot is the first of its conditions.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

from models.unicardio.architecture import MODALITY_OF_SLOT, RESTORATION
from schemas.modality import Modality


@dataclass(frozen=True)
class Task:
    """One of ``TASKS``; make it by ``translate``, ``restore`` or ``of_slots``.

    Attributes:
        conditions: condition slots, ascending.
        target: the slot that is made.
        head: the modality that comes out, by its slot: the target's own in a translation.
    """

    conditions: tuple[int, ...]
    target: int
    head: int

    @property
    def modality(self) -> Modality:
        """What comes out."""
        return MODALITY_OF_SLOT[self.head]

    @property
    def given(self) -> tuple[Modality, ...]:
        """What is read, in the order of slots, the corrupted signal of a restoration included."""
        return tuple(MODALITY_OF_SLOT[slot] for slot in self.conditions)

    def __str__(self) -> str:
        if self.target != RESTORATION:
            return f"translate({' + '.join(self.given)} → {self.modality})"
        others = [m for m in self.given if m != self.modality]
        return f"restore({self.modality}{', given ' + ' + '.join(others) if others else ''})"


def _tasks() -> tuple[Task, ...]:
    slots = range(RESTORATION)
    subsets = [c for n in (1, 2, 3) for c in combinations(slots, n)]
    translations = [Task(c, m, m) for c in subsets for m in slots if m not in c]
    return (*translations, *(Task(c, RESTORATION, m) for c in subsets for m in c))


TASKS: Final = _tasks()


def translate(given: Modality | tuple[Modality, ...], target: Modality) -> Task:
    """Name the making of an absent modality from one or two others.

    Raises:
        ValueError: listing what there is, where this was not trained.
    """
    names = (given,) if isinstance(given, str) else tuple(given)
    return _one_of_tasks(f"translate({' + '.join(names)} → {target})", names, target, None)


def restore(corrupted: Modality, given: Modality | tuple[Modality, ...] = ()) -> Task:
    """Name the imputing or denoising of a modality, alone or with one or two others.

    Raises:
        ValueError: listing what there is, where this was not trained.
    """
    names = (given,) if isinstance(given, str) else tuple(given)
    asked = f"restore({corrupted}{', given ' + ' + '.join(names) if names else ''})"
    return _one_of_tasks(asked, (corrupted, *names), corrupted, RESTORATION)


def of_slots(conditions: tuple[int, ...], target: int, head: int | None = None) -> Task:
    """Give the task of numbered slots, the head by default that of the target.

    Where the target is the restoration slot, it is by default that of the first condition.

    Raises:
        ValueError: listing what there is, where this was not trained.
    """
    default = conditions[0] if target == RESTORATION and conditions else target
    wanted = Task(tuple(sorted(conditions)), target, default if head is None else head)
    if wanted not in TASKS:
        raise ValueError(_refusal(f"slots {conditions} → {target} by head {wanted.head}"))
    return wanted


def _one_of_tasks(asked: str, names: tuple[str, ...], makes: str, target: int | None) -> Task:
    slots: dict[str, int] = {m: slot for slot, m in enumerate(MODALITY_OF_SLOT)}
    if not {*names, makes} <= slots.keys() or len(set(names)) != len(names):
        raise ValueError(_refusal(asked))
    head = slots[makes]
    wanted = Task(tuple(sorted(slots[m] for m in names)), head if target is None else target, head)
    if wanted not in TASKS:
        raise ValueError(_refusal(asked))
    return wanted


def _refusal(asked: str) -> str:
    there = "; ".join(str(task) for task in TASKS)
    return f"{asked} is none of the {len(TASKS)} trained tasks; there are: {there}"
