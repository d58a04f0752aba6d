"""Load all windows of a lake by two workers of a ``DataLoader``, and tell what came.

python loading.py LAKE fork|spawn
"""

import json
import sys

from torch.utils.data import DataLoader

import pulselake


def main(url: str, method: str) -> None:
    """Print the keys of the windows and the sum of their ABP."""
    everything = pulselake.open(url).dataset("train", shares={"train": 1.0})
    everything[0]  # opens files, which a forked worker can't use
    batches = everything.batches(16)
    workers = {"num_workers": 2, "multiprocessing_context": method}
    keys, abp = [], 0.0
    for batch in DataLoader(everything, batch_sampler=batches, **workers):
        columns = (batch["dataset"], batch["record_id"], batch["window_index"].tolist())
        keys += zip(*columns, strict=True)
        abp += batch["abp"].sum().item()
    print(json.dumps({"keys": keys, "abp": abp}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
