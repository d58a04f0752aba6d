import pytest

from ops.catalog import plan_records
from ops.entry import CredentialsError, OutsideError
from ops.source import Source
from ops.unserved import MOST_UNSERVED, SourceDownError, Unserved
from tests.s3_proxy import fails, is_silent, s3_proxy

SILENT = TimeoutError("x/a.hea in /srv could not be read: no answer")


def test_a_source_that_gives_nothing_for_some_items_in_a_row_is_told_without_naming_them() -> None:
    unserved = Unserved("/srv")
    for item in range(MOST_UNSERVED - 1):
        unserved.failed(item, SILENT)

    with pytest.raises(SourceDownError) as told:
        unserved.failed("last", SILENT)

    assert str(told.value) == (
        "source /srv was asked for 8 files in a row and gave none (no answer): see that it is up "
        "and can be reached, then run again; what was committed stays"
    )
    with pytest.raises(SourceDownError):
        unserved.see()


def test_one_item_that_fails_often_and_a_success_in_between_do_not_count() -> None:
    unserved = Unserved("/srv")
    for item in range(3 * MOST_UNSERVED):
        unserved.failed("same", SILENT)
        unserved.failed(item, SILENT)
        unserved.served()

    unserved.see()


@pytest.mark.parametrize("refusals", [False, True])
def test_a_refusal_counts_where_it_is_about_who_asks_or_the_file_was_read_before(refusals) -> None:
    unserved = Unserved("/srv", refusals=refusals)

    assert unserved.takes(PermissionError()) is refusals
    assert unserved.takes(CredentialsError())
    assert not unserved.takes(OutsideError())
    assert not unserved.takes(OSError())


@pytest.mark.parametrize(
    ("act", "most_asked", "says"),
    [
        (is_silent, 80, "can be reached"),
        (fails(403, "ExpiredToken"), 80, "credentials are good"),
        (fails(403, "AccessDenied"), 120, "credentials are good"),
    ],
    ids=["silent", "expired", "refused"],
)
def test_planning_on_a_source_that_gives_no_header_ends_early(
    s3_server: str, s3, monkeypatch, act, most_asked: int, says: str
) -> None:
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("ops.source.GIVE_UP_S", 0.0)
    monkeypatch.setattr("ops.patience.READ_TIMEOUT_S", 0.5)
    s3.pipe({f"archive-bucket/in/{i}.hea": b"header" for i in range(100)})
    with s3_proxy(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        proxy.on("GET", r"\.hea", act)
        source = Source("s3://archive-bucket/in")
        listing = source.listing()

        with pytest.raises(SourceDownError, match=f"s3://archive-bucket/in was asked .*{says}"):
            plan_records(source, listing, {}, "1")

        assert proxy.asked("GET", r"\.hea") <= most_asked


def test_a_folder_that_is_refused_costs_itself_alone(s3_server: str, s3, monkeypatch) -> None:
    one = b"a 1 125 500\na.dat 16 200 16 0 0 0 0 II\n"
    s3.pipe({f"archive-bucket/in/x/{i}.hea": b"header" for i in range(20)})
    s3.pipe("archive-bucket/in/y/a.hea", one)
    with s3_proxy(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        proxy.on("GET", r"x/.*\.hea", fails(403, "AccessDenied"))
        source = Source("s3://archive-bucket/in")
        planned = plan_records(source, source.listing(), {}, "1")

    assert [record.record_id for record in planned.to_read] == ["y/a"]
    assert [unread.fingerprint for unread in planned.faults] == [""] * 20
