"""The two adversaries: equal ratings, what reaches the features, the projection and its bound, counted by hand."""

import math

import pytest
import torch
from linear_network import GROUPS, Linear, batch_of, ready

from judge.errors import InputError
from judge.jury.network.losses import SquaredError, own_parameters, prepared
from judge.mitigation.objectives import GradientReversal, ScoreAdversary
from judge.mitigation.objectives.adversary import factors_at_equal_rating
from judge.mitigation.objectives.score_adversary import steered

CODES = [0, 0, 0, 1]


def some_batch(requires_grad=False):
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(4, 3, generator=rng).requires_grad_(requires_grad)
    return batch_of(features, [1.0, 2.0, 3.0, 4.0], CODES)


def gradients(loss, things):
    return torch.autograd.grad(loss, things, retain_graph=True)


def opposed(objective):
    """The adversary has been right so far."""
    objective.running.fill_(0.0)
    return objective


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


def test_at_each_rating_the_groups_weigh_the_same():
    # at 1 three of a and one of b, at 21 one and three, at 41 a alone, and one whose group nobody knows
    rating = torch.tensor([1.0, 1, 1, 1, 21, 21, 21, 21, 41, 1])
    codes = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1, 0, -1])
    found = factors_at_equal_rating(rating, torch.ones(10), codes, 2)
    # the other group's share: 1/4, 3/4 and 0; their sum over the nine known ones, 3, is scaled to 9
    expected = [0.75, 0.75, 0.75, 2.25, 2.25, 0.75, 0.75, 0.75, 0.0, 0.0]
    assert found.tolist() == pytest.approx(expected, abs=1e-4)
    # two pictures of a that weigh half are one picture
    twice = torch.tensor([0.5, 0.5, 1, 1, 1, 1])
    found = factors_at_equal_rating(torch.zeros(6), twice, torch.tensor([0, 0, 0, 1, 1, 2]), 3)
    one = factors_at_equal_rating(torch.zeros(5), torch.ones(5), torch.tensor([0, 0, 1, 1, 2]), 3)
    assert found[0] == found[1] == found[2]
    assert found[[0, 3, 5]].tolist() == pytest.approx(one[[0, 2, 4]].tolist())
    # of 2, 2 and 1 pictures each group has a third of the mass
    assert one.tolist() == pytest.approx([5 / 6, 5 / 6, 5 / 6, 5 / 6, 5 / 3])


