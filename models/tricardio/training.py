"""A training of TriCardio."""

from functools import partial

from models.together import ALONE, Together
from models.training import Plan, Trainer
from models.tricardio.architecture import Sizes
from models.tricardio.examples import Examples
from models.tricardio.losses import losses
from models.tricardio.network import TriCardio


def tricardio_trainer(
    sizes: Sizes, plan: Plan, device: str = "cpu", together: Together = ALONE
) -> Trainer[TriCardio, Examples]:
    """Begin a training, by weights that follow from the plan's seed."""
    return Trainer(partial(TriCardio, sizes), losses, plan, device, together)
