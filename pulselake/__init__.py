"""Read a lake of graded and filled windows; nothing here can write to it.

``open`` gives a lake, whose tables are polars LazyFrames in physical units:

    import pulselake

    lake = pulselake.open("/lake")
    good = lake.windows().filter(pl.col("abp_grade") == "good")

What is measured and what is synthetic never share a frame unless asked to, and then a column says
which is which.
"""

from ops.cohort.pressures import MixedError
from pulselake.lake import Lake
from pulselake.lake import open_lake as open  # noqa: A004  the name is used as pulselake.open

__all__ = ["Lake", "MixedError", "open"]
