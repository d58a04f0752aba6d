import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from dotenv import dotenv_values
from ray.scripts.scripts import start

from flows.config import NightlyConfig
from flows.deployments import FLOWS, options_of
from flows.exporter import PORT
from flows.notify import COMMAND_VARIABLE, URL_VARIABLE
from infra.compose.buckets import main, make_buckets
from infra.demo.s3 import EmbeddedS3, embedded_s3

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "infra" / "compose"
VARIABLE = re.compile(r"\$\{(\w+)(?:(:[?-])([^}]*))?\}")
SECRETS = {"POSTGRES_PASSWORD", "PREFECT_AUTH_STRING", "RAY_AUTH_TOKEN"}
SECRETS |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def filled(variables: dict[str, str], file: str = "compose.yaml") -> dict[str, Any]:
    """The file with its variables, by compose's rules: it is read first, and then filled in.

    Raises:
        ValueError: with compose's own message, where one that must have a value has none.
    """

    def value(found: re.Match[str]) -> str:
        name, rule, text = found.groups()
        if held := variables.get(name, ""):
            return held
        if rule == ":-":
            return str(text)
        message = f"required variable {name} is missing a value: {text}"
        raise ValueError(message)

    def fill(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: fill(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [fill(inner) for inner in part]
        return VARIABLE.sub(value, part) if isinstance(part, str) else part

    return dict(fill(yaml.safe_load((COMPOSE / file).read_text(encoding="utf-8"))))


def example() -> dict[str, str]:
    values = dotenv_values(COMPOSE / ".env.example", interpolate=False)
    return {name: value or "" for name, value in values.items()}


def of_a_site() -> dict[str, str]:
    return example() | dict.fromkeys(SECRETS, "something:long")


def services() -> dict[str, dict[str, Any]]:
    """As they stand in the file, variables and all."""
    told = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return dict(told["services"])


def ours() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services().items() if "PULSELAKE" in one["image"]}


@pytest.fixture(scope="module")
def s3() -> Iterator[EmbeddedS3]:
    with embedded_s3() as running:
        yield running


def test_the_file_is_valid_by_the_compose_specification() -> None:
    schema = get_builtin_schema("vendor.compose-spec")

    jsonschema.Draft202012Validator(schema).validate(filled(of_a_site()))


def test_a_key_that_compose_does_not_know_is_seen() -> None:
    told = filled(of_a_site())
    told["services"]["ray-head"]["comand"] = "ray"

    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(told)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_the_example_does_not_start_before_a_secret_is_filled_in(name: str) -> None:
    variables = of_a_site() | {name: example()[name]}

    with pytest.raises(ValueError, match=f"required variable {name} is missing a value: "):
        filled(variables)


def test_the_example_names_every_variable_that_must_have_a_value() -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")

    required = {name for name, rule, _ in VARIABLE.findall(text) if rule == ":?"}
    assert required <= example().keys()
    assert required >= SECRETS


def test_no_secret_stands_in_the_file() -> None:
    for one in services().values():
        for name, value in one.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|AUTH_STRING|ACCESS_KEY|DEID_KEY", name):
                assert VARIABLE.fullmatch(value), name


def test_the_filled_in_file_is_kept_out_of_the_repository_and_of_the_image() -> None:
    assert ".env" in (COMPOSE / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "**/.*" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_each_of_our_services_writes_nowhere_but_to_scratch() -> None:
    for name, one in ours().items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["volumes"] == ["/tmp"], name  # noqa: S108


def test_every_service_has_limits_a_health_check_and_a_way_to_come_back() -> None:
    for name, one in services().items():
        assert {"cpus", "memory"} <= one["deploy"]["resources"]["limits"].keys(), name
        assert one["healthcheck"]["test"], name
        assert one["restart"] in {"unless-stopped", "on-failure"}, name


def test_only_prefects_page_and_the_metrics_are_open_and_only_on_this_machine() -> None:
    told = filled(of_a_site() | {"PULSELAKE_METRICS_AT": ""})["services"]
    ports = {name: one["ports"] for name, one in told.items() if "ports" in one}

    assert ports == {
        "prefect-server": ["127.0.0.1:4200:4200"],
        "prefect-worker": [f"127.0.0.1:{PORT}:{PORT}"],
    }


def test_metrics_are_where_a_site_wants_them() -> None:
    told = filled(of_a_site() | {"PULSELAKE_METRICS_AT": "10.0.0.7:9200"})["services"]

    assert told["prefect-worker"]["ports"] == [f"10.0.0.7:9200:{PORT}"]


def test_the_worker_knows_its_lake_and_whom_to_tell() -> None:
    example_of = filled(of_a_site())["services"]["prefect-worker"]["environment"]
    mail = {COMMAND_VARIABLE: "mail -s pulselake oncall", URL_VARIABLE: "https://chat/hook"}
    told = filled(of_a_site() | mail)["services"]["prefect-worker"]["environment"]

    assert example_of["PULSELAKE_LAKE"] == example()["PULSELAKE_LAKE"]
    assert {example_of[name] for name in (*mail, "PULSELAKE_LOG_JSON")} == {""}
    assert {name: told[name] for name in mail} == mail


def test_every_flow_has_options_that_it_knows() -> None:
    deploy = filled(of_a_site())["services"]["deploy"]["environment"]

    assert {variable for variable, _ in FLOWS.values()} <= deploy.keys() & example().keys()
    assert {name: options_of(name, deploy) for name in FLOWS} == {
        name: {"workers": 4} for name in FLOWS
    }


def test_whoever_reaches_the_lake_can_be_given_an_authority() -> None:
    bundle = {"PULSELAKE_CA_BUNDLE": "/etc/ssl/hospital.pem"}
    told = filled(of_a_site() | bundle, "ca.yaml")

    jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(told)
    assert told["services"].keys() == {"ray-head", "ray-gpu", "prefect-worker"}
    for one in told["services"].values():
        (mounted,) = one["volumes"]
        place, inside, mode = mounted.split(":")
        assert (place, mode) == ("/etc/ssl/hospital.pem", "ro")
        assert one["environment"] == {"AWS_CA_BUNDLE": inside, "SSL_CERT_FILE": inside}


def test_without_a_bundle_the_second_file_says_which_variable_is_missing() -> None:
    with pytest.raises(ValueError, match="required variable PULSELAKE_CA_BUNDLE is missing"):
        filled(of_a_site(), "ca.yaml")


def test_the_example_names_every_variable_of_both_files() -> None:
    texts = [(COMPOSE / file).read_text(encoding="utf-8") for file in ("compose.yaml", "ca.yaml")]
    read = {name for text in texts for name, _, _ in VARIABLE.findall(text)}

    assert read - example().keys() == set()


def test_a_note_of_a_failure_links_to_the_page_that_people_open() -> None:
    page = {"PULSELAKE_PREFECT_PAGE": "https://prefect.hospital.example"}

    for given, wanted in (({}, "http://127.0.0.1:4200"), (page, page["PULSELAKE_PREFECT_PAGE"])):
        told = filled(of_a_site() | given)["services"]["prefect-worker"]["environment"]

        assert told["PREFECT_UI_URL"] == wanted


def test_an_object_store_is_less_than_the_shared_memory_it_is_in() -> None:
    for name in ("ray-head", "ray-gpu"):
        one = filled(of_a_site())["services"][name]
        context = start.make_context("start", one["command"][2:])

        assert one["shm_size"] == "4g"
        assert 0 < context.params["object_store_memory"] < 4 * 1024**3


def test_the_network_of_control_leads_nowhere_else() -> None:
    told = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))

    on_lake = {name for name, one in services().items() if "lake" in one["networks"]}
    assert told["networks"]["control"] == {"internal": True}
    assert on_lake == {"s3", "buckets", "ray-head", "ray-gpu", "prefect-worker"}


