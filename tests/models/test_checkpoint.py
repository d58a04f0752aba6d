"""A checkpoint and its card: written together, read together or not at all."""

import hashlib
import json
import os
from pathlib import Path

import fsspec
import pytest
import safetensors.torch
import torch

from models.card import Card
from models.checkpoint import load_checkpoint, read_card, save_checkpoint
from models.reading import read_bytes

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0])}


def save(path: Path, **changed: object) -> Card:
    about = {"architecture": "line", "name": "line", "origin": "by hand"} | changed
    return save_checkpoint(path, TENSORS, **about)


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "line.safetensors"
    save(path)
    return path


def edit_card(path: Path, **changed: object) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changed))


def replace_file(path: Path, content: bytes) -> None:
    """Change the file and let its card agree."""
    path.write_bytes(content)
    edit_card(path, sha256=hashlib.sha256(content).hexdigest())


def test_tensors_come_back_to_the_bit(path) -> None:
    card, tensors = load_checkpoint(str(path), "line")

    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[key], TENSORS[key]) for key in TENSORS)
    assert card.n_parameters == 7


def test_a_card_tells_what_the_file_is(tmp_path) -> None:
    path = tmp_path / "line.safetensors"
    save(path, licence="CC0", settings={"steps": [1, 2]})
    card = read_card(str(path))

    assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card.model_id == f"line-{card.sha256[:8]}"
    assert (card.origin, card.licence, card.settings) == ("by hand", "CC0", {"steps": [1, 2]})


def test_saving_again_gives_the_same_bytes(tmp_path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save(first)
    save(second)

    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".json").read_bytes() == second.with_suffix(".json").read_bytes()


def test_a_checkpoint_is_read_from_a_url(path) -> None:
    fs = fsspec.filesystem("memory")
    fs.put(str(path), "/models/line.safetensors")
    fs.put(str(path.with_suffix(".json")), "/models/line.json")
    card, tensors = load_checkpoint("memory://models/line.safetensors", "line")

    assert card == read_card(str(path))
    assert torch.equal(tensors["weight"], TENSORS["weight"])


def test_a_checkpoint_of_another_architecture_is_refused(path) -> None:
    with pytest.raises(ValueError, match=r"line\.safetensors is a checkpoint of line, plane is"):
        load_checkpoint(str(path), "plane")


@pytest.mark.parametrize("keep", [0, 4, 7, 8, 50, -1])
def test_a_file_that_was_cut_short_is_refused(path, keep) -> None:
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ValueError, match=r"line\.safetensors is not the file of its card: SHA-256"):
        read_card(str(path))


@pytest.mark.parametrize("keep", [0, 4, 7, 8, 50, -1])
def test_a_file_that_was_cut_short_is_refused_though_its_card_agrees(path, keep) -> None:
    replace_file(path, path.read_bytes()[:keep])

    with pytest.raises(ValueError, match=r"line\.safetensors can't be read as safetensors"):
        read_card(str(path))


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}',
        b'{"w":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        b'{"w":{"dtype":"X","shape":[1],"data_offsets":[0,4]}}',
    ],
)
def test_a_header_that_is_wrong_is_refused(path, header) -> None:
    replace_file(path, len(header).to_bytes(8, "little") + header + bytes(4))

    with pytest.raises(ValueError, match="can't be read as safetensors"):
        read_card(str(path))


def test_a_file_that_was_changed_is_refused(path) -> None:
    changed = TENSORS | {"bias": torch.tensor([2.0])}
    path.write_bytes(safetensors.torch.save(changed))

    with pytest.raises(ValueError, match="is not the file of its card"):
        load_checkpoint(str(path), "line")


def test_a_card_that_counts_otherwise_is_refused(path) -> None:
    edit_card(path, n_parameters=8)

    with pytest.raises(ValueError, match="has 7 parameters, its card says 8"):
        read_card(str(path))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": 2}, r"'format': it should be 1, the latest that is known here, got 2"),
        ({"sha256": "abc"}, r"'sha256': .*got 'abc'"),
        ({"n_parameters": "7"}, r"'n_parameters': .*got '7'"),
        ({"author": "me"}, r"'author': Extra inputs"),
        ({"licence": "\x1b[31m"}, r"'licence': it must be one line of printable characters"),
        ({"name": "../a"}, r"'name': .*got '\.\./a'"),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(path, changed, sentence) -> None:
    edit_card(path, **changed)

    with pytest.raises(ValueError, match=rf"line\.json is no card .*: {sentence}"):
        read_card(str(path))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_a_card_that_is_none_is_refused(path, text) -> None:
    path.with_suffix(".json").write_bytes(text)

    with pytest.raises(ValueError, match=r"line\.json is no card"):
        read_card(str(path))


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors is not there"):
        read_card(str(tmp_path / "nowhere.safetensors"))


def test_a_file_without_its_card_is_refused(path) -> None:
    path.with_suffix(".json").unlink()

    with pytest.raises(FileNotFoundError, match=r"line\.json, the card of .*, is not there"):
        read_card(str(path))


def test_a_pickle_is_not_read_but_where_it_is_imported(tmp_path) -> None:
    torch.save(TENSORS, tmp_path / "line.pth")

    with pytest.raises(ValueError, match="`pulselake checkpoint import` makes one"):
        load_checkpoint(str(tmp_path / "line.pth"), "line")


def test_a_protocol_that_nobody_speaks_is_told() -> None:
    with pytest.raises(ValueError, match=r"magic://a/b\.safetensors can't be opened"):
        read_card("magic://a/b.safetensors")


def test_a_file_that_is_too_large_is_not_read(tmp_path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(ValueError, match="has 1,099,511,627,776 bytes, at most 10 are read"):
        read_bytes(str(tmp_path / "large"), 10)


def test_what_is_no_file_is_not_read(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="is no file"):
            read_bytes(str(path), 10)


def test_a_save_that_fails_leaves_the_former_checkpoint_whole(path) -> None:
    former = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    with pytest.raises(ValueError, match="the card can't be made: 'licence'"):
        save(path, licence="")
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == former


def test_a_save_that_has_no_place_for_the_card_leaves_nothing(tmp_path) -> None:
    (tmp_path / "line.json").mkdir()

    with pytest.raises(IsADirectoryError, match=r"line\.json can't be written: it is a folder"):
        save(tmp_path / "line.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["line.json"]


def test_a_folder_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"the folder of .*line\.safetensors is not there"):
        save(tmp_path / "nowhere" / "line.safetensors")


def test_a_json_file_that_is_no_card_is_not_overwritten(tmp_path) -> None:
    (tmp_path / "results.json").write_text('{"mine": 1}')

    with pytest.raises(ValueError, match=r"results\.json, where the card would be, .* is no card"):
        save_checkpoint(
            tmp_path / "results.safetensors", {}, architecture="a", name="b", origin="c"
        )
    assert (tmp_path / "results.json").read_text() == '{"mine": 1}'
