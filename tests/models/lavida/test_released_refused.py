"""A release that is none, or a checkpoint of one that is not of its card, is refused by a name."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.checkpoint import save_checkpoint
from models.lavida.released import import_lavida, read_lavida_released
from models.lavida.released_files import find_release
from tests.models.lavida.published import (
    SIZES,
    UP,
    VISION,
    Weights,
    write_release,
)

SHARD = r"model-0000\d-of-00003\.safetensors"
INDEX = "model.safetensors.index.json"


def edit_index(release: Path, edit: Callable[[dict[str, str]], object]) -> None:
    file = release / INDEX
    index = json.loads(file.read_text())
    edit(index["weight_map"])
    file.write_text(json.dumps(index))


WRONG: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "a missing tensor": (
        lambda w: {name: w[name] for name in w if name != UP},
        rf"index\.json: {UP} is missing, a tensor of shape \(48, 32\) is expected",
    ),
    "no token ends a row": (
        lambda w: {name: w[name] for name in w if name != "model.image_newline"},
        r"index\.json: model\.image_newline is missing",
    ),
    "a missing tensor that is not used": (
        lambda w: {name: w[name] for name in w if name != f"{VISION}post_layernorm.bias"},
        r"post_layernorm\.bias is missing",
    ),
    "no tensor that tells sizes": (
        lambda w: {name: w[name] for name in w if name != "model.embed_tokens.weight"},
        r"index\.json: model\.embed_tokens\.weight is missing",
    ),
    "an extra tensor": (
        lambda w: w | {"model.\x1bx": torch.zeros(2).bfloat16()},
        rf"{SHARD}: 'model\.\\x1bx' is no tensor of LaViDa-LLaDA",
    ),
    "a layer of a large number": (
        lambda w: w | {"model.layers.999999999.self_attn.q_proj.weight": torch.zeros(2)},
        r"model\.layers\.2\.input_layernorm\.weight is missing",
    ),
    "a wrong shape": (
        lambda w: w | {UP: torch.zeros(32, 48).bfloat16()},
        rf"{SHARD}: {UP} must have the shape \(48, 32\), got \(32, 48\)",
    ),
    "heads of other lengths": (
        lambda w: w | {"lm_head.weight": torch.zeros(51, 32).bfloat16()},
        r"lm_head\.weight must have the shape \(50, 32\), got \(51, 32\)",
    ),
    "an empty tensor": (
        lambda w: w | {"model.embed_tokens.weight": torch.zeros(0, 2**62).bfloat16()},
        r"embed_tokens\.weight must have 2 dimensions of at least 1, got \(0, 4611686018427387904",
    ),
    "whole numbers": (
        lambda w: {name: tensor.int() for name, tensor in w.items()},
        r"model\.embed_tokens\.weight must be of type one of BF16, F16, F32, got I32",
    ),
    "one of another type": (
        lambda w: w | {UP: w[UP].float()},
        rf"{SHARD}: {UP} must be of type BF16, got F32",
    ),
    "one of eight bits": (
        lambda w: w | {UP: w[UP].to(torch.float8_e4m3fn)},
        rf"{SHARD}: {UP} must be of type BF16, got F8_E4M3",
    ),
    "not finite": (
        lambda w: w | {UP: torch.full((48, 32), float("nan")).bfloat16()},
        rf"{SHARD}: {UP} holds numbers that are not finite",
    ),
    "not finite where it is not used": (
        lambda w: w | {f"{VISION}post_layernorm.bias": torch.full((16,), torch.inf).bfloat16()},
        r"post_layernorm\.bias holds numbers that are not finite",
    ),
    "a tensor by two names": (
        lambda w: w | {"model.transformer.wte.weight": w["model.embed_tokens.weight"].clone()},
        r"is there by two names",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_release_that_is_none_is_refused_by_its_first_tensor_that_disagrees(
    weights, tmp_path, wrong
) -> None:
    change, sentence = WRONG[wrong]
    release = write_release(tmp_path / "release", change(weights))

    with pytest.raises(ValueError, match=sentence):
        import_lavida(release, tmp_path / "l.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["release"]


@pytest.mark.parametrize(
    "name",
    [
        "../other.safetensors",
        "/etc/model.safetensors",
        "a/b.safetensors",
        "..\\b.safetensors",
        "model\x00.safetensors",
        "config.json",
        "..",
        "",
    ],
)
def test_an_index_does_not_lead_out_of_its_folder(weights, tmp_path, name) -> None:
    (tmp_path / "other.safetensors").write_bytes(safetensors.torch.save(weights))
    release = write_release(tmp_path / "release", weights)
    edit_index(release, lambda held: held.update({UP: name}))

    with pytest.raises(
        ValueError, match=r"no index of shards: .* the name of a \.safetensors file"
    ):
        import_lavida(release, tmp_path / "l.safetensors")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"weight_map": {}}', b'{"weight_map": {"a": 1}}', b"[" * 99]
)
def test_an_index_that_is_none_is_refused(tmp_path, text) -> None:
    (tmp_path / INDEX).write_bytes(text)

    with pytest.raises(ValueError, match=r"index\.json is no index of shards: "):
        import_lavida(tmp_path, tmp_path / "l.safetensors")


@given(st.binary(max_size=60))
def test_bytes_that_are_no_index_are_refused_in_a_line(tmp_path_factory, text) -> None:
    index = tmp_path_factory.mktemp("index") / INDEX
    index.write_bytes(text)

    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        find_release(index)


def test_a_shard_that_is_not_there_is_named(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    (release / "model-00002-of-00003.safetensors").unlink()

    with pytest.raises(FileNotFoundError, match=r"model-00002-of-00003\.safetensors is not there"):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_tensor_in_another_shard_than_the_index_says_is_named(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    edit_index(
        release, lambda held: held.update({UP: next(f for f in held.values() if f != held[UP])})
    )

    with pytest.raises(
        ValueError, match=rf"{SHARD}: '{UP}' is in this shard, the index names it in"
    ):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_tensor_that_the_index_does_not_name_is_named(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    edit_index(release, lambda held: held.pop(UP))

    with pytest.raises(ValueError, match=rf"'{UP}' is in this shard, the index does not name it"):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_tensor_that_is_in_no_shard_is_named(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    edit_index(release, lambda held: held.update({"model.more": held[UP]}))

    with pytest.raises(ValueError, match=rf"{SHARD}: 'model\.more' is missing, which the index"):
        import_lavida(release, tmp_path / "l.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_shard_that_was_cut_short_is_refused(weights, tmp_path, keep) -> None:
    release = write_release(tmp_path / "release", weights)
    shard = release / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:keep])

    with pytest.raises(ValueError, match=r"00003-of-00003\.safetensors can't be read as safetens"):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_pipe_in_the_place_of_a_shard_is_not_waited_for(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    shard = release / "model-00003-of-00003.safetensors"
    shard.unlink()
    os.mkfifo(shard)

    with pytest.raises(ValueError, match=r"00003-of-00003\.safetensors is no file"):
        import_lavida(release, tmp_path / "l.safetensors")


def test_shards_that_are_too_large_are_not_read(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    os.truncate(release / "model-00003-of-00003.safetensors", 2**40)

    with pytest.raises(ValueError, match=r"index\.json has 1,099,.* bytes, at most 68,719,476,736"):
        import_lavida(release, tmp_path / "l.safetensors")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"n_heads": "4"}, r"'n_heads': .*got '4'"),
        ({"n_heads": 0}, r"'n_heads': .*got 0"),
        ({"n_heads": 10**30}, r"'n_heads': .*got 1000"),
        ({"n_heads": 3}, r"a width of 32 can't be shared by 3 heads"),
        ({"n_heads": 32}, r"RoPE turns pairs"),
        ({"rope_theta": -1.0}, r"'rope_theta': .*got -1.0"),
        ({"rope_scaling": {"type": "linear"}}, r"'rope_scaling': .*got \{'type': 'linear'\}"),
        ({"vision_config": []}, r"'vision_config': .*got \[\]"),
        ({"vision_config": {"image_size": 10**9}}, r"'vision_config\.image_size': .*got 1000"),
    ],
)
def test_a_configuration_that_can_t_be_used_is_refused(weights, tmp_path, config, sentence) -> None:
    release = write_release(tmp_path / "release", weights)
    held = json.loads((release / "config.json").read_text())
    (release / "config.json").write_text(json.dumps(held | config))

    with pytest.raises(ValueError, match=sentence):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_configuration_that_is_too_large_is_not_read(weights, tmp_path) -> None:
    release = write_release(tmp_path / "release", weights)
    os.truncate(release / "config.json", 2**40)

    with pytest.raises(ValueError, match=r"config\.json has 1,099,511,627,776 bytes, at most"):
        import_lavida(release, tmp_path / "l.safetensors")


def test_a_folder_without_a_release_is_told(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"holds neither model\.safetensors\.index\.json nor mod"):
        import_lavida(tmp_path, tmp_path / "l.safetensors")


@pytest.mark.parametrize("out", ["model-00001-of-00003.safetensors", "config.safetensors"])
def test_nothing_of_the_release_is_overwritten(weights, tmp_path, out) -> None:
    release = write_release(tmp_path / "release", weights)
    before = {file.name: file.read_bytes() for file in release.iterdir()}

    with pytest.raises(ValueError, match=r"would overwrite .*, which it is made from"):
        import_lavida(release, release / out)
    assert {file.name: file.read_bytes() for file in release.iterdir()} == before


@pytest.mark.parametrize(
    ("part", "changed", "sentence"),
    [
        ("language", {"depth": 1}, r"tower\.patch\.weight is missing"),
        ("language", {"depth": 10**9}, r"has 1 tensors, fewer than its card says layers"),
        ("language", {"width": 2**40, "vocabulary": 2**40, "depth": 1}, r"would be too large"),
        ("language", {"width": 2**80, "depth": 1}, r"would be too large"),
        ("tower", {"heads": 3}, r"'sizes\.tower': a width of 16 can't be shared by 3 heads"),
    ],
)
def test_a_checkpoint_that_is_not_of_its_card_s_sizes_is_refused(
    tmp_path, part, changed, sentence
) -> None:
    sizes = SIZES.model_dump(mode="json")
    sizes["tower"]["depth"] = 1
    sizes[part] |= changed
    path = tmp_path / "l.safetensors"
    save_checkpoint(
        path,
        {"projector.newline": torch.zeros(32)},
        architecture="lavida",
        name="l",
        origin="here",
        settings={"sizes": sizes, "words": None},
    )

    with pytest.raises(ValueError, match=sentence):
        read_lavida_released(str(path))


@pytest.mark.parametrize("settings", [{}, {"sizes": 3}, {"sizes": {"tower": None}}])
def test_a_card_without_sizes_is_refused(tmp_path, settings) -> None:
    path = tmp_path / "l.safetensors"
    save_checkpoint(
        path,
        {"x": torch.zeros(2)},
        architecture="lavida",
        name="l",
        origin="here",
        settings=settings,
    )

    with pytest.raises(ValueError, match=r"the card of .* has settings that can't be used: 'sizes"):
        read_lavida_released(str(path))
