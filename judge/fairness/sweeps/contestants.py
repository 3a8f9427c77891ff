"""The contests of a sweep held again among other people: what each run's outcome would have been.

From who entered each run and where they were ranked. Each draw of people (`crossed.person_weights`) has its contest
held again by the same scores: within a bracket the places go down the ranking, a person counting as often as drawn,
until they are filled. So the score that it takes to win moves with the people who came, as it would have.
`with_people` adds the intervals for other contestants to the rows of `dose_response`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.sweeps.crossed import crossed_interval, person_weights
from judge.fairness.sweeps.over_seeds import SHARE, mean_interval

#: How the seeds' contestants relate: the words of `sharing`.
SAME, REDRAWN, OVERLAPPING = "same", "redrawn", "overlapping"
COLUMNS = ("seed", "person", "group", "bracket", "rank", "winner", "error")
#: Rows of `dose_response` that are means over seeds of something that each seed has.
OVER_SEEDS = ("dose_mean", "dose_slope", "dose_mean_difference", "dose_slope_difference")


def sharing(people: pd.DataFrame) -> str:
    """Whether all seeds had the same contestants, none in common ("redrawn"), or some ("overlapping").

    people  seed and person, in any number of rows
    """
    pairs = people[["seed", "person"]].drop_duplicates()
    seeds, appearances = pairs["seed"].nunique(), pairs["person"].value_counts()
    if (appearances == seeds).all():
        return SAME
    return REDRAWN if (appearances == 1).all() else OVERLAPPING


def outcome_draws(
    people: pd.DataFrame,
    *,
    by: Sequence[str] = ("share", "condition"),
    reference: str | None,
    n_resamples: int = 400,
    rng: np.random.Generator | int = 0,
) -> dict[tuple[Any, ...], dict[tuple[str, str], NDArray[np.float64]]]:
    """The outcomes of every run among the people of each draw, the same draws for all runs.

    Parameters
    ----------
    people : DataFrame
        One row an entrant and contest, with the columns of `COLUMNS` and `by`: rank within the bracket (NaN of people
        who were not ranked and so could not win), winner, error (score − rating, NaN where there is none).
    by : sequence of str
        Columns that tell the contests of one seed apart.
    reference : str or None
        Group that ratios refer to; None: everybody else.
    n_resamples : int
        Draws of people, within group and bracket.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    dict
        (seed, *by) → (outcome, group) → (n_resamples,) values; outcomes winner_share,
        selection_rate_ratio (Mantel–Haenszel over brackets) and signed_error.

    Raises
    ------
    judge.errors.InputError
        For a missing column.

    References
    ----------
    Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22:719, for the ratio over brackets.
    """
    if missing := [column for column in (*COLUMNS, *by) if column not in people]:
        raise InputError(f"the table of people lacks the column(s) {listed(missing)}")
    first = people.drop_duplicates("person")
    index = pd.Index(first["person"])
    weights = person_weights(
        pd.factorize(pd.MultiIndex.from_frame(first[["group", "bracket"]].astype(str)))[0],
        n_resamples,
        rng=rng,
    )
    found = {}
    for key, run in people.groupby(["seed", *by], sort=True, observed=True):
        drawn = weights[:, index.get_indexer(run["person"])].astype(float)
        found[key] = _outcomes(run, drawn, reference)
    return found


def means_with_people(
    people: pd.DataFrame,
    *,
    by: Sequence[str],
    outcome: str = "winner_share",
    reference: str | None = None,
    bounds: tuple[float, float] | None = SHARE,
    step: float = 0.0,
    confidence: float = 0.95,
    n_resamples: int = 400,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Mean of an outcome over seeds for each group and combination, with both intervals.

    Parameters
    ----------
    people, by, reference, n_resamples, rng
        As in `outcome_draws`.
    outcome : {"winner_share", "selection_rate_ratio", "signed_error"}
        What is averaged.
    bounds, step, confidence
        As in `mean_interval`.

    Returns
    -------
    DataFrame
        One row a combination and group: the columns of `by`, group, value, ci_low and ci_high (over seeds, for these
        contestants), ci_people_low and ci_people_high (for others, too), n (seeds), contestants (see `sharing`).

    Raises
    ------
    judge.errors.InputError
        For a missing column.

    Examples
    --------
    One contest of two for each of three seeds; the same person wins each time, and nothing is known of other people:

    >>> people = pd.DataFrame({"seed": [0, 0, 1, 1, 2, 2], "person": ["p", "q"] * 3, "group": ["a", "b"] * 3,
    ...                        "bracket": "all", "rank": [1, 2] * 3, "winner": [True, False] * 3, "error": np.nan,
    ...                        "rule": "mean"})
    >>> means_with_people(people, by=["rule"])[["rule", "group", "value", "n", "contestants"]].values.tolist()
    [['mean', 'a', 1.0, 3, 'same'], ['mean', 'b', 0.0, 3, 'same']]
    """
    draws = outcome_draws(people, by=by, reference=reference, n_resamples=n_resamples, rng=rng)
    found: dict[tuple[Any, ...], list[tuple[float, NDArray[np.float64]]]] = {}
    for key, run in people.groupby(["seed", *by], sort=True, observed=True):
        whole = _outcomes(run, np.ones((1, len(run))), reference)
        for (name, group), drawn in draws[key].items():
            if name == outcome:
                found.setdefault((*key[1:], group), []).append((float(whole[name, group][0]), drawn))
    how, rows = sharing(people), []
    for key, seeds in found.items():
        values, drawn = (np.array(part) for part in zip(*seeds, strict=True))
        over = mean_interval(values, bounds=bounds, step=step, confidence=confidence)
        both = over
        if how != REDRAWN:
            both = crossed_interval(values, drawn.T, bounds=bounds, step=step, confidence=confidence)
        rows.append((*key, *over, *both[1:], len(values), how))
    names = ["value", "ci_low", "ci_high", "ci_people_low", "ci_people_high", "n", "contestants"]
    return pd.DataFrame(rows, columns=[*by, "group", *names])


