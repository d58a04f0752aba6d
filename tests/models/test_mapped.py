"""Large files: mapped and hashed piece by piece, not read."""

import hashlib
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models.checkpoint import load_checkpoint, map_checkpoint, save_checkpoint
from models.mapped import Form, forms_of, held_still, map_tensors, sha256_of

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(1).bfloat16()}


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "line.safetensors"
    save_checkpoint(path, TENSORS, architecture="line", name="line", origin="by hand")
    return path


def lies_in(address: int, file: Path) -> bool:
    """Tell whether an address of this process is in a map of the file."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, *_, where = line.split(maxsplit=5)
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        if start <= address < end:
            return where == str(file)
    return False


def test_a_header_tells_types_and_shapes(path) -> None:
    assert forms_of(path) == {"weight": Form("F32", (2, 3)), "bias": Form("BF16", (1,))}


def test_mapped_tensors_are_those_of_the_file_and_lie_in_it(path) -> None:
    mapped = map_tensors(path)

    assert all(torch.equal(mapped[name], TENSORS[name]) for name in TENSORS)
    assert all(lies_in(tensor.data_ptr(), path) for tensor in mapped.values())


def test_mapped_tensors_outlive_their_file_s_name(path) -> None:
    mapped = map_tensors(path)
    path.unlink()

    assert torch.equal(mapped["weight"], TENSORS["weight"])


def test_a_checkpoint_is_mapped_as_it_is_loaded(path) -> None:
    card, mapped = map_checkpoint(str(path), "line")
    loaded_card, loaded = load_checkpoint(str(path), "line")

    assert card == loaded_card
    assert mapped.keys() == loaded.keys()
    assert all(torch.equal(mapped[name], loaded[name]) for name in loaded)
    assert all(lies_in(tensor.data_ptr(), path) for tensor in mapped.values())


def test_mapped_tensors_are_saved_as_they_were(path, tmp_path) -> None:
    again = tmp_path / "again.safetensors"
    save_checkpoint(again, map_tensors(path), architecture="line", name="line", origin="by hand")

    assert again.read_bytes() == path.read_bytes()
    assert again.with_suffix(".json").read_bytes() == path.with_suffix(".json").read_bytes()


def test_a_checkpoint_that_is_too_large_to_be_read_is_mapped(path, monkeypatch) -> None:
    monkeypatch.setattr("models.checkpoint.MOST_BYTES", 10)
    _, mapped = map_checkpoint(str(path), "line")

    assert torch.equal(mapped["weight"], TENSORS["weight"])
    with pytest.raises(ValueError, match=r"line\.safetensors has \d+ bytes, at most 10 are read"):
        load_checkpoint(str(path), "line")


def test_a_file_that_was_changed_is_refused(path) -> None:
    path.write_bytes(safetensors.torch.save(TENSORS | {"bias": torch.zeros(1).bfloat16()}))

    with pytest.raises(ValueError, match=r"line\.safetensors is not the file of its card: SHA-256"):
        map_checkpoint(str(path), "line")


def test_a_checkpoint_of_another_architecture_is_not_mapped(path) -> None:
    with pytest.raises(ValueError, match=r"is a checkpoint of line, plane is expected"):
        map_checkpoint(str(path), "plane")


def test_a_checkpoint_at_a_url_is_read(path) -> None:
    card, tensors = map_checkpoint(f"file://{path}", "line")

    assert card.n_parameters == 7
    assert not lies_in(tensors["weight"].data_ptr(), path)


def test_a_file_that_changes_while_it_is_read_is_refused(path) -> None:
    with (
        pytest.raises(ValueError, match=r"line\.safetensors was changed while it was read"),
        held_still(path),
    ):
        path.write_bytes(path.read_bytes())


def test_a_file_that_is_replaced_while_it_is_read_is_refused(path, tmp_path) -> None:
    (tmp_path / "new").write_bytes(path.read_bytes())

    with (
        pytest.raises(ValueError, match=r"line\.safetensors was changed while it was read"),
        held_still(path),
    ):
        (tmp_path / "new").replace(path)


def test_a_sum_is_that_of_the_whole_file(path) -> None:
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("ask", [forms_of, map_tensors, sha256_of])
def test_what_is_no_file_is_not_opened(tmp_path, ask) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match=r"is no file$"):
            ask(path)


@pytest.mark.parametrize("ask", [forms_of, map_tensors, sha256_of])
def test_a_file_that_is_not_there_is_told(tmp_path, ask) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere is not there$"):
        ask(tmp_path / "nowhere")


@pytest.mark.parametrize("ask", [forms_of, map_tensors])
@pytest.mark.parametrize("content", [b"", b"{}", b"version https://git-lfs.github.com/spec/v1\n"])
def test_what_is_no_safetensors_file_is_told(tmp_path, ask, content) -> None:
    (tmp_path / "text").write_bytes(content)

    with pytest.raises(ValueError, match=r"text can't be read as safetensors"):
        ask(tmp_path / "text")


def test_a_saved_file_may_be_read_by_whoever_may_read_other_new_files(path, tmp_path) -> None:
    (tmp_path / "other").touch()

    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
