"""Released checkpoints into ours: every tensor as it was, and nothing that is not one of them."""

import hashlib
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.unicardio_golden import golden_weights
from models.checkpoint import read_card, save_checkpoint
from models.unicardio.architecture import never_called, released_shapes
from models.unicardio.released import (
    check_shapes,
    import_released,
    read_released,
    read_unicardio,
)

Weights = OrderedDict[str, Tensor]
KEY = "module.diffmodel.norm1.weight"
SHAPE = (288, 500)
SCHEDULE = "module.alpha_torch"


@pytest.fixture(scope="module")
def weights() -> Weights:
    """All 233 tensors as a released file names them; to copy, not to change."""
    made = golden_weights(released_shapes())
    return OrderedDict((f"module.{key}", torch.from_numpy(made[key])) for key in made)


@pytest.fixture(scope="module")
def released(weights, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("released") / "unicardio.pth"
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def light(weights) -> Weights:
    """The same schedule, and one number in the place of each other tensor: a small file."""
    numbers = enumerate(weights, start=1)
    one_each = {key: torch.tensor(i / 233).expand(weights[key].shape) for i, key in numbers}
    return changed(OrderedDict(one_each), SCHEDULE, weights[SCHEDULE])


def without(weights: Weights, key: str) -> Weights:
    return OrderedDict((k, v) for k, v in weights.items() if k != key)


def changed(weights: Weights, key: str, value: object) -> Weights:
    return OrderedDict(weights, **{key: value})


def test_an_import_keeps_every_tensor_that_is_called_to_the_bit(
    weights, released, tmp_path
) -> None:
    card = import_released(released, tmp_path / "u.safetensors", licence="MIT")
    loaded_card, tensors = read_unicardio(str(tmp_path / "u.safetensors"))
    called = {key.removeprefix("module."): weights[key] for key in weights if not never_called(key)}

    assert loaded_card == card
    assert len(tensors) == 173
    assert tensors.keys() == called.keys()
    assert all(torch.equal(tensors[key], called[key]) for key in called)


def test_the_card_of_an_import_tells_where_it_is_from(released, tmp_path) -> None:
    import_released(released, tmp_path / "u.safetensors", licence="MIT")
    card = read_card(str(tmp_path / "u.safetensors"))

    assert (card.architecture, card.origin, card.licence) == ("unicardio", "unicardio.pth", "MIT")
    assert card.origin_sha256 == hashlib.sha256(released.read_bytes()).hexdigest()
    assert card.n_parameters == 6_265_781


def test_importing_twice_gives_the_same_bytes(released, tmp_path) -> None:
    for name in ("a", "b"):
        import_released(released, tmp_path / f"{name}.safetensors")

    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda w: {k.removeprefix("module."): w[k] for k in w}, id="no prefix"),
        pytest.param(lambda w: {k: w[k] for k in w if not never_called(k)}, id="no feature_layer"),
        pytest.param(lambda w: dict(reversed(w.items())), id="another order"),
        pytest.param(lambda w: {k: w[k].double() for k in w}, id="float64"),
        pytest.param(lambda w: {k: torch.nn.Parameter(w[k]) for k in w}, id="parameters"),
        pytest.param(
            lambda w: changed(w, KEY, w[KEY].t().contiguous().t()), id="another memory order"
        ),
    ],
)
def test_a_released_file_may_be_written_otherwise(
    light, tmp_path, written: Callable[[Weights], Weights]
) -> None:
    torch.save(light, tmp_path / "light.pth")
    torch.save(written(light), tmp_path / "other.pth")
    expected, got = (read_released(tmp_path / name) for name in ("light.pth", "other.pth"))

    assert list(got) == list(expected)
    assert all(torch.equal(got[key], expected[key]) for key in expected)
    assert all(t.is_contiguous() and t.dtype == torch.float32 for t in got.values())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_was_written_on_a_gpu_is_read_without_one(
    weights, released, tmp_path, zipped, monkeypatch
) -> None:
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(weights, tmp_path / "gpu.pth", _use_new_zipfile_serialization=zipped)
    expected, got = read_released(released), read_released(tmp_path / "gpu.pth")

    assert b"cuda:0" in (tmp_path / "gpu.pth").read_bytes()
    assert all(torch.equal(got[key], expected[key]) for key in expected)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        pytest.param(
            lambda w: changed(w, KEY, torch.zeros(288, 501)),
            r"diffmodel.norm1.weight must have the shape \(288, 500\), got \(288, 501\)",
            id="one wrong shape",
        ),
        pytest.param(
            lambda w: dict(
                reversed(
                    changed(changed(w, f"{KEY[:-6]}bias", w[KEY][:1]), KEY, w[KEY][:2]).items()
                )
            ),
            r"diffmodel.norm1.weight must .* got \(2, 500\)",
            id="two wrong shapes in another order: the first of the network",
        ),
        pytest.param(
            lambda w: changed(w, KEY, torch.zeros(1).expand(10**6, 10**6)),
            r"diffmodel.norm1.weight must .* got \(1000000, 1000000\)",
            id="a huge shape over four bytes",
        ),
        pytest.param(
            lambda w: changed(
                w,
                "module.diffmodel.residual_layers.0.feature_layer.layers.0.norm1.bias",
                torch.zeros(2),
            ),
            r"diffmodel.residual_layers.0.feature_layer.\S+ must have .* \(288,\), got \(2,\)",
            id="a wrong shape that is never called",
        ),
        pytest.param(
            lambda w: without(w, KEY),
            r"diffmodel.norm1.weight is missing, a tensor of shape \(288, 500\)",
            id="a missing key",
        ),
        pytest.param(
            lambda w: changed(w, "module.\x1bx", torch.zeros(2)),
            r"'\\x1bx' is no tensor of the released network",
            id="an unknown key",
        ),
        pytest.param(
            lambda w: changed(w, KEY, torch.zeros(SHAPE, dtype=torch.int32)),
            r"diffmodel.norm1.weight must be a dense .* numbers, got torch.int32",
            id="whole numbers",
        ),
        pytest.param(
            lambda w: changed(w, KEY, w[KEY].to_sparse()),
            r"asks for torch._utils._rebuild_sparse_tensor, which no tensor needs",
            id="a sparse tensor",
        ),
        pytest.param(
            lambda w: changed(w, KEY, torch.empty(SHAPE, device="meta")),
            r"asks for torch._utils._rebuild_meta_tensor_no_storage, which no tensor needs",
            id="a tensor without numbers",
        ),
        pytest.param(
            lambda w: changed(w, KEY, torch.full(SHAPE, 1e300, dtype=torch.float64)),
            r"diffmodel.norm1.weight holds numbers that are not finite",
            id="not finite",
        ),
        pytest.param(
            lambda w: changed(w, SCHEDULE, w[SCHEDULE] ** 2),
            r"alpha_torch is another schedule .* at step 20 0.516305 is expected, got 0.266571",
            id="another schedule",
        ),
        pytest.param(
            lambda w: changed(w, "alpha_torch", w[SCHEDULE]),
            r"'alpha_torch' lacks the prefix 'module.'",
            id="a key with and without prefix",
        ),
        pytest.param(
            lambda w: {"state_dict": w, "epoch": 3},
            r"'state_dict' is of type OrderedDict, a tensor is expected",
            id="a dict in a dict",
        ),
        pytest.param(lambda w: {7: w[KEY]}, r"has a key of type int", id="a key of no name"),
        pytest.param(lambda w: [w[KEY]], r"its content is of type list", id="no dict"),
        pytest.param(lambda w: {}, r"alpha_torch is missing", id="nothing"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_first_key_that_disagrees(
    light, tmp_path, wrong: Callable[[Weights], object], sentence: str
) -> None:
    torch.save(wrong(light), tmp_path / "wrong.pth")

    with pytest.raises(ValueError, match=rf"wrong\.pth:? {sentence}"):
        import_released(tmp_path / "wrong.pth", tmp_path / "u.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["wrong.pth"]


class Code:
    """A pickle of this makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_a_file_with_code_in_it_is_refused_and_leaves_no_trace(light, tmp_path, form) -> None:
    evil = changed(light, "module.x", Code(tmp_path / "ran"))
    if form == "bare":
        (tmp_path / "evil.pth").write_bytes(pickle.dumps(evil["module.x"]))
    else:
        torch.save(evil, tmp_path / "evil.pth", _use_new_zipfile_serialization=form == "zip")

    with pytest.raises(ValueError, match=r"evil\.pth .*nothing was run"):
        import_released(tmp_path / "evil.pth", tmp_path / "u.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["evil.pth"]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 0.999999])
def test_a_file_that_was_cut_short_is_refused(light, tmp_path, zipped, share) -> None:
    path = tmp_path / "cut.pth"
    torch.save(light, path, _use_new_zipfile_serialization=zipped)
    os.truncate(path, int(share * path.stat().st_size))

    with pytest.raises(ValueError, match=r"cut\.pth .*nothing was run$"):
        read_released(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path) -> None:
    with (tmp_path / "large.pth").open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(ValueError, match=r"large\.pth has 1,099,511,627,776 bytes"):
        read_released(tmp_path / "large.pth")


def test_an_import_that_fails_leaves_the_former_checkpoint_whole(released, tmp_path) -> None:
    out = tmp_path / "u.safetensors"
    card = import_released(released, out)
    (tmp_path / "text.pth").write_text("no checkpoint")

    with pytest.raises(ValueError, match=r"text\.pth can't be read"):
        import_released(tmp_path / "text.pth", out)
    assert read_unicardio(str(out))[0] == card
    assert len(list(tmp_path.iterdir())) == 3


def test_the_file_to_write_is_a_safetensors_file(released, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"a checkpoint is a \.safetensors file, got .*u\.pth"):
        import_released(released, tmp_path / "u.pth")


@pytest.mark.parametrize("name", ["u.safetensors", "u.json"])
def test_neither_the_file_to_write_nor_its_card_is_the_source(tmp_path, name) -> None:
    (tmp_path / name).write_text("precious")

    with pytest.raises(ValueError, match=r"would overwrite .*, which it is made from"):
        import_released(tmp_path / name, tmp_path / "u.safetensors")
    assert (tmp_path / name).read_text() == "precious"


def test_a_checkpoint_of_other_shapes_is_refused_though_its_card_agrees(released, tmp_path) -> None:
    path = tmp_path / "u.safetensors"
    tensors = read_released(released) | {"diffmodel.norm1.bias": torch.zeros(500, 288)}
    save_checkpoint(path, tensors, architecture="unicardio", name="u", origin="here")

    with pytest.raises(ValueError, match=r"norm1.bias must have the shape \(288, 500\)"):
        read_unicardio(str(path))


def test_shapes_are_checked_without_a_file(released) -> None:
    tensors = read_released(released)
    check_shapes(tensors)
    del tensors["alpha_torch"]

    with pytest.raises(ValueError, match="the checkpoint: alpha_torch is missing"):
        check_shapes(tensors)
