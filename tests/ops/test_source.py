import os
import pickle
import time
from pathlib import Path

import fsspec
import pytest
import s3fs

from ops.source import (
    MAX_READ_BYTES,
    TRIES,
    TRIES_A_REQUEST,
    ChangedError,
    CredentialsError,
    Entry,
    OutsideError,
    Source,
)
from tests.s3_proxy import drips, fails, is_silent, s3_proxy


def test_a_listing_has_every_file_below_the_source_but_hidden_ones(archive) -> None:
    root = archive({"a.hea": "a", "x/b.dat": "bc", ".git/c": "c", "x/.d": "d"})

    listing = Source(str(root)).listing()

    changed = str((root / "x/b.dat").stat().st_mtime_ns)
    assert list(listing) == ["a.hea", "x/b.dat"]
    assert listing["x/b.dat"] == Entry("x/b.dat", 2, changed)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere could not be listed: it is not there"):
        Source(str(tmp_path / "nowhere")).listing()


def test_an_unreadable_folder_does_not_stop_the_listing(unreadable) -> None:
    root = unreadable({"a.hea": "a", "x/b.hea": "b", "y/shut/c.hea": "c", "y/d.hea": "d"}, "y/shut")
    source = Source(str(root))

    assert list(source.listing()) == ["a.hea", "x/b.hea", "y/d.hea"]
    assert list(source.unlisted) == ["y/shut"]
    assert isinstance(source.unlisted["y/shut"], PermissionError)
    assert str(source.unlisted["y/shut"]) == (
        f"folder y/shut in {root} could not be listed: Permission denied"
    )


def test_a_folder_whose_files_cannot_be_looked_at_is_left_out_whole(unreadable) -> None:
    root = unreadable({"a.hea": "a", "x/b.hea": "b", "x/c/d.hea": "d"}, "x", mode=0o444)
    source = Source(str(root))

    assert list(source.listing()) == ["a.hea"]
    assert list(source.unlisted) == ["x"]


def test_an_unreadable_source_is_an_error(unreadable) -> None:
    root = unreadable({"a.hea": "a"}, ".")

    with pytest.raises(PermissionError, match="could not be listed: Permission denied"):
        Source(str(root)).listing()


def test_a_link_to_a_folder_is_told_and_not_followed(archive, tmp_path) -> None:
    root = archive({"a.hea": "a", "x/b.hea": "b"})
    (root / "linked").symlink_to(root / "x")
    (root / "x" / "up").symlink_to(tmp_path)
    (root / "nowhere").symlink_to(root / "gone")
    (root / "loop").symlink_to(root / "loop")
    source = Source(str(root))

    assert list(source.listing()) == ["a.hea", "x/b.hea"]
    assert [str(why) for why in source.unlisted.values()] == [
        f"folder linked in {root} could not be listed: links to folders are not followed",
        f"folder x/up in {root} could not be listed: links to folders are not followed",
    ]


def test_each_listing_tells_anew_what_it_left_out(archive) -> None:
    root = archive({"a.hea": "a", "x/b.hea": "b"})
    (root / "linked").symlink_to(root / "x")
    source = Source(str(root))
    source.listing()
    (root / "linked").unlink()
    source.listing()

    assert source.unlisted == {}


@pytest.mark.parametrize(
    ("url", "why"),
    [("foo://me:word@x/y", "source foo://x/y begins with foo://"), ("gs://x", "install gcsfs")],
)
def test_a_source_of_an_unknown_protocol_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Source(url)


def test_a_file_that_is_not_there_is_read_as_its_error(archive) -> None:
    root = archive({"a.hea": "a"})

    read = Source(str(root)).read(["a.hea", "b.hea"])

    assert read["a.hea"] == b"a"
    assert isinstance(read["b.hea"], FileNotFoundError)
    assert str(read["b.hea"]) == f"b.hea in {root} could not be read: it is not there"


def test_a_file_too_large_to_be_a_header_is_not_read_whole(archive) -> None:
    root = archive({"a.hea": b"\0" * (MAX_READ_BYTES + 1)})

    read = Source(str(root)).read(["a.hea"])

    assert "more than 8388608 bytes" in str(read["a.hea"])


def test_fetched_files_of_a_local_source_are_linked_and_gone_afterwards(archive, tmp_path) -> None:
    root = archive({"x/a.dat": "signal"})

    with Source(str(root)).fetched("x", ["a.dat"], tmp_path) as there:
        fetched = (there / "a.dat").read_bytes()
        linked = (there / "a.dat").is_symlink()

    assert (fetched, linked, there.exists()) == (b"signal", True, False)
    assert (root / "x/a.dat").exists()


