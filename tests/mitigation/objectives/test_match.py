"""MatchFeatures and MatchScores: distances that are known, and the memory."""

import pytest
import torch
from linear_network import GROUPS, Linear, batch_of, ready

from judge.errors import InputError
from judge.jury.network.losses import SquaredError
from judge.mitigation.objectives import MatchFeatures, MatchScores

STATISTICS = ["mmd", "coral"]


def distance(features, rating, codes, kind=MatchFeatures, **settings):
    network = Linear([1.0] * features.shape[1])
    objective = ready(kind(SquaredError(), GROUPS, **settings), network, codes)
    return objective(network, batch_of(features, rating, codes))["distance"].item()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_groups_with_the_same_pictures_are_at_distance_zero_and_others_are_not(statistic):
    rng = torch.Generator().manual_seed(0)
    one, rating = torch.randn(20, 3, generator=rng), torch.randn(20, generator=rng).tolist()
    codes = [0] * 20 + [1] * 20
    same = distance(torch.cat([one, one]), rating * 2, codes, statistic=statistic)
    wider = distance(torch.cat([one, 3 * one]), rating * 2, codes, statistic=statistic)
    assert same == pytest.approx(0, abs=1e-6)
    assert wider > 0.01


def test_the_discrepancy_sees_a_shift_that_covariances_do_not():
    one = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    rating, codes = [0.0] * 40, [0] * 20 + [1] * 20
    moved = torch.cat([one, one + 2])
    assert distance(moved, rating, codes, statistic="mmd") > 0.1
    assert distance(moved, rating, codes, statistic="coral") == pytest.approx(0, abs=1e-6)


def test_groups_are_compared_at_equal_rating():
    """The feature is the rating itself; group a is rated lower than b, with an overlap."""
    low, high = torch.linspace(-1, 0.5, 40), torch.linspace(-0.5, 1, 40)
    rating, codes = torch.cat([low, high]), [0] * 40 + [1] * 40
    alike = distance(rating[:, None], rating.tolist(), codes, bandwidth=0.05)
    apart = distance((rating + torch.tensor(codes))[:, None], rating.tolist(), codes, bandwidth=0.05)
    everyone = distance(rating[:, None], rating.tolist(), codes, bandwidth=100.0)
    assert alike < 0.02
    assert apart > 10 * alike
    assert everyone > 3 * alike


def test_where_a_group_has_nobody_of_a_rating_nothing_is_compared():
    features = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    assert distance(features, [0.0, 0.1, 90.0, 90.1], [0, 0, 1, 1]) == pytest.approx(0, abs=1e-9)


def test_the_last_pictures_of_each_group_are_remembered_as_they_were():
    network = Linear([1.0])
    objective = ready(MatchFeatures(SquaredError(), GROUPS, memory=2), network, [0, 1])
    objective(network, batch_of([[1.0], [2.0], [7.0]], [0.1, 0.2, 0.7], [0, 0, 1]))
    objective(network, batch_of([[3.0], [9.0]], [0.3, 0.9], [0, -1]))
    assert objective.remembered[:, :, 0].tolist() == [[3.0, 2.0], [7.0, 0.0]]
    assert objective.ratings[0].tolist() == pytest.approx([0.3, 0.2])
    assert objective.seen.tolist() == [3, 1]


def test_a_batch_of_one_group_is_matched_with_what_is_remembered_of_the_other():
    network = Linear([1.0, 0.0])
    objective = ready(MatchFeatures(SquaredError(), GROUPS, strength=1.0), network, [0, 1])
    first = objective(network, batch_of([[0.0, 0.0]], [0.0], [1]))
    assert first["distance"] == 0  # there is one group so far
    features = torch.tensor([[1.0, 1.0], [2.0, 1.0]], requires_grad=True)
    second = objective(network, batch_of(features, [0.0, 0.0], [0, 0]))
    (to_features,) = torch.autograd.grad(second["distance"].new_zeros(()) + second["loss"], features)
    assert second["distance"] > 0
    # the second feature is no part of the rating: what moves it is the other group's picture at 0
    assert (to_features[:, 1] > 0).all()


def test_scores_of_two_groups_are_brought_together_at_equal_rating():
    """A feature tells the group, and group b's ratings are .5 higher at equal looks."""
    rng = torch.Generator().manual_seed(0)
    codes = torch.arange(80) % 2
    looks = torch.randn(80, generator=rng)
    features = torch.stack([looks, codes.float()], 1)
    rating = looks + 0.3 * torch.randn(80, generator=rng)
    batch = batch_of(features, rating.tolist(), codes.tolist())

    def gap(objective):
        network = Linear([0.0, 1.5])  # it begins with a score that follows the group
        objective = objective and ready(objective, network, codes.tolist())
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
        for _ in range(20):
            optimizer.zero_grad()
            (objective or SquaredError())(network, batch)["loss"].backward()
            optimizer.step()
        return abs(network.head.weight[0, 1].item())

    assert gap(MatchScores(SquaredError(), GROUPS, strength=5.0)) < 0.5 * gap(None)


def test_only_features_are_void_where_they_are_frozen():
    assert MatchFeatures.trains_features
    assert not MatchScores.trains_features
    with pytest.raises(InputError, match="statistic is mmd or coral, not 'wasserstein'"):
        MatchScores(SquaredError(), GROUPS, statistic="wasserstein")
