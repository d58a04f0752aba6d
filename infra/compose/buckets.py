"""Make the buckets that PULSELAKE_BUCKETS names, where they are not there.

Run as ``python -m infra.compose.buckets``; S3 is where the standard AWS variables say.
"""

import os
import sys

from botocore.exceptions import ClientError
from botocore.session import Session

HELD = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def make_buckets(names: list[str]) -> list[str]:
    """Make buckets and give the names of those that were not there.

    Raises:
        ClientError: where the server refuses.
    """
    client = Session().create_client("s3")
    made = []
    for name in names:
        try:
            client.create_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in HELD:
                raise
        else:
            made.append(name)
    return made


def main() -> None:
    """Make them, one line each."""
    names = os.environ.get("PULSELAKE_BUCKETS", "").split()
    if not names:
        sys.exit("PULSELAKE_BUCKETS must name at least one bucket, got none")
    for name in make_buckets(names):
        sys.stdout.write(f"made bucket {name}\n")


if __name__ == "__main__":
    main()
