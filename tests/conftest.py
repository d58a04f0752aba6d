"""Where tests find the real signals, which are read in place and never copied."""

import os
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
