"""Where a lake lives: a local folder or an fsspec URL."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fsspec

_ESCAPED: Final = re.compile(r"[^\w/.~:@!$&'()+,;-]", re.ASCII)
"""Characters that Delta readers escape in a table's path, or take for a pattern or a partition."""


@dataclass(frozen=True)
class Location:
    """The root of a lake; ``url`` is absolute and ends without a slash."""

    url: str

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read a path or URL; a relative path becomes absolute.

        Raises:
            ValueError: where ``text`` names no folder, or one that Delta readers can't open.
        """
        if not text.rpartition("://")[2].strip("/ "):
            message = f"a lake needs a folder or URL, got {text!r}"
            raise ValueError(message)
        url = text.rstrip("/") if "://" in text else str(Path(text).expanduser().resolve())
        escaped = _ESCAPED.search(url)
        if escaped:
            message = (
                "a lake's path holds ASCII letters, digits and /._-~:@!$&'()+,; only, since Delta "
                f"readers escape the rest, got {escaped[0]!r} in {url}"
            )
            raise ValueError(message)
        return cls(url)

    @property
    def is_local(self) -> bool:
        """Say whether it is a folder of this machine."""
        return "://" not in self.url

    def table_url(self, name: str) -> str:
        """Give the root of one table."""
        return f"{self.url}/{name}"

    def delta_options(self) -> dict[str, str]:
        """Options for delta-rs and polars beside the standard AWS variables, which both read.

        Commits are conditional puts (``etag``), so that of two writers one wins; plain HTTP is
        allowed only where the endpoint says so itself.
        """
        if not self._is_s3:
            return {}
        options = {"aws_conditional_put": "etag"}
        endpoint = _s3_endpoint()
        if endpoint:
            options["aws_endpoint_url"] = endpoint
            if endpoint.startswith("http://"):
                options["aws_allow_http"] = "true"
        return options

    def filesystem(self) -> tuple[Any, str]:
        """Open the file system and give the root's path in it.

        fsspec keeps file systems by their options, so the endpoint has to be one of them.
        """
        endpoint = _s3_endpoint() if self._is_s3 else None
        options = {"endpoint_url": endpoint} if endpoint else {}
        fs, root = fsspec.core.url_to_fs(self.url, **options)
        return fs, root.rstrip("/")

    @property
    def _is_s3(self) -> bool:
        return self.url.startswith(("s3://", "s3a://"))


def _s3_endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
