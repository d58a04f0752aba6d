"""A small release in the published layout: imported, loaded, and asked."""

import hashlib
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models.checkpoint import map_checkpoint
from models.lavida.network import LaViDa
from models.lavida.released import Settings, import_lavida, read_lavida_released
from tests.models.lavida.published import (
    SIZES,
    UP,
    VISION,
    Weights,
    constant_weights,
    published_shapes,
    published_weights,
    write_release,
)

INDEX = "model.safetensors.index.json"


def by_hand(weights: Weights) -> LaViDa:
    """Fill a network, each of its tensors by its own line."""
    network = LaViDa(SIZES).bfloat16()
    put = {
        network.language.embed.weight: "model.embed_tokens.weight",
        network.language.norm.weight: "model.norm.weight",
        network.language.head.weight: "lm_head.weight",
        network.projector.into.weight: "model.mm_projector.0.weight",
        network.projector.into.bias: "model.mm_projector.0.bias",
        network.projector.onto.weight: "model.mm_projector.2.weight",
        network.projector.onto.bias: "model.mm_projector.2.bias",
        network.projector.newline: "model.image_newline",
        network.tower.patch.weight: f"{VISION}embeddings.patch_embedding.weight",
        network.tower.patch.bias: f"{VISION}embeddings.patch_embedding.bias",
        network.tower.position.weight: f"{VISION}embeddings.position_embedding.weight",
    }
    for i, layer in enumerate(network.language.layers):
        at = f"model.layers.{i}."
        put[layer.norm1.weight] = f"{at}input_layernorm.weight"
        put[layer.q.weight] = f"{at}self_attn.q_proj.weight"
        put[layer.k.weight] = f"{at}self_attn.k_proj.weight"
        put[layer.v.weight] = f"{at}self_attn.v_proj.weight"
        put[layer.out.weight] = f"{at}self_attn.o_proj.weight"
        put[layer.norm2.weight] = f"{at}post_attention_layernorm.weight"
        put[layer.gate.weight] = f"{at}mlp.gate_proj.weight"
        put[layer.up.weight] = f"{at}mlp.up_proj.weight"
        put[layer.down.weight] = f"{at}mlp.down_proj.weight"
    for i, layer in enumerate(network.tower.layers):
        at = f"{VISION}encoder.layers.{i}."
        for part in ("weight", "bias"):
            put[getattr(layer.norm1, part)] = f"{at}layer_norm1.{part}"
            put[getattr(layer.q, part)] = f"{at}self_attn.q_proj.{part}"
            put[getattr(layer.k, part)] = f"{at}self_attn.k_proj.{part}"
            put[getattr(layer.v, part)] = f"{at}self_attn.v_proj.{part}"
            put[getattr(layer.out, part)] = f"{at}self_attn.out_proj.{part}"
            put[getattr(layer.norm2, part)] = f"{at}layer_norm2.{part}"
            put[getattr(layer.widen, part)] = f"{at}mlp.fc1.{part}"
            put[getattr(layer.narrow, part)] = f"{at}mlp.fc2.{part}"
    with torch.no_grad():
        for parameter, name in put.items():
            parameter.copy_(weights[name])
    return network.eval()


@torch.no_grad()
def logits(network: LaViDa) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    views = torch.randn(2, 5, 3, 42, 42, generator=generator).bfloat16()
    prompt, answer = (torch.randint(50, (2, n), generator=generator) for n in (3, 7))
    return network.logits(answer, network.prefill(views, prompt))


def test_an_imported_release_answers_as_a_network_that_was_filled_by_hand(
    weights, imported
) -> None:
    _, network = read_lavida_released(imported)
    got = logits(network)

    assert got.isfinite().all()
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, logits(by_hand(weights)))


def test_no_two_tensors_are_swapped(tmp_path) -> None:
    weights = constant_weights()
    import_lavida(write_release(tmp_path / "release", weights), tmp_path / "l.safetensors")
    _, network = read_lavida_released(str(tmp_path / "l.safetensors"))
    expected = by_hand(weights).state_dict()

    assert len({tensor.unique().item() for tensor in expected.values()}) == len(expected)
    assert all(torch.equal(got, expected[name]) for name, got in network.state_dict().items())


