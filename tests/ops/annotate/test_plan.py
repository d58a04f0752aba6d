import polars as pl

from ops.annotate.given import with_given
from ops.annotate.plan import MADE_FROM, shards, spec_sha256
from ops.fill.plan import missing_rows, stale_rows


def wanted(windows, filled, n: int) -> pl.DataFrame:
    return with_given(windows([None] * n).lazy(), filled([]).lazy())


def test_a_shard_is_256_windows_in_the_order_of_time(windows, filled) -> None:
    rows = wanted(windows, filled, 300).sample(fraction=1, shuffle=True, seed=1)

    one, two = shards(rows)

    assert [(s.first, s.last, s.n_windows) for s in (one, two)] == [(0, 255, 256), (256, 299, 44)]
    assert (one.subject_id, two.path) == ("a", "a#windows=256-299")
    assert two.spans == [(256, 299)]


def test_a_fingerprint_changes_with_what_is_given_and_with_the_spec(windows, filled) -> None:
    (plain,) = shards(wanted(windows, filled, 1))
    (given,) = shards(with_given(windows([None]).lazy(), filled([125.0]).lazy()))

    assert len({plain.fingerprint("a"), plain.fingerprint("b"), given.fingerprint("a")}) == 3


def test_what_is_annotated_from_the_same_input_is_neither_missing_nor_stale(
    windows, filled
) -> None:
    rows = wanted(windows, filled, 3)
    there = rows[:2].with_columns(spec_sha256=pl.lit("spec"), model_id=pl.lit("m")).lazy()
    key = ["dataset", "record_id", "window_index", "model_id"]

    missing = missing_rows(rows.lazy(), there, "spec", MADE_FROM).collect()
    assert missing["window_index"].to_list() == [2]
    assert missing_rows(rows.lazy(), there, "newer", MADE_FROM).collect().height == 3
    assert stale_rows(rows.lazy(), there, key).collect().is_empty()


def test_an_annotation_is_stale_once_its_window_has_a_pressure(windows, filled) -> None:
    before = wanted(windows, filled, 2).with_columns(model_id=pl.lit("m")).lazy()
    now = with_given(windows([None, None]).lazy(), filled([125.0]).lazy()).lazy()

    assert stale_rows(now, before, ["window_index", "model_id"]).collect().rows() == [(0, "m")]


def test_a_spec_changes_with_the_model_and_with_what_decides_beside_it(parrot) -> None:
    told = [
        parrot(),
        parrot(model_id="parrot-2"),
        parrot(model_sha256="71"),
        parrot(spec={"steps": 4}),
        parrot(spec={"steps": 8}),
    ]

    assert len({spec_sha256(annotator) for annotator in told}) == len(told)
    assert spec_sha256(parrot(spec={"a": 1, "b": 2})) == spec_sha256(parrot(spec={"b": 2, "a": 1}))
