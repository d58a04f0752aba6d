"""What the commands that look after a lake have in common."""

from flows.config import PlaceConfig
from ops.lake import Lake


def lake_there(config: PlaceConfig) -> Lake:
    """Open a lake that is there.

    Raises:
        ValueError: where there is none.
    """
    lake = Lake(config.lake)
    if all(lake.open(table) is None for table in ("records", "runs")):
        message = f"there is no lake at {config.lake}"
        raise ValueError(message)
    return lake
