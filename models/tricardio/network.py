"""The encoder and the flow, together."""

from torch import nn

from models.tricardio.architecture import Sizes
from models.tricardio.encoder import Encoder
from models.tricardio.flow import Flow


class TriCardio(nn.Module):
    """Mean and spread of all modalities in one pass; samples of one by a flow of few steps."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.encoder = Encoder(sizes)
        self.flow = Flow(sizes)
