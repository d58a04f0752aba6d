import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import (
    _derive_autoscaling_config_from_ray_cr as autoscaling_of,
)
from ray.scripts.scripts import start

from flows.config import NightlyConfig
from flows.deployments import FLOWS, options_of
from flows.exporter import PORT
from tests.infra.kustomize import Manifest, build

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"
OVERLAYS = ("small", "gpu")
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|AUTH_STRING|_KEY$|ACCESS_KEY")

# As KubeRay's field reference names them (ray.io/v1); its schema is in no package.
CLUSTER = {"rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec"}
CLUSTER |= {"workerGroupSpecs"}
OPTIONS = {"version", "upscalingMode", "idleTimeoutSeconds", "image", "imagePullPolicy", "env"}
OPTIONS |= {"envFrom", "resources", "securityContext", "volumeMounts"}
GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == kind]


def ray_cluster(manifests: list[Manifest]) -> Manifest:
    (cluster,) = of_kind(manifests, "RayCluster")
    return cluster


def groups(manifests: list[Manifest]) -> dict[str, Manifest]:
    spec = ray_cluster(manifests)["spec"]
    return {
        "head": spec["headGroupSpec"],
        **{one["groupName"]: one for one in spec["workerGroupSpecs"]},
    }


def templates(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Pod templates by the name of what makes pods of them."""
    found = {
        f"{one['kind']} {one['metadata']['name']}": one["spec"]["template"]
        for one in manifests
        if "template" in one.get("spec", {})
    }
    rays = {f"RayCluster {name}": one["template"] for name, one in groups(manifests).items()}
    return found | rays


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Containers, and the autoscaler, of which KubeRay makes one."""
    for name, template in templates(manifests).items():
        for container in template["spec"]["containers"]:
            yield name, container
    yield "autoscaler", ray_cluster(manifests)["spec"]["autoscalerOptions"]


def selectors(manifest: Manifest) -> Iterator[dict[str, str]]:
    """Labels by which a manifest names pods of this namespace."""
    spec = manifest["spec"]
    if manifest["kind"] == "Service":
        yield spec["selector"]
    elif manifest["kind"] == "PodDisruptionBudget":
        yield spec["selector"]["matchLabels"]
    elif manifest["kind"] == "NetworkPolicy":
        rules = [*spec.get("ingress", []), *spec.get("egress", [])]
        peers = [peer for rule in rules for peer in rule.get("from", rule.get("to", []))]
        for peer in [spec, *(one for one in peers if "namespaceSelector" not in one)]:
            yield peer.get("podSelector", {}).get("matchLabels", {})


def worker(manifests: list[Manifest]) -> tuple[Manifest, Manifest]:
    """The Prefect worker's template and its one container."""
    template = templates(manifests)["Deployment prefect-worker"]
    (container,) = template["spec"]["containers"]
    return template, container


def reached(
    manifests: list[Manifest], namespace: str, labels: dict[str, str]
) -> set[tuple[str, int | None]]:
    """Pods and ports that the policies let a pod reach; a port of none is any."""

    def is_it(peer: Manifest) -> bool:
        here = peer.get("namespaceSelector", {}).get("matchLabels")
        there = {"kubernetes.io/metadata.name": namespace}
        same = namespace == "pulselake" if here is None else here.items() <= there.items()
        return same and peer["podSelector"].get("matchLabels", {}).items() <= labels.items()

    return {
        (name, port["port"])
        for policy in of_kind(manifests, "NetworkPolicy")
        for rule in policy["spec"].get("ingress", [])
        if any(is_it(peer) for peer in rule["from"])
        for name, template in templates(manifests).items()
        if policy["spec"]["podSelector"].get("matchLabels", {}).items()
        <= template["metadata"]["labels"].items()
        for port in rule.get("ports", [{"port": None}])
    }


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return build(KUBERNETES / "overlays" / request.param)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_what_these_tests_look_at(overlay: str) -> None:
    folder = KUBERNETES / "overlays" / overlay

    built = subprocess.run(  # noqa: S603
        ["kubectl", "kustomize", str(folder)],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )

    def key(one: Manifest) -> str:
        return json.dumps(one, sort_keys=True)

    assert sorted(yaml.safe_load_all(built.stdout), key=key) == sorted(build(folder), key=key)


def test_every_manifest_is_valid_by_kubernetes_own_schemas(manifests: list[Manifest]) -> None:
    for version in ("1.31", kubernetes_validate.latest_version()):
        for one in (one for one in manifests if one["kind"] != "RayCluster"):
            kubernetes_validate.validate(one, version, strict=True)


def test_every_pod_of_ray_is_valid_by_kubernetes_own_schemas(manifests: list[Manifest]) -> None:
    for one in groups(manifests).values():
        pod = {"apiVersion": "v1", "kind": "Pod", **one["template"]}

        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)


