"""Windows into annotations: what is given, what is to be done, and the rows that come of it."""
