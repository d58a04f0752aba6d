"""What an answer may be: automata over its slots, and the best or a likely answer among them.

Shapes: B rows, A tokens of an answer, V words, C chains, L steps of the longest chain, E edges.

A chain is a small automaton that walks some positions of the answer, in an order of its own, one
edge a position; slots that depend on each other lie on one chain. What the walks of all chains say
is a whole answer, so that whatever is chosen along them parses (as DINGO, arXiv 2505.23061, does
for regular languages). Max-product gives the best walk that agrees with what is committed;
sum-product how likely each word is at each position among all such walks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

State = Any
"""What decides how a walk may go on; it can be hashed."""

Edge = tuple[int, int, int]
"""From a state of one step, by a word, to a state of the next."""


Walk = Callable[[int, State, int], State | None]
"""Gives the state after a step's word, None where the word can't be said in that state."""


@dataclass(frozen=True)
class Chain:
    """Positions in the order of a walk, and the edges of each step; it begins in state 0.

    It is minimal: no edge leads nowhere, and states of one step with the same futures are one.
    """

    positions: tuple[int, ...]
    steps: tuple[tuple[Edge, ...], ...]

    @classmethod
    def of_words(cls, position: int, words: Iterable[int]) -> Self:
        """Allow any of some words at one position."""
        return cls.of_answers((position,), [(word,) for word in words])

    @classmethod
    def of_answers(cls, positions: Sequence[int], answers: Iterable[Sequence[int]]) -> Self:
        """Allow the answers that are listed, each a word a position."""
        listed = {tuple(answer) for answer in answers}
        begun = {answer[: i + 1] for answer in listed for i in range(len(answer))}
        words = [sorted({answer[i] for answer in listed}) for i in range(len(positions))]

        def walk(_: int, state: State, word: int) -> State | None:
            said = (*state, word)
            return said if said in begun else None

        return cls.of_walk(positions, words, walk, ())

    @classmethod
    def of_walk(
        cls, positions: Sequence[int], words: Sequence[Iterable[int]], walk: Walk, begin: State
    ) -> Self:
        """Allow what ``walk`` allows of the ``words`` at each position, from the state ``begin``.

        Raises:
            ValueError: where nothing is allowed.
        """
        layers: list[dict[State, dict[int, State]]] = []
        states = [begin]
        for i, choice in enumerate(words):
            layer: dict[State, dict[int, State]] = {}
            for state in states:
                after = {word: walk(i, state, word) for word in choice}
                layer[state] = {word: to for word, to in after.items() if to is not None}
            layers.append(layer)
            states = list(dict.fromkeys(to for after in layer.values() for to in after.values()))
        steps = _minimal(layers, states)
        if not steps[0]:
            message = f"nothing can be said at the positions {tuple(positions)}"
            raise ValueError(message)
        return cls(tuple(positions), steps)


def _minimal(
    layers: list[dict[State, dict[int, State]]], ends: list[State]
) -> tuple[tuple[Edge, ...], ...]:
    """Leave out what leads nowhere, and make states of the same futures one, from the end on."""
    number: dict[State, int] = dict.fromkeys(ends, 0)
    steps: list[tuple[Edge, ...]] = []
    for layer in reversed(layers):
        future: dict[tuple[tuple[int, int], ...], int] = {}
        merged: dict[State, int] = {}
        for state, after in layer.items():
            leads = tuple(sorted((word, number[to]) for word, to in after.items() if to in number))
            if leads:
                merged[state] = future.setdefault(leads, len(future))
        steps.append(tuple((n, word, to) for leads, n in future.items() for word, to in leads))
        number = merged
    return tuple(reversed(steps))


@dataclass(frozen=True)
class _Step:
    """One step of all chains that take it: edges between states, by number."""

    source: Tensor
    target: Tensor
    at: Tensor
    word: Tensor


class Grammar:
    """Chains over an answer of ``length`` tokens, walked together.

    Each position is on one chain. Chains end together, the longer begin earlier.
    """

    def __init__(self, length: int, words: int, chains: Sequence[Chain]) -> None:
        self.length = length
        self.words = words
        walked = sorted(position for chain in chains for position in chain.positions)
        if walked != list(range(length)):
            message = f"each of {length} positions must be on one chain, got {walked}"
            raise ValueError(message)
        self._depth = max(len(chain.positions) for chain in chains)
        edges: list[list[tuple[int, int, int, int]]] = [[] for _ in range(self._depth)]
        number: dict[tuple[int, int, int], int] = {}
        for c, chain in enumerate(chains):
            shift = self._depth - len(chain.positions)
            for i, (position, step) in enumerate(zip(chain.positions, chain.steps, strict=True)):
                for source, word, target in step:
                    ends = [
                        number.setdefault((c, i + k, state), len(number))
                        for k, state in enumerate((source, target))
                    ]
                    edges[i + shift].append((ends[0], ends[1], position, word))
        self._states = len(number)
        self._starts = torch.tensor([number[c, 0, 0] for c in range(len(chains))])
        self._ends = [
            torch.tensor([n for (d, i, _), n in number.items() if d == c and i == len(chain.steps)])
            for c, chain in enumerate(chains)
        ]
        self._lengths = [len(chain.positions) for chain in chains]
        self._steps = [_Step(*torch.tensor(step).T.contiguous()) for step in edges]

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device."""
        self._starts = self._starts.to(device)
        self._ends = [ends.to(device) for ends in self._ends]
        self._steps = [
            _Step(*(x.to(device) for x in (s.source, s.target, s.at, s.word))) for s in self._steps
        ]
        return self

    def allowed(self, given: Tensor) -> Tensor:
        """Say (B, A, V) which words some answer has that agrees with ``given`` (B, A), -1 unknown.

        A row that no answer agrees with has none anywhere.
        """
        uniform = given.new_zeros((*given.shape, self.words), dtype=torch.float32)
        possible = self.marginals(uniform, given) > 0
        return possible & possible.any(dim=2).all(dim=1)[:, None, None]

    def marginals(self, logits: Tensor, given: Tensor) -> Tensor:
        """Give (B, A, V) how likely each word is among the answers that agree with ``given``."""
        scores = [self._scores(step, logits, given) for step in self._steps]
        ahead = [self._begin(logits)]
        for step, score in zip(self._steps, scores, strict=True):
            ahead.append(_summed(ahead[-1], step.source, step.target, score))
        behind = self._finish(logits)
        out = logits.new_zeros((len(logits), self.length * self.words))
        for step, score, before in zip(
            reversed(self._steps), reversed(scores), reversed(ahead[:-1]), strict=True
        ):
            through = before[:, step.source] + score + behind[:, step.target]
            out.index_add_(1, step.at * self.words + step.word, _shares(through, step.at, self))
            behind = _summed(behind, step.target, step.source, score)
        return out.view(-1, self.length, self.words)

    def best(self, logits: Tensor, given: Tensor) -> Tensor:
        """Give (B, A) the answer of the largest summed log-probability that agrees with ``given``.

        Raises:
            ValueError: where none agrees, or the logits are NaN, naming the first such row.
        """
        height = self._begin(logits)
        came: list[Tensor] = []
        for step in self._steps:
            through = height[:, step.source] + self._scores(step, logits, given)
            onto = step.target.expand_as(through)
            height = height.scatter_reduce(1, onto, through, "amax")
            is_best = (through == height[:, step.target]) & (through > -torch.inf)
            index = torch.arange(through.shape[1], device=through.device)
            index = index.where(is_best, through.shape[1])
            first = torch.full_like(height, through.shape[1], dtype=torch.long)
            came.append(first.scatter_reduce(1, onto, index, "amin"))
        self._refuse_dead(height)
        return self._walked_back(height, came, given)

    def _refuse_dead(self, height: Tensor) -> None:
        reached = torch.stack([height[:, ends].amax(dim=1) for ends in self._ends], dim=1)
        dead = ~(reached > -torch.inf).all(dim=1)
        if dead.any():
            row = int(dead.nonzero()[0])
            message = f"no answer agrees with what is given in row {row}"
            if reached[row].isnan().any():
                message = f"logits must be numbers, got NaN in row {row}"
            raise ValueError(message)

    def _walked_back(self, height: Tensor, came: list[Tensor], given: Tensor) -> Tensor:
        answer = torch.full_like(given, -1)
        row = torch.arange(len(given), device=given.device)
        for ends, length in zip(self._ends, self._lengths, strict=True):
            state = ends[height[:, ends].argmax(dim=1)]
            for step, edges in list(zip(self._steps, came, strict=True))[: -length - 1 : -1]:
                edge = edges[row, state]
                answer[row, step.at[edge]] = step.word[edge]
                state = step.source[edge]
        return answer

    def _scores(self, step: _Step, logits: Tensor, given: Tensor) -> Tensor:
        """Give (B, E) the log-probability of each edge's word, -inf where another is given."""
        fixed = given[:, step.at]
        agrees = (fixed < 0) | (fixed == step.word)
        # A word that is given costs nothing: what is known of it is no evidence for a walk.
        score = torch.where(fixed < 0, logits[:, step.at, step.word], 0.0)
        return torch.where(agrees, score, -torch.inf)

    def _begin(self, logits: Tensor) -> Tensor:
        begin = logits.new_full((len(logits), self._states), -torch.inf)
        begin[:, self._starts] = 0.0
        return begin

    def _finish(self, logits: Tensor) -> Tensor:
        finish = logits.new_full((len(logits), self._states), -torch.inf)
        finish[:, torch.cat(self._ends)] = 0.0
        return finish


