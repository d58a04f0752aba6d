"""What the image's layers would weigh, computed from what is installed here and not from a build.

Run as ``python -m infra.images.layers``. A layer is weighed as it lies on disk, bytecode included;
a registry keeps and sends it compressed. The base image is not among them.
"""

import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ("schemas", "ops", "models", "flows", "infra", "pulselake")
MIB: Final = 2**20


def needed(name: str, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """Find what an installed distribution needs at run time, by name, itself among it."""
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset(extras))]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            found[canonicalize_name(one[0])] = here = distribution(one[0])
        except PackageNotFoundError:
            continue
        for text in here.requires or []:
            wanted = Requirement(text)
            if _applies(wanted, one[1]):
                waiting.append((wanted.name, frozenset(wanted.extras)))
    return found


def libraries() -> dict[str, int]:
    """Weigh each library that the image holds, in bytes, the heaviest first."""
    held = needed("pulselake")
    held.pop("pulselake")
    sizes = {name: _weigh(one) for name, one in held.items()}
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def code() -> int:
    """Weigh the project's own packages, the model that comes along among them, in bytes."""
    files = (path for name in CODE for path in (ROOT / name).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if "__pycache__" not in path.parts)


def main() -> None:
    """Write the layers and the ten heaviest libraries, in MiB."""
    sizes = libraries()
    lines = [f"{sum(sizes.values()) / MIB:7.0f}  /opt/venv, {len(sizes)} libraries, of which"]
    lines += [f"{size / MIB:7.0f}    {name}" for name, size in list(sizes.items())[:10]]
    lines.append(f"{code() / MIB:7.0f}  /srv/pulselake, the code and its model")
    sys.stdout.write("\n".join(lines) + "\n")


def _applies(wanted: Requirement, extras: frozenset[str]) -> bool:
    if wanted.marker is None:
        return True
    return any(wanted.marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def _weigh(one: Distribution) -> int:
    paths = (Path(str(file.locate())) for file in one.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main()
