"""What the commands on a lake that is there have in common."""

from flows.config import LakeConfig, PlaceConfig
from ops.lake import Lake
from ops.lake.lost import telling_lost


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


def see_lake(config: LakeConfig) -> None:
    """See that there is a lake, and in it the dataset if one is named.

    Raises:
        ValueError: where there is none.
    """
    lake = lake_there(config)
    with telling_lost(lake.location):
        datasets_of(lake, config.dataset)


def datasets_of(lake: Lake, dataset: str) -> list[str]:
    """Name the dataset that is meant, or all that are there where none is named.

    Raises:
        ValueError: where the lake has no such dataset.
    """
    there = lake.scan("records").select("dataset").unique().collect()["dataset"].sort().to_list()
    if dataset and dataset not in there:
        known = ", ".join(there) or "none"
        message = f"dataset {dataset} is not in {lake.url}; there are: {known}"
        raise ValueError(message)
    return [dataset] if dataset else there
