"""Attacks on a judge by shadow trainings: how much likelier is its error for a person if it was trained on them?

All take the errors of the targets (T, n) and the shadows' trainings, and give scores (T, n), high for members. With
online=False only shadows without the person are used, as an attacker has them who trained before seeing the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import digamma, polygamma

from judge.errors import InputError, listed
from judge.privacy.attacks.shadows import Trainings

#: Least spread of a person's errors over shadows, as a share of the usual one: a judge that passes through all of its
#: members' ratings has none at all.
LEAST = 1e-6
#: From this many shadows on a person's own variance is taken, below it one for all (Carlini et al. 2022, sec. VI.A).
OWN_VARIANCE_FROM = 64


class _Moments(NamedTuple):
    """Of each person's errors over the shadows with or without them, (n,) each."""

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]  # unbiased

    @classmethod
    def of(cls, shadows: Trainings, inside: bool) -> _Moments:
        there = shadows.members if inside else ~shadows.members
        count = there.sum(axis=0).astype(float)
        if count.min() < 2:
            raise InputError(
                f"each person has to be {'in' if inside else 'out of'} at least 2 of the shadows; "
                f"{int((count < 2).sum())} of {len(count)} are not"
            )
        mean = np.where(there, shadows.errors, 0.0).sum(axis=0) / count
        variance = np.where(there, (shadows.errors - mean) ** 2, 0.0).sum(axis=0) / (count - 1)
        return cls(count, mean, variance)

    @property
    def pooled(self) -> float:
        return float((self.variance * (self.count - 1)).sum() / (self.count - 1).sum())


def _both(target: ArrayLike, shadows: Trainings) -> tuple[NDArray[np.float64], _Moments, float]:
    """Errors of the targets as (T, n), moments without the person, and the least variance."""
    errors = np.atleast_2d(np.asarray(target, float))
    if errors.ndim != 2 or errors.shape[1] != shadows.errors.shape[1] or not np.isfinite(errors).all():
        raise InputError(
            f"errors of the targets are finite numbers (targets, {shadows.errors.shape[1]} people), not {errors.shape}"
        )
    out = _Moments.of(shadows, False)
    scale = out.pooled or float(np.mean(out.mean**2)) or 1.0
    return errors, out, LEAST**2 * scale


def small_error(target: ArrayLike, shadows: Trainings | None = None) -> NDArray[np.float64]:
    """The attack without shadows, beside which others are read: members are those with small squared errors.

    References
    ----------
    Yeom et al. (2018), Privacy risk in machine learning, arXiv:1709.01604, adversary 2.
    """
    return -(np.atleast_2d(np.asarray(target, float)) ** 2)


def lira(
    target: ArrayLike, shadows: Trainings, *, online: bool = True, own_variance: bool | None = None
) -> NDArray[np.float64]:
    """LiRA: logarithm of the ratio of two normal densities of the signed error, with and without the person.

    Parameters
    ----------
    target : (T, n) or (n,) array
        Signed errors of the judges attacked, points.
    shadows : Trainings
        Each person in at least two of them and out of at least two (online), or out of at least two (offline).
    online : bool
        Offline, the statistic is how far the error has moved from its mean without the person towards 0, in its
        standard deviations; for members of a regression it moves that way.
    own_variance : bool, optional
        Each person's own variance; default from OWN_VARIANCE_FROM shadows on.

    Returns
    -------
    (T, n) array

    Raises
    ------
    InputError
        For errors of another shape or too few shadows of somebody.

    References
    ----------
    Carlini et al. (2022), Membership inference attacks from first principles, arXiv:2112.03570, algorithm 1 and
    sec. IV.C (offline).
    """
    errors, out, least = _both(target, shadows)
    own = len(shadows.members) >= OWN_VARIANCE_FROM if own_variance is None else own_variance

    def sd(moments: _Moments) -> NDArray[np.float64]:
        variance = moments.variance if own else np.full_like(moments.mean, moments.pooled)
        return np.sqrt(np.maximum(variance, least))

    if not online:
        return np.sign(out.mean) * (out.mean - errors) / sd(out)
    inside = _Moments.of(shadows, True)
    return stats.norm.logpdf(errors, inside.mean, sd(inside)) - stats.norm.logpdf(errors, out.mean, sd(out))


def bavaria(target: ArrayLike, shadows: Trainings, *, online: bool = True) -> NDArray[np.float64]:
    """LiRA with each person's mean and variance integrated out: two Student's t densities, for few shadows.

    Settings, result and errors as of `lira`. The normal-inverse-gamma prior is estimated from all people: of the
    variances by matching the moments of their logarithms (Smyth 2004, sec. 6.2), of the means by theirs. The paper
    sets its prior otherwise; the posterior predictive is the same.

    References
    ----------
    Brännvall (2026), From LiRA and RMIA to BaVarIA, arXiv:2603.11799. Smyth (2004), Linear models and empirical Bayes
    methods for assessing differential expression in microarray experiments.
    """
    errors, out, least = _both(target, shadows)
    degrees, centre, scale = _predictive(out, least)
    if not online:
        moved = np.sign(centre) * (centre - errors) / scale
        return -stats.t.logsf(moved, degrees)
    inside = _predictive(_Moments.of(shadows, True), least)
    return stats.t.logpdf(errors, *inside) - stats.t.logpdf(errors, degrees, centre, scale)