@pytest.mark.parametrize("given_rating", [True, False])
def test_at_equal_rating_nothing_is_gained_from_features_that_tell_the_rating_only(given_rating):
    """Of those rated 1 three quarters are a, of those rated 9 one quarter; the feature is the rating."""
    rating, codes = [1.0, 1, 1, 1, 9, 9, 9, 9], [0, 0, 0, 1, 0, 1, 1, 1]
    network = Linear([0.0], centre=5.0, spread=4.0)
    torch.manual_seed(0)
    reversal = prepared(
        GradientReversal(SquaredError(), GROUPS, given_rating=given_rating), network, steps=400,
        rating=torch.tensor(rating), weight=torch.ones(8), groups={"g": torch.tensor(codes)},
    )  # fmt: skip
    features = torch.tensor([[-1.0]] * 4 + [[1.0]] * 4, requires_grad=True)
    batch = batch_of(features, rating, codes)
    optimizer = torch.optim.Adam(reversal.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        parts = reversal(network, batch)
        parts["loss"].backward()
        optimizer.step()
    # a guess from the rating is right three times of four, whose cross entropy is .56
    told = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert parts["adversary"].item() == pytest.approx(math.log(2) if given_rating else told, abs=2e-3)


@pytest.mark.parametrize("kind", [GradientReversal, ScoreAdversary])
def test_groups_that_share_no_rating_are_refused_at_equal_rating_only(kind):
    pool = {"weight": torch.ones(4), "groups": {"g": torch.tensor([0, 0, 1, 1])}, "steps": 1}
    rating = torch.tensor([1.0, 1.0, 9.0, 9.0])
    with pytest.raises(
        InputError, match=rf"{kind.__name__}: at no rating .* two groups of 'g'.*given_rating=false"
    ):
        kind(SquaredError(), GROUPS, given_rating=True).survey(rating=rating, **pool)
    kind(SquaredError(), GROUPS, given_rating=False).survey(rating=rating, **pool)


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("gone", [0, 3])
def test_the_features_get_the_gradient_reversed_and_the_adversary_as_it_is(gone, knows):
    network, batch = Linear([1.0, 0.5, 0.0]), some_batch(requires_grad=True)
    torch.manual_seed(1)
    reversal = opposed(
        ready(GradientReversal(SquaredError(), GROUPS, strength=2.0), network, CODES, steps=10)
    )
    if not knows:
        reversal.running.fill_(10.0)
    reversal.steps.fill_(gone)
    strength = 2.0 * (2 / (1 + math.exp(-10 * gone / 10)) - 1) * knows

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

    parts = reversal(network, batch)
    found = gradients(parts["loss"], [batch.pixels, layer])
    torch.testing.assert_close(found[0], judge - strength * to_features)
    torch.testing.assert_close(found[1], to_adversary)
    assert parts["loss"].item() == pytest.approx(base.item() + plain.item())
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
    objective = opposed(ready(objective, network, CODES))
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


def test_while_the_adversary_is_worse_than_ignorant_the_network_follows_the_ratings_alone():
    network, batch = Linear([1.0, 0.5, -0.5]), some_batch()
    objective = ready(ScoreAdversary(SquaredError(), GROUPS, strength=5.0), network, CODES)
    assert objective.running.item() == pytest.approx(math.log(2))
    before = objective.running.item()
    objective.running.fill_(2.0)
    parts = objective(network, batch)
    parts["loss"].backward()
    # a tenth of the running mean is this batch's
    assert objective.running.item() == pytest.approx(0.9 * 2.0 + 0.1 * parts["adversary"].item())
    assert objective.running > before
    plain = gradients(SquaredError()(network, batch)["loss"], [network.head.weight])[0]
    torch.testing.assert_close(network.head.weight.grad, plain)
    assert objective.adversary[0].weight.grad.abs().sum() > 0, "the adversary learns all the same"


@pytest.mark.parametrize("bounded", [True, False])
def test_scores_do_not_flee_from_an_adversary_that_is_wrong(bounded, monkeypatch):
    """Picture a is scored −1 and b 1, and it knows; then it learns nothing more. The ratings do not know the groups."""
    if not bounded:
        monkeypatch.setattr(ScoreAdversary, "knows", lambda self, cost: True)
    network = Linear([-1.0])
    objective = ready(ScoreAdversary(SquaredError(), GROUPS, given_rating=False, hidden=2), network, [0, 1])
    with torch.no_grad():
        objective.adversary[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        objective.adversary[0].bias.zero_()
        objective.adversary[2].weight.copy_(torch.eye(2).flip(0))
        objective.adversary[2].bias.zero_()
    batch = batch_of([[1.0], [-1.0]], [0.0, 0.0], [0, 1])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    weights = []
    for _ in range(300):
        optimizer.zero_grad()
        objective(network, batch)["loss"].backward()
        optimizer.step()
        weights.append(network.head.weight.item())
    # a weight of 0 is right; equation 1 alone raises it for ever, by nearly α · lr a step
    assert max(weights) < 2 if bounded else weights[-1] > 20
    assert abs(weights[-1]) < 0.5 or not bounded


@pytest.mark.parametrize("kind", [GradientReversal, ScoreAdversary])
def test_the_adversary_has_a_rate_of_its_own(kind):
    objective = ready(kind(SquaredError(), GROUPS, speed=7.0), Linear([1.0]), CODES)
    ((factor, parameters),) = own_parameters(objective)
    assert factor == 7.0
    assert [id(p) for p in parameters] == [id(p) for p in objective.adversary.parameters()]


def test_a_frozen_weight_gets_no_gradient_and_no_part_in_the_projection():
    network = Linear([1.0, 0.5, -0.5], bias=0.3)
    network.head.bias.requires_grad = False
    objective = opposed(ready(ScoreAdversary(SquaredError(), GROUPS), network, CODES))
    objective(network, some_batch())["loss"].backward()
    assert network.head.bias.grad is None
    assert network.head.weight.grad.abs().sum() > 0


def test_settings_out_of_range_are_refused_by_name():
    with pytest.raises(InputError, match="gradient_reversal: strength is a number over 0, not 0"):
        GradientReversal(SquaredError(), GROUPS, strength=0)
    with pytest.raises(InputError, match="score_adversary: speed is a number over 0, not 0"):
        ScoreAdversary(SquaredError(), GROUPS, speed=0)
    with pytest.raises(
        InputError, match=r"score_adversary: hidden is a whole number of at least 1, not 2\.5"
    ):
        ScoreAdversary(SquaredError(), GROUPS, hidden=2.5)
