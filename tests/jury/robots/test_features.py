import numpy as np
import pytest
from rendered import picture, portraits

from judge.errors import InputError
from judge.jury.robots import features


def test_features_of_many_pictures_are_read_by_onnx_and_are_the_same(monkeypatch):
    if not features.onnx_is_there():
        pytest.skip("the extra judge[onnx] is not installed")
    batches = [portraits([picture(), picture(melanin=0.8)]) for _ in range(2)]
    by_torch = {part: features.Features(part, size=64)(batches[0]) for part in features.PARTS}
    monkeypatch.setattr(features, "_seen", features.ONNX_FROM)
    by_onnx = {part: features.Features(part, size=64)(batches[1]) for part in features.PARTS}
    assert features._by_onnx.cache_info().currsize == 1
    for part in features.PARTS:
        np.testing.assert_allclose(by_onnx[part], by_torch[part], atol=1e-3)
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
