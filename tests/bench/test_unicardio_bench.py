import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.unicardio_flops import conditions_step, dense_step, target_step, times_fewer
from bench.unicardio_golden import made_up_tensors, named
from bench.unicardio_step import TASKS, in_turn
from models.unicardio.architecture import released_shapes
from models.unicardio.network import UniCardio

ROOT = Path(__file__).parents[2]
BENCH = [sys.executable, "-m", "bench.unicardio_parity"]


@pytest.fixture(scope="module")
def golden(tmp_path_factory) -> Path:
    """A folder of the golden form: one entry, from the network itself."""
    folder = tmp_path_factory.mktemp("golden")
    network, t = UniCardio(made_up_tensors()), torch.tensor([3])
    x = torch.from_numpy(named("forward.x", 1, 1, 2000)).view(1, 4, 500)
    with torch.inference_mode():
        conditions = network.encode(x[:, [0, 2]], (0, 2))
        noise = network.denoise(x[:, 1:2], t, TASKS[2], network.stream(conditions, t))[:, 0]
    np.savez(folder / "forward.npz", **{"02->1@3": noise.numpy()})
    (folder / "state_dict_shapes.json").write_text(json.dumps(released_shapes()))
    return folder


def compared(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [*BENCH, str(folder), "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_parity_tells_every_entrys_error_as_json_and_nothing_else(golden) -> None:
    ran = compared(golden)
    told = json.loads(ran.stdout)
    ((name, error),) = told["tables"][0]["rows"]

    assert ran.returncode == 0
    assert name == "02->1@3"
    assert error <= 2e-5
    assert told["bars"][0]["met"] is True


@pytest.mark.parametrize("factor", [1.001, float("nan")])
def test_parity_that_is_missed_says_so(golden, tmp_path, factor) -> None:
    (tmp_path / "state_dict_shapes.json").write_text(
        (golden / "state_dict_shapes.json").read_text()
    )
    with np.load(golden / "forward.npz") as right:
        np.savez(tmp_path / "forward.npz", **{"02->1@3": right["02->1@3"] * factor})
    ran = compared(tmp_path)

    assert ran.returncode == 1
    assert json.loads(ran.stdout)["bars"][0]["met"] is False


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ("{", "can't be compared"),
        (json.dumps({"alpha_torch": [50, 1, 1]}), "is missing"),
        (None, "No such file"),
    ],
)
def test_a_folder_that_is_none_is_refused_in_words(tmp_path, shapes, words) -> None:
    if shapes is not None:
        (tmp_path / "state_dict_shapes.json").write_text(shapes)
    ran = compared(tmp_path)

    assert ran.returncode == 2
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_operations_are_counted_as_by_hand() -> None:
    assert dense_step() / 1e9 == pytest.approx(40.5, abs=0.1)
    assert [target_step(n) / 1e9 for n in (1, 2, 3)] == pytest.approx([6.4, 7.8, 9.3], abs=0.15)
    assert [conditions_step(n) / 1e9 for n in (1, 2, 3)] == pytest.approx([3.8, 9.9, 18.3], abs=0.1)
    assert [times_fewer(n, 50) for n in (1, 2, 3)] == pytest.approx([6.3, 5.1, 4.2], abs=0.1)


@pytest.mark.parametrize("n_conditions", TASKS)
def test_both_ways_make_a_step_in_turn(n_conditions) -> None:
    best = in_turn(n_conditions, n_samples=1, repeats=1)

    assert best.keys() == {"dense", "fast"}
    assert all(seconds > 0 and chunk == 1 for seconds, chunk in best.values())
