import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.report.sample import KEY, STRATUM, read_keys, sample_strips


def many(made) -> pl.DataFrame:
    """Two strata: six records by a cuff, and one by no reading."""
    cuffed = {"calibration": "cuff", "reference_age_s": 60.0}
    return made(
        *({"record_id": f"r{i}", "window_index": w, **cuffed} for i in range(6) for w in range(4)),
        {"record_id": "r9", "window_index": 7},
        {"record_id": "r9", "window_index": 8, "abstained": "range"},
    )


def test_a_rare_stratum_is_in_the_sample(made) -> None:
    chosen = sample_strips(many(made).lazy(), most=3)

    assert chosen.height == 3
    assert ("r9", 7) in chosen.select("record_id", "window_index").rows()


def test_strips_of_a_stratum_are_of_different_records(made) -> None:
    chosen = sample_strips(many(made).lazy(), most=7)

    assert chosen["record_id"].n_unique() == 7


def test_what_was_abstained_from_is_not_drawn(made) -> None:
    rows = made({"abstained": "range"})

    assert sample_strips(rows.lazy()).is_empty()


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_chooses_nothing(made, random) -> None:
    rows = many(made)
    order = list(range(rows.height))
    random.shuffle(order)

    chosen = sample_strips(rows[order].lazy(), most=5)

    assert chosen.equals(sample_strips(rows.lazy(), most=5))
    assert chosen.columns == KEY


def test_only_the_rows_of_the_keys_are_read(made) -> None:
    rows = many(made)
    keys = sample_strips(rows.lazy(), most=4)

    read = read_keys(rows.lazy(), keys)

    assert {tuple(row[k] for k in KEY) for row in read} == set(keys.rows())
    assert {tuple(row[k] for k in STRATUM) for row in read} <= set(rows.select(STRATUM).rows())
