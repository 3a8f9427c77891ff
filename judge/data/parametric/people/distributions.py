"""Distributions as they are written in settings: drawn by quantile, with their mean and standard deviation known.

    0.3 or short                             a constant
    {normal: [mean, sd]}                     cut at the parameter's range; `per_decade: slope` moves the mean
                                             by the slope for every ten years of age away from 40
    {uniform: [low, high]}
    {beta: [a, b, low, high]}
    {integers: [first, last]}                each equally likely
    {choice: {name: share, …}}               shares are scaled to sum to 1
    {chance: p, then: spec, else: spec}      `then` with probability p, otherwise `else` (default: the neutral value)
    {by_ancestry: {african: spec, asian: spec, caucasian: spec}}
                                             three normals or three choices, mixed by the person's ancestry weights

A table has such a spec for everybody, or one a group: keys are group names joined by `/` (`female`,
`african/male`, `60-69`) or `any`; the key with the most names wins, among equals the later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from judge.data.brackets import AGE_GROUPS
from judge.data.parametric.person import ETHNICITIES, GENDERS, Parameter
from judge.errors import InputError, listed

KINDS = ("normal", "uniform", "beta", "integers", "choice", "chance", "by_ancestry")
GROUP_NAMES = {
    **dict.fromkeys(ETHNICITIES, "ethnicity"),
    **dict.fromkeys(GENDERS, "gender"),
    **dict.fromkeys(AGE_GROUPS, "age_group"),
}


@dataclass(frozen=True)
class Drawn:
    """Values with the mean and standard deviation of the distribution that each came from.

    Arrays of one length; mean and sd are NaN for categorical values. Moments are of the distribution before
    rounding to whole numbers.
    """

    value: np.ndarray
    mean: np.ndarray
    sd: np.ndarray


def is_spec(setting: object) -> bool:
    """Whether a setting is one spec (else it is a table of specs a group)."""
    return not isinstance(setting, Mapping) or any(key in KINDS for key in setting)


def rows_by_spec(setting: object, people: pd.DataFrame, name: str) -> list[tuple[object, np.ndarray]]:
    """(spec, Boolean rows of `people` that it applies to), covering each person exactly once.

    people has the columns ethnicity, gender, age_group. Raises InputError for unknown groups and for people
    that no key covers.
    """
    if is_spec(setting):
        return [(setting, np.ones(len(people), bool))]
    assert isinstance(setting, Mapping)
    chosen = np.full(len(people), -1)
    keys = sorted(setting, key=lambda key: 0 if key == "any" else len(key.split("/")))
    for number, key in enumerate(keys):
        rows = np.ones(len(people), bool)
        for part in [] if key == "any" else key.split("/"):
            if part not in GROUP_NAMES:
                raise InputError(
                    f"{name}: {part!r} is no group; groups are {listed(GROUP_NAMES)}, 'any', and joins by '/'"
                )
            rows &= (people[GROUP_NAMES[part]] == part).to_numpy()
        chosen[rows] = number
    if (chosen < 0).any():
        bare = people.loc[chosen < 0].iloc[0]
        raise InputError(
            f"{name}: no distribution for {bare['ethnicity']}/{bare['gender']}/{bare['age_group']}; "
            f"there are {listed(setting)}; add a key 'any'"
        )
    return [(setting[key], chosen == number) for number, key in enumerate(keys) if (chosen == number).any()]


def draw(
    setting: object, parameter: Parameter, people: pd.DataFrame, u: np.ndarray, u_chance: np.ndarray
) -> Drawn:
    """One value a person by the quantile function of the distribution that applies to them.

    people   n rows: ethnicity, gender, age_group; `age` (years) where a spec uses per_decade; the columns
             african, asian, caucasian where one uses by_ancestry
    u        (n,) in (0, 1); u_chance likewise, used by `chance` only
    """
    n = len(people)
    value = np.empty(n, dtype=object if parameter.choices else float)
    mean, sd = np.full(n, np.nan), np.full(n, np.nan)
    for spec, rows in rows_by_spec(setting, people, parameter.name):
        part = _draw_spec(spec, parameter, people[rows], u[rows], u_chance[rows])
        value[rows], mean[rows], sd[rows] = part.value, part.mean, part.sd
    return Drawn(value, mean, sd)


def _draw_spec(
    spec: object, parameter: Parameter, people: pd.DataFrame, u: np.ndarray, u_chance: np.ndarray
) -> Drawn:
    n = len(people)
    if not isinstance(spec, Mapping):
        return _constant(spec, parameter, n)
    kind = next((key for key in spec if key in KINDS), None)
    extra = set(spec) - {"normal": {"per_decade"}, "chance": {"then", "else"}}.get(str(kind), set()) - {kind}
    if kind is None or extra:
        raise InputError(
            f"{parameter.name}: {dict(spec)} is no distribution; kinds are {listed(KINDS)}"
            + (f"; unknown part(s) {listed(sorted(extra))}" if kind else "")
        )
    if kind == "chance":
        return _chance(spec, parameter, people, u, u_chance)
    if kind == "by_ancestry":
        return _by_ancestry(spec[kind], parameter, people, u)
    if kind == "choice":
        shares = _shares(spec[kind], parameter)
        return _choose(np.broadcast_to(shares, (n, len(shares))), parameter, u)
    if parameter.choices:
        raise InputError(f"{parameter.name} takes one of {listed(parameter.choices)}, not {dict(spec)}")
    numbers = _numbers(spec[kind], 4 if kind == "beta" else 2, parameter, kind)
    if kind == "normal":
        slope = float(spec.get("per_decade", 0.0))
        centre = numbers[0] + (slope * (people["age"].to_numpy(float) - 40) / 10 if slope else np.zeros(n))
        return _normal(centre, np.full(n, numbers[1]), parameter, u)
    low, high = numbers[-2:]
    _within(low, parameter), _within(high, parameter)
    if low > high:
        raise InputError(f"{parameter.name}: {kind} from {low} to {high} runs backwards")
    if kind == "uniform":
        frozen = stats.uniform(low, high - low) if high > low else None
    elif kind == "beta":
        if min(numbers[:2]) <= 0:
            raise InputError(f"{parameter.name}: beta needs a > 0 and b > 0, not {numbers[:2]}")
        frozen = stats.beta(numbers[0], numbers[1], low, high - low)
    else:
        count = int(high) - int(low) + 1
        values = np.minimum(int(low) + np.floor(u * count), int(high))
        return Drawn(values, np.full(n, (low + high) / 2), np.full(n, np.sqrt((count**2 - 1) / 12)))
    if frozen is None:
        return _constant(low, parameter, n)
    return Drawn(frozen.ppf(u), np.full(n, frozen.mean()), np.full(n, frozen.std()))


def _constant(value: object, parameter: Parameter, n: int) -> Drawn:
    if parameter.choices:
        if value not in parameter.choices:
            raise InputError(f"{parameter.name} is one of {listed(parameter.choices)}, not {value!r}")
        return Drawn(np.full(n, value, object), np.full(n, np.nan), np.full(n, np.nan))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"{parameter.name}: {value!r} is neither a number nor a distribution ({listed(KINDS)})"
        )
    _within(float(value), parameter)
    return Drawn(np.full(n, float(value)), np.full(n, float(value)), np.zeros(n))


def _chance(
    spec: Mapping, parameter: Parameter, people: pd.DataFrame, u: np.ndarray, u_chance: np.ndarray
) -> Drawn:
    p = spec["chance"]
    if not isinstance(p, int | float) or not 0 <= p <= 1:
        raise InputError(f"{parameter.name}: chance is a share from 0 to 1, not {p!r}")
    then = _draw_spec(spec["then"], parameter, people, u, u_chance)
    other = _draw_spec(spec.get("else", parameter.neutral), parameter, people, u, u_chance)
    mean = p * then.mean + (1 - p) * other.mean
    variance = p * (then.sd**2 + then.mean**2) + (1 - p) * (other.sd**2 + other.mean**2) - mean**2
    value = np.where(u_chance < p, then.value, other.value)
    return Drawn(value, mean, np.sqrt(np.maximum(variance, 0)))


def _by_ancestry(specs: Mapping, parameter: Parameter, people: pd.DataFrame, u: np.ndarray) -> Drawn:
    if not isinstance(specs, Mapping) or set(specs) != set(ETHNICITIES):
        raise InputError(f"{parameter.name}: by_ancestry needs a spec for each of {listed(ETHNICITIES)}")
    weights = people[list(ETHNICITIES)].to_numpy(float)
    if all(isinstance(specs[name], Mapping) and "normal" in specs[name] for name in ETHNICITIES):
        numbers = np.array([_numbers(specs[name]["normal"], 2, parameter, "normal") for name in ETHNICITIES])
        return _normal(weights @ numbers[:, 0], weights @ numbers[:, 1], parameter, u)
    if all(isinstance(specs[name], Mapping) and "choice" in specs[name] for name in ETHNICITIES):
        shares = np.array([_shares(specs[name]["choice"], parameter) for name in ETHNICITIES])
        return _choose(weights @ shares, parameter, u)
    raise InputError(f"{parameter.name}: by_ancestry mixes three normals or three choices, nothing else")


def _normal(centre: np.ndarray, spread: np.ndarray, parameter: Parameter, u: np.ndarray) -> Drawn:
    if (spread < 0).any():
        raise InputError(f"{parameter.name}: a standard deviation is at least 0")
    low, high = parameter.low, parameter.high
    if (spread == 0).any():
        value = np.clip(centre, low, high)
        return Drawn(value, value, np.zeros(len(u)))
    cut = stats.truncnorm((low - centre) / spread, (high - centre) / spread, loc=centre, scale=spread)
    return Drawn(np.clip(cut.ppf(u), low, high), *_truncated_moments(centre, spread, low, high))


def _truncated_moments(
    centre: np.ndarray, spread: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a normal cut at [low, high] (Johnson, Kotz & Balakrishnan 1994, §10.1).

    scipy's truncnorm.std loops over people in Python; this is the same closed form, vectorised.
    """
    a, b = (low - centre) / spread, (high - centre) / spread
    mass = stats.norm.cdf(b) - stats.norm.cdf(a)
    pa, pb = stats.norm.pdf(a), stats.norm.pdf(b)
    ratio = (pa - pb) / mass
    variance = 1 + (a * pa - b * pb) / mass - ratio**2
    return centre + spread * ratio, spread * np.sqrt(np.maximum(variance, 0))


