import errno
from pathlib import Path

import pytest
import s3fs
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.lake import Lake
from ops.lake.location import LakeError, Location
from ops.lake.snapshot import Snapshot
from schemas.quarantine import Quarantined

FAULT = Quarantined.sample(overrides=[{"dataset": "ward", "path": "a.hea", "step": "read"}])


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert Location.parse("lake").url == str(tmp_path / "lake")
    assert Location.parse("here/../lake/").url == str(tmp_path / "lake")
    assert Location.parse(".").url == str(tmp_path)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Location.parse("~/lake").url == str(tmp_path / "lake")


def test_a_url_stays_as_it_is_but_for_its_last_slashes() -> None:
    assert Location.parse("s3://bucket/lake//").url == "s3://bucket/lake"
    assert Location.parse("s3://bucket").url == "s3://bucket"


def test_parsing_again_changes_nothing(tmp_path) -> None:
    for text in ("s3://bucket/lake/", str(tmp_path)):
        once = Location.parse(text)

        assert Location.parse(once.url) == once


@pytest.mark.parametrize("url", ["foo://x", "s4://bucket/lake"])
def test_an_unknown_protocol_is_refused_by_the_lakes_name(url) -> None:
    with pytest.raises(ValueError, match=f"lake {url} .*no known protocol"):
        Location.parse(url)


@pytest.mark.parametrize("text", ["", " ", "/", "//", "s3://", "s3:///", "s3:// ", "file://"])
def test_a_lake_without_a_folder_is_refused(text) -> None:
    with pytest.raises(ValueError, match="a lake needs a folder or URL"):
        Location.parse(text)


@pytest.mark.parametrize(
    "odd", [" ", "%", "?", "#", "*", "[", "{", "=", '"', "\\", "é", "\n", "::"]
)
@pytest.mark.parametrize("root", ["/srv", "s3://bucket"])
def test_a_path_that_delta_readers_escape_is_refused_by_its_character(root, odd) -> None:
    with pytest.raises(ValueError, match="got") as refusal:
        Location.parse(f"{root}/a{odd}b/lake")

    assert repr(odd) in str(refusal.value)


