import subprocess
import sys

import pytest

from schemas.dictionary import dictionary, replaced
from schemas.meanings import MEANINGS, meaning_of
from schemas.tables import TABLES
from tests.flows.docs.pages import PAGES

PAGE = PAGES["docs/lake.md"]
COLUMNS = [(t.name, column) for t in TABLES.values() for column in t.schema.column_names()]


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.endswith(dictionary())
    assert replaced(PAGE) == PAGE


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_column_has_a_meaning(table, column) -> None:
    _, words = meaning_of(table, column)

    assert words


def test_no_meaning_is_of_a_column_that_is_gone() -> None:
    there = {f"{table}.{column}" for table, column in COLUMNS} | {column for _, column in COLUMNS}

    assert set(MEANINGS) <= there


def test_what_may_stand_in_a_column_is_listed() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `abp_grade` |")]

    assert row.endswith("(`good`, `fair`, `bad`, `absent`) |")


def test_the_command_that_the_page_names_writes_it_again(tmp_path) -> None:
    page = tmp_path / "lake.md"
    page.write_text("# A lake\n\n## Every column\n\nold\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "schemas.dictionary", str(page)], check=True)  # noqa: S603

    assert page.read_text(encoding="utf-8") == "# A lake\n\n" + dictionary()
