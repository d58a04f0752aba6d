"""What a process opens and how much memory it takes, case by case."""

import ctypes
import os
import re
import resource
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

FORBIDDEN: Final = frozenset(
    {
        "os.exec", "os.posix_spawn", "os.system", "socket.bind", "socket.connect",
        "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "urllib.Request",
    }
)  # fmt: skip
OPENING: Final = frozenset({"open", "os.listdir", "os.scandir"})
_LIBRARIES: Final = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
_OPENED: Final = 0x20 | 0x1 | 0x2
"""IN_OPEN, IN_ACCESS and IN_MODIFY of inotify(7)."""


class Watch:
    """Hears what Python opens or calls anywhere in the process, by its audit events.

    What C libraries open by themselves has no such event; ``Trap`` hears that of one folder.
    """

    def __init__(self) -> None:
        self._allowed: tuple[str, ...] | None = None
        self.trespasses: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def only(self, *folders: Path) -> Iterator[None]:
        """Take note of whatever is opened outside these folders while the block runs.

        The interpreter's own library is let be, which it may load more of.
        """
        self._allowed = tuple(os.path.realpath(one) for one in (*folders, *_LIBRARIES))
        try:
            yield
        finally:
            self._allowed = None

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._allowed is None:
            return
        if event in FORBIDDEN:
            self.trespasses.append(f"{event} {arguments!r:.200}")
        elif event in OPENING and isinstance(arguments[0], str | bytes | os.PathLike):
            real = os.path.realpath(os.fsdecode(arguments[0]))
            if not any(real == one or real.startswith(one + "/") for one in self._allowed):
                self.trespasses.append(f"{event} {real}")


class Trap:
    """A folder that nothing may open: hears it by inotify, from Python and from C."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK)
        for one in (folder, *folder.iterdir()):
            if libc.inotify_add_watch(self._fd, os.fsencode(one), _OPENED) < 0:
                message = f"{one} cannot be watched: {os.strerror(ctypes.get_errno())}"
                raise OSError(message)

    def sprung(self) -> bool:
        """Tell whether anything was opened since the last call."""
        try:
            return bool(os.read(self._fd, 2**16))
        except BlockingIOError:
            return False


def bound_memory(more_bytes: int) -> None:
    """Let this process ask for so much more address space than it has, touched or not."""
    soft = _kib("VmSize") * 1024 + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (soft, soft))


@contextmanager
def peak_growth() -> Iterator[list[float]]:
    """Give, at the block's end, how many MiB its peak was above where it began."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _kib("VmRSS")
    grown: list[float] = []
    yield grown
    grown.append(max(_kib("VmHWM") - before, 0) / 1024)


def _kib(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) if found else 0