def _summed(height: Tensor, source: Tensor, target: Tensor, score: Tensor) -> Tensor:
    """Add in log space what flows along edges; states that no edge leads to keep their height."""
    through = height[:, source] + score
    onto = target.expand_as(through)
    top = torch.full_like(height, -torch.inf).scatter_reduce(1, onto, through, "amax")
    floor = top.clamp(min=torch.finfo(top.dtype).min)
    total = torch.zeros_like(height).scatter_add(1, onto, (through - floor[:, target]).exp())
    reached = torch.zeros(height.shape[1], dtype=torch.bool, device=height.device)
    reached[target] = True
    return torch.where(reached, floor + total.log(), height)


def _shares(through: Tensor, at: Tensor, grammar: Grammar) -> Tensor:
    """Give (B, E) the share of each edge among those of its position, 0 where none is possible."""
    n = grammar.length
    onto = at.expand_as(through)
    top = through.new_full((len(through), n), -torch.inf).scatter_reduce(1, onto, through, "amax")
    floor = top.clamp(min=torch.finfo(top.dtype).min)
    share = (through - floor[:, at]).exp()
    total = through.new_zeros((len(through), n)).scatter_add(1, onto, share)
    return share / total.clamp(min=torch.finfo(total.dtype).tiny)[:, at]
