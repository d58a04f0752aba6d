"""Pickles from strangers: tensors come out, and nothing is run."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.pickled import unpickle_weights


def saved(content: object, *, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def archive(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in entries.items():
            written.writestr(f"a/{name.replace('_', '.')}", content)
    return file.getvalue()


class Code:
    """A pickle of this makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_tensors_come_out() -> None:
    loaded = unpickle_weights(saved({"w": torch.arange(3)}), "w.pth")

    assert torch.equal(loaded["w"], torch.arange(3))


def test_the_code_of_these_tests_would_be_run_by_pickle(tmp_path) -> None:
    pickle.loads(pickle.dumps(Code(tmp_path / "ran")))  # noqa: S301

    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_code_beside_tensors_is_refused_by_name_and_not_run(tmp_path, zipped) -> None:
    content = saved({"w": torch.zeros(3), "x": Code(tmp_path / "ran")}, zipped=zipped)

    with pytest.raises(ValueError, match=r"^w\.pth asks for \w+\.mkdir, .*nothing was run$"):
        unpickle_weights(content, "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_bare_pickle_is_refused_and_not_run(tmp_path, protocol) -> None:
    content = pickle.dumps(Code(tmp_path / "ran"), protocol=protocol)

    with pytest.raises(ValueError, match=r"^w\.pth .*nothing was run$"):
        unpickle_weights(content, "w.pth")
    assert not (tmp_path / "ran").exists()


def test_a_whole_model_is_refused_and_the_sentence_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"asks for torch\.nn\.modules\.linear\.Linear") as refused:
        unpickle_weights(saved(torch.nn.Linear(2, 2)), "w.pth")

    assert "weights_only" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_torchscript_archive_is_refused() -> None:
    content = archive(data_pkl=b"\x80\x02}.", constants_pkl=b"\x80\x02).", version=b"3")

    with pytest.raises(ValueError, match=r"can't be read as a file of torch\.save"):
        unpickle_weights(content, "w.pth")


def reduced(name: bytes, n: int) -> bytes:
    """A pickle of what ``name``, a module and a name in it, makes of a number."""
    return b"\x80\x02c" + name + b"\nK" + bytes([n]) + b"\x85R."


@pytest.mark.parametrize("name", [b"builtins\nbytearray", b"torch\nFloatTensor"])
def test_what_takes_as_much_memory_as_it_is_told_is_refused(name) -> None:
    told = name.decode().replace("\n", ".")
    for content in (reduced(name, 9), archive(data_pkl=reduced(name, 9), version=b"3")):
        with pytest.raises(ValueError, match=f"asks for {told}, which no tensor needs"):
            unpickle_weights(content, "w.pth")


def test_a_file_with_one_wrong_bit_is_refused() -> None:
    content = bytearray(saved({"w": torch.arange(4000.0)}))
    content[len(content) // 2] ^= 1

    with pytest.raises(ValueError, match=r"^w\.pth can't be read as a file of torch\.save"):
        unpickle_weights(bytes(content), "w.pth")


def test_an_archive_behind_another_is_read_as_it_was_checked() -> None:
    """``zipfile`` takes the directory at the end, others that where the end record says it is."""
    behind = saved({"w": torch.arange(9)}) + saved({"w": torch.arange(3)})

    loaded = unpickle_weights(behind, "w.pth")

    assert torch.equal(loaded["w"], torch.arange(3))


SMALL = {zipped: saved({"w": torch.arange(40.0)}, zipped=zipped) for zipped in (True, False)}


@given(zipped=st.booleans(), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(zipped, share) -> None:
    content = SMALL[zipped][: int(share * len(SMALL[zipped]))]

    with pytest.raises(ValueError, match=r"^w\.pth .*nothing was run$"):
        unpickle_weights(content, "w.pth")


@given(st.binary(max_size=100))
def test_bytes_of_any_kind_are_refused(content) -> None:
    for start in (b"", b"PK\x03\x04", b"\x80\x02"):
        with pytest.raises(ValueError, match=r"^w\.pth .*nothing was run$"):
            unpickle_weights(start + content, "w.pth")


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    content = archive(data_pkl=b"\x80\x02}.", data=bytes(2**28), version=b"3")

    assert len(content) < 2**20
    with pytest.raises(ValueError, match=r"w\.pth unpacks to 268,435,46\d bytes, at most"):
        unpickle_weights(content, "w.pth")


@pytest.mark.parametrize("name", ["data_pkl", "DATA_PKL"])
def test_a_pickle_that_unpacks_to_too_much_is_refused(name) -> None:
    content = archive(**{name: b"\x80\x02" + b"]" * 2**20}, version=b"3")

    with pytest.raises(ValueError, match=r"w\.pth holds a pickle of 1,048,578 bytes"):
        unpickle_weights(content, "w.pth")


def test_a_pickle_of_millions_of_steps_is_refused_before_it_is_built() -> None:
    with pytest.raises(ValueError, match=r"bomb\.pth holds a pickle of over 100,000 steps"):
        unpickle_weights(b"\x80\x02" + b"}" * 2_000_000, "bomb.pth")
