"""JustTrainTwice: the weights by hand, and the protocol in the judge with a network."""

from functools import partial

import numpy as np
import pytest
import torch
from linear_network import GROUPS
from rated_squares import rated_squares

import judge.jury.beauty
from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.losses import SquaredError
from judge.jury.network.training import Training, train
from judge.mitigation.objectives import JustTrainTwice
from judge.storage.tensors import load_weights


def test_the_largest_errors_of_either_sign_are_weighted_up_and_the_mean_is_one():
    twice = JustTrainTwice(SquaredError(), GROUPS, share=0.5, factor=3.0)
    weight = twice.reweigh(np.array([0.1, -4.0, 0.2, 3.0]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert weight.tolist() == [0.5, 1.5, 0.5, 1.5]
    # weights that there are stay: 2 · 3, and 1, 1, 3 · 0
    weight = twice.reweigh(np.array([0.1, -4.0, 0.2, 3.0]), np.array([1.0, 2.0, 1.0, 0.0]))
    assert weight.tolist() == [0.5, 3.0, 0.5, 0.0]


def test_a_share_is_rounded_up_and_of_equal_errors_the_first_are_taken():
    twice = JustTrainTwice(SquaredError(), GROUPS, share=0.3, factor=2.0)
    assert (twice.reweigh(np.ones(5), np.ones(5)) > 1).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"first_epochs": 0}, "first_epochs is a whole number of at least 1, not 0"),
        ({"share": 1.0}, "share is over 0 and under 1, not 1.0"),
        ({"share": 0.0}, "share is a number over 0, not 0.0"),
        ({"factor": 0.5}, "factor is a number of at least 1, not 0.5"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, says):
    with pytest.raises(InputError, match=says):
        JustTrainTwice(SquaredError(), GROUPS, **settings)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return rated_squares(tmp_path_factory.mktemp("squares"), n=24)


class Interrupted(Exception):
    pass


class StopsAt(SquaredError):
    def __init__(self, n=1_000_000):
        object.__setattr__(self, "left", [n])

    def __call__(self, network, batch):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Interrupted
        return super().__call__(network, batch)


def fit(manifest, folder, loss=None, **settings):
    training = Training(epochs=2, batch=8, lr=3e-3, layer_decay=1.0, accelerator="cpu", checkpoint_every=0.0)
    judge = CnnJudge(
        backbone="test_efficientnet", weights="none", size=32, loss=loss or StopsAt(), training=training, progress=False
    )  # fmt: skip
    return judge.fit(
        manifest, rating_range=(1, 9), seed=0, workdir=folder, groups=Groups.of(manifest, "gender"),
        objective=partial(JustTrainTwice, **{"first_epochs": 1, "share": 0.25, "factor": 5.0} | settings),
    )  # fmt: skip


@pytest.mark.slow
def test_the_second_training_starts_anew_with_the_weights_that_the_first_ones_errors_ask_for(
    manifest, tmp_path, monkeypatch
):
    seen = []

    def recorded(make_network, objective, pool, val, **options):
        seen.append((type(objective), pool.weight.clone(), options["settings"].epochs))
        return train(make_network, objective, pool, val, **options)

    monkeypatch.setattr(judge.jury.beauty, "train", recorded)
    fit(manifest, tmp_path)
    (first, before, short), (second, after, whole) = seen
    assert (first, second) == (StopsAt, JustTrainTwice)
    assert (short, whole) == (1, 2)
    assert before.tolist() == [1.0] * 24
    # 6 of 24 weigh 5: the mean is 2
    error = load_weights(tmp_path / "first" / "errors.safetensors")["error"].abs()
    assert sorted(after.tolist()) == [0.5] * 18 + [2.5] * 6
    assert error[after > 1].min() >= error[after < 1].max()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 5], ids=["in the first training", "in the second"])
def test_a_kill_in_either_training_changes_no_bit(manifest, tmp_path, steps):
    whole = fit(manifest, tmp_path / "whole").network.state_dict()
    with pytest.raises(Interrupted):
        fit(manifest, tmp_path / "killed", StopsAt(steps))
    assert (tmp_path / "killed" / "state.safetensors").is_file() == (steps == 5)
    resumed = fit(manifest, tmp_path / "killed").network.state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.slow
def test_no_group_is_read_and_other_settings_are_another_training(manifest, tmp_path):
    known = fit(manifest, tmp_path / "known").network.state_dict()
    swapped = manifest.assign(gender=manifest["gender"].map({"men": "women", "women": "men"}))
    other = fit(swapped, tmp_path / "swapped").network.state_dict()
    assert all(torch.equal(known[key], other[key]) for key in known)
    with pytest.raises(InputError, match=r'"factor": 5.0.*here .*"factor": 2.0'):
        fit(manifest, tmp_path / "known", factor=2.0)
    with pytest.raises(
        InputError, match=r"first.*belongs to another training.*: training.epochs is 1, here 2"
    ):
        fit(manifest, tmp_path / "known", first_epochs=2)
