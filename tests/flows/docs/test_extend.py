"""The worked example of the page on extending, as it stands there, in a lake."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from flows.backfill import backfill
from flows.config import BackfillConfig
from ops.lake import Lake
from schemas.restoration import Restorer
from tests.flows.docs.pages import PAGES, ROOT, code_of

PAGE = PAGES["docs/extend.md"]
(EXAMPLE,) = code_of(PAGE, "python")
(EDIT,) = code_of(PAGE, "diff")
RESTORERS = ROOT / "flows" / "restorers.py"


def loaded(name: str, code: str, folder) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def edited(code: str) -> str:
    """Make the page's edit to a file; each of its parts has to be found there as it is."""
    for part in EDIT.split("@@\n"):
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert code.count(before) == 1, before
        code = code.replace(before, after)
    return code


@pytest.fixture(scope="module")
def beat_ago(tmp_path_factory) -> ModuleType:
    yield loaded("beat_ago", EXAMPLE, tmp_path_factory.mktemp("example"))
    del sys.modules["beat_ago"]


@pytest.fixture
def filled(beat_ago, config, tmp_path, monkeypatch) -> pl.DataFrame:
    """Give what the example made of a lake, by the edit that the page tells to make."""
    code = "from beat_ago import BeatAgo\n" + edited(RESTORERS.read_text(encoding="utf-8"))
    make = loaded("edited_restorers", code, tmp_path).make_restorer
    for user in ("flows.actors.filler", "flows.backfill_plan"):
        monkeypatch.setattr(f"{user}.make_restorer", make)
    told = BackfillConfig(lake=config.lake, workers=0, restorer="classical")
    backfill(told.model_copy(update={"restorer": "beat-ago"}))
    del sys.modules["edited_restorers"]
    return Lake(config.lake).scan("backfill").filter(model_id="beat-ago-1").collect()


def test_a_sine_of_one_period_comes_back(beat_ago) -> None:
    whole = np.sin(2 * np.pi * np.arange(500) / 100).astype(np.float32)
    holed = np.where(np.arange(500) // 50 == 3, np.float32("nan"), whole)

    np.testing.assert_allclose(beat_ago.repeated(holed, 100.0), whole, atol=1e-5)
    assert beat_ago.spread(holed, 100.0) == pytest.approx(0, abs=1e-5)


def test_the_example_is_a_restorer(beat_ago) -> None:
    restorer: Restorer = beat_ago.BeatAgo()
    asked = {name for name in vars(Restorer) if not name.startswith("_")}

    assert {name for name in asked if not hasattr(restorer, name)} == set()


def test_the_example_closes_the_gaps_of_a_lake_and_leaves_the_rest_alone(filled, config) -> None:
    closed = filled.filter(pl.col("samples").is_not_null())
    windows = Lake(config.lake).scan("windows").collect()

    assert set(closed["task"]) == {"impute"}
    assert set(filled.filter(pl.col("task") != "impute")["abstained"]) == {"not_made_for"}
    for row in closed.iter_rows(named=True):
        there = (pl.col(c) == row[c] for c in ("record_id", "window_index"))
        window = windows.filter(*there).row(0, named=True)
        before, after = np.array(window[row["modality"]]), np.array(row["samples"])
        kept = before != -32768
        assert (after[kept] == before[kept]).all()
        assert (after != -32768).all()


def test_pressures_of_the_example_lie_within_their_intervals(filled) -> None:
    told = filled.drop_nulls("sbp")

    assert told.height > 0
    assert (told["sbp_lower"] <= told["sbp"]).all()
    assert (told["sbp"] <= told["sbp_upper"]).all()
