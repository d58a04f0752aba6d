"""What the release calls each tensor, and where it is here.

LaViDa-LLaDA has 291 tensors of LLaDA under the names of Llama, 421 of SigLIP under those of Hugging
Face, four of the projector, and the token that ends a row. LLaDA's own names are known too.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from models.lavida.architecture import Sizes
from models.lavida.shapes import our_shapes

LANGUAGE_LAYER: Final = "model.layers."
TOWER: Final = "model.vision_tower.vision_tower.vision_model."
TOWER_LAYER: Final = f"{TOWER}encoder.layers."
EMBED: Final = "model.embed_tokens.weight"
PATCH: Final = f"{TOWER}embeddings.patch_embedding.weight"
POSITION: Final = f"{TOWER}embeddings.position_embedding.weight"
UNUSED: Final = f"{TOWER}post_layernorm"
"""A norm after the layer that the release leaves out: it is in its files, and is not called."""

_WEIGHT: Final = ("weight",)
_BOTH: Final = ("weight", "bias")

_ONCE: Final = {
    EMBED: "language.embed.weight",
    "model.norm.weight": "language.norm.weight",
    "lm_head.weight": "language.head.weight",
    PATCH: "tower.patch.weight",
    f"{TOWER}embeddings.patch_embedding.bias": "tower.patch.bias",
    POSITION: "tower.position.weight",
    "model.mm_projector.0.weight": "projector.into.weight",
    "model.mm_projector.0.bias": "projector.into.bias",
    "model.mm_projector.2.weight": "projector.onto.weight",
    "model.mm_projector.2.bias": "projector.onto.bias",
    "model.image_newline": "projector.newline",
}
_IN_LANGUAGE_LAYER: Final = {
    "input_layernorm": "norm1",
    "self_attn.q_proj": "q",
    "self_attn.k_proj": "k",
    "self_attn.v_proj": "v",
    "self_attn.o_proj": "out",
    "post_attention_layernorm": "norm2",
    "mlp.gate_proj": "gate",
    "mlp.up_proj": "up",
    "mlp.down_proj": "down",
}
_IN_TOWER_LAYER: Final = {
    "layer_norm1": "norm1",
    "self_attn.q_proj": "q",
    "self_attn.k_proj": "k",
    "self_attn.v_proj": "v",
    "self_attn.out_proj": "out",
    "layer_norm2": "norm2",
    "mlp.fc1": "widen",
    "mlp.fc2": "narrow",
}

_OWN: Final = "model.transformer."
_OWN_ONCE: Final = {
    f"{_OWN}wte.weight": EMBED,
    f"{_OWN}ln_f.weight": "model.norm.weight",
    f"{_OWN}ff_out.weight": "lm_head.weight",
}
_OWN_IN_LAYER: Final = {
    "attn_norm": "input_layernorm",
    "q_proj": "self_attn.q_proj",
    "k_proj": "self_attn.k_proj",
    "v_proj": "self_attn.v_proj",
    "attn_out": "self_attn.o_proj",
    "ff_norm": "post_attention_layernorm",
    "ff_proj": "mlp.gate_proj",
    "up_proj": "mlp.up_proj",
    "ff_out": "mlp.down_proj",
}
_OWN_LAYER: Final = re.compile(r"model\.transformer\.blocks\.([0-9]+)\.([a-z_]+)\.weight")


class Place(NamedTuple):
    """Our name of a tensor, None where it is not called, and its shape."""

    ours: str | None
    shape: tuple[int, ...]


def released_names(sizes: Sizes) -> dict[str, Place]:
    """Give the place of each tensor that a release of these sizes has, by its published name.

    Raises:
        ValueError: where a network of these sizes can't be built.
    """
    shapes = our_shapes(sizes)
    named = _ONCE | _layers(
        LANGUAGE_LAYER, "language.layers.", _IN_LANGUAGE_LAYER, _WEIGHT, sizes.language.depth
    )
    named |= _layers(TOWER_LAYER, "tower.layers.", _IN_TOWER_LAYER, _BOTH, sizes.tower.depth)
    unused = {f"{UNUSED}.{part}": Place(None, (sizes.tower.width,)) for part in _BOTH}
    return {name: Place(ours, shapes[ours]) for name, ours in named.items()} | unused


def published(name: str) -> str:
    """Give the published name of a tensor that LLaDA's own files have; others stay as they are."""
    in_layer = _OWN_LAYER.fullmatch(name)
    if in_layer and in_layer[2] in _OWN_IN_LAYER:
        return f"{LANGUAGE_LAYER}{in_layer[1]}.{_OWN_IN_LAYER[in_layer[2]]}.weight"
    return _OWN_ONCE.get(name, name)


def _layers(
    theirs: str, ours: str, names: Mapping[str, str], parts: tuple[str, ...], depth: int
) -> dict[str, str]:
    return {
        f"{theirs}{i}.{name}.{part}": f"{ours}{i}.{names[name]}.{part}"
        for i in range(depth)
        for name in names
        for part in parts
    }
