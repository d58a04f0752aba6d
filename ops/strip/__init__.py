"""Strips in words: what follows from beats, grades and faults, known or found by rules."""