def _choose(shares: np.ndarray, parameter: Parameter, u: np.ndarray) -> Drawn:
    assert parameter.choices
    edges = np.cumsum(shares, axis=1)
    index = (u[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1)
    value = np.array(parameter.choices, dtype=object)[index]
    return Drawn(value, np.full(len(u), np.nan), np.full(len(u), np.nan))


def _shares(named: object, parameter: Parameter) -> np.ndarray:
    if not parameter.choices:
        raise InputError(f"{parameter.name} is a number, it cannot be a choice")
    if not isinstance(named, Mapping) or not set(named) <= set(parameter.choices):
        raise InputError(
            f"{parameter.name}: choice takes shares of {listed(parameter.choices)}, not {named!r}"
        )
    shares = np.array([float(named.get(name, 0)) for name in parameter.choices])
    if (shares < 0).any() or shares.sum() <= 0:
        raise InputError(f"{parameter.name}: shares are at least 0 and not all 0, not {dict(named)}")
    return shares / shares.sum()


def _numbers(values: object, count: int, parameter: Parameter, kind: str) -> list[float]:
    try:
        numbers = [float(v) for v in values]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count:
        raise InputError(f"{parameter.name}: {kind} takes {count} numbers, not {values!r}")
    return numbers


def _within(value: float, parameter: Parameter) -> None:
    if not parameter.low <= value <= parameter.high:
        raise InputError(f"{parameter.name} lies between {parameter.low} and {parameter.high}, not {value}")
