"""From views to the tokens before the answer: sizes, tower and projector."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.testing import assert_close

from models.lavida.architecture import RELEASED, LanguageSizes, Sizes, TowerSizes
from models.lavida.projector import Projector
from models.lavida.tower import Tower

LAYERS = {"depth": 1, "heads": 1, "mlp": 4}


def sizes(kind: str, tokens: int, grid: tuple[int, int], pool: int) -> Sizes:
    """Of width 1 in the tower, 2 in the language model, and one sample or pixel a token."""
    tower = TowerSizes(kind=kind, channels=1, side=tokens, patch=1, stride=1, width=1, **LAYERS)
    language = LanguageSizes(vocabulary=9, width=2, **LAYERS)
    return Sizes(tower=tower, language=language, grid=grid, pool=pool)


def plain(of: Sizes) -> Projector:
    """A projector that leaves a token as it is, if it is well above 0; a row ends in -1."""
    projector = Projector(of)
    with torch.no_grad():
        projector.into.weight.fill_(1)
        projector.onto.weight.copy_(torch.eye(2))
        projector.into.bias.zero_()
        projector.onto.bias.zero_()
        projector.newline.fill_(-1)
    return projector


@torch.inference_mode()
def laid(of: Sizes, views: list[list[float]]) -> list[float]:
    """What comes out of tokens that are numbers."""
    return plain(of)(torch.tensor([views])[..., None])[0, :, 0].tolist()


def test_a_strip_of_signals_is_encoded_into_tokens_along_time(small_sizes, small_network) -> None:
    assert small_sizes.tower.tokens == 5
    assert small_network.tower(torch.randn(2, 3, 24)).shape == (2, 5, 16)


def test_an_image_is_encoded_into_tokens_of_rows_and_columns() -> None:
    of = TowerSizes(kind="image", channels=2, side=12, patch=4, stride=4, width=16, **LAYERS)

    assert Tower(of)(torch.randn(5, 2, 12, 12)).shape == (5, 9, 16)


def test_patches_of_an_image_are_taken_row_by_row() -> None:
    tower = Tower(
        TowerSizes(kind="image", channels=1, side=4, patch=2, stride=2, width=8, **LAYERS)
    )
    tower.layers = nn.ModuleList()
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 3] = 1  # upper right
    moved = (tower(image) - tower(0 * image)).abs().amax(dim=2)

    assert (moved[0] > 0).tolist() == [False, True, False, False]


def test_the_same_patch_elsewhere_is_another_token(small_network) -> None:
    encoded = small_network.tower(torch.zeros(1, 3, 24))

    assert (encoded[0, 0] - encoded[0, 1]).abs().max() > 1e-3


def test_the_released_sizes_give_729_tokens_a_view_and_1008_of_a_square_image() -> None:
    with torch.device("meta"):
        encoded = Tower(RELEASED.tower)(torch.empty(5, 3, 384, 384))
        out = Projector(RELEASED)(encoded[None])

    assert encoded.shape == (5, 729, 1152)
    assert out.shape == (1, 1008, 4096)
    assert (RELEASED.views, RELEASED.pooled) == (5, 14)
    assert RELEASED.prefix == 5 * 196 + 28 == 1008


@pytest.mark.parametrize("kind", ["signal", "image"])
@pytest.mark.parametrize("grid", [(1, 4), (2, 2), (3, 1)])
@pytest.mark.parametrize("pool", [1, 2, 3])
def test_the_prefix_is_as_long_as_its_sizes_tell(kind, grid, pool) -> None:
    of = sizes(kind, 5, grid, pool)
    encoded = torch.randn(2, of.views, 5**of.tower.dimensions, 1)

    assert Projector(of)(encoded).shape == (2, of.prefix, 2)


def test_crops_of_an_image_lie_in_their_grid_row_by_row_and_each_row_ends() -> None:
    views = [[100.0 * v + 10 + n for n in range(4)] for v in range(5)]
    expected = [
        *(10, 11, 12, 13),
        *(110, 111, 210, 211, -1),
        *(112, 113, 212, 213, -1),
        *(310, 311, 410, 411, -1),
        *(312, 313, 412, 413, -1),
    ]

    assert laid(sizes("image", 2, (2, 2), 1), views) == expected


def test_crops_of_signals_lie_side_by_side_and_end_once() -> None:
    views = [[100.0 * v + 10, 100.0 * v + 11] for v in range(5)]
    expected = [10, 11, 110, 111, 210, 211, 310, 311, 410, 411, -1]

    assert laid(sizes("signal", 2, (1, 4), 1), views) == expected


def test_tokens_are_projected_before_they_are_pooled() -> None:
    of = sizes("signal", 2, (1, 1), 2)

    assert laid(of, [[-20.0, 20.0], [20.0, 20.0]]) == [10, 20, -1]


def test_an_odd_number_of_tokens_is_resized_linearly_to_half_rounded_up() -> None:
    of = sizes("signal", 3, (1, 1), 2)

    assert laid(of, [[10.0, 20.0, 30.0], [10.0, 10.0, 10.0]]) == [12.5, 27.5, 10, 10, -1]


def test_an_image_is_resized_in_both_directions() -> None:
    of = sizes("image", 3, (1, 1), 2)
    ramp = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]

    assert laid(of, [ramp, ramp])[:4] == [20, 35, 65, 80]


@torch.inference_mode()
def test_a_prefix_is_the_strip_and_then_the_prompt(small_network, views, prompt) -> None:
    whole = small_network.prefix(views, prompt)
    of_strip = small_network.sizes.prefix

    assert whole.shape == (4, of_strip + 6, 32)
    assert torch.equal(whole[:, of_strip:], small_network.language.embed(prompt))
    alone = small_network.prefix(views[2:3], prompt[2:3])
    assert_close(whole[2:3], alone, rtol=1e-4, atol=1e-4)


TOWER = {"kind": "signal", "channels": 1, "side": 8, "patch": 2, "stride": 2, "width": 6} | LAYERS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"heads": 4}, "a width of 6 can't be shared by 4 heads"),
        ({"patch": 9}, "a patch of 9 does not fit into a view of 8"),
        ({"stride": 0}, "greater than 0"),
        ({"colour": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_tower_that_can_not_be_built_is_refused(wrong, said) -> None:
    with pytest.raises(ValidationError, match=said):
        TowerSizes(**TOWER | wrong)


@pytest.mark.parametrize(
    ("heads", "said"), [(4, "can't be shared by 4 heads"), (2, "RoPE turns pairs: a head of 3")]
)
def test_a_language_model_that_can_not_be_built_is_refused(heads, said) -> None:
    with pytest.raises(ValidationError, match=said):
        LanguageSizes(vocabulary=9, width=6, depth=1, heads=heads, mlp=4)


@pytest.mark.parametrize("grid", [(0, 4), (1, 0), (-1, -4)])
def test_a_grid_without_crops_is_refused(grid) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        sizes("signal", 2, grid, 1)
