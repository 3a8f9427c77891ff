from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from rated_squares import rated_squares

from judge.errors import InputError
from judge.jury.network.backbone import RatingNetwork, create_backbone
from judge.jury.network.engine import Scoring, _Views, _zoomed, build_engine, onnx_is_there, score_pictures
from judge.jury.network.pictures import decode_stream, load_pictures

PLAIN = Scoring(engine="torch", batch=8, device="cpu", threads=2)
needs_onnx = pytest.mark.skipif(not onnx_is_there(), reason="the extra judge[onnx] is not installed")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return rated_squares(tmp_path_factory.mktemp("squares"), n=29)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = RatingNetwork(create_backbone("test_efficientnet", "none", size=32), levels=torch.linspace(1, 9, 9))
    torch.nn.init.normal_(net.head.weight, std=0.5)
    return net.eval()


def scored(network, manifest, settings=PLAIN, kind="torch"):
    engine = build_engine(network, 32, settings, kind=kind)
    return score_pictures(manifest, engine, size=32, settings=settings, progress=False)


def test_scores_are_the_ratings_of_the_network_in_the_order_of_the_manifest(network, manifest):
    scores, excluded = scored(network, manifest)
    pixels, _, _ = load_pictures(manifest, 32)
    with torch.no_grad():
        expected = network(pixels).rating.numpy()
    assert scores["image_id"].tolist() == manifest["image_id"].tolist()
    np.testing.assert_allclose(scores["score"], expected, atol=1e-4)
    assert scores["score"].std() > 0.01
    assert excluded.empty


def test_broken_pictures_are_excluded_with_a_reason_and_change_no_other_score(network, manifest, tmp_path):
    whole, _ = scored(network, manifest)
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    broken = manifest.copy()
    broken.loc[3, "path"] = str(tmp_path / "empty.jpg")
    broken.loc[17, "path"] = str(tmp_path / "text.jpg")
    broken.loc[28, "path"] = str(tmp_path / "missing.jpg")
    scores, excluded = scored(network, broken)
    assert excluded["item"].tolist() == ["p3", "p17", "p28"]
    assert excluded["reason"].tolist() == ["broken picture"] * 3
    assert "empty" in excluded["detail"][0]
    assert "No such file" in excluded["detail"][2]
    pd.testing.assert_frame_equal(scores, whole.drop([3, 17, 28]).reset_index(drop=True), check_exact=True)


def test_all_broken_gives_no_scores_and_no_error(network, manifest, tmp_path):
    scores, excluded = scored(network, manifest.assign(path=str(tmp_path / "missing.jpg")))
    assert len(scores) == 0
    assert len(excluded) == 29


def test_the_score_of_a_picture_does_not_depend_on_its_company(network, manifest):
    whole, _ = scored(network, manifest)
    alone, _ = scored(network, manifest.iloc[[12]])
    backwards, _ = scored(network, manifest.iloc[::-1])
    assert alone["score"].item() == whole["score"][12]
    assert backwards["score"].tolist() == whole["score"].tolist()[::-1]


def test_a_mirrored_score_is_the_mean_of_picture_and_mirror_image(network, manifest):
    mirrored, _ = scored(network, manifest, replace(PLAIN, mirror=True))
    pixels, _, _ = load_pictures(manifest, 32)
    with torch.no_grad():
        expected = (network(pixels).rating + network(pixels.flip(3)).rating) / 2
    np.testing.assert_allclose(mirrored["score"], expected.numpy(), atol=1e-4)


@needs_onnx
@pytest.mark.parametrize("mirror", [False, True])
def test_onnx_agrees_with_torch_and_with_itself(network, manifest, mirror):
    settings = replace(PLAIN, mirror=mirror)
    by_torch, _ = scored(network, manifest, settings)
    by_onnx, _ = scored(network, manifest, settings, kind="onnx")
    again, _ = scored(network, manifest, settings, kind="onnx")
    np.testing.assert_allclose(by_torch["score"], by_onnx["score"], atol=1e-3)
    pd.testing.assert_frame_equal(by_onnx, again, check_exact=True)


@needs_onnx
def test_the_engine_follows_number_and_device():
    auto = Scoring(onnx_from=100, device="cpu")
    assert auto.engine_for(99) == "torch"
    assert auto.engine_for(100) == "onnx"
    assert Scoring(onnx_from=100, device="cuda").engine_for(100) == "torch"
    assert Scoring(engine="onnx").engine_for(1) == "onnx"
    with pytest.raises(InputError, match=r"engine='tensorrt'.*auto, onnx and torch"):
        Scoring(engine="tensorrt")


def test_decoding_ahead_holds_a_bounded_number_of_batches(manifest, monkeypatch):
    import judge.jury.network.pictures as pictures

    started, taken, most = 0, 0, 0
    decode = pictures.decode_chunk

    def counted(*args):
        nonlocal started, most
        started += 1
        most = max(most, started - taken)
        return decode(*args)

    monkeypatch.setattr(pictures, "decode_chunk", counted)
    paths = manifest["path"].tolist() * 20
    rows = []
    for decoded in decode_stream(paths, 16, batch=4, threads=2):
        rows += decoded.rows
        taken += 1
    assert rows == list(range(580))
    assert started == 145
    assert most <= 4  # threads + 2


def test_zooms_are_views_about_the_middle_and_their_ratings_are_averaged():
    picture = torch.arange(64.0).repeat(64, 1)[None, None].repeat(1, 3, 1, 1)
    assert _zoomed(picture, 1.0) is picture
    near, far = _zoomed(picture, 2.0)[0, 0, 0], _zoomed(picture, 0.8)[0, 0, 0]
    assert near.shape == far.shape == (64,)
    assert near[0].item() == pytest.approx(16, abs=0.5)
    assert near[-1].item() == pytest.approx(47, abs=0.5)
    assert far[8:-8].numpy() == pytest.approx(np.linspace(2, 61, 48), abs=1)

    class Brightness(torch.nn.Module):
        def forward(self, pixels):
            return SimpleNamespace(rating=pixels.float().amax((1, 2, 3)))

    rating = _Views(Brightness(), True, [1.0, 2.0])(picture)
    assert rating.item() == pytest.approx((63 + near.max().item()) / 2)
    with pytest.raises(InputError, match="zooms"):
        Scoring(zooms=[])
