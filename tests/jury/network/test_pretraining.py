"""experiments/parametric_pretraining.py: labels that know a mirror image, and a backbone that a judge begins with."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.backbone import create_backbone

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


@pytest.fixture(scope="module")
def pretraining():
    sys.path.insert(0, str(EXPERIMENTS))
    try:
        import parametric_pretraining
    finally:
        sys.path.remove(str(EXPERIMENTS))
    return parametric_pretraining


def people(n, **changes):
    manifest = read_parametric(n, seed=3, size=32, render=False).manifest
    return manifest.assign(**changes)


def test_a_symmetric_face_and_its_mirror_image_have_the_same_landmarks(pretraining):
    posed = [f"param_{name}" for name in ("yaw", "roll", "gaze_x")]
    asymmetric = [name for name in people(1) if name.startswith("param_asym")]
    straight = people(12, **dict.fromkeys([*posed, *asymmetric], 0.0))
    as_is, mirrored = pretraining.labels_of(straight)
    np.testing.assert_allclose(as_is, mirrored, atol=0.1)  # in the lids' deltas the sides differ by .0008
    as_is, mirrored = pretraining.labels_of(straight.assign(param_yaw=10.0 + np.arange(12)))
    assert (as_is - mirrored).abs().max() > 1
    # before age, ITA, three ethnicities and two genders; these landmarks do not turn with the head
    frontal = slice(-47, -7)
    np.testing.assert_allclose(as_is[:, frontal], mirrored[:, frontal], atol=0.1)


def test_the_labels_read_no_blemish_no_wrinkle_no_light_no_rating_and_no_truth(pretraining):
    some = people(12)
    changed = some.assign(rating=1.0, truth=0.0, param_blemishes=0.0, param_wrinkles=1.0, param_exposure=0.3)
    assert torch.equal(pretraining.labels_of(some), pretraining.labels_of(changed))


def test_a_judge_begins_with_the_backbone_that_was_pretrained(pretraining, tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "backbone.safetensors"
    small = ["judge.backbone=test_efficientnet", "judge.weights=none", "judge.size=32", "+judge.progress=false",
             "judge.depths.cells=[0,1,2]", "judge.depths.spread=[0,0,1]", "judge.depths.mirrored=[0,0,2]"]  # fmt: skip
    monkeypatch.setattr(pretraining, "EPOCHS", 1)
    assert pretraining.backbone("cnn_depths", small, 24, 5, 64, file) == file
    begun = load_file(file)
    assert set(begun) == set(create_backbone("test_efficientnet", "none", size=32).state_dict())
    made = file.stat().st_mtime_ns
    pretraining.backbone("cnn_depths", small, 24, 5, 64, file)
    assert file.stat().st_mtime_ns == made  # not made again
    with pytest.raises(InputError, match=r"was made with .*'seed': 5"):
        pretraining.backbone("cnn_depths", small, 24, 6, 64, file)
    data = read_parametric(24, seed=6, size=64, progress=False)
    judge = CnnJudge(backbone="test_efficientnet", weights=str(file), size=32, margin=1.0, progress=False)
    judge.training = pretraining.replace(judge.training, epochs=1, lr=0.0, ema_half_life=None)
    judge.fit(data.manifest, ratings=data.ratings, rating_range=data.rating_range, seed=0)
    taught = judge.network.backbone.state_dict()
    weights = [name for name in begun if name.endswith("weight")]
    assert all(torch.equal(begun[name], taught[name]) for name in weights)
