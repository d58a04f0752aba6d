import subprocess
import sys

import pulselake

HEAVY = {"torch", "ray", "prefect", "duckdb", "pandas"}


def test_importing_it_from_anywhere_loads_nothing_heavy(tmp_path) -> None:
    script = "import sys, pulselake; print(*{name.partition('.')[0] for name in sys.modules})"
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert not HEAVY & set(told.stdout.split())


def test_what_it_offers_only_reads() -> None:
    assert set(pulselake.__all__) == {"Lake", "MixedError", "open"}
    assert {name for name in vars(pulselake.Lake) if not name.startswith("_")} == {
        "annotations",
        "audit",
        "dataset",
        "demographics",
        "duckdb",
        "numerics",
        "pressures",
        "quarantine",
        "records",
        "runs",
        "synthetic",
        "windows",
    }
