"""Intervals of a correlation and a slope against R."""

import numpy as np
import pytest

from judge.fairness.inference.intervals.pairs import pearson_interval, slope_interval

X = np.arange(1.0, 9)
Y = np.array([2.1, 1.4, 3.9, 3.0, 5.2, 4.1, 6.8, 6.0])
FAR = np.array([1.0, 2, 3, 4, 5, 6, 7, 20])


def test_the_correlation_of_eight_has_the_limits_of_rs_cor_test():
    # cor.test(1:8, c(2.1, 1.4, 3.9, 3.0, 5.2, 4.1, 6.8, 6.0))$conf.int
    assert pearson_interval(X, Y) == pytest.approx((0.488083478661, 0.979560744460), abs=1e-10)


def test_heavy_tails_widen_the_interval_of_a_correlation():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 400))
    x, y = np.exp(z[0]), np.exp(0.6 * z[0] + 0.8 * z[1])
    r = np.corrcoef(x, y)[0, 1]
    fisher = np.tanh(np.arctanh(r) + 1.959964 / np.sqrt(397)) - np.tanh(
        np.arctanh(r) - 1.959964 / np.sqrt(397)
    )
    low, high = pearson_interval(x, y)
    assert low < r < high and high - low > 1.3 * fisher


def test_the_slope_has_hc3s_limits_where_they_are_the_wider():
    # f <- lm(y ~ c(1:7, 20)); coef(f)[2] + c(-1, 1) * qt(.975, 6) * sqrt(v), v = HC3 from hatvalues(f)
    y = Y.copy()
    y[-1] = 9.0
    assert slope_interval(y, FAR) == pytest.approx((-0.53891534898, 1.28335979342), abs=1e-9)


def test_the_slope_has_the_ordinary_limits_where_they_are_the_wider():
    # confint(lm(y ~ x))
    x, y = np.array([1.0, 1, 1, 2, 2, 2, 3, 3, 3]), np.array([1.0, 1, 1, 0, 2, 4, 3, 3, 3])
    assert slope_interval(y, x) == pytest.approx((-0.0320066307669, 2.0320066307669), abs=1e-9)


def test_what_cannot_be_said_has_no_limits():
    assert np.isnan(pearson_interval(X[:3], Y[:3])).all()
    assert np.isnan(pearson_interval(X, 2 * X)).all()
    assert np.isnan(pearson_interval(X, np.ones(8))).all()
    assert np.isnan(slope_interval(Y[:2], X[:2])).all()
    assert np.isnan(slope_interval(2 * X, X)).all()
    assert np.isnan(slope_interval(Y, np.array([0.0] * 7 + [1]))).all()  # one person decides
