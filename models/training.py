"""Training by steps that follow from their number alone, so that one can be stopped and go on.

What a step draws is seeded by the run's seed, the step's number and the rank of the process: a
training that was killed and resumed from its state gives, on the CPU, the weights of one that was
not.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from models.together import ALONE, Together

MOST_GRADIENT: Final = 1.0
DECAY: Final = 0.05
WARM_UP_STEPS: Final = 200
COOL_DOWN: Final = 0.4
"""Share of the steps over which the learning rate falls to 0 at the end."""

RANK_SEEDS: Final = 2**25
"""Seeds a rank; torch's generator on the CPU knows a seed by its lower 32 bits."""

Shares = Callable[[str], float]
"""Gives the share of the learning rate that a parameter has by its name; 0 freezes it."""


def alike(_: str) -> float:
    """Train all parameters at the same rate."""
    return 1.0


class Movable(Protocol):
    """What a step learns from."""

    def to(self, device: str) -> Self:
        """Give it on a device."""


Network = TypeVar("Network", bound=nn.Module)
Examples = TypeVar("Examples", bound=Movable)
Losses = Callable[[Network, Examples, torch.Generator], tuple[Tensor, dict[str, Tensor]]]
"""Gives what is minimised, and what is told beside it, of a network on the examples of a step."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Attributes:
        steps: of the whole training.
        rate: the highest learning rate, by the root mean square of AdamW's updates.
        average: decay of the moving average of the weights, which is what is kept.
        seed: of weights and noise.
    """

    steps: int
    rate: float = 2e-3
    average: float = 0.999
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Rise over the first steps, hold, and fall linearly at the end."""
        left = (self.steps - step) / max(COOL_DOWN * self.steps, 1)
        return self.rate * min(1.0, (step + 1) / WARM_UP_STEPS, left)

    def average_at(self, step: int) -> float:
        """Begin with a short memory, so that the first weights are soon forgotten."""
        return min(self.average, (1 + step) / (10 + step))


class Trainer(Generic[Network, Examples]):
    """A network, the moving average of its weights, its optimiser, and the step they are at.

    Trainers that train together begin with the same weights and keep them the same: each step is
    taken by the gradient's mean over all of them.
    """

    def __init__(
        self,
        build: Callable[[], Network],
        losses: Losses[Network, Examples],
        plan: Plan,
        device: str = "cpu",
        together: Together = ALONE,
        shares: Shares = alike,
    ) -> None:
        torch.manual_seed(plan.seed)
        self.together = together
        self.plan = plan
        self.device = device
        self.step = 0
        self.network = build().to(device)
        self._losses = losses
        self.averaged = copy.deepcopy(self.network).requires_grad_(requires_grad=False)
        self.optimiser = torch.optim.AdamW(
            _groups(self.network, shares), lr=plan.rate, betas=(0.9, 0.95), fused=True
        )

    def advance(self, draw: Callable[[int], Examples]) -> dict[str, Tensor]:
        """Take one step by the examples of its number; give what ``losses`` tells of it.

        What is told is the mean over all that train together.

        Raises:
            FloatingPointError: where the loss of any is no longer finite.
        """
        seed = self.plan.seed * 1_000_003 + self.together.rank * RANK_SEEDS + self.step
        generator = torch.Generator().manual_seed(seed)
        half = torch.bfloat16 if self.device != "cpu" else torch.float32
        with torch.autocast(self.device, half, enabled=half == torch.bfloat16):
            loss, told = self._losses(self.network, draw(self.step).to(self.device), generator)
        loss.backward()  # type: ignore[no-untyped-call]
        told = self.together.average(self.network, told | {"loss": loss.detach()})
        if not told["loss"].isfinite():
            message = f"the loss at step {self.step} is {told['loss'].item()}"
            raise FloatingPointError(message)
        nn.utils.clip_grad_norm_(self.network.parameters(), MOST_GRADIENT)
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate_at(self.step) * group["share"]
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        keep = self.plan.average_at(self.step)
        with torch.no_grad():
            for mean, now in zip(
                self.averaged.parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(now, 1 - keep)
        self.step += 1
        return told

    def save(self, path: Path) -> None:
        """Write all that the next step needs; what was there is replaced, or left whole."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        for i, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser.{i}.{name}": torch.as_tensor(value) for name, value in moments.items()
            }
        beside = path.with_name(path.name + ".part")
        contiguous = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        safetensors.torch.save_file(contiguous, beside, {"step": str(self.step)})
        beside.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote.

        Raises:
            ValueError: where it is of another network.
        """
        with safetensors.safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            step = int(file.metadata()["step"])
        try:
            self.network.load_state_dict(_below("network.", tensors))
            self.averaged.load_state_dict(_below("averaged.", tensors))
        except RuntimeError as error:
            message = f"{path} is the state of a training of another size"
            raise ValueError(message) from error
        state: dict[int, dict[str, Any]] = {}
        for key, value in _below("optimiser.", tensors).items():
            i, name = key.split(".", 1)
            state.setdefault(int(i), {})[name] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
        self.step = step


def _groups(network: nn.Module, shares: Shares) -> list[dict[str, Any]]:
    """Let the matrices of the layers decay, and nothing else; freeze what has no share."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        share = shares(name)
        parameter.requires_grad_(share > 0)
        decay = DECAY if ".layers." in name and parameter.ndim == 2 else 0.0
        if share > 0:
            groups.setdefault((share, decay), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "share": share}
        for (share, decay), parameters in sorted(groups.items(), key=lambda item: item[0])[::-1]
    ]


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
