"""How close our UniCardio is to golden vectors: ``python -m bench.unicardio_parity DIR``.

DIR holds ``state_dict_shapes.json`` (a shape a key) and, either or both, ``forward.npz`` and
``sampling.npz``: what the authors' code gives with made-up weights. Weights and draws are made
again from names (``bench.unicardio_golden``). The weights go the way of a released checkpoint: a
``.pth`` with ``module.`` before its keys, the importer, safetensors and card, the loader.

An entry ``"02->1@17"`` of ``forward.npz`` is the noise predicted at t = 17 in slot 1 given slots 0
and 2 of ``named("forward.x", N, 1, 2000)``: (N, 500). An entry ``"ddpm.123/2"`` of ``sampling.npz``
is (W, S, 500) samples of the last slot given the others of 0.6 times ``named("sample.observed", W,
1, 2000)``, by the head of slot 2; ``named("ddpm.123.k", W, 1, 500)`` is its k-th draw.

A relative error is the largest difference over the largest number of the entry. Exit status 1 where
one is above 2e-5, 2 where DIR can't be used.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.report import Report, add_json_option, all_met, at_most, deliver
from bench.unicardio_golden import golden_weights, named
from models.unicardio.architecture import RESTORATION, SLOT_SAMPLES
from models.unicardio.network import UniCardio
from models.unicardio.released import PREFIX, import_released, read_unicardio
from models.unicardio.samplers import DDIM, DDPM, Sampler
from models.unicardio.sampling import Sampling
from models.unicardio.tasks import Task, of_slots

LARGEST: Final = 2e-5

_FORWARD: Final = re.compile(r"(?P<given>[0-2]+)->(?P<target>[0-3])@(?P<t>\d+)(/(?P<head>[0-2]))?")
_SAMPLING: Final = re.compile(r"(?P<sampler>ddpm|ddim)\.(?P<flags>[0-3]{2,4})(/(?P<head>[0-2]))?")

F32 = NDArray[np.float32]


def forward_entries(network: UniCardio, golden: dict[str, F32]) -> Iterator[tuple[str, float]]:
    """Compare single predictions of the noise: ``"02->1@17"``, (N, T) each."""
    for name, expected in golden.items():
        told = _parsed(_FORWARD, name)
        task = _task(told["given"], told["target"], told["head"])
        x = torch.from_numpy(named("forward.x", len(expected), 1, 4 * SLOT_SAMPLES))
        slots = x.view(-1, 4, SLOT_SAMPLES)
        yield name, _error(_predict(network, slots, task, int(told["t"])), expected)


def sampling_entries(network: UniCardio, golden: dict[str, F32]) -> Iterator[tuple[str, float]]:
    """Compare whole samplers: ``"ddpm.123/2"``, (W, S, T) each."""
    for name, expected in golden.items():
        told = _parsed(_SAMPLING, name)
        task = _task(told["flags"][:-1], told["flags"][-1], told["head"])
        sampler: Sampler = DDPM() if told["sampler"] == "ddpm" else DDIM(as_released=True)
        n_windows, n_samples, _ = expected.shape
        observed = named("sample.observed", n_windows, 1, 4 * SLOT_SAMPLES) * np.float32(0.6)
        signals = torch.from_numpy(observed).view(-1, 4, SLOT_SAMPLES)[:, :RESTORATION]
        draws = _draws(name.partition("/")[0], n_windows, n_samples, sampler.n_draws)
        sampling = Sampling(network, sampler, n_samples, chunk=n_samples)
        made = sampling(signals, [task], partial(_of_window, draws))
        yield name, _error(made[task], expected)


@torch.inference_mode()
def _predict(network: UniCardio, slots: Tensor, task: Task, t: int) -> Tensor:
    at = torch.tensor([t])
    conditions = network.encode(slots[:, task.conditions], task.conditions)
    x_t = slots[:, task.target][:, None]
    return network.denoise(x_t, at, task, network.stream(conditions, at))[:, 0]


def _draws(name: str, n_windows: int, n_samples: int, n_draws: int) -> Tensor:
    """Make draws in the order of the release, sample by sample: (W, S, n_draws, T)."""
    made = [named(f"{name}.{k}", n_windows, 1, SLOT_SAMPLES) for k in range(n_samples * n_draws)]
    drawn = torch.from_numpy(np.concatenate(made, axis=1))
    return drawn.view(n_windows, n_samples, n_draws, SLOT_SAMPLES)


def _of_window(draws: Tensor, task: Task, window: int) -> Tensor:  # noqa: ARG001
    return draws[window]


def _parsed(form: re.Pattern[str], name: str) -> dict[str, Any]:
    found = form.fullmatch(name)
    if found is None:
        message = f"entry {name!r} is not of the form {form.pattern}"
        raise ValueError(message)
    return found.groupdict()


def _task(given: str, target: str, head: str | None) -> Task:
    return of_slots(tuple(map(int, given)), int(target), None if head is None else int(head))


def _error(got: Tensor, expected: F32) -> float:
    if tuple(got.shape) != expected.shape:
        message = f"the entry has the shape {expected.shape}, ours {tuple(got.shape)}"
        raise ValueError(message)
    return float(np.abs(got.numpy() - expected).max() / np.abs(expected).max())


def load_network(folder: Path) -> UniCardio:
    """Make the weights of a folder's shapes and take them through importer and loader.

    Raises:
        ValueError: naming the first key that disagrees with the network.
    """
    shapes = json.loads((folder / "state_dict_shapes.json").read_text(encoding="utf-8"))
    weights = golden_weights({key: tuple(shape) for key, shape in shapes.items()})
    with tempfile.TemporaryDirectory(prefix="bench-unicardio-") as scratch:
        released, ours = Path(scratch) / "golden.pth", Path(scratch) / "golden.safetensors"
        torch.save({PREFIX + key: torch.from_numpy(w) for key, w in weights.items()}, released)
        import_released(released, ours)
        return UniCardio(read_unicardio(str(ours))[1])


def compare(folder: Path) -> list[Report]:
    """Compare every entry of a folder.

    Raises:
        OSError: where a file can't be read.
        ValueError: where one is not of its form.
    """
    network = load_network(folder)
    parts = [("forward.npz", forward_entries), ("sampling.npz", sampling_entries)]
    reports = []
    for file, entries in parts:
        if (folder / file).exists():
            with np.load(folder / file) as golden:
                errors = dict(entries(network, dict(golden)))
            if not errors:
                message = f"{file} has no entry"
                raise ValueError(message)
            largest = float(np.max(list(errors.values())))  # max() would pass over a NaN
            bar = at_most(f"largest relative error, {file}", largest, LARGEST)
            rows: list[list[Any]] = [[name, error] for name, error in errors.items()]
            reports.append(Report(file, ["entry", "relative error"], rows, [bar]))
    if not reports:
        message = f"{folder} holds neither forward.npz nor sampling.npz"
        raise FileNotFoundError(message)
    return reports


def main() -> int:
    """Compare, and tell every entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path, metavar="DIR")
    add_json_option(parser)
    options = parser.parse_args()
    try:
        reports = compare(options.dir)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        parser.exit(2, f"{options.dir} can't be compared: {error}\n")
    deliver(options.json, reports, {"threads": torch.get_num_threads(), "torch": torch.__version__})
    return 0 if all_met(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
