"""What of a record could not be read, each file once a step."""

from ops.fault import Fault


class FaultLog:
    """Adds to a list of faults; a file that several segments share fails once a step."""

    def __init__(self, faults: list[Fault], folder: str) -> None:
        """Log into ``faults`` for a record in ``folder``, a path below the source."""
        self._faults = faults
        self._folder = folder
        self._seen = {(fault.path, fault.step) for fault in faults}

    def add(self, file_name: str, step: str, error: Exception) -> None:
        """Say that a file of the record's folder could not be used, in the error's words."""
        path = below(self._folder, file_name)
        if (path, step) not in self._seen:
            self._seen.add((path, step))
            self._faults.append(Fault(path, step, type(error).__name__, str(error)))


def below(folder: str, name: str) -> str:
    """The path below the source of a file in a record's folder."""
    return f"{folder}/{name}" if folder else name
