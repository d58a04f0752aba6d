"""The code of a run as it travels to a cluster's nodes, which have its libraries alone."""

import importlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PACKAGES: Final = ("flows", "models", "ops", "schemas")
"""What actors run, with the weights that come along."""


@contextmanager
def travelling_code() -> Iterator[str]:
    """Give a folder with a copy of the code, to be the working folder of every actor.

    Ray looks there first: what a node's image has of these packages is not used, be it older. The
    folder of the driver is not looked into, as it would be without one that travels.
    """
    with tempfile.TemporaryDirectory(prefix="pulselake-code-") as folder:
        for name in PACKAGES:
            (where,) = importlib.import_module(name).__path__
            shutil.copytree(where, Path(folder, name), ignore=_BUILT)
        yield folder


_BUILT: Final = shutil.ignore_patterns("__pycache__")