@settings(max_examples=15, deadline=None)
@given(name=st.text("aZ09_.~:@!$&'()+,;-", min_size=1, max_size=6).filter(lambda n: "::" not in n))
def test_a_lake_reads_what_it_wrote_at_any_path_that_is_not_refused(
    name, tmp_path_factory, window_rows
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake") / f"a{name}"))
    lake.put("windows", [window_rows])
    snapshot = Snapshot(lake.location, "windows")

    assert lake.scan("windows").collect().height == 3
    assert snapshot.rows(dataset="ward", record_id="a").collect().height == 3
    assert Path(lake.url).is_dir()


def test_a_table_lies_below_its_lake() -> None:
    assert Location("s3://bucket/lake").table_url("windows") == "s3://bucket/lake/windows"


def test_a_local_lake_needs_no_options(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:5000")

    assert Location(str(tmp_path)).delta_options() == {}


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_a_commit_to_s3_is_a_conditional_put(scheme, monkeypatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)

    options = Location(f"{scheme}://bucket").delta_options()

    assert options["aws_conditional_put"] == "etag"
    assert "aws_endpoint_url" not in options


def test_plain_http_is_allowed_where_the_endpoint_says_so(monkeypatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://store.example")
    secure = Location("s3://bucket").delta_options()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example")
    plain = Location("s3://bucket").delta_options()

    assert secure["aws_endpoint_url"] == "https://store.example"
    assert "aws_allow_http" not in secure
    assert plain["aws_allow_http"] == "true"


def test_the_endpoint_of_s3_goes_before_that_of_all_services(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example")
    options = Location("s3://bucket").delta_options()

    assert options["aws_endpoint_url"] == "https://s3.example"
    assert "aws_allow_http" not in options


def test_a_local_file_system_is_rooted_at_the_lake(tmp_path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "x").write_text("1")
    fs, root = Location.parse(str(tmp_path / "lake")).filesystem()

    assert root == str(tmp_path / "lake")
    assert fs.exists(f"{root}/x")


def test_preparing_makes_the_folder_and_leaves_nothing_in_it(tmp_path) -> None:
    location = Location.parse(str(tmp_path / "new" / "lake"))
    location.prepare()
    location.prepare()

    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["lake"]


def test_preparing_a_lake_leaves_what_it_holds(tmp_path, window_rows) -> None:
    lake = Lake(str(tmp_path))
    lake.put("windows", [window_rows])
    before = sorted(tmp_path.rglob("*"))
    lake.location.prepare()

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_lake_that_is_a_file_is_refused(tmp_path, prefix) -> None:
    (tmp_path / "lake").write_text("")
    location = Location.parse(f"{prefix}{tmp_path}/lake")

    with pytest.raises(OSError, match=rf"lake {location.url} is a file: name a folder"):
        location.prepare()


def test_a_lake_whose_folder_cannot_be_made_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    location = Location.parse(str(tmp_path / "file" / "lake"))

    with pytest.raises(OSError, match=r"file/lake can't be made \(Not a directory\): let this"):
        location.prepare()


def test_a_lake_that_cannot_be_written_to_is_refused(unreadable) -> None:
    root = unreadable({"a": "a"}, ".", mode=0o555)

    with pytest.raises(OSError, match=rf"lake {root} can't be written to \(Permission denied\)"):
        Location.parse(str(root)).prepare()


def test_a_lake_below_a_folder_that_is_shut_is_refused(unreadable) -> None:
    root = unreadable({"shut/a": "a"}, "shut")

    with pytest.raises(OSError, match=r"lake can't be made \(Permission denied\): let this user"):
        Location.parse(str(root / "shut" / "lake")).prepare()


def test_a_bucket_name_that_cannot_be_is_told_in_one_line(s3) -> None:
    with pytest.raises(OSError, match=r"can't be reached .*Invalid bucket name") as refusal:
        Location.parse("s3://bad_bucket!!/lake").prepare()

    assert "\n" not in str(refusal.value)


def test_a_lake_in_another_store_needs_no_folder_yet() -> None:
    Location.parse("memory://new/lake").prepare()


def test_a_bucket_is_reached_and_nothing_is_put_there(s3) -> None:
    Location.parse("s3://archive-bucket/new/lake").prepare()
    Location.parse("s3://archive-bucket").prepare()

    assert s3.find("archive-bucket") == []


def test_a_missing_bucket_is_told(s3) -> None:
    with pytest.raises(OSError, match="lake s3://nobody/lake is in a bucket that is not there"):
        Location.parse("s3://nobody/lake").prepare()


def test_an_endpoint_that_is_down_is_told(s3, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("ops.lake.location.TRIES_A_REQUEST", 1)

    with pytest.raises(
        OSError, match=r"lake s3://archive-bucket/lake can't be reached .*check its"
    ):
        Location.parse("s3://archive-bucket/lake").prepare()


def test_missing_credentials_are_told(s3, monkeypatch, tmp_path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()

    with pytest.raises(OSError, match=r"can't be reached .*redentials"):
        Location.parse("s3://archive-bucket/lake").prepare()


def test_an_error_of_a_lake_is_told_once(tmp_path) -> None:
    location = Location.parse(str(tmp_path))

    with pytest.raises(LakeError) as told, location.room(), location.reached():
        raise OSError(errno.EIO, "broken")

    assert str(told.value) == (
        f"lake {tmp_path} can't be used (broken): what was committed stays, and the next run does "
        "the rest"
    )


def test_a_damaged_log_is_told_in_one_line_with_what_helps(tmp_path) -> None:
    lake = Lake(str(tmp_path))
    lake.put("quarantine", [FAULT])
    (*_, log) = sorted(tmp_path.glob("quarantine/_delta_log/*.json"))
    log.write_bytes(log.read_bytes()[:-30])

    with pytest.raises(LakeError) as told:
        lake.put("quarantine", [FAULT])

    assert str(told.value) == (
        f"lake {tmp_path} can't be used (Kernel error: Json error: Truncated record whilst reading "
        "string): the log of a table is damaged: bring its _delta_log back from a backup"
    )


def test_a_data_file_that_somebody_has_removed_is_named(tmp_path) -> None:
    lake = Lake(str(tmp_path))
    lake.put("quarantine", [FAULT])
    key = lake.scan("quarantine").select("dataset", "path", "step").collect()
    (file,) = tmp_path.rglob("part-*.parquet")
    file.unlink()

    with pytest.raises(LakeError, match=rf"{file.name}\): a file of it is missing"):
        lake.commit("quarantine", replacing=key)
