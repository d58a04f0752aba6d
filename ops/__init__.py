"""Transformations and I/O on arrays and frames: catalog, reading, grading, restoring, the lake."""
