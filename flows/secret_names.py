"""What names of secrets hold, wherever they are kept out of what is written."""

from typing import Final

HIDDEN_WORDS: Final = "token|secret|passw|credential|auth_string"
"""Alternatives of a regular expression; each place adds those of its own."""
