#!/bin/sh
# Whether the role that PULSELAKE_ROLE names is up: exit status 0 or 1, the reason on standard error.
#
# A Prefect worker is asked for its own word (`--with-healthcheck`), which it gives up once it has
# not reached the server for a while. A Ray head is asked whether the control store answers, a Ray
# worker whether its raylet listens. A command needs no check: its exit status tells.
set -eu

answers() {
    python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1"
}

listens() {
    python -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$1"
}

role="${PULSELAKE_ROLE:-command}"
case "$role" in
    command) ;;
    prefect-server) answers "http://127.0.0.1:4200/api/health" ;;
    prefect-worker) answers "http://127.0.0.1:8080/health" ;;
    ray-head) ray health-check --address 127.0.0.1:6379 ;;
    ray-worker) listens "${PULSELAKE_RAYLET_PORT:-6380}" ;;
    *)
        echo "PULSELAKE_ROLE must be command, prefect-server, prefect-worker, ray-head or ray-worker, got $role" >&2
        exit 1
        ;;
esac
