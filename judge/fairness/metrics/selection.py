"""Who is selected: winners by group against what chance within brackets gives, rates, ratios, differences.

A group's *selection rate* is its winners divided by its entrants. The *selection-rate ratio* compares it with the
reference group's rate (or with that of all others) inside each bracket: 1 is parity. The *difference* likewise; 0 is
parity. *Crude* are both when brackets are thrown together: a group that entered where many win has a high crude rate
though nobody favoured it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.counts import Counts
from judge.fairness.inference.conditional import Effects, conditional_effects
from judge.fairness.inference.exact_tests import expected_winners
from judge.fairness.inference.intervals import (
    greenland_robins_ratio,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    stratified_score_difference,
    stratified_score_ratio,
    wilson,
)

RATIO_INTERVALS = ("exact", "score", "log")
#: Groups of a smaller part of the entrants are not taken for the one with the highest rate: one winner of one entrant
#: would be it. The Uniform Guidelines, 29 CFR 1607.15(A)(2)(a), leave out groups under 2 % likewise.
SMALLEST_SHARE = 0.02
#: Lots over which intervals are averaged where places fall by lot.
N_LOTS = 50


def selection_table(
    counts: Counts, *, reference: str | None = None, confidence: float = 0.95, ratio_interval: str = "exact"
) -> pd.DataFrame:
    """Shares, rate, ratio and difference of each group, each with its interval.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups.
    reference : str, optional
        Group that ratio and difference refer to. None: all others.
    confidence : float
        Level, in (0, 1).
    ratio_interval : {"exact", "score", "log"}
        Of ratio and difference. "exact" inverts the exact test within brackets, which it cannot contradict, and has
        its level for groups of one person too. "score": Koopman's and Miettinen & Nurminen's, stratified; below five
        expected winners they leave out the truth up to 17 % of the time. "log": Katz' or Greenland & Robins' for the
        ratio, NaN for zero counts, and the score interval for the difference.

    Returns
    -------
    DataFrame
        One row a group. A group without entrants keeps its row, with n = 0 and NaN.

        group, entrants, winners, entrant_share
        expected_winners, expected_winner_share    what chance selection within brackets gives
        winner_share                               with the exact interval
        selection_rate                             over all brackets, with Wilson's interval
        selection_rate_ratio, selection_rate_difference              within brackets (Mantel–Haenszel)
        selection_rate_ratio_crude, selection_rate_difference_crude  brackets thrown together: Koopman's or Katz', and
                                                                     Miettinen & Nurminen's interval
        highest            the group with the highest rate (winners ÷ expected), among those of 2 % of the entrants
        four_fifths_ratio  ratio to that group within brackets; NaN for the group itself. Its exact interval allows for
                           the choice of the highest: level 1 − (1 − confidence)/(groups − 1)
        below_four_fifths, reference_below_four_fifths    ratio < 0.8, ratio > 1.25; missing where it is undefined

        Each with an interval has columns of its name and _low, _high.

    Raises
    ------
    InputError
        For an unknown reference or kind of interval.

    References
    ----------
    `conditional_effects` names those of the exact interval; the four-fifths rule: 29 CFR 1607.4(D), "less than
    four-fifths of the rate for the group with the highest rate".

    Examples
    --------
    2 of 4 against 1 of 6:

    >>> table = selection_table(Counts([[4, 6]], [[2, 1]], ("a", "b")), reference="b")
    >>> table[["group", "selection_rate", "selection_rate_ratio"]].round(3).values.tolist()
    [['a', 0.5, 3.0], ['b', 0.167, 1.0]]
    """
    if ratio_interval not in RATIO_INTERVALS:
        raise InputError(f"ratio_interval is one of {listed(RATIO_INTERVALS)}, not {ratio_interval!r}")
    n, x = counts.entrants.sum(axis=0).astype(float), counts.winners.sum(axis=0).astype(float)
    expected = expected_winners(counts)
    others = _effects(counts, None, confidence)
    strata = _against(counts, reference)
    effects = others if reference is None else _effects(counts, reference, confidence)
    if reference is not None:
        effects = _of_itself(effects, counts.index(reference), entered=n[counts.index(reference)] > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "group": list(counts.groups),
                "entrants": n.astype(int),
                "winners": x if counts.lots else x.astype(int),
                "expected_winners": expected,
                "entrant_share": n / n.sum(),
                "winner_share": x / x.sum(),
                "expected_winner_share": expected / x.sum(),
                "selection_rate": x / n,
                "selection_rate_ratio": effects.ratio,
                "selection_rate_difference": effects.difference,
            }
        )
        shares = others.winners_low / x.sum(), others.winners_high / x.sum()
    x_1, n_1, x_0, n_0 = (array.sum(axis=1) for array in strata)
    pooled = x_1, n_1, x_0, n_0
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = x_1 / n_1, x_0 / n_0
        table["selection_rate_ratio_crude"] = rates[0] / rates[1]
        table["selection_rate_difference_crude"] = rates[0] - rates[1]
    crude = katz_ratio if ratio_interval == "log" else koopman_ratio
    intervals = {
        "winner_share": shares,
        "selection_rate": wilson(x, n, confidence),
        **_adjusted_intervals(effects, strata, confidence, ratio_interval),
        "selection_rate_ratio_crude": crude(*pooled, confidence=confidence),
        "selection_rate_difference_crude": miettinen_nurminen_difference(*pooled, confidence=confidence),
    }
    for name, (low, high) in intervals.items():
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    ratio = table["selection_rate_ratio"]
    for name, flagged in (("below_four_fifths", ratio < 0.8), ("reference_below_four_fifths", ratio > 1.25)):
        table[name] = flagged.astype("boolean").mask(ratio.isna())
    return _with_highest(table, counts, confidence)


def _effects(counts: Counts, reference: str | None, confidence: float) -> Effects:
    """`conditional_effects` of each group; with lots, of the average winners with limits averaged over N_LOTS lots.

    Ratios, which may be infinite, are averaged as ρ / (1 + ρ).
    """
    if counts.lots is None:
        return conditional_effects(*_against(counts, reference), confidence=confidence)
    won = counts.lots.draws(N_LOTS, np.random.default_rng(0))
    drawn = [Counts(counts.entrants, one, counts.groups, counts.brackets) for one in won]
    sides = [_against(one, reference) for one in drawn]
    every = conditional_effects(
        *(np.concatenate(side) for side in zip(*sides, strict=True)), confidence=confidence
    )
    mean = {}
    for name, values in every._asdict().items():
        table = values.reshape(N_LOTS, -1)
        if name.startswith("ratio"):
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(np.isinf(table), 1.0, table / (1 + table)).mean(axis=0)
                mean[name] = share / (1 - share)
        else:
            mean[name] = table.mean(axis=0)
    x1, n1, x0, n0 = _against(counts, reference)
    total = np.maximum(n1 + n0, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean["ratio"] = (x1 * n0 / total).sum(axis=1) / (x0 * n1 / total).sum(axis=1)
        mean["winners"] = x1.sum(axis=1)
        mean["expected"] = ((x1 + x0) * n1 / total).sum(axis=1)
        mean["difference"] = (mean["winners"] - mean["expected"]) / (n1 * n0 / total).sum(axis=1)
    return Effects(**mean)


def _against(counts: Counts, reference: str | None) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Winners and entrants of each group, then of what it is compared with, (G, B) each."""
    n, x = counts.entrants.T, counts.winners.T
    if reference is None:
        return x, n, x.sum(axis=0) - x, n.sum(axis=0) - n
    r = counts.index(reference)
    return x, n, np.broadcast_to(x[r], x.shape), np.broadcast_to(n[r], n.shape)


