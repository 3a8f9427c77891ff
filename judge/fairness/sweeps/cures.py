"""Cures compared by who wins, where the truth is known: what each gives back to a group, and what that costs.

One row a training run and condition goes in, one row a condition comes out. All comparisons are paired by seed: the
conditions of a run share its contestants, its raters and its random numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.inference.exact_tests import holm
from judge.fairness.inference.randomisation import sign_flip
from judge.fairness.inference.settings import Interval
from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS, mean_interval

#: Truth that the winners may lose, in standard deviations, before a cure is not named without saying so.
LOST = 0.1
#: Least fall of the gap of Pearson between groups that is called levelling down, where no group is read better.
NARROWED = 0.01
#: What a run's row has to say.
NEEDED = ("seed", "condition", "share", "truth_share", "winners_truth")
OPTIONAL = ("worst_pearson", "pearson_gap", "probe_score", "probe_features")


def compare_cures(
    runs: pd.DataFrame,
    *,
    baseline: str,
    bar: str | None = None,
    step: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What each condition does to one group's share of the winners, and what it costs.

    Parameters
    ----------
    runs : DataFrame
        One row a run and condition: seed, condition, share (the group's of the winners, 0 to 1), truth_share (its share
        if the truth decided the same contest), winners_truth (mean truth of the winners, in standard deviations of the
        truth); where known worst_pearson and pearson_gap (lowest Pearson of score and truth of any group, and highest
        minus lowest), probe_score and probe_features (balanced accuracy of a fresh probe, 0 to 1), and columns
        error_GROUP (mean score minus what the truth would have been rated, in points).
    baseline : str
        The condition without a cure.
    bar : str, optional
        The condition that every other is tested against, such as group-balanced subsampling.
    step : float
        The smallest change of a share, 1 / winners: then a share that is 0 in every seed has an interval, too.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a condition, in the order in which they occur:

        n : runs (seeds)
        share, share_low, share_high, truth_share : means over seeds with an interval over seeds
        gap, gap_low, gap_high : share minus truth_share, paired
        distance : mean over seeds of \\|share − truth_share\\|: too many places are as far from the truth as too few
        recovered, recovered_low, recovered_high : part of the baseline's gap that is closed (1: the truth's share,
            above: beyond it); Fieller's interval, NaN limits where the baseline's own gap is not told from 0
        truth_lost, …_low, …_high : baseline's winners_truth minus the condition's
        worst_pearson, pearson_gap : means over seeds
        worst_pearson_change, pearson_gap_change, …_low, …_high : paired
        largest_error, largest_error_group : of the groups' mean errors the one furthest from 0
        probe_score, probe_features : means over seeds
        levelling_down : the gap of Pearson between groups falls by .01 or more (its interval lies below 0), but the
            group that is read worst is read no better: others are harmed
        costs_truth : truth_lost is above .1
        p_against_bar, p_holm : sign-flip test that distance differs from the bar's, and Holm over all conditions

    Raises
    ------
    judge.errors.InputError
        A missing column or condition, a seed that has a condition twice or lacks the baseline. One may lack another
        condition, e.g. a method that had too few people there: what is paired is then fewer seeds, as n says.

    References
    ----------
    Fieller (1954), "Some problems in interval estimation", JRSS B 16:175; Idrissi et al. (2022), arXiv:2110.14503, for
    group-balanced subsampling as the bar; levelling down: Mittelstadt, Wachter & Russell (2023), arXiv:2302.02404.

    Examples
    --------
    Truth gives the group a third. As judged it gets a sixth, and with the cure a quarter: half of the way back.

    >>> runs = pd.DataFrame({"seed": [0, 1, 2] * 2, "condition": ["uncured"] * 3 + ["cure"] * 3,
    ...                      "share": [1/6, 1/6 + .01, 1/6 - .01, 1/4, 1/4 + .01, 1/4 - .01],
    ...                      "truth_share": 1/3, "winners_truth": [1.5, 1.6, 1.4, 1.45, 1.55, 1.35]})
    >>> table = compare_cures(runs, baseline="uncured").set_index("condition")
    >>> table.loc["cure", ["recovered", "truth_lost"]].round(2).tolist()
    [0.5, 0.05]
    """
    _checked(runs, baseline, bar)
    conditions = list(dict.fromkeys(runs["condition"]))
    wide = {
        name: part.set_index("seed").sort_index()
        for name, part in runs.groupby("condition", sort=False, observed=True)
    }
    base = wide[baseline]
    rows = [_row(name, wide[name], base.loc[wide[name].index], step, confidence) for name in conditions]
    table = pd.DataFrame(rows)
    if bar is not None:
        apart = {
            name: (_distance(wide[name]) - _distance(wide[bar])).dropna()
            for name in conditions
            if name != bar
        }
        p = {name: sign_flip(d.to_numpy())[0] for name, d in apart.items() if len(d) >= FEWEST_SEEDS}
        table["p_against_bar"] = table["condition"].map(p).astype(float)
        table["p_holm"] = holm(table["p_against_bar"].to_numpy())
    return table


