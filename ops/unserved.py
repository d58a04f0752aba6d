"""When to stop asking a source: it has given nothing for some items in a row."""

from typing import Final

from ops.entry import CredentialsError, OutsideError

MOST_UNSERVED: Final = 8
"""Each may have taken a minute; fewer could be one bad folder, or one node of a store."""
_SAYS: Final = " could not be read: "


class SourceDownError(OSError):
    """A source gives nothing at all: no other file would fare better."""


class Unserved:
    """Counts the items in a row that a source did not give; one that it gave begins anew.

    Args:
        source: how the source is called.
        refusals: whether a refusal counts that is about one file, and no credentials'; it does
            where the file could be read before.
    """

    def __init__(self, source: str, *, refusals: bool = False) -> None:
        self._source = source
        self._kinds: tuple[type[OSError], ...] = (TimeoutError, CredentialsError, SourceDownError)
        if refusals:
            self._kinds += (PermissionError,)
        self._items: set[object] = set()
        self._down: SourceDownError | None = None

    def takes(self, error: BaseException) -> bool:
        """Say whether an error means that the source gave nothing."""
        return isinstance(error, self._kinds) and not isinstance(error, OutsideError)

    def served(self) -> None:
        """Take note that the source gave something, or said what is wrong with one item."""
        self._items.clear()

    def failed(self, item: object, error: BaseException) -> None:
        """Take note of an item that it did not give.

        Raises:
            SourceDownError: where that is one too many.
        """
        self._items.add(item)
        if len(self._items) >= MOST_UNSERVED:
            self._down = source_down(self._source, len(self._items), error)
        self.see()

    def see(self) -> None:
        """See that it is worth while to ask for more.

        Raises:
            SourceDownError: where it is not.
        """
        if self._down:
            raise self._down


def source_down(source: str, n_asked: int, error: BaseException) -> SourceDownError:
    """Say what a source answers and what to do; no file is named."""
    if isinstance(error, SourceDownError):
        return error
    said = str(error).rpartition(_SAYS)[2] or type(error).__name__
    advice = (
        "see that it is up and can be reached"
        if isinstance(error, TimeoutError)
        else "see that the credentials are good and allow this user to read it"
    )
    message = (
        f"source {source} was asked for {n_asked} files in a row and gave none ({said}): "
        f"{advice}, then run again; what was committed stays"
    )
    return SourceDownError(message)
