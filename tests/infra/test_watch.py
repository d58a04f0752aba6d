"""The dashboard and the alerts ask for nothing that no run tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from flows.metrics import LAKE_METRICS, RUN, RUN_METRICS

WATCH = Path(__file__).parents[2] / "infra" / "watch"
DASHBOARD = json.loads((WATCH / "grafana" / "pulselake.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((WATCH / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
LABELS = {name: {*RUN, *labels} for name, (_, labels) in RUN_METRICS.items()} | {
    name: {"lake", *labels} for name, (_, labels) in LAKE_METRICS.items()
}
UNITS = {"s", "short", "none", "bytes", "percentunit"}
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


def parts(expression: promql.Expr) -> Iterator[promql.Expr]:
    """Give an expression and all inside it."""
    yield expression
    inside = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs", "param")]
    if isinstance(expression, promql.Call):
        inside += expression.args
    if isinstance(expression, promql.MatrixSelector):
        inside.append(expression.vector_selector)
    for part in inside:
        if isinstance(part, promql.Expr):
            yield from parts(part)


def selectors(text: str) -> list[promql.VectorSelector]:
    found = [p for p in parts(promql.parse(text)) if isinstance(p, promql.VectorSelector)]
    assert found, text
    return found


def metrics_of(selector: promql.VectorSelector) -> list[str]:
    """Name the metrics that a selector asks for, by name or by pattern."""
    if selector.name:
        return [selector.name]
    (pattern,) = [m.value for m in selector.matchers.matchers if m.name == "__name__"]
    return [name for name in LABELS if re.fullmatch(pattern, name)]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_what_is_asked_for_is_told(text) -> None:
    for selector in selectors(text):
        names = metrics_of(selector)
        asked = {matcher.name for matcher in selector.matchers.matchers} - {"__name__"}

        assert names
        assert all(name in LABELS and asked <= LABELS[name] for name in names), selector.prettify()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_what_is_grouped_by_is_a_label(text) -> None:
    known = set().union(*LABELS.values())
    for part in parts(promql.parse(text)):
        if isinstance(part, promql.AggregateExpr) and part.modifier:
            assert set(part.modifier.labels) <= known


def test_every_metric_is_on_the_dashboard_or_wakes_somebody() -> None:
    asked = {n for text in EXPRESSIONS for s in selectors(text) for n in metrics_of(s)}

    beside = {"pulselake_run_ended_timestamp_seconds", "pulselake_run_devices"}
    assert set(LABELS) - beside == asked


def test_a_panel_has_what_grafana_needs() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]

    assert DASHBOARD["schemaVersion"] >= 36
    assert {"uid", "title", "time", "templating"} <= DASHBOARD.keys()
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len(set(places)) == len(places)
    for panel in DASHBOARD["panels"]:
        assert panel["type"] in ("stat", "timeseries")
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["refId"] and target["expr"] for target in panel["targets"])


def test_variables_of_the_dashboard_are_those_that_its_panels_name() -> None:
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    named = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))

    assert named == declared


def test_an_alert_says_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]

    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "0m"))
        assert rule["labels"]["severity"] in ("page", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_every_metric_and_alert_is_documented() -> None:
    text = (WATCH.parents[1] / "docs" / "watching.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(Pulselake\w+|pulselake_\w+)` \| (.*) \|$", text, re.MULTILINE))

    assert rows.keys() == LABELS.keys() | {rule["alert"] for rule in RULES}
    for name, (said, labels) in {**RUN_METRICS, **LAKE_METRICS}.items():
        assert rows[name] == f"{', '.join(f'`{label}`' for label in labels)} | {said}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_only_labels_that_its_expression_leaves(rule) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values())))

    assert named <= {"lake", "flow", "dataset"}
    for label in named:
        assert label in rule["expr"]
