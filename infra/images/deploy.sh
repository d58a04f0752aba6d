#!/bin/bash
# Tell the Prefect server about the night: its pool, infra/prefect.yaml, infra/automations.yaml.
#
# PULSELAKE_SOURCE, PULSELAKE_LAKE and what else infra/prefect.yaml reads are the site's. Further
# options of the night, by the names of `pulselake nightly --help`, are one JSON object in
# PULSELAKE_NIGHT. Doing it again changes what has changed and nothing else.
set -euo pipefail

: "${PREFECT_API_URL:?must be the address of the Prefect server, such as http://prefect-server:4200/api}"
: "${PULSELAKE_SOURCE:?must be where the archive is, such as s3://hospital/waveforms}"
: "${PULSELAKE_LAKE:?must be where the lake is, such as s3://research/pulselake}"

cd "$PULSELAKE_HOME"
there() {
    prefect "$1" inspect "$2" >/dev/null 2>&1
}
deploy() {
    prefect --no-prompt deploy --prefect-file infra/prefect.yaml "$@"
}

there work-pool pulselake || prefect work-pool create pulselake --type process
deploy --all
if [ -n "${PULSELAKE_NIGHT:-}" ]; then
    deploy --name nightly --params "$(python -c 'import json, os
places = ("source", "lake", "dataset", "ray_address")
config = {name: os.environ.get(f"PULSELAKE_{name.upper()}", "") for name in places}
print(json.dumps({"config": {**config, **json.loads(os.environ["PULSELAKE_NIGHT"])}}))')"
fi
there automation pulselake-silent || prefect automation create --from-file infra/automations.yaml
