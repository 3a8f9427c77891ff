"""Simulated raters: what they say of a person, with their noise, and with the skews that one plants.

    rating of person i by rater r = centre + spread·truth_i + shift(groups of i) + tone·(melanin_i − ½)
                                    + own shift of r's group for i's groups + bias_r + noise_ir

cut at the ends of the scale and, if asked, rounded. bias_r and noise_ir are normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from scipy import stats

from judge.data.parametric.draws import uniforms
from judge.data.parametric.people.distributions import GROUP_NAMES
from judge.data.parametric.people.labels import assign
from judge.data.parametric.person import ETHNICITIES
from judge.errors import InputError, listed


@dataclass(frozen=True)
class Raters:
    """Settings of the raters; ratings and all shifts are in points of the scale.

    per_picture   raters a picture, drawn from the pool without repetition
    pool          raters in all
    noise         standard deviation of one rater's rating of one picture, about that rater's own mean
    bias          standard deviation of the raters' own means
    centre, spread  rating of truth 0, and points for one standard deviation of truth
    low, high     ends of the scale
    step          0 continuous, else ratings are rounded to multiples of it
    shift         group → points that every rater adds for people of that group, e.g. {african: -1};
                  groups are ethnicities, genders, age groups and joins by `/`; all that fit are added
    tone          points from the lightest to the darkest skin (melanin 0 → 1), 0 for none
    pool_shares   share of each ethnicity among the raters, None: equal
    pool_shift    rater's ethnicity → {group: points}, what raters of that group add
    seed          None: the population's; another number: other raters of the same people
    """

    per_picture: int = 10
    pool: int = 60
    noise: float = 1.5
    bias: float = 0.6
    centre: float = 5.5
    spread: float = 1.3
    low: float = 1.0
    high: float = 10.0
    step: float = 0.0
    shift: Mapping[str, float] | None = None
    tone: float = 0.0
    pool_shares: Mapping[str, float] | None = None
    pool_shift: Mapping[str, Mapping[str, float]] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", dict(self.shift or {}))
        object.__setattr__(self, "pool_shift", dict(self.pool_shift or {}))
        if not 1 <= self.per_picture <= self.pool:
            raise InputError(
                f"ratings.per_picture lies between 1 and the pool of {self.pool}, not {self.per_picture}"
            )
        for name in ("noise", "bias", "spread", "step"):
            if getattr(self, name) < 0:
                raise InputError(f"ratings.{name} is at least 0, not {getattr(self, name)}")
        if not self.low < self.high:
            raise InputError(f"ratings.low {self.low} is not below ratings.high {self.high}")
        for where, groups in (
            ("shift", self.shift),
            *((f"pool_shift.{k}", v) for k, v in self.pool_shift.items()),
        ):
            unknown = [key for key in groups if not set(str(key).split("/")) <= set(GROUP_NAMES)]
            if unknown:
                raise InputError(
                    f"ratings.{where} has no group {listed(unknown)}; groups: {listed(GROUP_NAMES)}"
                )
        if not set(self.pool_shift) <= set(ETHNICITIES) or not set(self.pool_shares or {}) <= set(
            ETHNICITIES
        ):
            raise InputError(f"raters are {listed(ETHNICITIES)} (ratings.pool_shares, ratings.pool_shift)")

    @property
    def error_variance(self) -> float:
        """Variance of a picture's mean rating about its expectation; the ends of the scale are not counted.

        noise²/n + bias²/n · (N − n)/(N − 1) for n of N raters without repetition, + step²/(12 n) for rounding.
        """
        n, pool = self.per_picture, self.pool
        finite = (pool - n) / (pool - 1) if pool > 1 else 0.0
        return (self.noise**2 + self.bias**2 * finite + self.step**2 / 12) / n

    @property
    def reliability(self) -> float:
        """Share of the variance of mean ratings that is truth's, within a group: spread² / (spread² + error)."""
        signal = self.spread**2
        total = signal + self.error_variance
        return signal / total if total > 0 else 1.0

    @property
    def ceiling(self) -> float:
        """√reliability: Pearson of truth itself with the mean rating, the highest that a judge can reach."""
        return float(np.sqrt(self.reliability))