def test_without_the_profiles_nothing_waits_for_them() -> None:
    everyday = {name for name, one in services().items() if "profiles" not in one}

    for name in everyday:
        for other, how in services()[name].get("depends_on", {}).items():
            assert other in everyday or how["required"] is False


def test_the_night_of_the_example_has_options_that_it_knows() -> None:
    variables = example()
    places = {"source": variables["PULSELAKE_SOURCE"], "lake": variables["PULSELAKE_LAKE"]}

    config = NightlyConfig(**places, **json.loads(variables["PULSELAKE_NIGHT"]))

    assert config.workers == 4


def test_ray_takes_every_option_of_its_nodes() -> None:
    told = filled(of_a_site())["services"]

    for name in ("ray-head", "ray-gpu"):
        assert told[name]["command"][:2] == ["ray", "start"]
        assert isinstance(start.make_context("start", told[name]["command"][2:]), click.Context)


def test_whatever_the_deployment_file_takes_from_the_environment_is_there() -> None:
    wanted = re.findall(
        r"\{\{ \$(\w+) \}\}", (ROOT / "infra" / "prefect.yaml").read_text(encoding="utf-8")
    )
    image = (ROOT / "infra" / "images" / "Dockerfile").read_text(encoding="utf-8")
    held = services()["deploy"]["environment"].keys() | set(
        re.findall(r"\b(PULSELAKE_\w+)=", image)
    )

    assert set(wanted) <= held


def test_buckets_are_made_once(s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)

    assert make_buckets(["research", "archive"]) == ["research", "archive"]
    assert make_buckets(["research", "archive"]) in ([], ["research", "archive"])


def test_without_names_no_bucket_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULSELAKE_BUCKETS", raising=False)

    with pytest.raises(SystemExit, match="must name at least one bucket, got none"):
        main()
