import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.audit.sample import LEAST_AGE_S, audit_sample
from schemas.modality import MODALITIES
from schemas.restoration import Trained

READ = {
    "dataset": pl.String,
    "record_id": pl.String,
    "kind": pl.String,
    "taken_s": pl.Float64,
    "sbp": pl.Float32,
    "dbp": pl.Float32,
    "map": pl.Float32,
    "moment": pl.Int32,
    "moment_sha256": pl.String,
}

WINDOWS = dict.fromkeys(("dataset", "record_id", "subject_id", "input_sha256"), pl.String) | {
    "window_index": pl.Int32,
    "start_s": pl.Float64,
    **{f"{m}_grade": pl.String for m in MODALITIES},
}


def windows(n: int, *, subject="s", record="a", dataset="ward", **told) -> pl.LazyFrame:
    rows = [
        {
            "dataset": dataset,
            "record_id": record,
            "window_index": i,
            "subject_id": subject,
            "start_s": 4.0 * i,
            "input_sha256": f"{record} {i}",
        }
        | {f"{m}_grade": "good" for m in MODALITIES}
        | told
        for i in range(n)
    ]
    return pl.LazyFrame(rows, schema=WINDOWS)


def lines(windows: pl.LazyFrame) -> pl.DataFrame:
    return windows.collect().select(
        "dataset",
        "record_id",
        kind=pl.lit("line"),
        taken_s="start_s",
        sbp=pl.lit(120, pl.Float32),
        dbp=pl.lit(70, pl.Float32),
        map=pl.lit(88, pl.Float32),
        moment="window_index",
        moment_sha256="input_sha256",
    )


def cuffs(*taken_s: float, record="a") -> pl.DataFrame:
    rows = [("ward", record, "cuff", t, 118.0, 71.0, 86.0, None, None) for t in taken_s]
    return pl.DataFrame(rows, READ, orient="row")


def sample(some: pl.LazyFrame, read: pl.DataFrame | None = None, **told) -> pl.DataFrame:
    asked = {"trained": Trained(), "per_subject": 10, "most_age_s": 3600.0} | told
    return audit_sample(some, lines(some) if read is None else read, **asked)


def test_a_subject_gives_so_many_windows_at_most_whichever_records_they_lie_in() -> None:
    both = pl.concat([windows(50), windows(50, record="b"), windows(5, subject="t", record="c")])
    counts = sample(both).group_by("subject_id").len().sort("subject_id").rows()

    assert counts == [("s", 10), ("t", 5)]


def test_a_window_without_a_fit_line_is_no_truth_and_not_audited() -> None:
    some = windows(20)
    truth = lines(some)[:4]

    assert sorted(sample(some, truth)["window_index"]) == [0, 1, 2, 3]


def test_a_window_without_conditions_is_not_audited() -> None:
    assert sample(windows(5, ecg_grade="bad", ppg_grade="absent")).is_empty()


def test_a_sample_stays_while_the_archive_grows() -> None:
    before = set(sample(windows(100))["window_index"])
    after = set(sample(windows(110))["window_index"])

    assert len(before & after) >= 7
    assert {i for i in after - before if i < 100} == set()


@pytest.mark.parametrize(
    ("trained", "left"),
    [
        (Trained(data="ward", subjects=frozenset({"s"})), {"t"}),
        (Trained(data="ward"), set()),
        (Trained(data="elsewhere", subjects=frozenset({"s"})), {"s", "t"}),
        (Trained(), {"s", "t"}),
    ],
)
def test_nobody_whom_the_model_was_trained_on_is_audited(trained, left) -> None:
    both = pl.concat([windows(5), windows(5, subject="t", record="b")])

    assert set(sample(both, trained=trained)["subject_id"]) == left


def test_all_calibrations_that_a_window_can_have_are_drawn() -> None:
    some = windows(900)
    drawn = sample(some, pl.concat([lines(some), cuffs(1.0)]), per_subject=300)
    counts = dict(drawn.group_by("calibration").len().rows())

    assert all(70 < counts[kind] < 130 for kind in ("cuff", "line", "none"))


def test_a_model_that_goes_by_no_reading_is_audited_without_one() -> None:
    some = windows(200)
    drawn = sample(some, pl.concat([lines(some), cuffs(1.0)]), most_age_s=None)

    assert set(drawn["calibration"]) == {"none"}
    assert drawn["reference_sha256"].null_count() == drawn.height


def test_a_line_as_reference_is_at_least_a_minute_away_and_rather_before() -> None:
    drawn = sample(windows(900), per_subject=300).filter(calibration="line")

    assert (drawn["reference_age_s"].abs() >= LEAST_AGE_S).all()
    assert (drawn["reference_age_s"] > 0).mean() > 0.9
    assert (drawn["reference_age_s"] > 600).any()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 60),
    st.integers(1, 20),
    st.lists(st.floats(0, 300), max_size=3, unique=True),
    st.sampled_from([0.0, 60.0, 3600.0, None]),
)
def test_whatever_there_is_each_window_is_asked_once_and_never_by_its_own_line(
    n, per_subject, taken_s, most_age_s
) -> None:
    some = windows(n)
    read = pl.concat([lines(some).cast(READ), cuffs(*taken_s)])
    drawn = sample(some, read, per_subject=per_subject, most_age_s=most_age_s)

    assert drawn.height == min(n, per_subject)
    assert drawn["window_index"].is_unique().all()
    assert (drawn["moment"] != drawn["window_index"]).drop_nulls().all()
