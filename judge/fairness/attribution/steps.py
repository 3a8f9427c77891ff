"""The chain population → entrants → eligible → winners: which step changed a group's share, in log points.

For a group g, with shares p (population), n (entrants), e (eligible) and w (winners),

    log(w/p) = log(n/p) + log(e/n) + log(w/e)         exactly;  0 is parity at every step

*entered* log(n/p): who came; *admitted* log(e/n): whom the gate let through; *judged* log(w/e): whom the
jury chose. Where it is known who got a score, s, the last step is two: *scored* log(s/e) and *judged* log(w/s). The
steps are separate data (each is conditional on the one before), so each has its own interval:

    entered            Wilson's interval of a multinomial share; the population's shares count as known
    admitted, scored,  the score interval of the rate ratio φ = (group's rate)/(all others' rate) (Koopman 1984),
    judged             carried through the increasing map φ ↦ log(φ / (s φ + 1 − s)), s the group's share before the
                       step
    total              Clopper–Pearson's interval of the winners' share (two winners of 50 are so few that Wilson's
                       holds the truth only 92.6 % of the time): given random entry and a neutral jury the
                       number of winners of a group is binomial, whatever the number of entrants

A step that nobody of the group survived has value −∞ with a finite upper limit; a step that nobody of the
group reached is NaN with n = 0. Groups stay visible either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from judge.errors import InputError, listed
from judge.fairness.inference.intervals import clopper_pearson, koopman_ratio, wilson
from judge.fairness.inference.settings import Bounds, Inference


def chain(
    *,
    sensitive_feature: ArrayLike,
    winner: ArrayLike,
    eligible: ArrayLike | None = None,
    population: Mapping[str, float] | None = None,
    name: str = "group",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The chain population → entrants → eligible → winners from one entry an entrant.

    Parameters
    ----------
    sensitive_feature : (N,) array-like
        Group of each entrant.
    winner, eligible : (N,) array-like of bool
        Who won, and whom the gate let through; eligible None: everybody (the step is then 0 for every group).
    population : mapping of str to float, optional
        Share of each group outside the contest, any positive scale. None: the chain starts at the entrants.
    name : str
        What to call the feature in the answer.
    confidence : float
        Level, from 0.5 to below 1.

    Returns
    -------
    DataFrame
        As from `chain_of_counts`.

    Raises
    ------
    InputError
        Where lengths differ, a winner was not eligible, or the population lacks a group.

    Examples
    --------
    One of two entrants is dark, none of the winners is, and half of the winners would be at parity:

    >>> table = chain(sensitive_feature=["dark", "white"], winner=[False, True])
    >>> table[table["metric"] == "log_share_judged"][["group", "value"]].round(3).values.tolist()
    [['dark', -inf], ['white', 0.693]]
    """
    groups = np.asarray(sensitive_feature).astype(str)
    won = np.asarray(winner, bool)
    passed = np.ones(len(groups), bool) if eligible is None else np.asarray(eligible, bool)
    if not len(groups) == len(won) == len(passed):
        raise InputError(
            f"one entry an entrant: {len(groups)} groups, {len(won)} winners and {len(passed)} eligible differ"
        )
    if (won & ~passed).any():
        raise InputError(f"{int((won & ~passed).sum())} winner(s) are not eligible")
    names = sorted(set(groups) | set(population or ()))
    position = {group: i for i, group in enumerate(names)}
    code = np.array([position[group] for group in groups], int)
    count = [np.bincount(code[mask], minlength=len(names)) for mask in (slice(None), passed, won)]
    return chain_of_counts(
        names,
        entrants=count[0],
        eligible=count[1],
        winners=count[2],
        population=population,
        name=name,
        confidence=confidence,
    )