#: How a method's setting may be chosen, and the column of a run's row that is then lowest: without group labels by the
#: error on the pool's validation part, with them by the largest error of a group among people who neither train nor
#: enter, and by what nobody knows: the distance from the truth's share itself.
RULES = {
    "no group labels": "mse_validation",
    "worst group": "worst_mse_held_out",
    "oracle": "distance",
}


def selected(runs: pd.DataFrame, rule: str) -> pd.DataFrame:
    """For each run and method the one of its settings that a rule of selection chooses.

    Parameters
    ----------
    runs : DataFrame
        As `compare_cures` takes it, with the columns method and setting: conditions of one method differ by that.
        Of mse_validation, worst_mse_held_out those that the rule needs.
    rule : str
        One of RULES, "no group labels", "worst group" or "oracle", after SubpopBench (Yang et al. 2023,
        arXiv:2302.12254).

    Returns
    -------
    DataFrame
        The chosen rows, with `condition` the method's name. Of equal ones the first is taken. Each seed chooses on its
        own, as who trains one judge would.

    Raises
    ------
    judge.errors.InputError
        An unknown rule, and settings of which a run does not know what the rule needs.

    Examples
    --------
    >>> runs = pd.DataFrame({"seed": 0, "condition": ["a1", "a2"], "method": "a", "setting": [1, 2], "share": [.2, .3],
    ...                      "truth_share": .33, "mse_validation": [1.0, 1.1]})
    >>> selected(runs, "no group labels")["setting"].item(), selected(runs, "oracle")["setting"].item()
    (1, 2)
    """
    if rule not in RULES:
        raise InputError(f"rule={rule!r}; allowed are {listed(RULES)}")
    known = runs.assign(distance=(runs["share"] - runs["truth_share"]).abs())
    column = RULES[rule]
    if column not in known or known[column].isna().any():
        lacking = (
            "there is no such column"
            if column not in known
            else f"{int(known[column].isna().sum())} rows lack it"
        )
        raise InputError(f"rule={rule!r} chooses by the lowest {column}; {lacking}")
    best = known.groupby(["seed", "method"], sort=False)[column].idxmin()
    return known.loc[best].assign(condition=lambda t: t["method"]).drop(columns="distance")


def fieller(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64], *, confidence: float = 0.95
) -> Interval:
    """Ratio of two means of paired numbers, with Fieller's interval.

    Parameters
    ----------
    numerator, denominator : (n,) array of float
        Paired.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Interval
        Limits are NaN below three pairs, and where the denominator's mean is not told from 0, which leaves the ratio
        unbounded; the value is NaN where that mean is 0.

    Examples
    --------
    >>> ratio = fieller(np.array([1.0, 1.1, 0.9]), np.array([2.0, 2.0, 2.0]))
    >>> [round(float(number), 3) for number in ratio]
    [0.5, 0.376, 0.624]
    """
    from scipy import stats

    a, b = np.asarray(numerator, float), np.asarray(denominator, float)
    n, mean_a, mean_b = len(a), float(np.mean(a)), float(np.mean(b))
    if n == 0 or mean_b == 0:
        return Interval(np.nan, np.nan, np.nan)
    value = mean_a / mean_b
    if n < FEWEST_SEEDS:
        return Interval(value, np.nan, np.nan)
    covariance = np.cov(a, b, ddof=1) / n
    t2 = float(stats.t.ppf((1 + confidence) / 2, n - 1)) ** 2
    # the ratios r for which mean_a − r mean_b is not told from 0: a quadratic in r
    square = mean_b**2 - t2 * covariance[1, 1]
    if not square > 0:
        return Interval(value, np.nan, np.nan)
    half = mean_a * mean_b - t2 * covariance[0, 1]
    rest = mean_a**2 - t2 * covariance[0, 0]
    root = float(np.sqrt(max(half**2 - square * rest, 0.0)))
    return Interval(value, (half - root) / square, (half + root) / square)


