"""Intervals against statsmodels and against a likelihood maximised on a grid."""

import numpy as np
import pytest
from scipy.special import xlogy
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from judge.fairness.inference import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    wilson,
)

PAIRS = [(1, 480, 37, 4500), (7, 1500, 37, 4500), (3, 10, 4, 9), (20, 100, 50, 120)]


@pytest.mark.parametrize(("function", "method"), [(wilson, "wilson"), (clopper_pearson, "beta")])
def test_rates_agree_with_statsmodels_zero_and_all_included(function, method):
    count, n = np.array([0, 1, 5, 9, 10]), np.full(5, 10)
    expected = proportion_confint(count, n, method=method)
    np.testing.assert_allclose(function(count, n), expected, atol=1e-9)


@pytest.mark.parametrize(("function", "method"), [(koopman_ratio, "score"), (katz_ratio, "log")])
@pytest.mark.parametrize("pair", PAIRS)
def test_ratios_agree_with_statsmodels(function, method, pair):
    expected = confint_proportions_2indep(*pair, compare="ratio", method=method, correction=False)
    np.testing.assert_allclose(function(*pair), expected, rtol=1e-6)


def constrained_z(x1, n1, x0, n0, delta):
    """The Miettinen–Nurminen statistic with its likelihood maximised on a grid."""
    p0 = np.linspace(1e-9, 1 - 1e-9, 1_000_001)
    p0 = p0[(p0 + delta > 0) & (p0 + delta < 1)]
    p1 = p0 + delta
    best = np.argmax(xlogy(x1, p1) + xlogy(n1 - x1, 1 - p1) + xlogy(x0, p0) + xlogy(n0 - x0, 1 - p0))
    variance = p1[best] * (1 - p1[best]) / n1 + p0[best] * (1 - p0[best]) / n0
    return (x1 / n1 - x0 / n0 - delta) / np.sqrt(variance * (n1 + n0) / (n1 + n0 - 1))


@pytest.mark.parametrize("pair", [(3, 10, 4, 9), (20, 100, 50, 120), (0, 50, 5, 100), (5, 10, 5, 10)])
def test_the_difference_interval_ends_where_the_score_statistic_is_the_normal_quantile(pair):
    # statsmodels 0.15 differs here: its cubic has the total where Miettinen and Nurminen have one group's size
    low, high = miettinen_nurminen_difference(*pair)
    assert constrained_z(*pair, float(low)) == pytest.approx(1.959964, abs=2e-3)
    assert constrained_z(*pair, float(high)) == pytest.approx(-1.959964, abs=2e-3)


def test_zero_counts_keep_an_interval():
    low, high = koopman_ratio(0, 50, 5, 100)
    assert low == 0 and 1 < high < 2
    low, high = koopman_ratio(5, 50, 0, 100)
    assert low > 1 and np.isinf(high)
    low, high = koopman_ratio(0, 50, 0, 100)
    assert low == 0 and np.isinf(high)
    assert np.isnan(katz_ratio(0, 50, 5, 100)).all()


def test_nobody_has_no_interval():
    for function in (wilson, clopper_pearson):
        assert np.isnan(function(0, 0)).all()
    assert np.isnan(koopman_ratio(0, 0, 3, 9)).all()
    assert np.isnan(miettinen_nurminen_difference(0, 0, 3, 9)).all()


def test_the_published_ratio_has_katz_interval():
    np.testing.assert_allclose(katz_ratio(1, 480, 37, 4500), (0.0348, 1.8426), atol=5e-5)
