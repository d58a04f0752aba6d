"""What runs pulselake: deployment files and the embedded demo."""
