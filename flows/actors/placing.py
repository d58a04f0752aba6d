"""On which nodes of a cluster actors are placed."""

from typing import Any

import ray


def strategy(gpus_per_actor: float) -> str:
    """Name Ray's strategy for actors that each take so much of a GPU.

    Ray spreads actors evenly by SPREAD, whatever a node has. By DEFAULT it leaves nodes with GPUs
    for last where an actor wants none, and packs the others: that is for clusters of both kinds.
    """
    return "DEFAULT" if not gpus_per_actor and _is_mixed() else "SPREAD"


def _is_mixed() -> bool:
    """Whether some nodes have a GPU, and some that could do other work have none."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    there = [node["Resources"] for node in nodes if node["Alive"]]
    with_gpu = [bool(resources.get("GPU")) for resources in there if resources.get("CPU")]
    return any(with_gpu) and not all(with_gpu)
