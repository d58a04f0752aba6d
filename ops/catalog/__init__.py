"""The catalog: which records a source holds, what they are made of, and which of them to read.

A header is a record where a ``RECORDS`` file names it; where no folder above it holds a ``RECORDS``
file, every header is. A segment of another record, its layout and its numerics are part of that
record and none of their own, also where a ``RECORDS`` file names them.
"""

from ops.catalog.again import look_again
from ops.catalog.plan import plan_records
from ops.catalog.planned import Known, Plan, PlannedRecord, Unread
from ops.catalog.tree import load_tree

__all__ = ["Known", "Plan", "PlannedRecord", "Unread", "load_tree", "look_again", "plan_records"]
