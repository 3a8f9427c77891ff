import numpy as np
import pytest
from scipy import stats

from judge.fairness.inference.intervals.scale import rmse_interval, spread_interval, top_tail_interval


def coverage(interval, draw, truth, trials=1500):
    rng = np.random.default_rng(0)
    limits = np.array([interval(draw(rng)) for _ in range(trials)])
    return np.mean((limits[:, 0] <= truth) & (truth <= limits[:, 1]))


@pytest.mark.parametrize("n", [15, 60])
def test_spread_and_rmse_hold_the_truth_about_95_times_in_100(n):
    # a little more than 95, so that skewed scores have 93 at least
    assert coverage(spread_interval, lambda rng: rng.normal(3, 2, n), 2.0) == pytest.approx(0.96, abs=0.025)
    assert coverage(rmse_interval, lambda rng: rng.normal(0.5, 1, n), np.sqrt(1.25)) == pytest.approx(
        0.96, abs=0.025
    )
    skewed = np.sqrt(np.expm1(0.09) * np.exp(0.09))  # standard deviation of exp(0.3 z)
    assert coverage(spread_interval, lambda rng: np.exp(0.3 * rng.normal(size=n)), skewed) >= 0.925


def test_the_top_tail_of_300_holds_the_truth_and_that_of_60_has_no_interval():
    truth = stats.norm.pdf(stats.norm.isf(0.05)) / 0.05

    def interval(x):
        return top_tail_interval(x, float(np.sort(x)[-15:].mean()), part=0.05)

    assert coverage(interval, lambda rng: rng.normal(size=300), truth) == pytest.approx(0.95, abs=0.025)
    assert np.isnan(top_tail_interval(np.arange(60.0), 58.0, part=0.05)).all()


def test_intervals_scale_with_their_unit_and_do_not_move_with_the_mean():
    x = np.random.default_rng(1).normal(size=40)
    low, high = spread_interval(x)
    assert spread_interval(100 + 10 * x) == pytest.approx((10 * low, 10 * high))
    assert low < x.std(ddof=1) < high


def test_constants_and_handfuls_have_no_interval():
    assert np.isnan(spread_interval(np.ones(30))).all()
    assert np.isnan(spread_interval(np.array([1.0, 2.0, 3.0]))).all()
    assert np.isnan(rmse_interval(np.full(30, 0.5))).all()