def test_a_field_that_kubernetes_does_not_know_is_seen(manifests: list[Manifest]) -> None:
    (policy, *_) = of_kind(manifests, "NetworkPolicy")
    policy["spec"]["podSelecter"] = {}

    with pytest.raises(kubernetes_validate.ValidationError, match="podSelecter"):
        kubernetes_validate.validate(policy, "1.31", strict=True)


def test_the_ray_cluster_has_fields_of_kuberays_reference_alone(manifests: list[Manifest]) -> None:
    cluster = ray_cluster(manifests)

    assert cluster["apiVersion"] == "ray.io/v1"
    assert cluster["spec"].keys() <= CLUSTER
    assert cluster["spec"]["autoscalerOptions"].keys() <= OPTIONS
    assert all(one.keys() <= GROUP for one in groups(manifests).values())


def test_the_cluster_runs_the_ray_that_the_image_holds(manifests: list[Manifest]) -> None:
    version = ray_cluster(manifests)["spec"]["rayVersion"]

    assert f"ray=={version}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_ray_takes_every_parameter_of_its_nodes(manifests: list[Manifest]) -> None:
    for one in groups(manifests).values():
        assert all(isinstance(value, str) for value in one["rayStartParams"].values())
        arguments = [f"--{name}={value}" for name, value in one["rayStartParams"].items()]

        assert isinstance(start.make_context("start", arguments), click.Context)


def test_rays_autoscaler_reads_nodes_that_come_from_none(manifests: list[Manifest]) -> None:
    read = autoscaling_of(ray_cluster(manifests))

    nodes = read["available_node_types"]
    assert {one["min_workers"] for one in nodes.values()} == {0}
    assert nodes["headgroup"]["resources"]["CPU"] == 0
    assert nodes["cpu"]["max_workers"] > 0
    assert read["idle_timeout_minutes"] == 5


def test_gpu_nodes_are_those_that_no_reader_lands_on() -> None:
    read = autoscaling_of(ray_cluster(build(KUBERNETES / "overlays" / "gpu")))

    gpu = read["available_node_types"]["gpu"]
    assert (gpu["min_workers"], gpu["max_workers"]) == (0, 2)
    assert (gpu["resources"]["CPU"], gpu["resources"]["GPU"]) == (0, 1)


def test_a_small_site_asks_for_no_gpu() -> None:
    manifests = build(KUBERNETES / "overlays" / "small")

    assert "nvidia" not in json.dumps(manifests)
    assert groups(manifests).keys() == {"head", "cpu"}


def test_the_night_has_options_that_it_knows(manifests: list[Manifest]) -> None:
    (settings,) = of_kind(manifests, "ConfigMap")
    told = settings["data"]

    config = NightlyConfig(
        source=told["PULSELAKE_SOURCE"],
        lake=told["PULSELAKE_LAKE"],
        ray_address=told["PULSELAKE_RAY_ADDRESS"],
        **json.loads(told["PULSELAKE_NIGHT"]),
    )

    assert config.ray_address == "auto"
    assert bool(config.gpus_per_actor) == ("gpu" in groups(manifests))


def test_every_flow_has_options_that_it_knows(manifests: list[Manifest]) -> None:
    (settings,) = of_kind(manifests, "ConfigMap")

    assert {variable for variable, _ in FLOWS.values()} <= settings["data"].keys()
    for name, (_, config) in FLOWS.items():
        places = {"lake": settings["data"]["PULSELAKE_LAKE"]}
        source = {"source": "s3://hospital/waveforms"} if name == "nightly" else {}
        told = config(**places, **source, **options_of(name, settings["data"]))

        assert told.workers == json.loads(settings["data"]["PULSELAKE_NIGHT"])["workers"]


def test_whatever_the_deployments_read_is_in_the_settings(manifests: list[Manifest]) -> None:
    text = (ROOT / "infra" / "prefect.yaml").read_text(encoding="utf-8")
    (settings,) = of_kind(manifests, "ConfigMap")

    wanted = set(re.findall(r"\{\{ \$(\w+) \}\}", text)) - {"PULSELAKE_HOME"}
    assert wanted <= settings["data"].keys()


