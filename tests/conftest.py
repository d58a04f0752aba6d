"""Where tests find the real signals, which are read in place and never copied."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from models.tricardio.checkpoint import Checkpoint

DATA = Path(os.environ.get("PULSELAKE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def _folder(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the real signals are not at {folder}; PULSELAKE_DATA says where they are")
    return folder


@pytest.fixture(scope="session")
def real_wfdb() -> Path:
    """The WFDB archives: ``cinc2015``, ``mimic4wdb``, ``samples``, ``nstdb`` and ``mitdb``."""
    return _folder("wfdb")


@pytest.fixture(scope="session")
def real_uci() -> Path:
    """The UCI cuff-less set as Parquet files."""
    return _folder("uci_cuffless")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads of one operation wait for each other by spinning, for long on a busy machine."""
    import torch  # seconds, for those alone who use it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_tricardio() -> Callable[..., "Checkpoint"]:
    """Make a TriCardio of few weights, all of them made up; options are its card's settings."""

    def make(**settings: object) -> "Checkpoint":
        import torch

        from models.card import make_card
        from models.tricardio.architecture import ARCHITECTURE, Sizes
        from models.tricardio.beats import BEAT, Beats
        from models.tricardio.checkpoint import Checkpoint, Settings
        from models.tricardio.levels import Levels
        from models.tricardio.network import TriCardio

        torch.manual_seed(0)
        encoder = {"width": 16, "depth": 1, "heads": 2, "fine_width": 8}
        sizes = Sizes(**encoder, flow_width=16, flow_depth=1, flow_heads=2)
        network, levels, beats = TriCardio(sizes), Levels(), Beats(sizes.width)
        with torch.no_grad():
            for module in (network, levels, beats):
                for parameter in module.parameters():
                    parameter.add_(0.05 * torch.randn_like(parameter))
            beats.usual[-BEAT.start] = 1
        card = make_card(
            architecture=ARCHITECTURE,
            name="made-up",
            origin="a test",
            sha256="0" * 64,
            n_parameters=1,
        )
        told = Settings.model_validate({"sizes": sizes, **settings})
        return Checkpoint(card, told, network.eval(), levels.eval(), beats.eval())

    return make


@pytest.fixture(scope="session")
def golden_unicardio() -> Path:
    """Numbers of the released network with made-up weights: ``forward.npz``, ``sampling.npz``."""
    found = Path(__file__).parents[2] / "shared" / "golden" / "unicardio"
    folder = Path(os.environ.get("PULSELAKE_GOLDEN", found))
    if not folder.is_dir():
        pytest.skip(f"the golden vectors are not at {folder}; PULSELAKE_GOLDEN says where they are")
    return folder


@pytest.fixture(scope="session")
def made_up_uci(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five train groups, three of validation, two of calibration and of test: two records each."""
    import numpy as np
    import polars as pl

    from infra.demo.simulate import Patient, simulate
    from ops.split import split_of

    folder = tmp_path_factory.mktemp("made_up")
    left = {"train": 5, "validation": 3, "test": 2, "calibration": 2}
    names = []
    for name in (f"g{i}" for i in range(500)):
        if left.get(split_of(name), 0):
            left[split_of(name)] -= 1
            names.append(name)
    rows, records = [], []
    for i, group in enumerate(names):
        patient = Patient(group, heart_rate=62 + 5 * i, sbp=105 + 6 * i, dbp=60 + 3 * i, seed=i)
        strip = simulate(patient, 80.0, 125.0)
        counts = {
            "ppg": np.round(strip.ppg * 1023),
            "abp": np.round(strip.abp / 0.05),
            "ecg": np.round(strip.ecg / 0.002),
        }
        for half in (0, 1):
            part = slice(half * 5000, (half + 1) * 5000)
            record = f"{group}_{half}"
            cut = {m: x[part].astype(np.int16).tolist() for m, x in counts.items()}
            rows.append({"record": record, "block": f"{group}_block", **cut})
            records.append({"record": record, "block": f"{group}_block", "group": group})
    schema = {m: pl.List(pl.Int16) for m in ("ppg", "abp", "ecg")}
    pl.DataFrame(rows, schema_overrides=schema).write_parquet(folder / "uci-0.parquet")
    told = pl.DataFrame(records).with_columns(seconds=40.0, overlaps=pl.lit(""))
    told.write_csv(folder / "records.csv")
    return folder