def raters_from(settings: Mapping | Raters | None) -> Raters:
    """Raters from a mapping of settings; InputError names an unknown one."""
    if isinstance(settings, Raters):
        return settings
    settings = dict(settings or {})
    known = [f.name for f in fields(Raters)]
    if not set(settings) <= set(known):
        raise InputError(f"ratings has {listed(known, 20)}, not {listed(sorted(set(settings) - set(known)))}")
    settings = {k: v for k, v in settings.items() if v is not None or k in ("pool_shares", "seed")}
    return Raters(**settings)


def expected_ratings(people: pd.DataFrame, truth: pd.Series, raters: Raters) -> pd.Series:
    """Mean over all raters of the pool's make-up and all noise, before cutting and rounding; index of `people`."""
    value = raters.centre + raters.spread * truth.to_numpy(float) + group_shift(people, raters.shift)
    value = value + raters.tone * (people["melanin"].to_numpy(float) - 0.5)
    shares = raters.pool_shares or dict.fromkeys(ETHNICITIES, 1.0)
    total = sum(shares.values())
    for group, shift in raters.pool_shift.items():
        value = value + shares.get(group, 0.0) / total * group_shift(people, shift)
    return pd.Series(value, index=people.index)


def group_shift(people: pd.DataFrame, shift: Mapping[str, float]) -> np.ndarray:
    """Points that the people's groups get, (n,): the sum over all keys that fit a person."""
    value = np.zeros(len(people))
    for key, points in shift.items():
        fits = np.ones(len(people), bool)
        for part in str(key).split("/"):
            fits &= (people[GROUP_NAMES[part]] == part).to_numpy()
        value += np.where(fits, float(points), 0.0)
    return value


def rate(
    people: pd.DataFrame, truth: pd.Series, raters: Raters, *, seed: int, start: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Single ratings (image_id, rater_id, rating), and the raters (rater_id, ethnicity, bias).

    people   rows start … start + n − 1 of the population of `seed`; image_id is person_id. The raters and the
             noise of person i depend on the seed and i only, so they are the same under every planted skew.
    """
    seed = seed if raters.seed is None else raters.seed
    n, k, pool = len(people), raters.per_picture, raters.pool
    shares = pd.Series({g: float((raters.pool_shares or {g: 1.0}).get(g, 0.0)) for g in ETHNICITIES})
    if (shares < 0).any() or shares.sum() <= 0:
        raise InputError(f"ratings.pool_shares are at least 0 and not all 0, not {raters.pool_shares}")
    shares = (
        pd.Series(1 / 3, index=list(ETHNICITIES)) if raters.pool_shares is None else shares / shares.sum()
    )
    kind = assign(pool, shares, seed=seed, stream="rater")
    bias = raters.bias * stats.norm.ppf(uniforms(seed, "rater/bias", pool))
    table = pd.DataFrame(
        {
            "rater_id": [f"r{number:04d}" for number in range(pool)],
            "ethnicity": np.array(ETHNICITIES, dtype=object)[kind],
            "bias": bias,
        }
    )
    who = np.argsort(uniforms(seed, "rating/who", n, start, pool).reshape(n, pool), axis=1)[:, :k]
    noise = raters.noise * stats.norm.ppf(
        uniforms(seed, "rating/noise", n, start, pool).reshape(n, pool)[:, :k]
    )
    base = expected_ratings(people, truth, replace(raters, pool_shift={})).to_numpy()
    own = np.zeros((len(ETHNICITIES), n))
    for group, shift in raters.pool_shift.items():
        own[ETHNICITIES.index(group)] = group_shift(people, shift)
    value = base[:, None] + own[kind[who], np.arange(n)[:, None]] + bias[who] + noise
    if raters.step:
        value = np.round(value / raters.step) * raters.step
    value = np.clip(value, raters.low, raters.high).round(4)
    single = pd.DataFrame(
        {
            "image_id": np.repeat(people["person_id"].to_numpy(), k),
            "rater_id": table["rater_id"].to_numpy()[who].ravel(),
            "rating": value.ravel(),
        }
    )
    return single, table
