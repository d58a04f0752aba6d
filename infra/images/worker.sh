#!/bin/bash
# A Prefect worker for the pool `pulselake`, beside a Ray node of no CPUs through which its flows
# reach the cluster at PULSELAKE_RAY_HEAD (host:port). Without that variable, the worker alone:
# each night then starts a Ray cluster of its own.
#
# It logs JSON lines, and so do its flows; with PULSELAKE_LOG_JSON=0, text. What its flows tell
# Prometheus, and what the lake at PULSELAKE_LAKE says, is on port 9108, also once they are over.
#
# Where one of the two ends, so does the other and the container, which is started again whole.
# Metrics end nothing: what serves them is started again by itself.
# Job control (-m) it needs, since a shell without it has its children ignore SIGINT, by which
# Prefect stops its worker.
set -meuo pipefail

wait_for_server() {
    until python -c 'import os, urllib.request
urllib.request.urlopen(os.environ["PREFECT_API_URL"] + "/health", timeout=5)' 2>/dev/null; do
        sleep 2
    done
}

serve_metrics() {
    until python -m flows.exporter; do
        sleep 60
    done
}

: "${PREFECT_API_URL:?must be the address of the Prefect server, such as http://prefect-server:4200/api}"
export PULSELAKE_LOG_JSON="${PULSELAKE_LOG_JSON:-1}"
if [ "$PULSELAKE_LOG_JSON" != 0 ]; then
    export PREFECT_LOGGING_SETTINGS_PATH="${PREFECT_LOGGING_SETTINGS_PATH:-$PULSELAKE_HOME/infra/watch/prefect-logging.yaml}"
fi
export PULSELAKE_METRICS_FOLDER="${PULSELAKE_METRICS_FOLDER:-/tmp/metrics}"

children=()
serve_metrics &
exporter=$!
trap 'kill -TERM -- "-$exporter" "${children[@]}" 2>/dev/null || true; wait' EXIT
trap 'exit 143' TERM INT

wait_for_server
if [ -n "${PULSELAKE_RAY_HEAD:-}" ]; then
    ray start --block --address="$PULSELAKE_RAY_HEAD" --num-cpus=0 --num-gpus=0 \
        --object-store-memory=500000000 --disable-usage-stats &
    children+=($!)
fi
prefect worker start --pool pulselake --type process --limit "${PULSELAKE_NIGHTS_AT_ONCE:-2}" --with-healthcheck &
children+=($!)
wait -n "${children[@]}" || true
exit 1
