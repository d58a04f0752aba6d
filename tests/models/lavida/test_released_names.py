"""The release at its full size, by names and shapes: no weights are at hand."""

import math

import pytest

from models.lavida.architecture import RELEASED
from models.lavida.released_names import published, released_names
from models.lavida.released_sizes import ReleasedConfig, told_sizes
from models.lavida.shapes import our_shapes

TOWER = "model.vision_tower.vision_tower."


@pytest.fixture(scope="module")
def places():
    return released_names(RELEASED)


def numbers(places, names) -> int:
    return sum(math.prod(places[name].shape) for name in names)


def of_tower(places) -> list[str]:
    return [name for name in places if name.startswith(TOWER)]


def of_projector(places) -> list[str]:
    return [name for name in places if name.startswith(("model.mm_projector.", "model.image_"))]


def of_language(places) -> list[str]:
    return sorted(places.keys() - set(of_tower(places)) - set(of_projector(places)))


def test_the_language_model_has_the_tensors_and_numbers_of_llada(places) -> None:
    names = of_language(places)

    assert len(names) == 291
    assert numbers(places, names) == 8_015_581_184


def test_the_tower_has_the_tensors_and_numbers_of_siglip_without_its_last_layer(places) -> None:
    names = of_tower(places)

    assert len(names) == 421
    assert round(numbers(places, names) / 1e6, 1) == 397.7


def test_beside_them_are_the_projector_and_the_end_of_a_row(places) -> None:
    shapes = {name: places[name].shape for name in of_projector(places)}

    assert shapes == {
        "model.mm_projector.0.weight": (4096, 1152),
        "model.mm_projector.0.bias": (4096,),
        "model.mm_projector.2.weight": (4096, 4096),
        "model.mm_projector.2.bias": (4096,),
        "model.image_newline": (4096,),
    }


def test_every_tensor_of_ours_is_filled_once_and_two_of_the_release_are_not_used(places) -> None:
    ours = [place.ours for place in places.values() if place.ours]
    unused = [name for name, place in places.items() if place.ours is None]

    assert sorted(ours) == sorted(our_shapes(RELEASED))
    assert unused == [f"{TOWER}vision_model.post_layernorm.{part}" for part in ("weight", "bias")]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.embed_tokens.weight", (126_464, 4096)),
        ("lm_head.weight", (126_464, 4096)),
        ("model.layers.31.mlp.gate_proj.weight", (12_288, 4096)),
        ("model.layers.31.mlp.down_proj.weight", (4096, 12_288)),
        ("model.layers.0.self_attn.k_proj.weight", (4096, 4096)),
        (f"{TOWER}vision_model.embeddings.patch_embedding.weight", (1152, 3, 14, 14)),
        (f"{TOWER}vision_model.embeddings.position_embedding.weight", (729, 1152)),
        (f"{TOWER}vision_model.encoder.layers.25.mlp.fc1.weight", (4304, 1152)),
        (f"{TOWER}vision_model.encoder.layers.25.self_attn.out_proj.bias", (1152,)),
    ],
)
def test_a_published_shape_is_the_one_of_the_network(places, name, shape) -> None:
    assert places[name].shape == shape


@pytest.mark.parametrize("vocabulary", [126_464, 126_349])
def test_the_sizes_of_the_release_follow_from_its_shapes_alone(vocabulary) -> None:
    language = RELEASED.language.model_copy(update={"vocabulary": vocabulary})
    sizes = RELEASED.model_copy(update={"language": language})
    shapes = {name: place.shape for name, place in released_names(sizes).items()}

    assert told_sizes(shapes, ReleasedConfig(), "here") == sizes


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("model.transformer.wte.weight", "model.embed_tokens.weight"),
        ("model.transformer.ln_f.weight", "model.norm.weight"),
        ("model.transformer.ff_out.weight", "lm_head.weight"),
        ("model.transformer.blocks.7.attn_out.weight", "model.layers.7.self_attn.o_proj.weight"),
        ("model.transformer.blocks.7.ff_proj.weight", "model.layers.7.mlp.gate_proj.weight"),
        ("model.transformer.blocks.7.up_proj.weight", "model.layers.7.mlp.up_proj.weight"),
        ("model.transformer.blocks.7.ff_out.weight", "model.layers.7.mlp.down_proj.weight"),
        ("model.transformer.blocks.7.attn_norm.weight", "model.layers.7.input_layernorm.weight"),
        (
            "model.transformer.blocks.7.ff_norm.weight",
            "model.layers.7.post_attention_layernorm.weight",
        ),
        ("model.transformer.blocks.7.q_proj.weight", "model.layers.7.self_attn.q_proj.weight"),
        ("model.transformer.blocks.7.other.weight", "model.transformer.blocks.7.other.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ],
)
def test_llada_s_own_name_of_a_tensor_is_known(own, name) -> None:
    assert published(own) == name