def test_a_link_that_leads_out_of_the_source_is_refused(archive, tmp_path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = archive({"b.dat": "signal"})
    (root / "a.dat").symlink_to(tmp_path / "secret")
    (root / "c.dat").symlink_to(root / "b.dat")
    source = Source(str(root))

    with (
        pytest.raises(OutsideError, match=r"a\.dat .*leads out of the source"),
        source.fetched("", ["a.dat"], tmp_path),
    ):
        pass
    with source.fetched("", ["c.dat"], tmp_path) as there:
        assert (there / "c.dat").read_bytes() == b"signal"
    assert isinstance(source.read(["a.dat"])["a.dat"], PermissionError)


@pytest.mark.parametrize("name", ["../a.dat", "x/a.dat", "..", ""])
def test_a_name_with_a_folder_is_not_fetched(archive, tmp_path, name: str) -> None:
    source = Source(str(archive({"a.dat": "signal"})))

    with pytest.raises(ValueError, match="without a folder"), source.fetched("x", [name], tmp_path):
        pass


def test_a_file_that_does_not_come_is_named_and_leaves_no_scratch(archive, tmp_path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = Source(str(archive({"x/a.dat": "signal"})))

    with (
        pytest.raises(FileNotFoundError, match=r"x/b\.dat in .* is not there"),
        source.fetched("x", ["a.dat", "b.dat"], scratch),
    ):
        pass
    assert list(scratch.iterdir()) == []


def test_s3_lists_reads_and_fetches_as_a_folder_does(s3: s3fs.S3FileSystem, tmp_path) -> None:
    s3.pipe("archive-bucket/in/x/a.hea", b"header")
    s3.pipe("archive-bucket/in/x/empty.hea", b"")
    s3.pipe("archive-bucket/in/.hidden", b"h")
    s3.pipe("archive-bucket/inner/other", b"o")
    source = Source("s3://archive-bucket/in/")

    listing = source.listing()
    read = source.read(["x/a.hea", "x/empty.hea", "x/b.hea"])
    with source.fetched("x", ["a.hea", "empty.hea"], tmp_path) as there:
        fetched = {path.name: path.read_bytes() for path in there.iterdir()}

    assert listing["x/a.hea"] == Entry("x/a.hea", 6, "099fb995346f31c749f6e40db0f395e3")
    assert list(listing) == ["x/a.hea", "x/empty.hea"]
    assert (read["x/a.hea"], read["x/empty.hea"]) == (b"header", b"")
    assert isinstance(read["x/b.hea"], FileNotFoundError)
    assert fetched == {"a.hea": b"header", "empty.hea": b""}


def test_s3_is_listed_afresh_each_time(s3: s3fs.S3FileSystem) -> None:
    s3.pipe("archive-bucket/in/a.hea", b"one")
    source = Source("s3://archive-bucket/in")
    first = source.listing()
    s3.pipe("archive-bucket/in/b.hea", b"two")

    second = source.listing()

    assert (list(first), list(second)) == (["a.hea"], ["a.hea", "b.hea"])


def test_an_empty_prefix_is_taken_for_a_wrong_one(s3: s3fs.S3FileSystem) -> None:
    with pytest.raises(FileNotFoundError, match="s3://archive-bucket/nowhere could not be listed"):
        Source("s3://archive-bucket/nowhere").listing()


def test_an_endpoint_that_is_down_is_an_os_error(s3: s3fs.S3FileSystem, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.001)

    once = {"config_kwargs": {"retries": {"total_max_attempts": 1}}}

    with pytest.raises(OSError, match="Could not connect"):
        Source("s3://archive-bucket/in", once).listing()


def test_a_source_travels_to_another_process(s3: s3fs.S3FileSystem) -> None:
    s3.pipe("archive-bucket/in/a.hea", b"one")
    source = Source("s3://archive-bucket/in", {"key": "test", "secret": "very-secret"})
    source.listing()

    copy = pickle.loads(pickle.dumps(source))  # noqa: S301

    assert list(copy.listing()) == ["a.hea"]
    assert "secret" not in repr(copy)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_source_works_on_in_a_forked_process(s3: s3fs.S3FileSystem) -> None:
    s3.pipe("archive-bucket/in/a.hea", b"one")
    source = Source("s3://archive-bucket/in")
    source.listing()

    child = os.fork()
    if child == 0:
        os._exit(0 if list(source.listing()) == ["a.hea"] else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0


def test_a_passing_error_is_tried_again(archive, monkeypatch) -> None:
    source = Source(str(archive({"a.hea": "a"})))
    answers = iter([OSError("busy"), OSError("busy"), b"a"])
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.001)

    def read(path: str, entry: Entry | None) -> bytes:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(source._archive, "read", read)

    assert source.read(["a.hea"]) == {"a.hea": b"a"}


def test_a_password_in_an_address_is_not_shown() -> None:
    assert repr(Source("ftp://me:word@host/x")) == "Source('ftp://host/x')"


def replace_file(file: Path, content: bytes) -> None:
    """Another file of the same size, at another time."""
    file.write_bytes(content)
    os.utime(file, ns=(1, 1))


def test_a_local_file_that_changes_while_it_is_read_is_told_when_the_block_ends(
    archive, tmp_path
) -> None:
    root = archive({"x/a.dat": "signal"})
    source = Source(str(root))
    seen = source.listing()

    def read() -> None:
        with source.fetched("x", ["a.dat"], tmp_path, seen) as there:
            assert (there / "a.dat").read_bytes() == b"signal"
            replace_file(root / "x/a.dat", b"SIGNAL")

    with pytest.raises(ChangedError, match=r"x/a\.dat in .* has changed since it was listed"):
        read()


@pytest.mark.parametrize("happens", [lambda file: replace_file(file, b"H"), Path.unlink])
def test_a_local_file_that_is_another_than_was_listed_is_not_given(
    archive, tmp_path, happens
) -> None:
    root = archive({"a.hea": "h"})
    source = Source(str(root))
    seen = source.listing()
    happens(root / "a.hea")

    assert isinstance(source.read(["a.hea"], seen)["a.hea"], ChangedError)
    with pytest.raises(ChangedError), source.fetched("", ["a.hea"], tmp_path, seen):
        pass


@pytest.mark.parametrize("scheme", ["s3", "memory"])
def test_an_object_that_is_another_than_was_listed_is_not_given(
    s3: s3fs.S3FileSystem, tmp_path, scheme
) -> None:
    fs = s3 if scheme == "s3" else fsspec.filesystem("memory")
    fs.pipe("archive-bucket/in/a.hea", b"one")
    fs.pipe("archive-bucket/in/b.hea", b"one")
    source = Source(f"{scheme}://archive-bucket/in")
    seen = source.listing()
    fs.pipe("archive-bucket/in/a.hea", b"two")
    read = source.read(["a.hea", "b.hea"], seen)

    assert isinstance(read["a.hea"], ChangedError)
    assert read["b.hea"] == b"one"
    with pytest.raises(ChangedError), source.fetched("", ["a.hea"], tmp_path, seen):
        pass
    with source.fetched("", ["a.hea"], tmp_path, source.look(["a.hea"])) as there:
        assert (there / "a.hea").read_bytes() == b"two"


def test_a_large_object_comes_whole_by_several_requests(
    s3: s3fs.S3FileSystem, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("ops.source_s3.PART_BYTES", 1000)
    content = bytes(range(256)) * 20
    s3.pipe("archive-bucket/in/a.dat", content)
    source = Source("s3://archive-bucket/in")

    with source.fetched("", ["a.dat"], tmp_path, source.listing()) as there:
        assert (there / "a.dat").read_bytes() == content


def test_a_look_tells_what_a_listing_does_and_leaves_out_what_is_not_there(
    s3: s3fs.S3FileSystem, archive
) -> None:
    s3.pipe("archive-bucket/in/x/a.hea", b"one")
    for source in (Source("s3://archive-bucket/in"), Source(str(archive({"x/a.hea": "one"})))):
        assert source.look(["x/a.hea", "x/b.hea", "x"]) == source.listing()


def test_a_store_that_never_answers_is_given_up(s3_server: str, s3, monkeypatch) -> None:
    monkeypatch.setattr("ops.source.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("ops.source.GIVE_UP_S", 1.0)
    monkeypatch.setattr("ops.patience.READ_TIMEOUT_S", 0.5)
    s3.pipe("archive-bucket/in/a.hea", b"one")
    with s3_proxy(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        rule = proxy.on("GET", "a.hea", is_silent)
        began = time.monotonic()
        read = Source("s3://archive-bucket/in").read(["a.hea"])
        took_s = time.monotonic() - began

    assert isinstance(read["a.hea"], TimeoutError)
    assert 2 <= rule.n_acted <= TRIES * TRIES_A_REQUEST
    assert took_s < 20


def test_an_answer_that_trickles_is_given_up(s3_server: str, s3, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("ops.source.GIVE_UP_S", 0.0)
    monkeypatch.setattr("ops.source_s3.PATIENCE_S", 0.5)
    s3.pipe("archive-bucket/in/a.dat", bytes(100))
    with s3_proxy(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        proxy.on("GET", "a.dat", drips(0.2))
        source = Source("s3://archive-bucket/in")
        began = time.monotonic()
        read = source.read(["a.dat"])["a.dat"]
        with (
            pytest.raises(TimeoutError, match="100 bytes did not come within"),
            source.fetched("", ["a.dat"], tmp_path),
        ):
            pass
        took_s = time.monotonic() - began

    assert isinstance(read, TimeoutError)
    assert took_s < 10


@pytest.mark.parametrize(
    ("code", "kind"), [("ExpiredToken", CredentialsError), ("AccessDenied", PermissionError)]
)
def test_a_refusal_of_who_asks_is_told_from_one_of_a_file(
    s3_server: str, s3, monkeypatch, code: str, kind: type
) -> None:
    s3.pipe("archive-bucket/in/a.hea", b"one")
    with s3_proxy(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        proxy.on("GET", "a.hea", fails(403, code))
        read = Source("s3://archive-bucket/in").read(["a.hea"])

    assert type(read["a.hea"]) is kind


def test_a_local_file_that_may_not_be_read_is_told_when_it_is_fetched(unreadable) -> None:
    root = unreadable({"x/a.dat": "a"}, "x/a.dat")

    with (
        pytest.raises(
            PermissionError, match=r"x/a\.dat in .* could not be read: Permission denied"
        ),
        Source(str(root)).fetched("x", ["a.dat"], Path("/tmp")),  # noqa: S108
    ):
        pass
