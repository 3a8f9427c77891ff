"""Every objective in the real training loop: with each loss, killed and continued, on two devices."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from lightning_fabric import Fabric
from linear_network import GROUPS, Linear, ready
from rated_squares import rated_squares

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.losses import Huber, LabelDistribution, SquaredError
from judge.jury.network.pool import Pool
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.training import Training, train
from judge.jury.network.training import _loop as loop
from judge.mitigation import objectives
from judge.storage.tensors import load_tensors

METHODS = {name: getattr(objectives, name) for name in objectives.__all__}
OF_GROUPS = [name for name in METHODS if name != "JustTrainTwice"]
FAST = Training(epochs=2, batch=8, lr=2e-3, layer_decay=1.0, select="last", accelerator="cpu")
#: without batch norms, whose statistics differ between one device and two
NETWORK = NetworkSpec("test_efficientnet_ln", 32, centre=5.0, spread=2.0)


def pool():
    rng = torch.Generator().manual_seed(0)
    rating = torch.rand(22, generator=rng) * 8 + 1  # 22: two devices get parts of unequal size
    pixels = (rating / 9 * 255).view(-1, 1, 1, 1).expand(-1, 3, 36, 36).to(torch.uint8)
    return Pool(pixels, rating, torch.ones(22), groups={"g": (torch.arange(22) % 4 == 0).long()})


POOL = {
    "make_network": partial(build_network, NETWORK, "none"), "pool": pool(), "size": 32,
    "augmentation": Augmentation(), "seed": 0, "progress": False,
}  # fmt: skip


def trained(folder, objective, settings=FAST):
    network, history = train(objective=objective, val=None, settings=settings, workdir=folder, **POOL)
    return network.state_dict(), history


def made(name, loss=None, **settings):
    torch.manual_seed(0)
    return METHODS[name](loss or SquaredError(), GROUPS, **settings)


class Interrupted(Exception):
    pass


class StopsAt(SquaredError):
    """Ends the loop at the n-th step, as a kill would; described as if it did not."""

    def __init__(self, n=1_000_000):
        object.__setattr__(self, "left", [n])

    def per_picture(self, reading, batch, network):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Interrupted
        return super().per_picture(reading, batch, network)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_GROUPS)
def test_a_killed_training_ends_in_the_same_bits(tmp_path, name):
    whole, history = trained(tmp_path / "whole", made(name))
    every_step = replace(FAST, checkpoint_every=0.0)
    with pytest.raises(Interrupted):
        trained(tmp_path / "killed", made(name, StopsAt(4)), every_step)
    assert load_tensors(tmp_path / "killed" / "state.safetensors")[1]["step"] == 1, "in the second epoch"
    torch.manual_seed(5)
    resumed, again = trained(tmp_path / "killed", made(name, StopsAt()), every_step)
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert history == again


@pytest.mark.slow
def test_an_objectives_own_parameters_learn_at_the_rates_that_it_says(tmp_path):
    """Adam's first step is the learning rate, whatever the gradient."""
    settings = replace(FAST, batch=22, checkpoint_every=0.0)
    with pytest.raises(Interrupted):
        trained(tmp_path, made("DomainIndependent", StopsAt(1), bias_speed=10.0), settings)
    state, _ = load_tensors(tmp_path / "state.safetensors")
    step = settings.lr * settings.head_lr / 2  # of the warm-up's epoch of one step
    bias, weight = (state[f"heads.objective.{name}"].abs().max().item() for name in ("bias", "weight"))
    assert (bias, weight) == pytest.approx((10 * step, step), rel=1e-3)


def all_loops(fabric, folder):
    """The loop that `train` launches, once a method: starting two processes takes longer than training in them."""
    for name in OF_GROUPS:
        loop(
            fabric, objective=made(name), settings=replace(FAST, devices=2), workdir=folder / name, identity={},
            **POOL, val=None,
        )  # fmt: skip


@pytest.mark.slow
def test_two_devices_learn_what_one_learns(tmp_path):
    Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn").launch(all_loops, tmp_path)
    plain, _ = trained(tmp_path / "plain", SquaredError())
    for name in OF_GROUPS:
        one, history = trained(tmp_path / f"{name}_alone", made(name))
        two, facts = load_tensors(tmp_path / name / "best.safetensors")
        for key in one:
            torch.testing.assert_close(
                two[f"network.{key}"], one[key], rtol=1e-3, atol=2e-4, msg=f"{name}: {key}"
            )
        apart = max((one[key] - plain[key]).abs().max() for key in one)
        # well over what two devices may differ by; an adversary that does not know more than nothing yet steers little
        assert apart > 0.0005, f"{name} does nothing"
        if (
            name == "GroupDRO"
        ):  # its loss is of the whole batch; others report their own device's part of the mean
            losses = [[record["loss"] for record in records] for records in (history, facts["history"])]
            assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_GROUPS)
def test_mixed_precision_trains_too(tmp_path, name):
    """Fabric allows no gradient through the network outside its own backward pass then."""
    network, history = trained(tmp_path, made(name), replace(FAST, epochs=1, precision="bf16-mixed"))
    exact, plain = trained(tmp_path / "exact", made(name), replace(FAST, epochs=1))
    assert history[0]["loss"] == pytest.approx(plain[0]["loss"], rel=0.1)
    assert any(not torch.equal(network[key], exact[key]) for key in exact)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return rated_squares(tmp_path_factory.mktemp("squares"), n=32)


def fitted(manifest, name, loss=None, workdir=None, **settings):
    judge = CnnJudge(
        backbone="test_efficientnet", weights="none", size=32, loss=loss or SquaredError(), progress=False,
        training=replace(FAST, epochs=1, checkpoint_every=0.0),
    )  # fmt: skip
    return judge.fit(
        manifest, rating_range=(1, 9), seed=0, workdir=workdir, groups=Groups.of(manifest, "gender"),
        objective=partial(METHODS[name], **settings),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", [SquaredError(), Huber(), LabelDistribution(levels=5)], ids=lambda loss: loss.name
)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_every_loss_and_says_all_its_settings(manifest, name, loss):
    judge = fitted(manifest, name, loss)
    assert judge.score(manifest)[0]["score"].notna().all()
    told = judge.facts["objective"]["given"]
    assert told["settings"] == made(name).settings()
    assert told["loss"]["type"].endswith(type(loss).__name__)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_GROUPS)
def test_a_pool_of_one_group_is_refused(name, manifest):
    women = manifest[manifest["gender"] == "women"]
    with pytest.raises(InputError, match=f"{name}: two groups of 'gender' at least are needed"):
        fitted(women, name)
    with pytest.raises(
        InputError, match=rf"{name}: the training pictures have 'b' of the groups of 'g'; at least 2"
    ):
        ready(made(name), Linear([1.0]), [1, 1, -1])


def test_a_loss_that_says_nothing_of_single_pictures_is_refused():
    for kind in METHODS.values():
        with pytest.raises(InputError, match="the judge's loss function has no per_picture"):
            kind(lambda network, batch: {}, GROUPS)


def test_a_method_says_whether_it_is_void_where_features_are_frozen():
    void = {name for name, kind in METHODS.items() if kind.trains_features}
    assert void == {"GradientReversal", "MatchFeatures"}