def _of_itself(effects: Effects, row: int, *, entered: bool) -> Effects:
    """The reference against itself: parity by definition, and nothing to be unsure of."""
    values = effects._asdict()
    for name, parity in (("ratio", 1.0), ("difference", 0.0)):
        for column in (name, f"{name}_low", f"{name}_high"):
            values[column][row] = parity if entered and column == name else np.nan
    return Effects(**values)


def _adjusted_intervals(
    effects: Effects, strata: tuple[NDArray, NDArray, NDArray, NDArray], confidence: float, kind: str
) -> dict[str, tuple[NDArray, NDArray]]:
    ratio, difference = "selection_rate_ratio", "selection_rate_difference"
    if kind == "exact":
        return {
            ratio: (effects.ratio_low, effects.ratio_high),
            difference: (effects.difference_low, effects.difference_high),
        }
    of_ratio = stratified_score_ratio if kind == "score" else greenland_robins_ratio
    return {
        ratio: of_ratio(*strata, confidence=confidence),
        difference: stratified_score_difference(*strata, confidence=confidence),
    }


def _with_highest(table: pd.DataFrame, counts: Counts, confidence: float) -> pd.DataFrame:
    """The table with the rule's own comparison: each group against the one with the highest rate."""
    with np.errstate(invalid="ignore", divide="ignore"):
        success = (table["winners"] / table["expected_winners"]).to_numpy()
    large = np.isfinite(success) & (table["entrant_share"] >= SMALLEST_SHARE).to_numpy()
    candidates = np.flatnonzero(large if large.any() else np.isfinite(success))
    columns = ("four_fifths_ratio", "four_fifths_ratio_low", "four_fifths_ratio_high")
    present = int((table["entrants"] > 0).sum())
    if len(candidates) == 0 or present < 2:
        return table.assign(highest="", **dict.fromkeys(columns, np.nan))
    top = int(candidates[np.argmax(success[candidates])])
    level = 1 - (1 - confidence) / (present - 1)
    effects = _effects(counts, counts.groups[top], level)
    found = (effects.ratio, effects.ratio_low, effects.ratio_high)
    others = np.arange(len(table)) != top
    return table.assign(
        highest=counts.groups[top],
        **{name: np.where(others, values, np.nan) for name, values in zip(columns, found, strict=True)},
    )


def selection_rate(
    winner: ArrayLike, *, sensitive_feature: ArrayLike, confidence: float = 0.95
) -> pd.DataFrame:
    """Selection rate by group from one entry a person.

    Parameters
    ----------
    winner : (n,) array-like of bool
        Who won.
    sensitive_feature : (n,) array-like
        Groups, taken as text.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a group: group, value, n, ci_low, ci_high (Wilson).

    Examples
    --------
    >>> selection_rate([1, 0, 0, 1], sensitive_feature=list("aabb"))[["group", "value", "n"]].values.tolist()
    [['a', 0.5, 2], ['b', 0.5, 2]]
    """
    table = selection_table(
        Counts.from_people(winner, sensitive_feature=sensitive_feature), confidence=confidence
    )
    columns = ["group", "selection_rate", "entrants", "selection_rate_low", "selection_rate_high"]
    return table[columns].set_axis(["group", "value", "n", "ci_low", "ci_high"], axis=1)
