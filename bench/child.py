"""A part of a benchmark in a process of its own, for its time or its memory."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]


def told_by(
    module: str,
    arguments: Sequence[str],
    *,
    failed: str,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run ``python -m module``, and give the JSON of its last line.

    Raises:
        RuntimeError: where it fails: the sentence ``failed``, and what it said last.
    """
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **(environment or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        message = f"{failed}: {ran.stderr.strip().splitlines()[-1:]}"
        raise RuntimeError(message)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told