def test_the_card_of_an_import_tells_its_sizes_and_the_files_it_is_made_from(
    release, imported
) -> None:
    card, tensors = map_checkpoint(imported, "lavida")
    shards = sorted(release.glob("*.safetensors"))

    assert Settings.model_validate(card.settings).sizes == SIZES
    assert card.settings["words"] is None
    assert card.settings["files"] == {
        shard.name: hashlib.sha256(shard.read_bytes()).hexdigest() for shard in shards
    }
    assert (card.architecture, card.origin, card.licence) == ("lavida", "lavida", "as said")
    assert card.n_parameters == sum(tensor.numel() for tensor in tensors.values())


def test_a_norm_that_the_release_does_not_call_is_dropped(imported) -> None:
    _, tensors = map_checkpoint(imported, "lavida")

    assert len(tensors) == len(published_shapes()) - 2


def test_the_imported_file_holds_the_numbers_and_the_type_that_came(weights, imported) -> None:
    _, tensors = map_checkpoint(imported, "lavida")

    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert torch.equal(tensors["language.layers.1.up.weight"], weights[UP])


def test_importing_twice_gives_the_same_bytes(release, tmp_path) -> None:
    for name in ("a", "b"):
        import_lavida(release, tmp_path / f"{name}.safetensors")

    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_index_or_an_only_file_may_be_given_too(release, weights, imported, tmp_path) -> None:
    (tmp_path / "whole").mkdir()
    single = tmp_path / "whole" / "model.safetensors"
    safetensors.torch.save_file(weights, single)
    (tmp_path / "whole" / "config.json").write_bytes((release / "config.json").read_bytes())
    for i, source in enumerate((release / INDEX, single, single.parent)):
        import_lavida(source, tmp_path / f"{i}.safetensors")

    whole = Path(imported).read_bytes()
    assert all((tmp_path / f"{i}.safetensors").read_bytes() == whole for i in range(3))
    card = json.loads((tmp_path / "1.json").read_text())
    assert card["origin_sha256"] == hashlib.sha256(single.read_bytes()).hexdigest()


def test_llada_s_own_names_are_read_as_well(weights, imported, tmp_path) -> None:
    own = {
        "model.embed_tokens": "model.transformer.wte",
        "model.norm": "model.transformer.ln_f",
        "lm_head": "model.transformer.ff_out",
        "model.layers": "model.transformer.blocks",
        "self_attn.o_proj": "attn_out",
        "self_attn.": "",
        "mlp.gate_proj": "ff_proj",
        "mlp.down_proj": "ff_out",
        "mlp.up_proj": "up_proj",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ff_norm",
    }

    def renamed(name: str) -> str:
        if not name.startswith(VISION):
            for theirs, called in own.items():
                name = name.replace(theirs, called)
        return name

    spelled = {renamed(name): tensor for name, tensor in weights.items()}
    import_lavida(write_release(tmp_path / "own", spelled), tmp_path / "l.safetensors")

    assert "model.transformer.blocks.0.attn_out.weight" in spelled
    assert (tmp_path / "l.safetensors").read_bytes() == Path(imported).read_bytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_another_type_of_numbers_stays_as_it_came(weights, tmp_path, dtype) -> None:
    typed = {name: tensor.to(dtype) for name, tensor in weights.items()}
    import_lavida(write_release(tmp_path / "typed", typed), tmp_path / "l.safetensors")
    _, tensors = map_checkpoint(str(tmp_path / "l.safetensors"), "lavida")

    assert {tensor.dtype for tensor in tensors.values()} == {dtype}


def test_without_a_configuration_the_release_s_own_values_hold(release, tmp_path) -> None:
    copied = tmp_path / "copied"
    write_release(copied, published_weights())
    (copied / "config.json").unlink()

    with pytest.raises(ValueError, match=r"has 9 positions, a view of 384 pixels .* has 729"):
        import_lavida(copied, tmp_path / "l.safetensors")
