"""judge/jury/network/pretraining.py: labels that know a mirror image, and a backbone that a judge begins with."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.backbone import create_backbone
from judge.jury.network.depths import Depths
from judge.jury.network.pretraining import backbone_file, labels_of, pretrain
from judge.jury.network.spec import NetworkSpec
from judge.jury.network.training import Training

pytestmark = pytest.mark.slow


def people(n, **changes):
    manifest = read_parametric(n, seed=3, size=32, render=False).manifest
    return manifest.assign(**changes)


def test_a_symmetric_face_and_its_mirror_image_have_the_same_landmarks():
    posed = [f"param_{name}" for name in ("yaw", "roll", "gaze_x")]
    asymmetric = [name for name in people(1) if name.startswith("param_asym")]
    straight = people(12, **dict.fromkeys([*posed, *asymmetric], 0.0))
    as_is, mirrored = labels_of(straight)
    np.testing.assert_allclose(as_is, mirrored, atol=0.1)  # in the lids' deltas the sides differ by .0008
    as_is, mirrored = labels_of(straight.assign(param_yaw=10.0 + np.arange(12)))
    assert (as_is - mirrored).abs().max() > 1
    # before age, ITA, three ethnicities and two genders; these landmarks do not turn with the head
    frontal = slice(-47, -7)
    np.testing.assert_allclose(as_is[:, frontal], mirrored[:, frontal], atol=0.1)


def test_the_labels_read_no_blemish_no_wrinkle_no_light_no_rating_and_no_truth():
    some = people(12)
    changed = some.assign(rating=1.0, truth=0.0, param_blemishes=0.0, param_wrinkles=1.0, param_exposure=0.3)
    assert torch.equal(labels_of(some), labels_of(changed))


SMALL = NetworkSpec("test_efficientnet", 32, Depths([0, 1, 2], [0, 0, 1], [0, 0, 2]))


def taught(workdir, manifest):
    backbone, history = pretrain(
        SMALL,
        "none",
        manifest,
        augmentation=Augmentation(),
        training=Training(batch=8, train_from_stage=2, accelerator="cpu"),
        seed=5,
        workdir=workdir,
        epochs=1,
        progress=False,
    )
    assert len(history) == 1
    return backbone


def test_a_judge_begins_with_the_backbone_that_was_pretrained(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    data = read_parametric(24, seed=6, size=64, progress=False)
    file, facts = tmp_path / "backbone.safetensors", {"seed": 5}
    assert backbone_file(file, facts, lambda: taught(tmp_path / "training", data.manifest)) == file
    begun = load_file(file)
    assert set(begun) == set(create_backbone("test_efficientnet", "none", size=32).state_dict())
    judge = CnnJudge(backbone="test_efficientnet", weights=str(file), size=32, margin=1.0, progress=False)
    judge.training = replace(judge.training, epochs=1, lr=1e-12, ema_half_life=None)
    judge.fit(data.manifest, ratings=data.ratings, rating_range=data.rating_range, seed=0)
    known = judge.network.backbone.state_dict()
    weights = [name for name in begun if name.endswith("weight")]
    assert all(torch.allclose(begun[name], known[name], rtol=0, atol=1e-9) for name in weights)
    again = taught(tmp_path / "another", data.manifest).state_dict()
    assert all(torch.equal(begun[name], again[name]) for name in begun), "also what the head does not read"


def test_a_backbone_that_is_there_is_not_made_again_and_one_that_other_facts_made_is_refused(tmp_path):
    file = tmp_path / "backbone.safetensors"
    backbone_file(file, {"seed": 5}, lambda: torch.nn.Linear(2, 2))
    assert backbone_file(file, {"seed": 5}, lambda: pytest.fail("made again")) == file
    with pytest.raises(InputError, match=r"was made with .*'seed': 5.*not with .*'seed': 6"):
        backbone_file(file, {"seed": 6}, lambda: torch.nn.Linear(2, 2))
