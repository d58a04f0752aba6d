"""Networks of few weights, all of them made up, and answers that begin in all kinds of ways."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.lavida.answer import SLOT_NAMES, answer_of
from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes
from models.lavida.network import LaViDa
from models.lavida.released import import_lavida
from models.lavida.words import WORDS
from tests.models.lavida.published import Weights, published_weights, write_release


@pytest.fixture(scope="session")
def small_sizes() -> Sizes:
    """Of strips of three signals, a whole and four crops of 24 samples, 3 tokens a view."""
    tower = {"channels": 3, "side": 24, "patch": 6, "stride": 4, "width": 16}
    layers = {"depth": 1, "heads": 2, "mlp": 24}
    language = LanguageSizes(vocabulary=len(WORDS), width=32, depth=2, heads=4, mlp=48)
    return Sizes(tower=TowerSizes(kind="signal", **tower, **layers), language=language)


@pytest.fixture(scope="session")
def small_network(small_sizes) -> LaViDa:
    """Weights large enough that what is looked at tells in what is said."""
    torch.manual_seed(0)
    network = LaViDa(small_sizes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    return network.eval()


@pytest.fixture(scope="session")
def views() -> Tensor:
    """Of four strips: (4, 5, 3, 24)."""
    return torch.randn(4, 5, 3, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def prompt() -> Tensor:
    """Of the same four strips: (4, 6)."""
    generator = torch.Generator().manual_seed(2)
    return torch.randint(len(WORDS), (4, 6), generator=generator)


@pytest.fixture(scope="session")
def begun() -> Tensor:
    """Four answers: nothing given, a little, much, and all but the note."""
    words = {
        "rhythm": "tachycardia",
        "hundreds": "1",
        "tens": "2",
        "units": "0",
        "ecg_quality": "good",
        "ecg_artefact": "none",
        "ppg_quality": "absent",
        "ppg_artefact": "none",
        "abp_quality": "fair",
        "abp_artefact": "damped",
        "band": "low",
        "source": "measured",
        "signal": "abp",
        "from": "@3",
        "to": "@9",
    }
    some = [[], ["rhythm", "signal"], [s for s in words if s[:3] != "abp"], words]
    assert set(words) == {slot for slot in SLOT_NAMES if not slot.startswith("note")}
    return torch.tensor([answer_of({slot: words[slot] for slot in slots}) for slots in some])


@pytest.fixture(scope="session")
def weights() -> Weights:
    """To copy, not to change."""
    return published_weights()


@pytest.fixture(scope="session")
def release(weights, tmp_path_factory) -> Path:
    return write_release(tmp_path_factory.mktemp("released") / "lavida", weights)


@pytest.fixture(scope="session")
def imported(release, tmp_path_factory) -> str:
    out = tmp_path_factory.mktemp("imported") / "lavida.safetensors"
    import_lavida(release, out, licence="as said")
    return str(out)
