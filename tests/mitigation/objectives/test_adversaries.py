"""The two adversaries: what reaches the features, and the projection, counted by hand."""

import math

import pytest
import torch
from linear_network import GROUPS, Linear, batch_of, ready

from judge.errors import InputError
from judge.jury.network.losses import SquaredError
from judge.mitigation.objectives import GradientReversal, ScoreAdversary
from judge.mitigation.objectives.score_adversary import steered

CODES = [0, 0, 0, 1]


def some_batch(requires_grad=False):
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(4, 3, generator=rng).requires_grad_(requires_grad)
    return batch_of(features, [1.0, 2.0, 3.0, 4.0], CODES)


def gradients(loss, things):
    return torch.autograd.grad(loss, things, retain_graph=True)


def test_an_adversary_that_knows_nothing_has_log_two_however_rare_a_group_is():
    network = Linear([1.0, 0.0, 0.0])
    reversal = ready(GradientReversal(SquaredError(), GROUPS), network, CODES)
    with torch.no_grad():
        reversal.adversary[2].weight.zero_()
        reversal.adversary[2].bias.zero_()
    assert reversal(network, some_batch())["adversary"].item() == pytest.approx(math.log(2))
    # an adversary that always says a with 3 : 1, the shares of the pool, is worse than that
    with torch.no_grad():
        reversal.adversary[2].bias.copy_(torch.tensor([math.log(3), 0.0]))
    balanced = -0.5 * math.log(3 / 4) - 0.5 * math.log(1 / 4)
    assert reversal(network, some_batch())["adversary"].item() == pytest.approx(balanced)


@pytest.mark.parametrize("gone", [0, 3])
def test_the_features_get_the_gradient_reversed_and_the_adversary_as_it_is(gone):
    network, batch = Linear([1.0, 0.5, 0.0]), some_batch(requires_grad=True)
    torch.manual_seed(1)
    reversal = ready(GradientReversal(SquaredError(), GROUPS, strength=2.0), network, CODES, steps=10)
    reversal.steps.fill_(gone)
    strength = 2.0 * (2 / (1 + math.exp(-10 * gone / 10)) - 1)

    guess = reversal.adversary(batch.pixels)
    wrong = torch.nn.functional.cross_entropy(guess, batch.groups["g"], reduction="none")
    # a has 3 of 4 pictures: factors 4 / (2 · 3) and 4 / 2
    plain = (wrong * torch.tensor([2 / 3, 2 / 3, 2 / 3, 2.0])).mean()
    base = SquaredError()(network, batch)["loss"]
    layer = reversal.adversary[0].weight
    (to_features, to_adversary), (judge,) = (
        gradients(plain, [batch.pixels, layer]),
        gradients(base, [batch.pixels]),
    )

    found = gradients(reversal(network, batch)["loss"], [batch.pixels, layer])
    torch.testing.assert_close(found[0], judge - strength * to_features)
    torch.testing.assert_close(found[1], to_adversary)
    assert reversal.steps == gone + 1


def test_the_strength_is_half_after_a_tenth_of_the_training_or_nearly():
    reversal = ready(GradientReversal(SquaredError(), GROUPS), Linear([1.0]), CODES, steps=100)
    reversal.steps.fill_(11)
    assert reversal._now() == pytest.approx(0.5, abs=0.01)
    reversal.steps.fill_(100)
    assert reversal._now() == pytest.approx(1.0, abs=1e-3)


def test_a_projection_by_hand():
    judge, adversary = [torch.tensor([3.0]), torch.tensor([4.0, 5.0])], [torch.tensor([2.0]), torch.zeros(2)]
    # along the first axis 3 is taken away whole, then half of 2
    assert [part.tolist() for part in steered(judge, adversary, 0.5)] == [[-1.0], [4.0, 5.0]]
    nothing = [torch.zeros(1), torch.zeros(2)]
    assert [part.tolist() for part in steered(judge, nothing, 0.5)] == [[3.0], [4.0, 5.0]]


@pytest.mark.parametrize("given_rating", [True, False])
@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_a_step_for_the_ratings_does_not_help_the_adversary(strength, given_rating):
    network, batch = Linear([1.0, 0.5, -0.5], bias=0.3, centre=2.0, spread=1.5), some_batch()
    torch.manual_seed(1)
    objective = ScoreAdversary(SquaredError(), GROUPS, strength=strength, given_rating=given_rating)
    objective = ready(objective, network, CODES)
    weights = list(network.parameters())
    reading = network(batch.pixels)
    base = batch.mean(SquaredError().per_picture(reading, batch, network))
    against = objective._guessing(reading.rating, network, batch)
    judge, adversary = gradients(base, weights), gradients(against, weights)

    parts = objective(network, batch)
    parts["loss"].backward()
    assert parts["loss"].item() == pytest.approx(base.item())
    length = sum((a * a).sum() for a in adversary)
    along = sum((w.grad * a).sum() for w, a in zip(weights, adversary, strict=True))
    # without strength nothing is left along the adversary's gradient; with it, −strength times its length
    assert along.item() == pytest.approx(-strength * length.item(), abs=1e-6)
    # and nothing is lost across it
    for w, p, a in zip(weights, judge, adversary, strict=True):
        across = p - sum((x * y).sum() for x, y in zip(judge, adversary, strict=True)) / length * a
        torch.testing.assert_close(w.grad, across - strength * a)
    own = objective._guessing(reading.rating.detach(), network, batch)
    for parameter in objective.parameters():
        torch.testing.assert_close(parameter.grad, gradients(own, [parameter])[0])


def test_a_frozen_weight_gets_no_gradient_and_no_part_in_the_projection():
    network = Linear([1.0, 0.5, -0.5], bias=0.3)
    network.head.bias.requires_grad = False
    objective = ready(ScoreAdversary(SquaredError(), GROUPS), network, CODES)
    objective(network, some_batch())["loss"].backward()
    assert network.head.bias.grad is None
    assert network.head.weight.grad.abs().sum() > 0


def test_settings_out_of_range_are_refused_by_name():
    with pytest.raises(InputError, match="gradient_reversal: strength is a number over 0, not 0"):
        GradientReversal(SquaredError(), GROUPS, strength=0)
    with pytest.raises(
        InputError, match=r"score_adversary: hidden is a whole number of at least 1, not 2\.5"
    ):
        ScoreAdversary(SquaredError(), GROUPS, hidden=2.5)