def _outcomes(
    run: pd.DataFrame, weights: NDArray[np.float64], reference: str | None
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """One contest among the people of each draw; weights (draws, entrants)."""
    groups, names = pd.factorize(run["group"].astype(str), sort=True)
    brackets, bracket_names = pd.factorize(run["bracket"].astype(str))
    n_groups, n_brackets = len(names), len(bracket_names)
    won = _won_again(run, brackets, weights)
    cells = np.eye(n_groups * n_brackets)[brackets * n_groups + groups]
    shape = (len(weights), n_brackets, n_groups)
    winners, entrants = ((w @ cells).reshape(shape) for w in (won, weights))
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    error = run["error"].to_numpy(float)
    known = np.isfinite(error)
    one = np.eye(n_groups)[groups[known]]
    with np.errstate(divide="ignore", invalid="ignore"):
        total = winners.sum((1, 2))
        errors = (weights[:, known] * error[known]) @ one / (weights[:, known] @ one)
        for g, name in enumerate(names):
            found["winner_share", name] = winners[:, :, g].sum(1) / total
            found["signed_error", name] = errors[:, g]
            others = [
                i
                for i, other in enumerate(names)
                if (other != name if reference is None else other == reference)
            ]
            lost_to, among = winners[:, :, others].sum(2), entrants[:, :, others].sum(2)
            both = entrants[:, :, g] + among
            ratio = np.nansum(winners[:, :, g] * among / both, 1) / np.nansum(
                lost_to * entrants[:, :, g] / both, 1
            )
            found["selection_rate_ratio", name] = ratio
    return found


def _won_again(
    run: pd.DataFrame, brackets: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much of each entrant's weight wins: places go down the ranking of the bracket until they are filled."""
    rank = run["rank"].to_numpy(float)
    order = np.lexsort((rank, brackets))
    order = order[np.isfinite(rank[order])]
    code = brackets[order]
    drawn = weights[:, order]
    upto = np.cumsum(drawn, axis=1)
    start = np.flatnonzero(np.r_[True, code[1:] != code[:-1]]) if len(code) else np.zeros(0, int)
    before = np.zeros((len(weights), len(start)))
    before[:, 1:] = upto[:, start[1:] - 1]
    which = np.cumsum(np.r_[True, code[1:] != code[:-1]]) - 1 if len(code) else np.zeros(0, int)
    ahead = upto - drawn - before[:, which]
    places = np.bincount(brackets, run["winner"].to_numpy(bool), minlength=int(brackets.max(initial=0)) + 1)
    won = np.zeros_like(weights)
    won[:, order] = np.clip(places[code] - ahead, 0, drawn)
    return won


def with_people(
    dose: pd.DataFrame,
    runs: pd.DataFrame,
    people: pd.DataFrame | None,
    *,
    baseline: str,
    reference: str | None,
    bounds: dict[str, tuple[float, float] | None],
    steps: dict[str, float],
    confidence: float = 0.95,
    n_resamples: int = 400,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """The dose rows with ci_people_low, ci_people_high and contestants (how the seeds' contestants relate).

    Parameters
    ----------
    dose : DataFrame
        Rows of `dose_response` with the columns outcome and of_group.
    runs : DataFrame
        What they were made of: seed, share, condition, group and a column for each outcome.
    people : DataFrame or None
        As in `outcome_draws`; None where no table of people exists: the new columns are then empty.
    baseline : str
        Condition that the differences subtract.
    reference : str or None
        Group that ratios refer to.
    bounds, steps : dict
        Outcome → its range and its smallest change in one run, as in `mean_interval`.
    confidence, n_resamples, rng
        As in `dose_response`; draws of people.

    Returns
    -------
    DataFrame
        A copy. Where no two seeds share a contestant the interval over seeds counts people already, and is repeated.

    Examples
    --------
    Without a table of people nothing can be said of other contestants:

    >>> dose = pd.DataFrame({"metric": ["dose_slope"], "value": [0.5], "ci_low": [0.1], "ci_high": [0.9]})
    >>> with_people(dose, pd.DataFrame(), None, baseline="first", reference=None, bounds={}, steps={})[
    ...     ["ci_low", "ci_people_low", "contestants"]].values.tolist()
    [[0.1, nan, None]]
    """
    table = dose.assign(ci_people_low=np.nan, ci_people_high=np.nan, contestants=None)
    if people is None or dose.empty:
        return table
    how = sharing(people)
    mine = table["metric"].isin(OVER_SEEDS)
    table["contestants"] = how
    if how == REDRAWN:
        for side in ("low", "high"):
            table.loc[mine, f"ci_people_{side}"] = table.loc[mine, f"ci_{side}"]
        return table
    draws = outcome_draws(people, reference=reference, n_resamples=n_resamples, rng=rng)
    keys = ["group", "seed", "share", "condition"]
    values = runs.assign(group=runs["group"].astype(str)).set_index(keys).sort_index()
    for i in table.index[mine]:
        row = table.loc[i]
        outcome, group = str(row["outcome"]), str(row["of_group"])
        observed = values.loc[group, outcome]
        sides = str(row["group"]).split(" - ") if "difference" in row["metric"] else [str(row["group"])]
        found = list(_seeds_results(row, sides, baseline, observed, draws, outcome, group))
        if len(found) < 2:
            continue
        each, drawn = (np.array(part) for part in zip(*found, strict=True))
        scale = bounds.get(outcome)
        step = steps.get(outcome, 0.0)
        if row["metric"] == "dose_mean_difference":
            ends = (-np.inf, np.inf) if scale is None else (scale[0] - scale[1], scale[1] - scale[0])
            scale, step = None if np.isinf(ends).any() else ends, 0.0
        elif row["metric"] != "dose_mean":
            scale, step = None, 0.0
        interval = crossed_interval(each, drawn.T, bounds=scale, step=step, confidence=confidence)
        table.loc[i, ["ci_people_low", "ci_people_high"]] = [interval.low, interval.high]
    return table


def _seeds_results(
    row: pd.Series,
    sides: Sequence[str],
    baseline: str,
    observed: pd.Series,
    draws: dict[tuple[Any, Any, str], dict[tuple[str, str], NDArray[np.float64]]],
    outcome: str,
    group: str,
) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """Each seed's result of a row of the dose table: observed, and in each draw of people."""
    if len(sides) == 2 and sides[1] != baseline:  # a name with " - " in it
        sides = [" - ".join(sides)[: -len(f" - {baseline}")], baseline]
    known: dict[Any, dict[float, tuple[float, NDArray[np.float64]]]] = {}
    for seed, share, condition in draws:
        if condition != sides[0] or (row["metric"] == "dose_mean" and share != row["dose"]):
            continue
        parts = []
        for side in sides:
            value = observed.get((seed, share, side), np.nan)
            drawn = draws.get((seed, share, side), {}).get((outcome, group))
            if drawn is not None and np.isfinite(value):
                parts.append((float(value), drawn))
        if len(parts) == len(sides):
            both = (parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]) if len(parts) == 2 else parts[0]
            known.setdefault(seed, {})[float(share)] = both
    for by_share in known.values():
        x = np.array(list(by_share))
        y, drawn = np.array([v for v, _ in by_share.values()]), np.array([d for _, d in by_share.values()])
        if "slope" in row["metric"]:
            centred = x - x.mean()
            if not centred @ centred:
                continue
            contrast = centred / (centred @ centred)
        else:
            contrast = np.full(len(x), 1 / len(x))
        yield float(contrast @ y), contrast @ drawn
