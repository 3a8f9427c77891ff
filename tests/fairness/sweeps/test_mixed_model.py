"""The mixed model of a sweep against lme4 on six planted sweeps, and what it does where the maximum is singular.

The numbers are lme4's (1.1-31, R), of `write.csv`-ed sweeps:

    d$z <- d$x - mean(d$x); d$seed <- factor(d$seed)
    ctl <- lmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5))
    m <- lmer(y ~ z + (1 + z | seed), d, REML = TRUE, control = ctl)     # || uncorrelated, (1 | seed) intercepts
    c(logLik(m), fixef(m)[2], sqrt(vcov(m)[2, 2])); isSingular(m)
"""

import numpy as np
import pytest

from judge.fairness.sweeps.mixed_models import MODELS, fit_mixed, mixed_slope

SHARES = np.array([0.5, 0.75, 0.9, 0.98])
FULL, UNCORRELATED, INTERCEPT, SLOPE = MODELS
#: seeds, sd of levels, sd of slopes, their correlation, noise, slope
PLANTED = [
    (5, 0.1, 0.5, 0.0, 0.1, -0.6),
    (10, 0.1, 0.3, -0.5, 0.05, -0.6),
    (5, 0.1, 0.0, 0.0, 0.1, -0.6),
    (8, 0.05, 0.4, 0.8, 0.1, 0.2),
    (20, 0.2, 0.2, 0.0, 0.1, -0.3),
    (6, 0.3, 0.6, -0.9, 0.05, 0.0),
]
#: (sweep, model): REML, slope, standard error
LME4 = {
    (0, FULL): (11.290849, -0.78291726, 0.19248812),
    (0, UNCORRELATED): (9.053976, -0.78291726, 0.19248813),
    (0, INTERCEPT): (6.444667, -0.78291726, 0.12257517),
    (1, FULL): (34.389691, -0.57659960, 0.12893096),  # isSingular: correlation −1
    (1, UNCORRELATED): (24.217491, -0.57659960, 0.12289157),
    (1, INTERCEPT): (20.233891, -0.57659960, 0.08344019),
    (2, FULL): (11.203541, -0.50863009, 0.16503416),
    (2, SLOPE): (10.013202, -0.50863009, 0.16503415),
    (3, FULL): (19.032355, 0.36470947, 0.10837800),
    (3, INTERCEPT): (15.535841, 0.36470947, 0.08495638),
    (4, FULL): (27.293690, -0.46218982, 0.09629627),
    (4, INTERCEPT): (24.084733, -0.46218982, 0.07701646),
    (5, FULL): (15.733731, -0.20130158, 0.25027261),
    (5, UNCORRELATED): (10.785889, -0.20711264, 0.25025951),
    (5, INTERCEPT): (4.280574, -0.22275265, 0.16240696),
}


def planted(k):
    """Shares, outcomes to six digits and seeds of sweep k; of the last every seventh run is missing."""
    n, level, spread, correlation, noise, slope = PLANTED[k]
    rng = np.random.default_rng([2016, k])
    a = rng.normal(size=n)
    b = correlation * a + np.sqrt(1 - correlation**2) * rng.normal(size=n)
    seed, x = np.repeat(np.arange(n), 4), np.tile(SHARES, n)
    y = 1.1 + level * a[seed] + (slope + spread * b[seed]) * x + noise * rng.normal(size=4 * n)
    there = np.arange(4 * n) % 7 != 3 if k == 5 else np.ones(4 * n, bool)
    return x[there], np.round(y, 6)[there], seed[there]


@pytest.mark.parametrize(("k", "model"), list(LME4))
def test_likelihood_slope_and_standard_error_are_those_of_lme4(k, model):
    fit = fit_mixed(*planted(k), model)
    assert (fit.reml, fit.slope, fit.error) == pytest.approx(LME4[k, model], rel=1e-5)
    assert fit.singular == ((k, model) == (1, FULL))


def test_a_singular_fit_gives_way_to_the_simpler_model_and_says_so():
    bounds, _, words = mixed_slope(*planted(1))
    assert words.startswith("mixed model, random intercept and slope of seeds, uncorrelated")
    assert words.endswith("singular: random intercept and slope of seeds")
    # 2.262: Student's quantile with 9 degrees of freedom
    assert bounds.high - bounds.value == pytest.approx(2.262157 * 0.12289157, rel=1e-5)
    # seeds that differ in level alone: with slopes, the fit is on the boundary
    x, seed = np.tile(SHARES, 5), np.repeat(np.arange(5), 4)
    y = np.array([0.0, 1.0, 2.0, 3.0, 4.0])[seed] - 0.5 * x + 0.01 * np.tile([1, -1, -1, 1], 5)
    _, _, words = mixed_slope(x, y, seed)
    assert words.startswith("mixed model, random intercept of seeds (")
    assert "singular: random intercept and slope of seeds, random" in words


def test_random_slopes_stand_beside_the_simpler_model():
    assert "(REML 11.291, random intercept alone 6.445; t, 4 df)" in mixed_slope(*planted(0))[2]


@pytest.mark.parametrize("k", range(6))
def test_the_order_of_the_runs_changes_nothing(k):
    x, y, seed = planted(k)
    first = mixed_slope(x, y, seed)
    for start in range(3):
        order = np.random.default_rng(start).permutation(len(x))
        assert mixed_slope(x[order], y[order], seed[order]) == first


def test_a_richer_model_never_fits_worse():
    rng = np.random.default_rng(3)
    x, seed = np.tile(SHARES, 5), np.repeat(np.arange(5), 4)
    for _ in range(10):
        own = rng.normal(size=(2, 5)) * rng.choice([0, 0.1, 1.0], size=(2, 1))
        y = own[0][seed] + own[1][seed] * x + 0.1 * rng.normal(size=20)
        reml = [fit_mixed(x, y, seed, model).reml for model in (FULL, UNCORRELATED, INTERCEPT)]
        assert reml[0] >= reml[1] - 1e-6
        assert reml[1] >= reml[2] - 1e-6
