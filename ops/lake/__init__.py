"""A lake: a folder of Delta tables, written by pyarrow and committed file by file."""

from ops.lake.files import DataFile, DataFileWriter
from ops.lake.lake import Lake

__all__ = ["DataFile", "DataFileWriter", "Lake"]
