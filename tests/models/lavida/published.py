"""A small LaViDa in the published layout: bfloat16, in shards with an index.

The names are written out here once more, so that the importer's are seen to be right.
"""

import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes

Weights = dict[str, Tensor]

SIZES = Sizes(
    tower=TowerSizes(
        kind="image",
        channels=3,
        side=42,
        patch=14,
        stride=14,
        width=16,
        depth=2,
        heads=2,
        mlp=24,
        eps=1e-5,
    ),
    language=LanguageSizes(
        vocabulary=50, width=32, depth=2, heads=4, mlp=48, theta=10_000.0, eps=1e-6
    ),
    grid=(2, 2),
)
UP = "model.layers.1.mlp.up_proj.weight"

VOCABULARY, WIDTH, MLP, LAYERS = 50, 32, 48, 2
TOWER_WIDTH, TOWER_MLP, TOWER_LAYERS, PATCH, SIDE = 16, 24, 2, 14, 42
VISION = "model.vision_tower.vision_tower.vision_model."
CONFIG = {
    "architectures": ["LlavaLladaForMaskedDiffusion"],
    "auto_map": {"AutoModel": "evil--code.Model"},
    "n_heads": 4,
    "rope_theta": 10_000.0,
    "rope_scaling": None,
    "rms_norm_eps": 1e-6,
    "vision_config": {"num_attention_heads": 2, "image_size": SIDE, "layer_norm_eps": 1e-5},
}


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Give the shape of each tensor of the small release by its name."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, WIDTH),
        "model.norm.weight": (WIDTH,),
        "lm_head.weight": (VOCABULARY, WIDTH),
        "model.mm_projector.0.weight": (WIDTH, TOWER_WIDTH),
        "model.mm_projector.0.bias": (WIDTH,),
        "model.mm_projector.2.weight": (WIDTH, WIDTH),
        "model.mm_projector.2.bias": (WIDTH,),
        "model.image_newline": (WIDTH,),
        f"{VISION}embeddings.patch_embedding.weight": (TOWER_WIDTH, 3, PATCH, PATCH),
        f"{VISION}embeddings.patch_embedding.bias": (TOWER_WIDTH,),
        f"{VISION}embeddings.position_embedding.weight": ((SIDE // PATCH) ** 2, TOWER_WIDTH),
        f"{VISION}post_layernorm.weight": (TOWER_WIDTH,),
        f"{VISION}post_layernorm.bias": (TOWER_WIDTH,),
    }
    for i in range(LAYERS):
        shapes |= _language_layer(f"model.layers.{i}.")
    for i in range(TOWER_LAYERS):
        shapes |= _tower_layer(f"{VISION}encoder.layers.{i}.")
    return shapes


def published_weights() -> Weights:
    """Draw a small release: numbers of a size that a network would have."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: (torch.randn(shape, generator=generator) * 0.2).bfloat16()
        for name, shape in published_shapes().items()
    }


def constant_weights() -> Weights:
    """Fill each tensor with a number of its own, which bfloat16 holds exactly."""
    shapes = published_shapes()
    return {name: torch.full(shapes[name], i + 1.0).bfloat16() for i, name in enumerate(shapes)}


def write_release(
    folder: Path,
    weights: Weights,
    *,
    shards: int = 3,
) -> Path:
    """Write a folder as it is published; tensors go to the shards in turn."""
    folder.mkdir()
    turn = {name: i % shards for i, name in enumerate(weights)}
    files = [f"model-{k + 1:05}-of-{shards:05}.safetensors" for k in range(shards)]
    for k, file in enumerate(files):
        safetensors.torch.save_file(
            {name: weights[name] for name in weights if turn[name] == k}, folder / file
        )
    total = sum(tensor.nbytes for tensor in weights.values())
    index = {
        "metadata": {"total_size": total},
        "weight_map": {name: files[turn[name]] for name in weights},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def _language_layer(at: str) -> dict[str, tuple[int, ...]]:
    square = {f"{at}self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"}
    return square | {
        f"{at}input_layernorm.weight": (WIDTH,),
        f"{at}post_attention_layernorm.weight": (WIDTH,),
        f"{at}mlp.gate_proj.weight": (MLP, WIDTH),
        f"{at}mlp.up_proj.weight": (MLP, WIDTH),
        f"{at}mlp.down_proj.weight": (WIDTH, MLP),
    }


def _tower_layer(at: str) -> dict[str, tuple[int, ...]]:
    width = TOWER_WIDTH
    shapes: dict[str, tuple[int, ...]] = {
        f"{at}mlp.fc1.weight": (TOWER_MLP, width),
        f"{at}mlp.fc1.bias": (TOWER_MLP,),
        f"{at}mlp.fc2.weight": (width, TOWER_MLP),
        f"{at}mlp.fc2.bias": (width,),
    }
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes[f"{at}self_attn.{name}.weight"] = (width, width)
        shapes[f"{at}self_attn.{name}.bias"] = (width,)
    for name in ("layer_norm1", "layer_norm2"):
        shapes[f"{at}{name}.weight"] = shapes[f"{at}{name}.bias"] = (width,)
    return shapes
