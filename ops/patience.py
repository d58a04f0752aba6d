"""How long S3 is waited for, by each library that asks it: minutes at most, never a night.

Left alone, s3fs waits 6 minutes for an answer that never comes (5 tries of its own, each of 5 by
botocore), delta-rs 3, polars more than that, and all of them try 503 ``SlowDown`` again for 2 s.
"""

from typing import Any, Final

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 15.0
"""Of silence, for s3fs."""
REQUEST_TIMEOUT_S: Final = 30.0
"""Of a whole answer, for delta-rs and polars: a data file's part may take its time."""
RETRY_S: Final = 30.0
"""No further try after that."""
FIRST_WAIT_S: Final = 0.25
"""Doubled by each further try, for delta-rs and polars; botocore begins with up to a second."""
S3FS_TRIES: Final = 2
"""Rounds of botocore's tries, so that a body that breaks off is asked for again."""


def s3fs_patience(tries: int) -> dict[str, Any]:
    """Options of s3fs: ``tries`` requests by botocore, longer and longer waits between them."""
    return {
        "config_kwargs": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": READ_TIMEOUT_S,
            "retries": {"mode": "standard", "total_max_attempts": tries},
        }
    }


def delta_patience() -> dict[str, str]:
    """Options of delta-rs."""
    return {
        "connect_timeout": f"{CONNECT_TIMEOUT_S}s",
        "timeout": f"{REQUEST_TIMEOUT_S}s",
        "retry_timeout": f"{RETRY_S}s",
        "backoff_config.init_backoff": f"{FIRST_WAIT_S}s",
    }


def polars_patience() -> dict[str, str | int]:
    """Options of polars, which takes numbers where delta-rs takes text."""
    return {
        "connect_timeout": f"{CONNECT_TIMEOUT_S}s",
        "timeout": f"{REQUEST_TIMEOUT_S}s",
        "retry_timeout_ms": round(1000 * RETRY_S),
        "retry_init_backoff_ms": round(1000 * FIRST_WAIT_S),
    }
