import numpy as np
import pytest
from rendered import picture, portraits

from judge.errors import InputError
from judge.jury.robots import features

NETWORKS = [
    ("test_efficientnet", "none", 1e-6),  # five stages, and small enough to be translated in a second
    pytest.param("tf_efficientnet_lite0", "packaged", 1e-3, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("backbone", "weights", "within"), NETWORKS)
def test_features_of_many_pictures_are_read_by_onnx_and_are_the_same(backbone, weights, within, monkeypatch):
    if not features.onnx_is_there():
        pytest.skip("the extra judge[onnx] is not installed")
    readers = {part: features.Features(part, backbone, weights, 64) for part in features.PARTS}
    batches = [portraits([picture(), picture(melanin=0.8)]) for _ in range(2)]
    by_torch = {part: read(batches[0]) for part, read in readers.items()}
    monkeypatch.setattr(features, "_seen", features.ONNX_FROM)
    before = features._by_onnx.cache_info().currsize
    by_onnx = {part: read(batches[1]) for part, read in readers.items()}
    assert features._by_onnx.cache_info().currsize == before + 1
    for part in features.PARTS:
        assert np.ptp(by_torch[part]) > 100 * within
        np.testing.assert_allclose(by_onnx[part], by_torch[part], atol=within)
    assert by_torch["means"].shape != by_torch["places"].shape


def test_two_robots_of_one_network_share_one_pass(monkeypatch):
    passes = []
    forward = features._forward
    monkeypatch.setattr(features, "_forward", lambda *args: passes.append(1) or forward(*args))
    faces = portraits([picture()])
    for part in features.PARTS:
        features.Features(part, size=64)(faces)
    assert len(passes) == 1
    with pytest.raises(InputError, match=r"features\.part='cells': allowed are 'means'"):
        features.Features("cells")
