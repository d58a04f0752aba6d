"""What to fill, from what, and the rows that come of it."""
