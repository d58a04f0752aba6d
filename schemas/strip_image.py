"""A strip as an image: its form, whoever draws, reads or looks at it."""

from typing import Final

HEIGHT: Final = 96
WIDTH: Final = 384
"""Pixels of a strip of a window, one grey level each; 96 columns a second."""
