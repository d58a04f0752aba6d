"""Windows of made-up patients, drawn once."""

from pathlib import Path

import pytest

from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from ops.judge.timeline import Timeline
from ops.judge.windows import Windows


@pytest.fixture(scope="session")
def timelines(made_up_uci: Path) -> list[Timeline]:
    """The three validation groups, twenty windows each."""
    return list(read_timelines([made_up_uci], "validation"))


@pytest.fixture(scope="session")
def windows(timelines: list[Timeline]) -> Windows:
    """Five windows of each validation group."""
    return draw(timelines, 5)


@pytest.fixture(scope="session")
def train(made_up_uci: Path) -> Windows:
    """All windows of the training groups."""
    return draw(read_timelines([made_up_uci], "train"), 40)
