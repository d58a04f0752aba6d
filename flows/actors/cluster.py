"""A Ray cluster to work on: the one that is given, or one of this machine's own."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import ray

from flows.actors.reached import reached
from flows.actors.travelling import travelling_code

logger = logging.getLogger(__name__)


@contextmanager
def cluster(address: str | None, workers: int, *, gpus_per_worker: float = 0.0) -> Iterator[None]:
    """Connect for the length of the block; nothing to do where 0 workers are asked for.

    A cluster of this machine's own listens on loopback only and leaves with the block. Where one is
    connected already, it is used and kept.

    Raises:
        ConnectionError: where the cluster that is given does not answer, or refuses the token.
        ValueError: where workers want a GPU of this machine and it has none; Ray would wait.
    """
    if gpus_per_worker and not address:
        _see_gpu(gpus_per_worker)
    if workers == 0 or ray.is_initialized():
        yield
        return
    if not address:
        # Ray would keep the token of a cluster in the home directory, which may not be writable.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with ExitStack() as there:
        runtime: dict[str, object] = {"env_vars": _environment()}
        if address:
            there.enter_context(reached(address))
            runtime["working_dir"] = there.enter_context(travelling_code())
        ray.init(
            address=address or "local",
            num_cpus=None if address else max(workers, os.cpu_count() or 1),
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env=runtime,
        )
    if address and os.environ.get("RAY_AUTH_MODE") != "token":
        logger.warning(
            "the Ray cluster at %s asks for no token: whoever reaches it runs code", address
        )
    try:
        yield
    finally:
        ray.shutdown()


def _see_gpu(wanted: float) -> None:
    import torch  # seconds, for those alone who ask for a GPU

    if torch.cuda.device_count() < wanted:
        message = (
            f"a worker is to take {wanted:g} GPUs, and this machine has "
            f"{torch.cuda.device_count()}: leave gpus_per_actor at 0, or give a Ray cluster"
        )
        raise ValueError(message)


def _environment() -> dict[str, str]:
    """One thread an actor, so that actors don't fight for cores; credentials are the node's own."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
    return {**dict.fromkeys(threads, "1"), "RAY_USAGE_STATS_ENABLED": "0"}
