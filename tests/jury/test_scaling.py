"""What features are divided by: numbers that can be computed by hand, and a pool in which a feature hardly varies."""

import numpy as np
import pytest

from judge.jury.ridge import ridge
from judge.jury.scaling import PRIOR_SPREAD, shrunk_scale


def test_a_spread_is_drawn_up_by_half_of_the_median_one():
    # spreads 1, 2 and 100; √(1 + 1), √(4 + 1), √(10000 + 1)
    x = np.array([[1.0, 2.0, 100.0], [-1.0, -2.0, -100.0]])
    assert PRIOR_SPREAD == 0.5
    assert shrunk_scale(x) == pytest.approx([np.sqrt(2), np.sqrt(5), np.sqrt(10001)])
    assert shrunk_scale(x, prior=0) == pytest.approx([1, 2, 100])


def test_rows_count_by_weight():
    x = np.array([[0.0, 0.0], [1.0, 4.0]])
    repeated = np.repeat(x, [1, 3], axis=0)
    assert shrunk_scale(x, [1, 3]) == pytest.approx(shrunk_scale(repeated))


def test_what_varies_by_rounding_has_the_prior_spread_and_nothing_is_divided_by_zero():
    x = np.array([[3.0, 0.1 + 1e-16, 7.0], [-3.0, 0.1, 7.0]])
    assert shrunk_scale(x) == pytest.approx([np.sqrt(9 * 1.25), 1.5, 1.5])
    assert shrunk_scale(x, prior=0) == pytest.approx([3, 1, 1])
    assert shrunk_scale(np.ones((4, 2))).tolist() == [1.0, 1.0]


def test_one_who_shows_what_nobody_in_the_pool_does_stays_on_the_scale():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(150, 40))
    rating = 5.5 + signal[:, :10].sum(1) * 0.3
    # forty features that vary ten thousand times less in the pool than they do in anybody else
    hidden = rng.normal(size=(150, 40)) * 1e-4
    pool = np.hstack([signal, hidden])
    others = rng.normal(size=(500, 80))
    ones = np.ones(150)

    def scores(prior):
        fit = ridge(pool, rating, ones, prior=prior)
        return (others - fit.mean) / fit.scale @ fit.weight + fit.bias

    truth = 5.5 + others[:, :10].sum(1) * 0.3
    before, now = scores(0.0), scores(PRIOR_SPREAD)
    assert np.ptp(before) > 100
    assert np.corrcoef(before, truth)[0, 1] < 0.3
    assert now.min() > 0 and now.max() < 11
    assert np.corrcoef(now, truth)[0, 1] > 0.98
