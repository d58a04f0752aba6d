"""The sizes of the released network and the tensors of its checkpoints.

Chen et al., *Versatile Cardiovascular Signal Generation with a Unified Diffusion Transformer*,
arXiv 2505.22306. Slots: 0 PPG, 1 BP, 2 ECG, 3 restoration.
"""

from typing import Final

from schemas.modality import Modality

MODALITY_OF_SLOT: Final[tuple[Modality, ...]] = ("ppg", "abp", "ecg")
RESTORATION: Final = 3
N_SLOTS: Final = 4
SLOT_SAMPLES: Final = 500

KERNELS: Final = (1, 3, 5, 7, 9, 11)
WIDTH: Final = 288
HEADS: Final = 8
FEED_FORWARD: Final = 64
BLOCKS: Final = 5
STEP_WIDTH: Final = 256
STEPS: Final = 50

Shape = tuple[int, ...]


def released_shapes() -> dict[str, Shape]:
    """Name every tensor of a released checkpoint, without the ``module.`` prefix, with its shape.

    ``feature_layer`` is among them: it is in released files and never called.
    """
    return {
        "alpha_torch": (STEPS, 1, 1),
        **_linear("diffmodel.diffusion_embedding.projection1", STEP_WIDTH, STEP_WIDTH),
        **_linear("diffmodel.diffusion_embedding.projection2", STEP_WIDTH, STEP_WIDTH),
        **{k: s for slot in range(N_SLOTS) for k, s in _encoder(slot + 1).items()},
        **{k: s for head in range(1, RESTORATION + 1) for k, s in _head(head).items()},
        **{k: s for block in range(BLOCKS) for k, s in _block(block).items()},
    }


def never_called(key: str) -> bool:
    """Say whether a tensor of a released file takes no part in the network's output."""
    return ".feature_layer." in key


def _encoder(number: int) -> dict[str, Shape]:
    convolutions = f"diffmodel.input_projection_modality_{number}.conv_layers"
    branch = WIDTH // len(KERNELS)
    shapes: dict[str, Shape] = {}
    for i, kernel in enumerate(KERNELS):
        shapes |= {f"{convolutions}.{i}.weight": (branch, 1, kernel)}
        shapes |= {f"{convolutions}.{i}.bias": (branch,)}
    affine = (WIDTH, SLOT_SAMPLES)
    return {
        **shapes,
        f"diffmodel.norm{number}.weight": affine,
        f"diffmodel.norm{number}.bias": affine,
    }


def _head(number: int) -> dict[str, Shape]:
    name = f"diffmodel.output_projection{number}"
    return {**_conv(f"{name}_1", WIDTH, WIDTH), **_conv(f"{name}_2", 1, WIDTH)}


def _block(number: int) -> dict[str, Shape]:
    name = f"diffmodel.residual_layers.{number}"
    return {
        **_linear(f"{name}.diffusion_projection", WIDTH, STEP_WIDTH),
        **_conv(f"{name}.cond_projection", 2 * WIDTH, WIDTH),
        **_conv(f"{name}.mid_projection", 2 * WIDTH, WIDTH),
        **_conv(f"{name}.output_projection", 2 * WIDTH, WIDTH),
        **_transformer(f"{name}.time_layer.layers.0"),
        **_transformer(f"{name}.feature_layer.layers.0"),
    }


def _transformer(name: str) -> dict[str, Shape]:
    return {
        f"{name}.self_attn.in_proj_weight": (3 * WIDTH, WIDTH),
        f"{name}.self_attn.in_proj_bias": (3 * WIDTH,),
        **_linear(f"{name}.self_attn.out_proj", WIDTH, WIDTH),
        **_linear(f"{name}.linear1", FEED_FORWARD, WIDTH),
        **_linear(f"{name}.linear2", WIDTH, FEED_FORWARD),
        **_linear(f"{name}.norm1", WIDTH),
        **_linear(f"{name}.norm2", WIDTH),
    }


def _linear(name: str, out: int, *into: int) -> dict[str, Shape]:
    return {f"{name}.weight": (out, *into), f"{name}.bias": (out,)}


def _conv(name: str, out: int, into: int) -> dict[str, Shape]:
    return {f"{name}.weight": (out, into, 1), f"{name}.bias": (out,)}
