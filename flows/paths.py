"""Paths that are told to a run, which may work in another folder than the one it is told in."""

from pathlib import Path


def absolute(path: str) -> str:
    """Make a local path absolute; a URL stays as it is."""
    return path if "://" in path else str(Path(path).expanduser().resolve())