def _row(name: str, own: pd.DataFrame, base: pd.DataFrame, step: float, confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = {"condition": name, "n": len(own)}
    row |= _told("share", mean_interval(own["share"], bounds=(0, 1), step=step, confidence=confidence))
    row["truth_share"] = float(own["truth_share"].mean())
    gap = own["share"] - own["truth_share"]
    row |= _told("gap", mean_interval(gap, bounds=(-1, 1), confidence=confidence))
    row["distance"] = float(gap.abs().mean())
    back, away = own["share"] - base["share"], base["truth_share"] - base["share"]
    row |= _told("recovered", fieller(back.to_numpy(), away.to_numpy(), confidence=confidence))
    lost = base["winners_truth"] - own["winners_truth"]
    row |= _told("truth_lost", mean_interval(lost, confidence=confidence))
    row["costs_truth"] = bool(row["truth_lost"] > LOST)
    for column in OPTIONAL:
        row[column] = float(own[column].mean()) if column in own and own[column].notna().any() else np.nan
    change = narrower = Interval(np.nan, np.nan, np.nan)
    if "worst_pearson" in own and own["worst_pearson"].notna().all() and base["worst_pearson"].notna().all():
        change = mean_interval(own["worst_pearson"] - base["worst_pearson"], confidence=confidence)
    if "pearson_gap" in own and own["pearson_gap"].notna().all() and base["pearson_gap"].notna().all():
        narrower = mean_interval(own["pearson_gap"] - base["pearson_gap"], confidence=confidence)
    row |= _told("worst_pearson_change", change) | _told("pearson_gap_change", narrower)
    # seeds that all agree have no interval
    falls = narrower.value <= -NARROWED and not narrower.high >= 0
    row["levelling_down"] = bool(falls and not change.value > 1e-9)
    errors = own.filter(regex="^error_").mean()
    if errors.notna().any():
        worst = str(errors.abs().idxmax())
        row |= {"largest_error": float(errors[worst]), "largest_error_group": worst.removeprefix("error_")}
    else:
        row |= {"largest_error": np.nan, "largest_error_group": ""}
    return row


def _told(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _distance(own: pd.DataFrame) -> pd.Series:
    return (own["share"] - own["truth_share"]).abs()


def _checked(runs: pd.DataFrame, baseline: str, bar: str | None) -> None:
    missing = [name for name in NEEDED if name not in runs]
    if missing:
        raise InputError(
            f"runs lack the column(s) {listed(missing)}; {listed(NEEDED)} are needed, there is {listed(runs.columns)}"
        )
    there = list(dict.fromkeys(runs["condition"]))
    for role, name in (("baseline", baseline), ("bar", bar)):
        if name is not None and name not in there:
            raise InputError(f"{role}={name!r}: there is no such condition; {listed(there)}")
    count = pd.crosstab(runs["seed"], runs["condition"])
    odd = [
        (seed, name)
        for seed, row in count.iterrows()
        for name, k in row.items()
        if k > 1 or (k == 0 and name == baseline)
    ]
    if odd:
        seed, name = odd[0]
        raise InputError(
            f"each seed has a condition at most once and the baseline always, since they are compared within a seed; "
            f"seed {seed} has {name!r} {count.loc[seed, name]} times ({len(odd)} such)"
        )
