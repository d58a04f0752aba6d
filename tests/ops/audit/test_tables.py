import json

from ops.audit.measures import audit_measures
from ops.audit.tables import VIEWS, audit_tables, markdown_table


def rows(audited, subjects: int = 3):
    return audited(
        *(
            {"subject_id": f"s{i % subjects}", "error": float(i), "true": 60.0 + i}
            for i in range(12)
        )
    )


def test_errors_have_a_row_a_calibration_view_and_pressure(audited) -> None:
    errors = audit_tables(audit_measures(rows(audited))).errors
    named = [(row["calibration"], row["view"], row["pressure"]) for row in errors]

    assert named == [
        (c, v, p) for c in ("all", "none") for v in VIEWS for p in ("sbp", "dbp", "map")
    ]
    assert errors[0]["me"] == 5.5
    assert (errors[0]["windows"], errors[0]["subjects"]) == (12, 3)


def test_all_tables_are_flat_alike_and_fit_for_json(audited) -> None:
    tables = audit_tables(audit_measures(rows(audited)))

    for table in (tables.errors, tables.comparison, tables.hypotension):
        assert len({tuple(row) for row in table}) == 1
        assert not any(isinstance(value, dict | list) for row in table for value in row.values())
        json.dumps(table, allow_nan=False)


def test_an_audit_of_one_subject_tells_what_it_can(audited) -> None:
    (row, *_) = audit_tables(audit_measures(rows(audited, subjects=1))).errors

    assert row["mae"] == 5.5
    assert row["lower_limit"] is None


def test_a_name_with_a_bar_stays_in_its_cell() -> None:
    table = markdown_table([{"dataset": "a|b", "mae": 1.2345, "sd": None}])

    assert table.splitlines() == [
        "| dataset | mae | sd |",
        "| --- | --- | --- |",
        "| a\\|b | 1.23 |  |",
    ]


def test_the_page_of_an_audit_has_a_table_of_each_kind(audited) -> None:
    text = audit_tables(audit_measures(rows(audited))).markdown()

    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Errors of synthetic pressures, mmHg",
        "## Beside what needs no model, MAE in mmHg",
        "## MAP below 65 mmHg",
    ]
