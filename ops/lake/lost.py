"""Say which data file of a lake is gone, where a read finds out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ops.lake.location import LakeError, Location
from schemas.tables import TABLES

_LOST: Final = re.compile(
    rf"\b(?:{'|'.join(TABLES)})/(?:[^/\s]+=[^/\s]*/)*part-[0-9a-f-]{{36}}\.parquet"
)
"""A data file in what polars, pyarrow or S3 says of it, from its table's name on."""


@contextmanager
def telling_lost(location: Location) -> Iterator[None]:
    """Name a lake's file that a block does not find, and say what to do.

    Another file that is not there, of a source for instance, is none of the lake's.

    Raises:
        LakeError: where a data file that the log names is gone.
    """
    try:
        yield
    except LakeError:
        raise
    except FileNotFoundError as error:
        found = _LOST.search(str(error))
        if found is None:
            raise
        message = (
            f"lake {location.url} has lost its data file {found[0]}: bring it back from a backup "
            "and run again; without one, the lake can still be read by --as-of, as it was before "
            "that file came"
        )
        raise LakeError(message) from error