def _predictive(
    moments: _Moments, least: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Degrees of freedom, centre and scale of the t distribution of each person's next error."""
    degrees, common = _variance_prior(np.maximum(moments.variance, least), moments.count - 1)
    between = float(moments.mean.var() - np.mean(moments.variance / moments.count))
    weight = common / max(between, common * 1e-3)  # of the prior mean, in trainings
    centre = float(moments.mean.mean())
    total = weight + moments.count
    mean = (weight * centre + moments.count * moments.mean) / total
    squares = (
        degrees * common
        + (moments.count - 1) * np.maximum(moments.variance, least)
        + weight * moments.count / total * (moments.mean - centre) ** 2
    )
    after = degrees + moments.count
    return after, mean, np.sqrt(squares / after * (1 + 1 / total))


def _variance_prior(variance: NDArray[np.float64], df: NDArray[np.float64]) -> tuple[float, float]:
    """(degrees of freedom, common variance) of a scaled inverse chi-square, by the moments of log variances."""
    logs = np.log(variance) - digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1) - np.mean(polygamma(1, df / 2))) if len(logs) > 1 else 0.0
    if excess <= 1e-6:  # no more spread than chance gives: all people have one variance
        return 1e6, float(np.exp(logs.mean()))
    half = _inverse_trigamma(excess)
    return 2 * half, float(np.exp(logs.mean() + digamma(half) - np.log(half)))


def _inverse_trigamma(value: float) -> float:
    """Newton's iteration on 1 / trigamma, which is near linear (Smyth 2004, appendix)."""
    at = 0.5 + 1 / value
    for _ in range(50):
        now = polygamma(1, at)
        step = now * (1 - now / value) / polygamma(2, at)
        at += step
        if -step / at < 1e-10:
            break
    return float(at)


def rmia(
    target: ArrayLike,
    shadows: Trainings,
    *,
    online: bool = True,
    gamma: float = 1.0,
    offline_a: float = 0.3,
    population: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """RMIA: the share of other people whom the person's likelihood ratio exceeds gamma-fold.

    Parameters
    ----------
    target, shadows, online
        As of `lira`.
    gamma : float
        Over 0. The likelihood is exp(−error² / 2s²) with s the root mean square error without the person; its ratios
        are near 1, and with a larger gamma than 1 most scores would be 0.
    offline_a : float
        0 to 1: offline, the mean likelihood is ((1 + a) of shadows without the person + 1 − a) / 2.
    population : (n,) array of bool, optional
        Who the others are; all people by default, whether they are members or not.

    Returns
    -------
    (T, n) array
        In [0, 1].

    References
    ----------
    Zarifzadeh, Liu & Shokri (2024), Low-cost high-power membership inference attacks, arXiv:2312.03262, eqs. 2 to 4
    and appendix B.2.2 (offline).
    """
    if not gamma > 0 or not 0 <= offline_a <= 1:
        raise InputError(f"gamma is over 0 and offline_a from 0 to 1, not {gamma} and {offline_a}")
    errors, _, _ = _both(target, shadows)
    members = shadows.members
    size = max(float(np.mean(shadows.errors[~members] ** 2)), np.finfo(float).tiny)

    def likelihood(e: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-(e**2) / (2 * size))

    of_shadows = likelihood(shadows.errors)
    without = np.where(members, 0.0, of_shadows).sum(axis=0) / (~members).sum(axis=0)
    if online:
        _Moments.of(shadows, True)  # refuses people who are in too few
        mean = (without + np.where(members, of_shadows, 0.0).sum(axis=0) / members.sum(axis=0)) / 2
    else:
        mean = ((1 + offline_a) * without + 1 - offline_a) / 2
    ratio = likelihood(errors) / np.maximum(mean, np.finfo(float).tiny)
    others = ratio if population is None else ratio[:, population]
    return np.stack(
        [
            np.searchsorted(np.sort(z), x / gamma, side="right") / len(z)
            for x, z in zip(ratio, others, strict=True)
        ]
    )


ATTACKS: Mapping[str, Callable[..., NDArray[np.float64]]] = {
    "small error": small_error,
    "LiRA": lira,
    "LiRA offline": partial(lira, online=False),
    "RMIA": rmia,
    "RMIA offline": partial(rmia, online=False),
    "BaVarIA": bavaria,
    "BaVarIA offline": partial(bavaria, online=False),
}


def attack(name: str, target: ArrayLike, shadows: Trainings) -> NDArray[np.float64]:
    """(T, n) scores of one of ATTACKS. Raises InputError for another name."""
    if name not in ATTACKS:
        raise InputError(f"attack={name!r}: allowed are {listed(ATTACKS)}")
    return ATTACKS[name](target, shadows)
