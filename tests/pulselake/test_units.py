import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.encode import decode_counts
from pulselake.units import backfill_in_units, windows_in_units
from schemas.grid import MISSING
from schemas.modality import MODALITIES
from schemas.windows import Window

ONE = {"ecg_unit": "mV", "ppg_unit": "NU", "abp_unit": "mmHg"}


def window(
    counts: list[int] | None, scale: float | None, zero: float | None, **units
) -> pl.LazyFrame:
    """One window with the same counts in each signal."""
    columns = {m: [counts] for m in MODALITIES}
    columns |= {f"{m}_scale": [scale] for m in MODALITIES}
    columns |= {f"{m}_zero": [zero] for m in MODALITIES}
    columns |= {name: [unit] for name, unit in {**ONE, **units}.items()}
    schema = Window.create_empty().schema
    return pl.LazyFrame(columns, {name: schema[name] for name in columns})


@settings(deadline=None, max_examples=50)
@given(
    counts=st.lists(st.integers(-32768, 32767), min_size=1, max_size=20),
    scale=st.floats(2.0**-20, 2.0**20, width=32),
    zero=st.floats(-1e6, 1e6, width=32),
)
def test_signals_are_those_that_counts_decode_to(counts, scale, zero) -> None:
    ours = windows_in_units(window(counts, scale, zero)).collect()["ecg"][0].to_list()
    expected = decode_counts(
        np.array([counts], np.int16), np.array([scale], np.float32), np.array([zero], np.float32)
    )[0]

    assert [x is None for x in ours] == [c == MISSING for c in counts]
    np.testing.assert_allclose(np.array(ours, float), expected, rtol=1e-6, atol=1e-6 * abs(zero))


def test_counts_without_a_unit_are_no_signal() -> None:
    given = windows_in_units(window([1, MISSING, 3], 0.5, 60.0, abp_unit="NU")).collect()

    assert given["ecg"].to_list() == [[60.5, None, 61.5]]
    assert given["ppg"].to_list() == [[60.5, None, 61.5]]
    assert given["abp"].to_list() == [None]
    assert given["abp_unit"].to_list() == ["NU"]


def test_an_absent_signal_is_null() -> None:
    absent = windows_in_units(window(None, None, None, abp_unit=None)).collect()

    assert absent.select(MODALITIES).row(0) == (None, None, None)
    assert absent.schema["abp"] == pl.List(pl.Float32)


def test_a_band_has_the_scale_of_its_signal() -> None:
    parts = {"samples": [[2, 4]], "lower": [[0, MISSING]], "upper": [None]}
    rows = pl.LazyFrame(
        {**parts, "scale": [0.5], "zero": [80.0], "unit": ["mmHg"]},
        {p: pl.List(pl.Int16) for p in parts}
        | {"scale": pl.Float32, "zero": pl.Float32, "unit": pl.String},
    )

    assert backfill_in_units(rows).collect().to_dicts() == [
        {"samples": [81.0, 82.0], "lower": [80.0, None], "upper": None, "unit": "mmHg"}
    ]
