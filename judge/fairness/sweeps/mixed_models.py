"""The slope of a sweep by a linear mixed model: seeds differ in level and slope; REML by its profiled likelihood.

Outcome of run j of seed i: yᵢⱼ = (α + aᵢ) + (β + bᵢ)(dose − mean dose) + εᵢⱼ, with (a, b) of a seed normal with
covariance σ²ΛΛᵀ, Λ lower triangular, and ε normal with variance σ². As in lme4 (Bates et al. 2015, J. Stat. Softw.
67(1), eqs. 39–42) β and σ² are profiled out, and what is left to search is Λ: three numbers, two where level and slope
are uncorrelated, one where only levels differ. An own search of 60 lines, because statsmodels' MixedLM stops short:
on six planted sweeps its default reports convergence up to 0.6 below the maximum with a standard error 5 to 20 %
off, and the optimiser that reaches the maximum (Powell) still leaves the standard error 0.5 % off
(tests/fairness/sweeps/test_mixed_model.py has lme4's numbers).

A maximum on the boundary (a variance of 0, a correlation of ±1) is singular: its model is not what the data can carry,
and the next simpler one is fitted in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from judge.fairness.inference.settings import Interval

_NAN = float("nan")
#: Relative standard deviation (of seeds, in units of the residual) below which a fit counts as singular.
SINGULAR = 1e-3
#: Where the search begins: standard deviation of seeds in units of the residual's, slope on level in units of that.
_STARTS = ((0.05, 0.0), (0.5, 0.0), (2.0, 0.0), (10.0, 0.0), (2.0, -1.0), (2.0, 1.0))
#: The models from the richest to the simplest: name → which of Λ's entries (level, slope on level, slope) are free.
MODELS = {
    "random intercept and slope of seeds": (0, 1, 2),
    "random intercept and slope of seeds, uncorrelated": (0, 2),
    "random intercept of seeds": (0,),
    "random slope of seeds": (2,),
}


@dataclass(frozen=True)
class MixedFit:
    """A fitted model: its name, slope and standard error, restricted log-likelihood, and Λ's entries.

    reml     log, with the constants of lme4's logLik(REML = TRUE), dose centred at its mean
    theta    (3,) level, slope on level, slope; dose in standard deviations, in units of the residual
    singular whether the maximum lies on the boundary
    """

    name: str
    slope: float
    error: float
    reml: float
    theta: NDArray[np.float64]
    singular: bool


class _Sweep:
    """The sums of a sweep that the restricted likelihood needs, with dose and outcome standardised.

    Rows are put in order first, so that no sum depends on the order in which they came.
    """

    def __init__(self, dose: Any, y: Any, seed: Any) -> None:
        x, values = np.asarray(dose, float), np.asarray(y, float)
        code = np.unique(np.asarray(seed), return_inverse=True)[1]
        order = np.lexsort((values, x, code))
        x, values, code = x[order], values[order], code[order]
        self.unit, self.spread = float(x.std()) or 1.0, float(values.std()) or 1.0
        z, v = (x - x.mean()) / self.unit, (values - values.mean()) / self.spread
        self.n, self.n_seeds = len(z), int(code.max()) + 1
        lines, inverses, ends, sizes, points, within = [], [], [], [], [], 0.0
        starts = np.searchsorted(code, np.arange(self.n_seeds + 1))
        for start, end in pairwise(starts.tolist()):
            at, own = z[start:end], v[start:end]
            design = np.column_stack([np.ones(len(at)), at])
            if np.ptp(at) > 1e-9:
                line = np.linalg.lstsq(design, own, rcond=None)[0]
                lines.append(line)
                inverses.append(np.linalg.inv(design.T @ design)[[0, 0, 1], [0, 1, 1]])
                within += float(((own - design @ line) ** 2).sum())
            else:  # a seed of one dose says nothing of its slope
                ends.append(design[0, 1])
                sizes.append(len(own))
                points.append(own.mean())
                within += float(((own - own.mean()) ** 2).sum())
        self.lines = np.reshape(lines, (-1, 2)).T
        self.inverses = np.reshape(inverses, (-1, 3)).T  # of XᵀX: entries 00, 01, 11
        self.ends, self.sizes, self.points = np.array(ends), np.array(sizes, float), np.array(points)
        self.within = within
        self.constant = -float(np.log(self.inverses[0] * self.inverses[2] - self.inverses[1] ** 2).sum())

    def fit(self, theta: NDArray[np.float64]) -> tuple[float, float, float]:
        """Restricted log-likelihood of the standardised values, slope and its standard error, at Λ = theta.

        A seed with a line b of its own brings W = (A⁻¹ + ΛΛᵀ)⁻¹, A = XᵀX, so that nothing is a difference of large
        numbers however much larger than the residual the seeds' differences are.
        """
        level, cross, slope = theta
        t00, t01, t11 = level * level, level * cross, cross * cross + slope * slope
        # 2 × 2 matrices of all seeds by their entries: a hundred times the speed of numpy.linalg on each
        v00, v01, v11 = (inverse + t for inverse, t in zip(self.inverses, (t00, t01, t11), strict=True))
        det = v00 * v11 - v01 * v01
        w00, w01, w11 = v11 / det, -v01 / det, v00 / det
        level_of, slope_of = self.lines
        s00, s01, s11 = w00.sum(), w01.sum(), w11.sum()
        r0 = w00 @ level_of + w01 @ slope_of
        r1 = w01 @ level_of + w11 @ slope_of
        log_v = self.constant + np.log(det).sum()
        at = self.ends
        between = 1 + self.sizes * (t00 + 2 * t01 * at + t11 * at * at)
        w = self.sizes / between
        s00, s01, s11 = s00 + w.sum(), s01 + w @ at, s11 + w @ (at * at)
        r0, r1 = r0 + w @ self.points, r1 + w @ (at * self.points)
        log_v += np.log(between).sum()
        whole = s00 * s11 - s01 * s01
        alpha, beta = (s11 * r0 - s01 * r1) / whole, (s00 * r1 - s01 * r0) / whole
        off, turn = level_of - alpha, slope_of - beta
        q = self.within + (w00 * off * off + 2 * w01 * off * turn + w11 * turn * turn).sum()
        q += w @ (self.points - alpha - beta * at) ** 2
        df = self.n - 2
        variance = max(q, 1e-300) / df
        reml = -0.5 * (log_v + np.log(whole) + df * (1 + np.log(2 * np.pi * variance)))
        return float(reml), float(beta), float(np.sqrt(variance * s00 / whole))

    def best(self, name: str) -> MixedFit:
        """The maximum of one model over several starts, found again by a second search from the best of them."""
        free = list(MODELS[name])

        def loss(entries: NDArray[np.float64]) -> float:
            theta = np.zeros(3)
            theta[free] = entries
            return -self.fit(theta)[0]

        bounds = [(None, None) if i == 1 else (0.0, 1e9) for i in free]
        found = []
        for size, lean in _STARTS:
            if lean and 1 not in free:
                continue
            start = np.array([lean * size if i == 1 else size for i in free])
            found.append(optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds))
        best = min(found, key=lambda one: float(one.fun))
        polished = optimize.minimize(
            loss, best.x, method="Nelder-Mead", bounds=bounds,
            options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 2000},
        )  # fmt: skip
        theta = np.zeros(3)
        theta[free] = polished.x if polished.fun <= best.fun else best.x
        reml, slope, error = self.fit(theta)
        scale = self.spread / self.unit
        return MixedFit(
            name,
            slope=slope * scale,
            error=error * scale,
            reml=float(reml - (self.n - 2) * np.log(self.spread) - np.log(self.unit)),
            theta=theta,
            singular=bool((theta[[i for i in free if i != 1]] < SINGULAR).any()),
        )


def fit_mixed(dose: Any, y: Any, seed: Any, model: str = "random intercept and slope of seeds") -> MixedFit:
    """One mixed model of a sweep, singular or not.

    Parameters
    ----------
    dose, y, seed : (runs,) array-like
        Training share, outcome (finite) and replicate of each run; at least four runs of two seeds and two doses.
    model : str
        A name of `MODELS`.

    Returns
    -------
    MixedFit
        Maximum of the restricted likelihood.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), J. Stat. Softw. 67(1).

    Examples
    --------
    Three seeds with slopes 1, 2 and 3; their mean has the standard error 1/√3 (and a little for the noise):

    >>> dose, seed = np.tile([0.0, 0.5, 1.0], 3), np.repeat([0, 1, 2], 3)
    >>> y = dose * (1 + seed) + 0.01 * np.array([1, -2, 1, -1, 2, -1, 1, -2, 1])
    >>> fit = fit_mixed(dose, y, seed, "random intercept and slope of seeds, uncorrelated")
    >>> round(fit.slope, 3), round(fit.error, 3)
    (2.0, 0.577)
    """
    return _Sweep(dose, y, seed).best(model)


def mixed_slope(dose: Any, y: Any, seed: Any, *, confidence: float = 0.95) -> tuple[Interval, float, str]:
    """Slope with interval, p and, in words, the model that the runs can carry.

    Tried in turn: random intercept and slope; the two uncorrelated; random intercept (or slope) alone; ordinary least
    squares. A singular fit gives way to the next simpler model, and the words say so; random slopes are set beside the
    random intercept alone by their restricted log-likelihoods. Student's t with seeds − 1 degrees of freedom (at most
    runs − 2) for all of them: a slope's variance that is really there is often estimated at zero from five seeds, and
    with the runs' degrees of freedom the interval would hold the truth 91 % of the time. The price is a
    conservative interval where seeds do not differ.

    Parameters
    ----------
    dose, y, seed : (runs,) array-like
        Training share, outcome (finite) and replicate of each run.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    bounds : Interval
        Slope with limits; NaN limits where the scatter is zero.
    p : float
        Two-sided, of slope 0.
    words : str
        The model, what was singular, both restricted log-likelihoods, degrees of freedom.

    Examples
    --------
    >>> mixed_slope([0, 1, 0, 1], [2, 2, 2, 2], [0, 0, 1, 1])[2]
    'constant outcome'
    """
    sweep = _Sweep(dose, y, seed)
    if np.ptp(np.asarray(y, float)) == 0:
        return Interval(0.0, _NAN, _NAN), 1.0, "constant outcome"
    n, n_seeds = sweep.n, sweep.n_seeds
    df = min(n_seeds - 1, n - 2) if n_seeds > 1 else n - 2
    singular: list[str] = []
    if sweep.within > 1e-24 * n:
        fit = _not_singular(sweep, singular)
        if fit is not None:
            half = float(stats.t.ppf((1 + confidence) / 2, df)) * fit.error
            words = f"mixed model, {fit.name} (REML {fit.reml:.3f}"
            if 2 in MODELS[fit.name] and n > n_seeds + 1:
                words += f", random intercept alone {sweep.best('random intercept of seeds').reml:.3f}"
            words += f"; t, {df} df)"
            if singular:
                words += f"; singular: {', '.join(singular)}"
            bounds = Interval(fit.slope, fit.slope - half, fit.slope + half)
            return bounds, float(2 * stats.t.sf(abs(fit.slope / fit.error), df)), words
    scale = sweep.spread / sweep.unit
    slope, error = (float(number * scale) for number in sweep.fit(np.zeros(3))[1:])
    words = f"least squares (t, {df} df): "
    words += f"singular: {', '.join(singular)}" if singular else "too few runs for a mixed model"
    if df < 1 or error <= 1e-12 * max(abs(slope), scale):
        return Interval(slope, _NAN, _NAN), _NAN, words
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * error
    return Interval(slope, slope - half, slope + half), float(2 * stats.t.sf(abs(slope / error), df)), words


def _not_singular(sweep: _Sweep, singular: list[str]) -> MixedFit | None:
    """The richest model whose maximum is inside its boundary; names of those given up are appended to `singular`."""
    names = list(MODELS)
    slopes = sweep.n_seeds >= 3 and sweep.n > 2 * sweep.n_seeds and sweep.lines.shape[1] >= 3
    levels = sweep.n_seeds >= 2 and sweep.n > sweep.n_seeds + 1
    names = names if slopes else names[2:3] if levels else []
    kept: list[MixedFit] = []
    for name in names:
        if name == "random slope of seeds" and kept:
            break  # the last resort, for seeds that differ in slope and not in level at the mean dose
        fit = sweep.best(name)
        if not fit.singular:
            if len(MODELS[name]) > 1:
                return fit
            kept.append(fit)
        else:
            singular.append(name)
    return kept[0] if kept else None
