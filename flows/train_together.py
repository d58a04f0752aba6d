"""A training by several processes: each draws its share of the batch, on a GPU of its own."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import torch
from ray.train import RunConfig, ScalingConfig, WorkerGroupError, get_context
from ray.train.torch import TorchTrainer

from flows.actors.cluster import cluster
from flows.train_config import TrainConfig
from flows.train_steps import go_on
from models.together import Together


def go_on_together(config: TrainConfig) -> None:
    """Train by as many processes as there are workers, to the last step.

    Raises:
        ValueError: where the workers want more GPUs than this machine has; Ray would wait.
        FloatingPointError: where the loss is no longer finite.
        OSError: where the set can't be read, or ``out`` not be written.
        RuntimeError: where a worker died.
    """
    on_gpus = config.device == "cuda"
    if on_gpus and torch.cuda.device_count() < config.workers:
        message = (
            f"{config.workers} workers are to take a GPU each, and this machine has "
            f"{torch.cuda.device_count()}"
        )
        raise ValueError(message)
    # Ray Train keeps its own notes in the home directory unless told where; none is needed later.
    with (
        cluster(None, config.workers),
        TemporaryDirectory(prefix="pulselake-train-") as notes,
        _told_as_here(),
    ):
        TorchTrainer(
            work,
            train_loop_config=_from_anywhere(config),
            scaling_config=ScalingConfig(num_workers=config.workers, use_gpu=on_gpus),
            run_config=RunConfig(storage_path=notes),
        ).fit()


def work(told: dict[str, Any]) -> None:
    """Be one of the processes."""
    context = get_context()
    together = Together(
        context.get_world_rank(), context.get_world_size(), torch.distributed.all_reduce
    )
    go_on(TrainConfig(**told), together)


def _from_anywhere(config: TrainConfig) -> dict[str, Any]:
    """Give what a worker is told, who is in a folder of Ray's."""
    places = {"data": config.data.resolve(), "out": config.out.resolve()}
    return config.model_copy(update=places).model_dump(mode="json")


@contextmanager
def _told_as_here() -> Iterator[None]:
    """Raise what a worker raised, and let an interrupt be one: Ray makes an exit of it."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except WorkerGroupError as error:
        raise error_of(error.worker_failures) from error
    except SystemExit as error:
        raise KeyboardInterrupt from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def error_of(failures: dict[int, Exception]) -> Exception:
    """Give what a worker said itself; a death, and a connection lost by it, in one sentence."""
    for failure in failures.values():
        if isinstance(failure, ArithmeticError | OSError | ValueError):
            return failure
    firsts = {rank: str(failure).partition("\n")[0] for rank, failure in failures.items()}
    told = "; ".join(f"worker {rank}: {first}" for rank, first in firsts.items())
    message = f"the training broke off and can be resumed from its last state ({told})"
    return RuntimeError(message)
