"""Addresses that fsspec can open."""

import fsspec
from fsspec.utils import get_protocol


def check_protocol(url: str, shown: str) -> None:
    """Refuse an address whose protocol nobody here speaks; ``shown`` is how a sentence names it.

    Raises:
        ValueError: naming the protocol, or what has to be installed for it.
    """
    for link in url.split("::"):
        try:
            fsspec.get_filesystem_class(get_protocol(link))
        except ValueError as error:
            message = (
                f"{shown} begins with {get_protocol(link)}://, which is no known protocol; "
                "expected a folder, or a URL such as s3://bucket/folder"
            )
            raise ValueError(message) from error
        except ImportError as error:
            message = f"{shown} can't be opened: {error}"
            raise ValueError(message) from error
