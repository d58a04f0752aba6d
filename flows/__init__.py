"""Prefect flows, Ray actors and the command line: the only place that knows about scheduling."""

import os
from pathlib import Path

# Both send usage data unless told otherwise before they are imported; hospitals expect that off.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Prefect gives its own server 20 s to come up, which a busy machine may not do.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

# `ray start` asks for a token where one is at hand; a driver offers it only when told so.
if {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys() or (
    Path.home() / ".ray" / "auth_token"
).is_file():
    os.environ.setdefault("RAY_AUTH_MODE", "token")
