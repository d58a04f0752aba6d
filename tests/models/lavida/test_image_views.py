"""What the encoder looks at of an image: the whole, and crops side by side."""

import numpy as np
import pytest
import torch

from models.lavida.architecture import CROPS, LanguageSizes, Sizes, TowerSizes
from models.lavida.network import LaViDa
from models.lavida.views import image_views
from models.lavida.words import WORDS
from schemas.strip_image import HEIGHT, WIDTH

SIZES = Sizes(
    tower=TowerSizes(
        kind="image",
        channels=1,
        side=HEIGHT,
        patch=8,
        stride=8,
        width=16,
        depth=1,
        heads=2,
        mlp=16,
    ),
    language=LanguageSizes(vocabulary=len(WORDS), width=16, depth=1, heads=2, mlp=16),
    grid=(1, CROPS),
)


def images(n: int) -> torch.Tensor:
    levels = np.random.default_rng(0).integers(0, 256, (n, HEIGHT, WIDTH), np.uint8)
    return torch.from_numpy(levels)


def test_an_image_is_cut_into_squares_along_time_after_the_whole() -> None:
    views = image_views(images(2))

    assert views.shape == (2, 1 + CROPS, 1, HEIGHT, HEIGHT)
    laid = torch.cat(list(views[1, 1:, 0]), dim=1)
    assert torch.equal(laid, 1 - images(2)[1].float() / 255)


def test_the_whole_is_averaged_over_four_columns() -> None:
    image = torch.full((1, HEIGHT, WIDTH), 255, dtype=torch.uint8)
    image[0, 7, 40:42] = 0
    whole = image_views(image)[0, 0, 0]

    assert whole[7, 10] == 0.5
    assert whole.sum() == 0.5


@pytest.mark.parametrize(("level", "seen"), [(255, 0.0), (0, 1.0)])
def test_paper_is_nothing_and_ink_is_one(level, seen) -> None:
    views = image_views(torch.full((1, HEIGHT, WIDTH), level, dtype=torch.uint8))

    assert (views == seen).all()


@torch.inference_mode()
def test_a_prefix_of_an_image_has_fewer_than_two_hundred_tokens() -> None:
    prompt = torch.zeros(1, 2, dtype=torch.long)
    prefix = LaViDa(SIZES).prefix(image_views(images(1)), prompt)

    assert prefix.shape[1] == 36 + 6 * (4 * 6 + 1) + 2 == SIZES.prefix + 2
    assert prefix.shape[1] < 200
