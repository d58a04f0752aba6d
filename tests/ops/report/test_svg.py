import re
from xml.etree import ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ops.report.svg import band, element, picture, runs_of, ticks, trace

X = np.arange(40) * 2.0
SAMPLES = st.one_of(st.floats(-1e3, 1e3), st.just(float("nan")))


def points_of(path: str) -> list[list[tuple[int, int]]]:
    """The points of each stroke of a path of ``M``, relative ``l`` and ``h0``."""
    strokes = []
    for part in path.split("M")[1:]:
        numbers = [int(n) for n in re.findall(r"-?\d+", part.replace("h0", "").rstrip("z"))]
        at = [(numbers[0], numbers[1])]
        for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
            at.append((at[-1][0] + dx, at[-1][1] + dy))
        strokes.append(at)
    return strokes


@given(arrays(np.float64, 40, elements=SAMPLES))
def test_a_trace_goes_through_every_sample_and_over_no_gap(y) -> None:
    strokes = points_of(trace(X, y))

    drawn = [point for stroke in strokes for point in stroke]
    there = np.isfinite(y)
    assert drawn == [(int(a), round(b)) for a, b in zip(X[there], y[there], strict=True)]
    assert len(strokes) == len(runs_of(there))


def test_a_band_is_closed_and_broken_where_a_bound_is_missing() -> None:
    lower = np.where(np.arange(40) == 20, np.nan, 10.0)

    parts = band(X, lower, np.full(40, 30.0)).split("z")[:-1]

    assert len(parts) == 2
    assert {y for _, y in points_of(parts[0])[0]} == {10, 30}


@given(st.text(), st.text())
def test_hostile_text_stays_text(title, told) -> None:
    drawn = ET.fromstring(picture(10, 10, "a", title, told))  # noqa: S314

    assert len(drawn) == 2
    assert len(drawn.find("title").text or "") == len(title)


def test_quotes_do_not_end_an_attribute() -> None:
    drawn = element("rect", class_='"><script>alert(1)</script>')

    assert "<script" not in drawn
    assert ET.fromstring(drawn).get("class") == '"><script>alert(1)</script>'  # noqa: S314


@given(st.floats(-500, 500), st.floats(0.1, 1000))
def test_ticks_are_few_round_values_within_the_axis(low, width) -> None:
    values = ticks(low, low + width)

    assert 2 <= len(values) <= 6
    assert all(low - 1e-6 * width <= v <= low + width * (1 + 1e-6) for v in values)
