#!/bin/bash
# Tell the Prefect server about the night: its pool, infra/prefect.yaml, infra/automations.yaml.
#
# PULSELAKE_SOURCE, PULSELAKE_LAKE and what else infra/prefect.yaml reads are the site's. Further
# options of the night, by the names of `pulselake nightly --help`, are one JSON object in
# PULSELAKE_NIGHT; the other flows have those that are theirs too, and more in PULSELAKE_BACKFILL,
# PULSELAKE_AUDIT and PULSELAKE_ANNOTATE. Doing it again changes what has changed and nothing else.
set -euo pipefail

: "${PREFECT_API_URL:?must be the address of the Prefect server, such as http://prefect-server:4200/api}"
: "${PULSELAKE_SOURCE:?must be where the archive is, such as s3://hospital/waveforms}"
: "${PULSELAKE_LAKE:?must be where the lake is, such as s3://research/pulselake}"

cd "$PULSELAKE_HOME"
told="$(mktemp --suffix=.yaml)"
trap 'rm -f "$told"' EXIT

python -m flows.deployments infra/prefect.yaml > "$told"
prefect work-pool inspect pulselake >/dev/null 2>&1 || prefect work-pool create pulselake --type process
prefect --no-prompt deploy --all --prefect-file "$told"
python -m flows.automations infra/automations.yaml
