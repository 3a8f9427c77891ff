"""GroupDRO: the groups' weights and the loss, counted by hand."""

import math

import pytest
import torch
from linear_network import GROUPS, Linear, batch_of, ready

from judge.errors import InputError
from judge.jury.network.losses import SquaredError
from judge.mitigation.objectives import GroupDRO

#: ratings of 0 from a network that answers 1, 1, 2: losses 1, 1 of group a and 4 of group b
BATCH = ([[1.0], [1.0], [2.0]], [0.0, 0.0, 0.0], [0, 0, 1])


def test_a_group_with_more_loss_gains_weight_as_the_algorithm_says():
    network = Linear([1.0])
    # exp(step · 4) / exp(step · 1) = 2
    dro = ready(GroupDRO(SquaredError(), GROUPS, step=math.log(2) / 3, l2=0), network, [0, 0, 1])
    assert dro.q.tolist() == [0.5, 0.5]
    parts = dro(network, batch_of(*BATCH))
    assert dro.q.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert parts["loss"].item() == pytest.approx(1 / 3 * 1 + 2 / 3 * 4)
    assert parts["worst"] == 4
    parts["loss"].backward()
    # dΣ q loss_g / dw: 2 · feature² of each group
    assert network.head.weight.grad.item() == pytest.approx(1 / 3 * 2 + 2 / 3 * 8)


def test_without_a_step_each_group_counts_the_same_however_large_it_is():
    network = Linear([1.0])
    dro = ready(GroupDRO(SquaredError(), GROUPS, step=0.0, l2=0), network, [0] * 98 + [1] * 2)
    assert dro(network, batch_of(*BATCH))["loss"].item() == 2.5


def test_a_group_that_the_batch_lacks_keeps_its_weight_and_one_that_the_pool_lacks_has_none():
    network = Linear([1.0])
    groups = type(GROUPS)("g", ("a", "b", "nobody"))
    dro = ready(GroupDRO(SquaredError(), groups, step=math.log(3), l2=0), network, [0, 0, 1])
    assert dro.q.tolist() == [0.5, 0.5, 0.0]
    parts = dro(network, batch_of([[1.0]], [0.0], [0]))
    # a: .5 · 3, b: .5
    assert dro.q.tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert parts["loss"].item() == pytest.approx(0.75)


def test_the_adjustment_is_larger_for_a_small_group():
    network = Linear([1.0])
    # C/√n is C/2 for 4 pictures and C for 1; equal losses: ratio exp(step · C / 2) = 2
    dro = GroupDRO(SquaredError(), GROUPS, step=1.0, adjustment=2 * math.log(2), l2=0)
    dro = ready(dro, network, [0, 0, 0, 0, 1])
    dro(network, batch_of([[1.0], [1.0]], [0.0, 0.0], [0, 1]))
    assert dro.q.tolist() == pytest.approx([1 / 3, 2 / 3])


def test_pictures_weigh_within_their_group_as_they_do_in_the_pool():
    network = Linear([1.0])
    dro = ready(GroupDRO(SquaredError(), GROUPS, step=0.0, l2=0), network, [0, 0, 1])
    # a has losses 1 and 9 with weights 3 and 1: 3; b has 4
    batch = batch_of([[1.0], [3.0], [2.0]], [0.0] * 3, [0, 0, 1], share=[0.3, 0.1, 0.6])
    assert dro(network, batch)["loss"].item() == pytest.approx(3.5)


def test_the_penalty_pulls_at_trained_weights_and_at_no_bias():
    network = Linear([3.0, 4.0], bias=7.0)
    dro = ready(GroupDRO(SquaredError(), GROUPS, l2=0.1), network, [0, 1])
    parts = dro(network, batch_of([[0.0, 0.0], [0.0, 0.0]], [7.0, 7.0], [0, 1]))
    assert parts["loss"].item() == pytest.approx(0.05 * 25)
    network.head.weight.requires_grad = False
    assert dro(network, batch_of([[0.0, 0.0]], [7.0], [0]))["loss"].item() == 0


@pytest.mark.parametrize("name", ["step", "adjustment", "l2"])
def test_a_negative_setting_is_refused_by_name(name):
    with pytest.raises(InputError, match=rf"group_dro: {name} is a number of at least 0, not -1"):
        GroupDRO(SquaredError(), GROUPS, **{name: -1})


def test_a_picture_of_unknown_group_is_refused():
    with pytest.raises(InputError, match=r"1 of 3 training pictures have no known group in 'g'"):
        ready(GroupDRO(SquaredError(), GROUPS), Linear([1.0]), [0, -1, 1])
    assert torch.isfinite(ready(GroupDRO(SquaredError(), GROUPS), Linear([1.0]), [0, 1]).q).all()