def test_pods_meet_the_restricted_standard(manifests: list[Manifest]) -> None:
    for name, template in templates(manifests).items():
        context = template["spec"]["securityContext"]

        assert context["runAsNonRoot"] is True, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for name, container in containers(manifests):
        context = container["securityContext"]

        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_every_container_says_what_it_asks_for_and_may_take(manifests: list[Manifest]) -> None:
    for name, container in containers(manifests):
        for side in ("requests", "limits"):
            assert {"cpu", "memory"} <= container["resources"][side].keys(), name


def test_secrets_are_named_and_none_is_held(manifests: list[Manifest]) -> None:
    variables = [one for _, container in containers(manifests) for one in container.get("env", [])]
    settings = [key for one in of_kind(manifests, "ConfigMap") for key in one["data"]]

    secret = [one for one in variables if SECRET.search(one["name"])]
    assert of_kind(manifests, "Secret") == []
    assert all("secretKeyRef" in one["valueFrom"] for one in secret)
    assert len(secret) > 5
    assert not [key for key in settings if SECRET.search(key)]


def test_the_deploying_page_names_every_secret_that_is_wanted(manifests: list[Manifest]) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")

    wanted = set(re.findall(r'"name": "(pulselake-\w+)"', json.dumps(manifests)))
    assert {"pulselake-s3", "pulselake-ray", "pulselake-postgres"} <= wanted
    assert [name for name in sorted(wanted) if name not in page] == []


