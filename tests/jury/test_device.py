"""Where networks run, and what minimises a loss: by name, refused early, and told apart from another."""

from dataclasses import replace

import pytest
import torch
from hydra import compose, initialize_config_module

from judge.errors import InputError
from judge.experiment.settings import unpack
from judge.jury.device import Device, preferred, running_on
from judge.jury.network.losses import Huber, SquaredError
from judge.jury.network.stacked.plan import refusal
from judge.jury.network.training import Training, described_settings
from judge.jury.optimizers import SGD, AdamW


def experiment(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return unpack(compose("config", overrides=list(overrides)))


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_what_is(name):
    there = torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()
    if there:
        pytest.skip(f"{name} is here")
    with pytest.raises(InputError, match=rf"device={name}: there is none here, but .*a CPU with \d+ threads"):
        experiment(f"device={name}")
    with pytest.raises(InputError, match="there is none here"):  # the older spelling
        experiment(f"+judge.training.accelerator={name}")


def test_what_is_free_to_choose_follows_the_run():
    with running_on("cpu"):
        assert preferred() == torch.device("cpu")
    assert preferred().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_device_of_a_run_reaches_its_training_unless_that_says_another():
    told = experiment("device=cpu", "device.precision=bf16-mixed").make_judge().training
    assert (told.accelerator, told.devices, told.precision) == ("cpu", 1, "bf16-mixed")
    own = experiment("device.devices=2", "+judge.training.devices=1", "+judge.training.precision=32-true")
    assert (own.make_judge().training.devices, own.make_judge().training.precision) == (1, "32-true")
    assert experiment("device=cpu", "judge=embedding").accelerator == "cpu"


def test_losses_and_optimisers_have_names():
    judge = experiment("loss@judge.loss=huber", "optimizer@judge.training.optimizer=sgd").make_judge()
    assert judge.loss == Huber(delta=0.5)
    assert judge.training.optimizer == SGD(momentum=0.9, nesterov=True)
    assert experiment("loss@judge.loss=squared_error").make_judge().loss == SquaredError()


def test_the_usual_device_and_optimiser_change_no_digest_and_others_do():
    usual = experiment().digest
    assert experiment("device=auto", "optimizer@judge.training.optimizer=adamw").digest == usual
    others = [
        "device=cpu",
        "optimizer@judge.training.optimizer=sgd",
        "judge.training.optimizer.betas=[.9,.99]",
    ]
    assert len({usual, *(experiment(word).digest for word in others)}) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdamW(betas=(0.9, 1.0)), "optimizer.betas"),
        (lambda: SGD(momentum=0.0), "optimizer.momentum=0.0"),
        (lambda: Training(optimizer="adamw"), "training.optimizer='adamw'"),
        (lambda: Training(clip=0.0), "training.clip=0.0: a norm over 0, or null"),
        (lambda: Device(devices="two"), "device.devices='two'"),
    ],
)
def test_what_is_wrong_is_refused_where_it_is_made(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_only_another_optimiser_than_the_usual_is_part_of_a_trainings_identity():
    assert "optimizer" not in described_settings(Training())
    assert described_settings(Training(optimizer=SGD()))["optimizer"] == {
        "name": "sgd", "momentum": 0.9, "nesterov": True
    }  # fmt: skip
    assert "takes AdamW" in refusal(SquaredError(), replace(Training(), optimizer=SGD()))


@pytest.mark.parametrize("optimizer", [SGD(), AdamW(betas=(0.8, 0.9))])
def test_each_optimiser_makes_a_step_downhill(optimizer):
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    made = optimizer([{"params": [weight], "lr_scale": 1.0}], 0.1)
    for _ in range(20):
        made.zero_grad()
        weight.square().sum().backward()
        made.step()
    assert abs(weight.item()) < 2.0
