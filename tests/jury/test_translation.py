"""A network's structure is translated once, and every network of that structure computes with its own weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from judge.errors import InputError
from judge.jury.network.backbone import RatingNetwork, create_backbone
from judge.jury.network.depths import Depths
from judge.jury.network.engine import Scoring, build_engine, onnx_is_there
from judge.jury.translation import onnx_program

pytestmark = pytest.mark.skipif(not onnx_is_there(), reason="the extra judge[onnx] is not installed")
SETTINGS = Scoring(engine="onnx", batch=4, device="cpu", threads=1)
DEPTHS = Depths(cells=(0, 1, 2), spread=(0, 1), mirrored=(0, 2), final=True)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path))
    return tmp_path / "translated"


def network(seed, *, backbone="test_efficientnet", size=32, **more):
    torch.manual_seed(seed)
    net = RatingNetwork(create_backbone(backbone, "none", size=size), **more)
    for tensor in net.state_dict().values():  # norms, too: fresh ones are ones and zeros
        if tensor.is_floating_point():
            tensor.mul_(1 + 0.1 * torch.rand(tensor.shape)).add_(0.01 * torch.rand(tensor.shape))
    return net.eval()


def both(net, settings=SETTINGS, size=32):
    """What PyTorch and the translated network make of the same pictures."""
    pixels = torch.randint(
        0, 256, (4, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    by_torch, by_onnx = (build_engine(net, size, settings, kind=kind)(pixels) for kind in ("torch", "onnx"))
    return by_torch, by_onnx


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, SETTINGS),
        ({"levels": torch.linspace(1, 10, 19)}, replace(SETTINGS, mirror=True)),
        ({"depths": DEPTHS}, SETTINGS),
        ({"project": 5}, replace(SETTINGS, zooms=(1.0, 1.2, 0.8))),
    ],
    ids=["plain", "levels and mirror", "depths", "projection and zooms"],
)
def test_networks_of_one_structure_share_a_translation_and_keep_their_weights(cache, more, settings):
    scores = []
    for seed in (0, 1):
        by_torch, by_onnx = both(network(seed, **more), settings)
        np.testing.assert_allclose(by_onnx, by_torch, atol=2e-5 * max(1, np.abs(by_torch).max()))
        scores.append(by_onnx)
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
    (file,) = cache.iterdir()
    assert file.stat().st_size < 600_000  # the structure; the weights alone would be more


def test_two_tensors_of_equal_values_stay_two(cache):
    # as in a network that was just made: every norm has weights of one. The second network tells them apart
    torch.manual_seed(0)
    fresh = RatingNetwork(create_backbone("test_efficientnet", "none", size=32)).eval()
    both(fresh)
    by_torch, by_onnx = both(network(3))
    np.testing.assert_allclose(by_onnx, by_torch, atol=2e-5 * max(1, np.abs(by_torch).max()))
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("other", ["depths", "mirror", "size", "backbone"])
def test_another_structure_has_a_translation_of_its_own(cache, other):
    both(network(0))
    if other == "depths":
        both(network(0, depths=DEPTHS))
    elif other == "mirror":
        both(network(0), replace(SETTINGS, mirror=True))
    elif other == "size":
        both(network(0, size=64), size=64)
    else:
        both(network(0, backbone="test_mambaout"))
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_translation_is_made_again(cache, caplog):
    both(network(0))
    (file,) = cache.iterdir()
    for content in (b"", b"not a program", file.read_bytes()[:1000]):
        file.write_bytes(content)
        by_torch, by_onnx = both(network(2))
        np.testing.assert_allclose(by_onnx, by_torch, atol=2e-5 * max(1, np.abs(by_torch).max()))
        assert "made again" in caplog.text
        caplog.clear()
    assert file.stat().st_size > 1000


def test_a_cache_that_cannot_be_written_costs_no_score(cache, caplog):
    cache.write_text("a file where a folder has to be")
    by_torch, by_onnx = both(network(0))
    np.testing.assert_allclose(by_onnx, by_torch, atol=2e-5 * max(1, np.abs(by_torch).max()))
    assert "not kept" in caplog.text


def test_what_cannot_be_translated_is_said_with_the_way_out(cache):
    class Sorted(torch.nn.Module):
        def forward(self, pixels):
            return torch.linalg.svd(pixels.float()).S

    with pytest.raises(InputError, match=r"Sorted cannot be translated.*scoring\.engine=torch"):
        onnx_program(Sorted().eval(), torch.zeros(1, 3, 8, 8))
