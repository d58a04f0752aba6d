"""What a .dockerignore lets into the build, by the rules that Docker's documentation gives."""

import re
from pathlib import Path, PurePosixPath


def lets_in(ignore: Path, path: str) -> bool:
    """The last pattern that matches the path, or a folder above it, decides."""
    lines = ignore.read_text(encoding="utf-8").splitlines()
    above = [str(one) for one in (PurePosixPath(path), *PurePosixPath(path).parents[:-1])]
    inside = True
    for line in filter(lambda one: one and not one.startswith("#"), lines):
        pattern = _regex(line.removeprefix("!"))
        if any(pattern.fullmatch(one) for one in above):
            inside = line.startswith("!")
    return inside


def _regex(pattern: str) -> re.Pattern[str]:
    """``*`` stays within a folder, ``**/`` spans any number of them."""
    parts = re.split(r"(\*\*/|\*)", pattern)
    known = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))
