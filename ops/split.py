"""Who is trained on and who judges: a fixed split of the groups of a data set.

A group is all that may come from one patient; nothing is ever split inside one.
"""

import hashlib
from collections.abc import Mapping
from itertools import accumulate
from typing import Final, Literal, get_args

Split = Literal["train", "validation", "calibration", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

SHARES: Final[dict[Split, float]] = {
    "train": 0.70,
    "validation": 0.08,
    "calibration": 0.07,
    "test": 0.15,
}


def split_of(group: str, shares: Mapping[Split, float] = SHARES) -> Split:
    """Give the split of a group: by its name alone, the same on every machine, for good.

    The first 8 bytes of the name's SHA-256, as a fraction of 2**64, fall into the shares in order.
    """
    fraction = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    for split, bound in zip(shares, accumulate(shares.values()), strict=True):
        if fraction < bound:
            return split
    return list(shares)[-1]
