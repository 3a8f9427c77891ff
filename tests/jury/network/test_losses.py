import numpy as np
import pandas as pd
import pytest
import torch

from judge.errors import InputError
from judge.jury.network.backbone import Reading
from judge.jury.network.losses import Batch, Huber, LabelDistribution, SquaredError, rating_histograms

LEVELS = np.array([1.0, 2.0, 3.0])


class Fixed(torch.nn.Module):
    """A network that always answers the same."""

    def __init__(self, rating, logits, spread=1.0):
        super().__init__()
        self.reading = Reading(torch.tensor(rating), torch.tensor(logits), torch.zeros(len(rating), 1))
        self.scale = torch.tensor([0.0, spread])

    def forward(self, pixels):
        return self.reading


def batch(rating, share, histogram=None):
    n = len(rating)
    return Batch(torch.zeros(n), torch.tensor(rating), torch.tensor(share), torch.arange(n), histogram)


def test_a_rating_between_two_levels_is_shared_so_that_the_mean_is_kept():
    ratings = pd.DataFrame({"image_id": ["a", "a", "b"], "rating": [1.25, 3.0, 2.0]})
    counts = rating_histograms(pd.Series(["b", "a", "c"]), ratings, LEVELS)
    assert counts.tolist() == [[0, 1, 0], [0.75, 0.25, 1], [0, 0, 0]]


def test_ratings_beyond_the_range_count_at_its_end_and_unknown_pictures_nowhere():
    ratings = pd.DataFrame({"image_id": ["a", "a", "z"], "rating": [-5.0, 99.0, 2.0]})
    assert rating_histograms(pd.Series(["a"]), ratings, LEVELS).tolist() == [[1, 0, 1]]


def test_a_repeated_picture_has_its_histogram_each_time():
    ratings = pd.DataFrame({"image_id": ["a", "b", "a"], "rating": [1.0, 2.0, 3.0]})
    counts = rating_histograms(pd.Series(["b", "a", "b", "b"]), ratings, LEVELS)
    assert counts.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0], [0, 1, 0]]


def test_targets_are_the_histogram_where_rated_and_a_gaussian_around_the_mean_elsewhere():
    loss = LabelDistribution(levels=3, smoothing=0.0, spread=0.5)  # standard deviation 1 on the range 1–3
    ratings = pd.DataFrame({"image_id": ["a", "a"], "rating": [1.0, 2.0]})
    targets = loss.targets(pd.Series(["a", "b"]), np.array([1.5, 2.0]), ratings, (1.0, 3.0))
    assert targets[0].tolist() == [0.5, 0.5, 0.0]
    side = np.exp(-0.5)
    assert targets[1] == pytest.approx([side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side)])


def test_squared_error_is_the_weighted_mean_in_standard_deviations():
    # errors 2 and 4 rating points = 1 and 2 spreads; weights 3 and 1 of 4: (3·1 + 1·4) / 4
    parts = SquaredError()(Fixed([2.0, 4.0], [[0.0], [0.0]], spread=2.0), batch([0.0, 0.0], [0.75, 0.25]))
    assert parts["loss"].item() == pytest.approx(1.75)


def test_huber_is_square_inside_delta_and_linear_outside():
    parts = Huber(delta=1.0)(Fixed([0.5, 3.0], [[0.0], [0.0]]), batch([0.0, 0.0], [0.5, 0.5]))
    assert parts["loss"].item() == pytest.approx((0.125 + 2.5) / 2)


def test_label_distribution_is_zero_at_the_target_and_log_two_at_half_of_it():
    target = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    network = Fixed([1.5, 1.5], [[0.0, 0.0], [0.0, 0.0]])
    parts = LabelDistribution(levels=2, expectation=0.0)(network, batch([1.0, 1.5], [0.5, 0.5], target))
    assert parts["kl"].item() == pytest.approx(np.log(2) / 2)
    assert parts["loss"].item() == parts["kl"].item()


def test_a_picture_of_weight_zero_does_not_pull_the_network():
    logits = torch.zeros(2, 2, requires_grad=True)
    network = Fixed([1.5, 1.5], [[0.0, 0.0], [0.0, 0.0]])
    network.reading = network.reading._replace(logits=logits)
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    LabelDistribution(levels=2)(network, batch([1.0, 1.0], [1.0, 0.0], target))["loss"].backward()
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1].abs().sum() == 0


def test_one_level_is_refused():
    with pytest.raises(InputError, match="levels=1"):
        LabelDistribution(levels=1).level_values((1.0, 10.0))
