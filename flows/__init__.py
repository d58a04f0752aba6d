"""Prefect flows, Ray actors and the command line: the only place that knows about scheduling."""

import os

# Both send usage data unless told otherwise before they are imported; hospitals expect that off.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")
