"""Torch models behind the restorer and annotator interfaces of ``schemas``."""
