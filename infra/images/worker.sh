#!/bin/bash
# A Prefect worker for the pool `pulselake`, beside a Ray node of no CPUs through which its flows
# reach the cluster at PULSELAKE_RAY_HEAD (host:port). Without that variable, the worker alone:
# each night then starts a Ray cluster of its own.
#
# Where one of the two ends, so does the other and the container, which is started again whole.
# Job control (-m) it needs, since a shell without it has its children ignore SIGINT, by which
# Prefect stops its worker.
set -meuo pipefail

wait_for_server() {
    until python -c 'import os, urllib.request
urllib.request.urlopen(os.environ["PREFECT_API_URL"] + "/health", timeout=5)' 2>/dev/null; do
        sleep 2
    done
}

: "${PREFECT_API_URL:?must be the address of the Prefect server, such as http://prefect-server:4200/api}"
children=()
trap 'kill -TERM "${children[@]}" 2>/dev/null || true; wait' EXIT
trap 'exit 143' TERM INT

wait_for_server
if [ -n "${PULSELAKE_RAY_HEAD:-}" ]; then
    ray start --block --address="$PULSELAKE_RAY_HEAD" --num-cpus=0 --num-gpus=0 --disable-usage-stats &
    children+=($!)
fi
prefect worker start --pool pulselake --type process --limit "${PULSELAKE_NIGHTS_AT_ONCE:-2}" --with-healthcheck &
children+=($!)
wait -n || true
exit 1