def test_every_node_of_ray_knows_the_others_by_the_token(manifests: list[Manifest]) -> None:
    rays = [
        container
        for name, container in containers(manifests)
        if name.startswith(("RayCluster", "autoscaler")) or name.endswith("prefect-worker")
    ]

    for one in rays:
        variables = {variable["name"]: variable for variable in one["env"]}
        assert variables["RAY_AUTH_MODE"]["value"] == "token"
        assert variables["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == "pulselake-ray"


def test_no_pod_but_rays_head_has_a_token_of_kubernetes(manifests: list[Manifest]) -> None:
    mounting = {
        name
        for name, template in templates(manifests).items()
        if template["spec"].get("automountServiceAccountToken", True)
    }

    assert mounting == {"RayCluster head"}
    assert not any(
        one["automountServiceAccountToken"] for one in of_kind(manifests, "ServiceAccount")
    )


def test_no_account_is_called_like_the_ray_cluster(manifests: list[Manifest]) -> None:
    """KubeRay takes one of that name for its head's, which needs one with a token."""
    accounts = {one["metadata"]["name"] for one in of_kind(manifests, "ServiceAccount")}
    used = {one["spec"].get("serviceAccountName") for one in templates(manifests).values()}

    assert ray_cluster(manifests)["metadata"]["name"] not in accounts
    assert used - {None} == accounts
    assert "serviceAccountName" not in groups(manifests)["head"]["template"]["spec"]


def test_no_pod_asks_for_a_label_of_its_node(manifests: list[Manifest]) -> None:
    """A GPU node is one that has a GPU: labels come of more than the device plugin."""
    assert not any("nodeSelector" in one["spec"] for one in templates(manifests).values())


def test_a_site_has_its_region_in_its_own_settings() -> None:
    for overlay in OVERLAYS:
        text = (KUBERNETES / "overlays" / overlay / "settings.yaml").read_text(encoding="utf-8")

        assert {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"} <= (
            yaml.safe_load(text)["data"].keys()
        )


def test_whatever_reaches_the_lake_can_be_given_an_authority(manifests: list[Manifest]) -> None:
    path = {"configMapKeyRef": {"name": "pulselake-ca", "key": "path", "optional": True}}
    for name, template in templates(manifests).items():
        (container,) = template["spec"]["containers"]
        told = {one["name"]: one.get("valueFrom") for one in container.get("env", [])}
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        has_lake = template["metadata"]["labels"].get("pulselake/lake") == "yes"

        for variable in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
            assert told.get(variable) == (path if has_lake else None), name
        assert mounts.get("ca") == ("/etc/pulselake-ca" if has_lake else None), name
        if has_lake:
            ca = {"name": "ca", "configMap": {"name": "pulselake-ca", "optional": True}}
            assert ca in template["spec"]["volumes"], name


def test_every_image_can_come_from_a_registry_with_a_password(manifests: list[Manifest]) -> None:
    for name, template in templates(manifests).items():
        assert template["spec"]["imagePullSecrets"] == [{"name": "pulselake-registry"}], name


def test_an_object_store_is_less_than_the_shared_memory_it_is_in(
    manifests: list[Manifest],
) -> None:
    """Where it is more, Ray puts it into /tmp without failing; it takes 30 % by itself."""
    unit = 1024**3
    for name, one in groups(manifests).items():
        (container,) = one["template"]["spec"]["containers"]
        (shared,) = [
            volume["emptyDir"]["sizeLimit"]
            for volume in one["template"]["spec"]["volumes"]
            if volume["name"] == "shared-memory"
        ]
        memory = float(container["resources"]["limits"]["memory"].removesuffix("Gi")) * unit
        store = float(one["rayStartParams"].get("object-store-memory", 0.3 * memory))

        assert store < float(shared.removesuffix("Gi")) * unit, name


def test_no_key_to_the_lake_where_no_work_is_done(manifests: list[Manifest]) -> None:
    for name, template in templates(manifests).items():
        (container,) = template["spec"]["containers"]
        has_key = {"secretRef": {"name": "pulselake-s3"}} in container.get("envFrom", [])

        assert has_key == (template["metadata"]["labels"].get("pulselake/lake") == "yes"), name
        assert not (has_key and name == "RayCluster head")


def test_nothing_passes_that_no_policy_names(manifests: list[Manifest]) -> None:
    (everything,) = [
        one for one in of_kind(manifests, "NetworkPolicy") if one["metadata"]["name"] == "deny-all"
    ]

    assert everything["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_prometheus_reaches_the_workers_metrics_and_nothing_else(
    manifests: list[Manifest],
) -> None:
    prometheus = {"app.kubernetes.io/name": "prometheus"}

    assert reached(manifests, "monitoring", prometheus) == {("Deployment prefect-worker", PORT)}
    assert reached(manifests, "monitoring", {"app.kubernetes.io/name": "grafana"}) == set()
    assert reached(manifests, "elsewhere", prometheus) == set()
    assert reached(manifests, "pulselake", prometheus) == set()


def test_who_reaches_the_server_and_its_database_is_as_ever(manifests: list[Manifest]) -> None:
    client, server = {"pulselake/prefect-client": "yes"}, {"app": "prefect-server"}

    assert reached(manifests, "pulselake", client) == {("Deployment prefect-server", 4200)}
    assert reached(manifests, "pulselake", server) == {("StatefulSet postgres", 5432)}


def test_the_port_that_is_announced_for_scraping_is_the_one_that_answers(
    manifests: list[Manifest],
) -> None:
    template, container = worker(manifests)
    announced = template["metadata"]["annotations"]
    monitor = yaml.safe_load((ROOT / "infra/watch/pod-monitor.yaml").read_text(encoding="utf-8"))
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]

    assert {"name": endpoint["port"], "containerPort": PORT} in container["ports"]
    assert announced["prometheus.io/scrape"] == "true"
    assert announced["prometheus.io/port"] == str(PORT)
    assert announced["prometheus.io/path"] == endpoint["path"] == "/metrics"
    labels = monitor["spec"]["selector"]["matchLabels"]
    assert labels.items() <= template["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == "pulselake"


def test_the_worker_knows_its_lake_and_whom_to_tell(manifests: list[Manifest]) -> None:
    _, container = worker(manifests)
    (settings,) = of_kind(manifests, "ConfigMap")
    named = {one["name"]: one["valueFrom"] for one in container["env"] if "valueFrom" in one}

    assert {"configMapRef": {"name": "pulselake"}} in container["envFrom"]
    assert settings["data"]["PULSELAKE_LAKE"]
    for variable, key in (("PULSELAKE_NOTIFY_URL", "url"), ("PULSELAKE_NOTIFY_COMMAND", "command")):
        secret = {"name": "pulselake-notify", "key": key, "optional": True}
        assert named[variable] == {"secretKeyRef": secret}


def test_whatever_names_pods_names_some_that_there_are(manifests: list[Manifest]) -> None:
    labels: list[dict[str, Any]] = [
        template["metadata"]["labels"] for template in templates(manifests).values()
    ]

    for one in manifests:
        for wanted in selectors(one) if "spec" in one else ():
            assert any(wanted.items() <= there.items() for there in labels), one["metadata"]["name"]


def test_something_in_an_overlay_that_these_tests_do_not_know_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\nnamePrefix: a-\n")

    with pytest.raises(ValueError, match=r"got \['namePrefix'\]"):
        build(tmp_path)
