"""A process that has imported what a night needs and forks one for each order that it reads.

An order is a line of JSON, and so is its answer. ``{"command": arguments, …}`` starts ``pulselake``
and gives its ``pid``; ``{"wait": pid}`` gives its exit ``status``, below zero for a signal, and
what it ``said``; ``{"mount": folder, "options": "size=1m"}`` puts a disk in memory there.

A command may die at a moment: the ``nth`` call ``of`` a function (``module:name``), among those
that are ``told`` a table of that name, ``before`` it does its work or after. Exactly there the
process kills itself.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import wraps
from pathlib import Path
from typing import Any

import flows.cli
import flows.nightly  # so that no child has to


def main() -> None:
    """Answer until there is no further order."""
    logs: dict[int, Path] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any] = {}
        if "command" in order:
            log, name = tempfile.mkstemp(prefix="night-")
            pid = os.fork() or live(order, log)
            os.close(log)
            logs[pid], answer = Path(name), {"pid": pid}
        elif "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            log_file = logs.pop(order["wait"])
            answer = {"status": os.waitstatus_to_exitcode(status), "said": log_file.read_text()}
            log_file.unlink()
        else:
            command = ["mount", "-t", "tmpfs", "-o", order["options"], "tmpfs", order["mount"]]
            subprocess.run(command, check=True)  # noqa: S603
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def live(order: dict[str, Any], log: int) -> int:
    """Run the command in this process and leave it."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    if order["dies"]:
        die_at(**order["dies"])
    if order["user"] and os.geteuid() == 0:
        os.seteuid(order["user"])
    sys.argv = ["pulselake", *order["command"]]
    status: Any = 0
    try:
        flows.cli.main()
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(status or 0))


def die_at(of: str, nth: int = 1, told: str = "", *, before: bool = False) -> None:
    """Have the process kill itself there; until then the function does its own work."""
    module, _, path = of.partition(":")
    *within, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in within:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    @wraps(real)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += not told or any(getattr(one, "name", None) == told for one in args)
        if before and calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    main()
