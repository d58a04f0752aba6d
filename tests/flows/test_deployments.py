"""Which options of a site reach which deployment."""

import json
from pathlib import Path

import pytest
import yaml

import infra
from flows.deployments import FLOWS, main, options_of, with_options

FILE = Path(infra.__file__).parent / "prefect.yaml"
TOLD = yaml.safe_load(FILE.read_text(encoding="utf-8"))
NIGHT = {
    "workers": 8,
    "gpus_per_actor": 1,
    "checkpoint": "s3://models/ours.safetensors",
    "steps": 4,
    "reference_max_age_s": 3600,
    "deidentify": True,
    "subjects": "s3://hospital/subjects.csv",
    "annotate": True,
    "audit_per_subject": 12,
}
FILLING = {"workers", "gpus_per_actor", "checkpoint", "steps", "reference_max_age_s"}


def told(**options: object) -> dict[str, str]:
    names = {flow: variable for flow, (variable, _) in FLOWS.items()}
    return {names[flow]: json.dumps(said) for flow, said in options.items()}


def test_every_deployment_has_a_variable_and_every_variable_a_deployment() -> None:
    assert {one["name"] for one in TOLD["deployments"]} == FLOWS.keys()


def test_a_run_by_hand_goes_by_the_model_of_the_night() -> None:
    environment = told(nightly=NIGHT)

    assert options_of("nightly", environment) == NIGHT
    assert options_of("backfill", environment).keys() == FILLING
    assert options_of("audit", environment).keys() == FILLING | {"audit_per_subject"}


def test_the_annotator_is_not_told_the_checkpoint_of_what_fills() -> None:
    environment = told(nightly=NIGHT, annotate={"checkpoint": "s3://models/words.safetensors"})

    assert options_of("annotate", told(nightly=NIGHT)).keys() == {"workers", "gpus_per_actor"}
    assert options_of("annotate", environment)["checkpoint"] == "s3://models/words.safetensors"


def test_an_option_of_a_flow_goes_before_that_of_the_night() -> None:
    environment = told(nightly=NIGHT, backfill={"workers": 2}, audit={"seed": 7})

    assert options_of("backfill", environment)["workers"] == 2
    assert options_of("audit", environment) == {
        **{name: NIGHT[name] for name in FILLING | {"audit_per_subject"}},
        "seed": 7,
    }


@pytest.mark.parametrize("text", ["", "{}"])
def test_without_options_the_file_is_as_it_was(text) -> None:
    environment = {variable: text for variable, _ in FLOWS.values()}

    assert with_options(TOLD, environment) == with_options(TOLD, {}) == TOLD


def test_a_deployment_of_the_sites_own_is_left_as_it_is() -> None:
    (nightly, *_) = TOLD["deployments"]
    own = {**nightly, "name": "ward-b"}
    file = {**TOLD, "deployments": [nightly, own]}

    assert with_options(file, told(nightly=NIGHT))["deployments"][1] == own


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("PULSELAKE_NIGHT", "{workers: 4}", "must be one JSON object: "),
        ("PULSELAKE_NIGHT", "[]", "must be one JSON object, got list"),
        ("PULSELAKE_NIGHT", '{"wrokers": 4}', "must have options of nightly alone, got wrokers"),
        ("PULSELAKE_AUDIT", '{"source": "/a"}', "must have options of audit alone, got source"),
        # Prefect keeps what it is told: the key comes by the worker's environment alone.
        ("PULSELAKE_NIGHT", '{"deid_key": "k"}', "must have options of nightly alone, got deid"),
    ],
)
def test_a_variable_that_is_wrong_is_named_and_nothing_is_printed(
    variable, text, said, monkeypatch, capsys
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(SystemExit, match=f"{variable} {said}"):
        main([str(FILE)])

    assert capsys.readouterr().out == ""


def test_what_is_printed_is_the_file_with_its_variables_for_prefect_to_fill(
    monkeypatch, capsys
) -> None:
    monkeypatch.setenv("PULSELAKE_NIGHT", '{"restorer": "classical"}')
    main([str(FILE)])
    nightly, backfill, audit, annotate = yaml.safe_load(capsys.readouterr().out)["deployments"]

    assert nightly["parameters"]["config"]["lake"] == "{{ $PULSELAKE_LAKE }}"
    for filling in (nightly, backfill, audit):
        assert filling["parameters"]["config"]["restorer"] == "classical"
    assert "restorer" not in annotate["parameters"]["config"]
    assert nightly["schedules"] == TOLD["deployments"][0]["schedules"]
