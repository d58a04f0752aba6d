"""What training minimises, by modality and task.

Shapes: B windows, M = 3 modalities, T = 600 samples with margins.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.tricardio.encoder import ABSENT, NOISY, TRUSTED
from models.tricardio.examples import Examples
from models.tricardio.network import TriCardio

SPREAD_WEIGHT: Final = 0.05
FLOW_WEIGHT: Final = 0.1
FARTHEST_RESIDUAL: Final = 8.0
TASK_OF_STATE: Final = {ABSENT: "translate", TRUSTED: "impute", NOISY: "denoise"}


def losses(
    network: TriCardio, examples: Examples, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give the total, and (M, 3) squared errors by state with the weights they are means over."""
    encoded = network.encoder(examples.known)
    weight, total = examples.weight, examples.weight.sum().clamp(min=1)
    error = (encoded.mean - examples.truth) * examples.ratio[..., None]
    squared = F.huber_loss(error, torch.zeros_like(error), reduction="none", delta=1.0)
    mean_loss = (weight * squared).sum() / total
    residual = ((examples.truth - encoded.mean) / encoded.spread).detach()
    residual = residual.clamp(-FARTHEST_RESIDUAL, FARTHEST_RESIDUAL)
    missed = (examples.truth - encoded.mean.detach()) / encoded.spread
    surprise = encoded.spread.log() + missed.clamp(-10, 10).square() / 2
    spread_loss = (weight * surprise).sum() / total
    flow_loss = _flow_loss(network, encoded.tokens, residual, weight, generator)
    told = _by_state(error.detach().square(), weight, examples.known.state)
    return mean_loss + SPREAD_WEIGHT * spread_loss + FLOW_WEIGHT * flow_loss, told


def _flow_loss(
    network: TriCardio, tokens: Tensor, residual: Tensor, weight: Tensor, generator: torch.Generator
) -> Tensor:
    """Match the velocity of one target a window, drawn by how much of it is to be made.

    What is drawn is drawn on the CPU, and so is the same on every device.
    """
    device, amount = weight.device, weight.sum(dim=2) + 1e-6
    target = torch.multinomial(amount.cpu(), 1, generator=generator)[:, 0].to(device)
    row = torch.arange(len(target), device=device)
    truth, weight = residual[row, target], weight[row, target]
    noise = torch.randn(truth.shape, generator=generator).to(device)
    tau = torch.randn(len(truth), generator=generator).mul(1.2).sigmoid().to(device)
    r = torch.lerp(truth, noise, tau[:, None])
    velocity = network.flow(r, tau, network.flow.context(tokens, target))
    missed = (velocity - (noise - truth)).square()
    loss: Tensor = (weight * missed).sum() / weight.sum().clamp(min=1)
    return loss


def _by_state(squared: Tensor, weight: Tensor, state: Tensor) -> dict[str, Tensor]:
    made = weight == 1
    total = torch.zeros(state.shape[1], 3, device=squared.device)
    count = torch.zeros_like(total)
    for which in TASK_OF_STATE:
        rows = (state == which)[..., None] & made
        total[:, which] = (squared * rows).sum(dim=(0, 2))
        count[:, which] = rows.sum(dim=(0, 2))
    return {"squared": total, "count": count}
