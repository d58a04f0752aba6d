"""Prefect flows, Ray actors and the command line: the only place that knows about scheduling."""
