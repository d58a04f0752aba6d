"""Pressures of a lake for a study: which they are, by the hour, and in the forms others read."""
