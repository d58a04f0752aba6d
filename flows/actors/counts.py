"""How the items of a step fare: those that are to come, in hand, done and given up."""

from pydantic import BaseModel, ConfigDict


class ItemCounts(BaseModel):
    """Records or shards of one step, by what has become of them; ``retried`` counts attempts."""

    model_config = ConfigDict(extra="forbid")

    planned: int = 0
    in_hand: int = 0
    done: int = 0
    retried: int = 0
    quarantined: int = 0

    @property
    def waiting(self) -> int:
        """How many are planned and not handed out."""
        return max(self.planned - self.in_hand - self.done - self.quarantined, 0)
