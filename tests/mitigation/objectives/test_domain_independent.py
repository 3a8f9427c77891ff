"""DomainIndependent: the heads and their average."""

import torch
from linear_network import GROUPS, Linear, batch_of, ready

from judge.data.groups import Groups
from judge.jury.network.losses import SquaredError
from judge.mitigation.objectives import DomainIndependent


def test_the_average_of_the_heads_is_the_networks_head():
    network = Linear([1.0, 2.0])
    heads = ready(
        DomainIndependent(SquaredError(), Groups("g", ("a", "b", "nobody", "c"))), network, [0, 1, 3]
    )
    with torch.no_grad():
        heads.weight.copy_(torch.randn(heads.weight.shape, generator=torch.Generator().manual_seed(0)))
        heads.bias.copy_(torch.tensor([[1.0], [2.0], [50.0], [6.0]]))
    weight, bias = heads.deviations()
    there = [0, 1, 3]
    # a group that the pool lacks has no say in the average
    torch.testing.assert_close(weight[there].mean(0), torch.zeros(1, 2))
    assert bias[there].tolist() == [[-2.0], [-1.0], [3.0]]


def test_a_picture_is_rated_by_the_head_of_its_group_and_an_unknown_one_by_the_average():
    network = Linear([1.0], centre=10.0, spread=2.0)
    heads = ready(DomainIndependent(SquaredError(), GROUPS), network, [0, 1])
    with torch.no_grad():
        heads.bias.copy_(torch.tensor([[0.0], [4.0]]))  # less the mean: −2 and 2
    for code, apart in ((0, -2.0), (1, 2.0), (-1, 0.0)):
        # the loss is in standard deviations: (1 + apart − 0)²
        loss = heads(network, batch_of([[1.0]], [10.0], [code]))["loss"]
        assert loss.item() == (1 + apart) ** 2


def test_groups_rated_apart_have_heads_apart_and_everybody_gets_the_average():
    """Ratings are x for group a and x + 2 for group b, and a second feature tells the group."""
    rng = torch.Generator().manual_seed(0)
    codes = (torch.arange(60) < 50).long()  # five sixths are b
    x = torch.randn(60, generator=rng)
    features = torch.stack([x, codes.float()], 1)
    batch = batch_of(features, (x + 2 * codes).tolist(), codes.tolist())

    def trained(objective, network):
        optimizer = torch.optim.Adam(
            [*network.parameters(), *getattr(objective, "parameters", list)()], lr=0.05
        )
        for _ in range(600):
            optimizer.zero_grad()
            objective(network, batch)["loss"].backward()
            optimizer.step()
        return network.head

    plain = trained(SquaredError(), Linear([0.0, 0.0]))
    network = Linear([0.0, 0.0])
    heads = trained(ready(DomainIndependent(SquaredError(), GROUPS), network, codes.tolist()), network)
    # plain training reads the group (by 2 points), the average head adds (0 + 2) / 2 for everybody
    assert abs(plain.weight[0, 1].item() - 2) < 0.05
    scores = [network(torch.tensor([[0.5, group]])).rating.item() for group in (0.0, 1.0)]
    gap = scores[1] - scores[0]
    assert abs(sum(scores) / 2 - 1.5) < 0.35
    assert abs(gap) < 1.2
    assert abs(heads.weight[0, 0].item() - 1) < 0.05
