import hmac
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.deidentify import Deidentifier, deidentifier
from ops.told_words import TOLD_WORDS

KEY = b"0123456789abcdef"
HIDING = Deidentifier(KEY)
NOON = datetime(2137, 10, 26, 12)  # noqa: DTZ001


def test_a_name_is_the_keyed_hash_of_its_kind_and_itself() -> None:
    by_hand = hmac.new(KEY, b"subject\x00p1", sha256).hexdigest()

    assert HIDING.name("subject", "p1") == "s" + by_hand[:20]


def test_another_key_or_kind_gives_another_name() -> None:
    names = {
        HIDING.name("subject", "p1")[1:],
        HIDING.name("record", "p1")[1:],
        Deidentifier(b"another key, as long").name("subject", "p1")[1:],
    }

    assert len(names) == 3


def test_intervals_inside_a_subject_and_times_of_day_hold() -> None:
    first = HIDING.moved("p1", NOON)
    second = HIDING.moved("p1", NOON + timedelta(hours=5))

    assert first is not None
    assert second is not None
    assert second - first == timedelta(hours=5)
    assert first.time() == NOON.time()
    assert first != NOON
    assert HIDING.shift("p1") != HIDING.shift("p2")


def test_a_moment_beyond_the_calendar_becomes_null() -> None:
    assert HIDING.moved("p1", datetime(9990, 1, 1)) is None  # noqa: DTZ001
    assert HIDING.moved("p1", None) is None


def test_a_sentence_names_no_original_nor_quotes_the_source() -> None:
    text = "record p100/p10020306/83404654 has a line that does not parse: '83404654_1e.dat Smith'"

    hidden = HIDING.sentence(text, ["p100/p10020306/83404654", "p100/p10020306/83404654_1e.dat"])

    whole = HIDING.name("file", "p100/p10020306/83404654")
    assert hidden == f"record {whole} has a line that does not parse: …"


def test_a_short_name_is_replaced_as_a_word_and_not_inside_others() -> None:
    hidden = HIDING.sentence("header a names a file that is absent", ["a"])

    name = HIDING.name("file", "a")
    assert hidden == f"header {name} names {name} file that is absent"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "gain in header x.1 must be 0 or 1e-09, got 90210417",
            "gain in header … must be 0 or …, got …",
        ),
        ("born 23/11/1931, in 1931, at 90210417", "… in …, at …"),
        ("could not parse `Quokka` as dtype", "could not parse … as dtype"),
        (
            "signal file f has 123456 bytes (of 12 channels)",
            "signal file … has 123456 bytes (of 12 channels)",
        ),
        ("Quokka: Smith, (1931); absent", "… absent"),
    ],
)
def test_a_word_that_no_sentence_of_ours_has_is_not_told(text, told) -> None:
    assert HIDING.sentence(text, []) == told


def test_what_the_operator_said_is_told() -> None:
    hidden = HIDING.sentence("Smith in s3://ward/p1 is absent", [], ["s3://ward/p1"])

    assert hidden == "… in s3://ward/p1 is absent"


def test_a_key_comes_from_the_config_or_the_environment() -> None:
    configured = deidentifier("a key in the config", {"PULSELAKE_DEID_KEY": "x" * 16})

    assert configured == Deidentifier(b"a key in the config")
    assert deidentifier(None, {"PULSELAKE_DEID_KEY": "x" * 16}) == Deidentifier(b"x" * 16)


@pytest.mark.parametrize("key", [None, "", "short"])
def test_no_key_or_a_short_one_is_refused(key: str | None) -> None:
    with pytest.raises(ValueError, match=r"PULSELAKE_DEID_KEY|at least 16 characters, got 5"):
        deidentifier(key, {})


def test_a_key_is_not_shown() -> None:
    assert "0123" not in repr(HIDING)


@given(st.lists(st.from_regex(r"[a-z]\d{4,9}(/[a-z]\d{4,9}){0,2}", fullmatch=True), max_size=4))
def test_no_original_survives_in_a_sentence(originals: list[str]) -> None:
    text = "; ".join(f"{original}.dat and ({original}n.hea)" for original in originals)

    hidden = HIDING.sentence(text, originals)

    assert not any(original in hidden for original in originals)


@given(st.text())
def test_a_sentence_holds_no_text_but_words_and_short_numbers(text: str) -> None:
    hidden = HIDING.sentence(f"header {text} is absent", [])

    assert all(
        core in TOLD_WORDS or core in {"", "…"} or float(core) < 1000 or f"{core} bytes" in hidden
        for core in (piece.strip("()[],.;:").lower() for piece in hidden.split())
    )