def chain_of_counts(
    groups: list[str],
    *,
    entrants: ArrayLike,
    winners: ArrayLike,
    eligible: ArrayLike | None = None,
    scored: ArrayLike | None = None,
    population: Mapping[str, float] | None = None,
    name: str = "group",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The chain population → entrants → eligible → winners from counts by group.

    Parameters
    ----------
    groups : list of str
        Names, of length G.
    entrants, eligible, scored, winners : (G,) array-like of int
        Counts, each at most the one before; eligible None: all entrants; scored None: no such step.
    population, name, confidence
        As in `chain`.

    Returns
    -------
    DataFrame
        AUDIT rows log_share_entered, _admitted, _scored, _judged, _total for each group, in natural-log points: 0 is
        parity. n is the group's count before the step (its entrants for entered and total). Without a population there
        is no entered, and total is admitted + judged.

    Raises
    ------
    InputError
        For counts that rise along the chain and for a population that lacks a group or has one too many.

    References
    ----------
    Interval of a rate ratio: Koopman (1984), Biometrics 40:513.

    Examples
    --------
    One in two entrants is dark, one in four of those whom the gate lets through, one in four winners:

    >>> table = chain_of_counts(["dark", "white"], entrants=[50, 50], eligible=[10, 30], winners=[1, 3])
    >>> table[table["group"] == "dark"][["metric", "value"]].round(3).values.tolist()
    [['log_share_admitted', -0.693], ['log_share_judged', 0.0], ['log_share_total', -0.693]]
    """
    Inference(confidence)  # refuses what is out of range
    n, w = np.asarray(entrants, float), np.asarray(winners, float)
    e = n if eligible is None else np.asarray(eligible, float)
    s = e if scored is None else np.asarray(scored, float)
    if not n.shape == e.shape == s.shape == w.shape == (len(groups),):
        raise InputError(f"{len(groups)} groups need as many entrants, eligible, scored and winners")
    if (w < 0).any() or (w > s).any() or (s > e).any() or (e > n).any():
        raise InputError("each group needs 0 ≤ winners ≤ scored ≤ eligible ≤ entrants")
    terms = {}
    if population is not None:
        p = _population_shares(population, groups)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms["entered"] = _share_term(n, p, wilson, confidence, "Wilson")
    terms["admitted"] = _rate_term(n, e, confidence)
    if scored is not None:
        terms["scored"] = _rate_term(e, s, confidence)
    terms["judged"] = _rate_term(s, w, confidence)
    if population is not None:
        terms["total"] = _share_term(w, p, clopper_pearson, confidence, "Clopper–Pearson")
    else:
        terms["total"] = _rate_term(n, w, confidence)
    before = {"entered": n, "admitted": n, "scored": e, "judged": s, "total": n}
    rows = [
        {
            "metric": f"log_share_{term}",
            "feature": name,
            "group": group,
            "value": values[0][g],
            "n": int(before[term][g]),
            "ci_low": values[1][g],
            "ci_high": values[2][g],
            "p_value": np.nan,
            "test": values[3],
        }
        for term, values in terms.items()
        for g, group in enumerate(groups)
    ]
    return pd.DataFrame(rows)


_Term = tuple[np.ndarray, np.ndarray, np.ndarray, str]


def _population_shares(population: Mapping[str, float], groups: list[str]) -> np.ndarray:
    missing = [group for group in groups if group not in population]
    if missing:
        raise InputError(f"population has no share for {listed(missing)}; it has {listed(population)}")
    unknown = [group for group in population if group not in groups]
    if unknown:
        raise InputError(
            f"population names {listed(unknown)}, which is not among the groups {listed(groups)}"
        )
    shares = np.array([population[group] for group in groups], float)
    if not (np.isfinite(shares).all() and (shares > 0).all()):
        raise InputError(f"every share of the population must be above 0, not {dict(population)}")
    return shares / shares.sum()


def _share_term(
    count: np.ndarray, known: np.ndarray, interval: Callable[..., Bounds], confidence: float, name: str
) -> _Term:
    """log(count/Σcount) − log(known share), the interval of a binomial share carried over."""
    total = count.sum()
    low, high = interval(count, np.full_like(count, total), confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(count / total) - np.log(known)
        return value, np.log(low) - np.log(known), np.log(high) - np.log(known), name


def _rate_term(before: np.ndarray, after: np.ndarray, confidence: float) -> _Term:
    """log(after/Σafter) − log(before/Σbefore), from the score interval of the rate ratio to all others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = before / before.sum()
        value = np.log(after / after.sum()) - np.log(share)
    value = np.where(before > 0, value, np.nan)
    if (after == before).all():  # no gate at all is a known fact, not an estimate
        zero = np.where(before > 0, 0.0, np.nan)
        return zero, zero, zero, "everybody passed"
    low, high = koopman_ratio(after, before, after.sum() - after, before.sum() - before, confidence)
    bounds = []
    for ratio in (low, high):
        with np.errstate(divide="ignore", invalid="ignore"):
            # φ → ∞ tends to −log s, and the only group there is keeps its whole share whatever φ
            term = np.where(
                np.isinf(ratio), -np.log(share), np.log(ratio) - np.log(share * ratio + 1 - share)
            )
        bounds.append(np.where(share == 1, 0.0, term))
    return value, bounds[0], bounds[1], "Koopman"
