"""Where tests find the real signals, which are read in place and never copied."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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
def golden_unicardio() -> Path:
    """Numbers of the released network with made-up weights: ``forward.npz``, ``sampling.npz``."""
    found = Path(__file__).parents[2] / "shared" / "golden" / "unicardio"
    folder = Path(os.environ.get("PULSELAKE_GOLDEN", found))
    if not folder.is_dir():
        pytest.skip(f"the golden vectors are not at {folder}; PULSELAKE_GOLDEN says where they are")
    return folder
