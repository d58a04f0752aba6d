"""A driver of a Ray cluster, as a process of its own: Ray reads its token once a process.

``python -m tests.flows.driving ADDRESS CHECKPOINT LAKE`` prints what it saw as one JSON object.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

import flows
from flows.actors.cluster import cluster
from flows.actors.filler import Filler
from flows.actors.pool import Pool
from flows.backfill_plan import filling
from flows.config import BackfillConfig
from ops.lake import Lake


class Teller:
    """Tells where it works, and by which code."""

    def work(self, item: int) -> tuple[str, str]:
        import ray

        time.sleep(0.05)
        return ray.get_runtime_context().get_node_id(), str(flows.__file__)


def told(gpus_per_actor: float) -> list[tuple[str, str]]:
    """Give the nodes at which actors came up, each with the file of its code."""
    with Pool(Teller, actors=2, gpus_per_actor=gpus_per_actor) as pool:
        return sorted({done.result for done in pool.work_through(range(40))})


def refusal(checkpoint: Path, lake: str) -> str:
    """Change a checkpoint once the run is planned; say how an actor refuses it."""
    config = BackfillConfig(lake=lake, checkpoint=str(checkpoint), workers=1)
    spec = filling(Lake(lake), config).spec
    weights = bytearray(checkpoint.read_bytes())
    weights[-1] ^= 1
    checkpoint.write_bytes(weights)
    with Pool(partial(Filler, config, "run", spec), actors=1, attempts=1) as pool:
        try:
            list(pool.work_through(["a shard"]))
        except ValueError as error:
            return str(error)
    return ""


def main(address: str, checkpoint: str, lake: str) -> None:
    with cluster(address, 2):
        import ray

        nodes = {bool(n["Resources"].get("GPU")): n["NodeID"] for n in ray.nodes()}
        seen = {
            "with_gpu": nodes[True],
            "without": nodes[False],
            "readers": told(0),
            "fillers": told(1),
            "refusal": refusal(Path(checkpoint), lake),
        }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
