"""The contests of a sweep held again among other people: what each run's outcome would have been.

From who entered each run and where they were ranked. Each draw of people (`crossed.person_weights`) has its contest
held again by the same scores: within a bracket the places go down the ranking, a person counting as often as drawn,
until they are filled. So the score that it takes to win moves with the people who came, as it would have.
`with_people` adds the intervals for other contestants to the rows of `dose_response`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.fairness.contests import Contests, HeldAgain
from judge.fairness.inference.settings import Interval
from judge.fairness.sweeps.crossed import crossed_interval, person_weights
from judge.fairness.sweeps.over_seeds import SHARE, mean_interval

#: How the seeds' contestants relate: the words of `sharing`.
SAME, REDRAWN, OVERLAPPING = "same", "redrawn", "overlapping"
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
        One row an entrant and contest, with the columns of `contests.COLUMNS` and `by`: rank within the bracket (NaN of
        people who were not ranked and so could not win), winner, error (score − rating, NaN where there is none).
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
    contests = Contests.from_table(people, by)
    return dict(HeldAgain(contests, _weights(contests, n_resamples, rng), reference))


def _weights(contests: Contests, n_resamples: int, rng: np.random.Generator | int) -> NDArray[np.float64]:
    """(people, n_resamples) weights, drawn within the group and bracket in which a person was first seen."""
    return person_weights(contests.strata(), n_resamples, rng=rng).T.astype(float)


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
    contests = Contests.from_table(people, by)
    found: dict[tuple[Any, ...], list[tuple[float, NDArray[np.float64]]]] = {}
    again = HeldAgain(contests, _weights(contests, n_resamples, rng), reference)
    once = HeldAgain(contests, np.ones((len(contests.people), 1)), reference)
    for (key, drawn), (_, whole) in zip(again, once, strict=True):
        for (name, group), values in drawn.items():
            if name == outcome:
                found.setdefault((*key[1:], group), []).append((float(whole[name, group][0]), values))
    how, rows = sharing(people), []
    for key, seeds in found.items():
        each, draws = (np.array(part) for part in zip(*seeds, strict=True))
        over = mean_interval(each, bounds=bounds, step=step, confidence=confidence)
        both = over
        if how != REDRAWN:
            both = crossed_interval(each, draws.T, bounds=bounds, step=step, confidence=confidence)
        rows.append((*key, *over, *both[1:], len(each), how))
    names = ["value", "ci_low", "ci_high", "ci_people_low", "ci_people_high", "n", "contestants"]
    return pd.DataFrame(rows, columns=[*by, "group", *names])


def with_people(
    dose: pd.DataFrame,
    runs: pd.DataFrame,
    people: pd.DataFrame | Contests | None,
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
    people : DataFrame, Contests or None
        As in `outcome_draws`, or contests with the keys (seed, share, condition); None where no table of people
        exists: the new columns are then empty. Some of the seeds are enough: the scatter between seeds is of all, the
        people's part (σ²B of `crossed`) of those that are there.
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
    contests = people if isinstance(people, Contests) else Contests.from_table(people, ("share", "condition"))
    how = sharing(contests.pairs())
    mine = table["metric"].isin(OVER_SEEDS)
    table["contestants"] = how
    if how == REDRAWN:
        for side in ("low", "high"):
            table.loc[mine, f"ci_people_{side}"] = table.loc[mine, f"ci_{side}"]
        return table
    draws = dict(HeldAgain(contests, _weights(contests, n_resamples, rng), reference))
    for (outcome, group), rows in table[mine].groupby(["outcome", "of_group"], sort=False):
        grid = _Grid.of(runs[runs["group"].astype(str) == str(group)], draws, str(outcome), str(group))
        for i, row in rows.iterrows():
            found = _interval(
                row, grid, baseline, bounds.get(str(outcome)), steps.get(str(outcome), 0.0), confidence
            )
            if found is not None:
                table.loc[i, ["ci_people_low", "ci_people_high"]] = [found.low, found.high]
    return table


def _interval(
    row: pd.Series,
    grid: _Grid,
    baseline: str,
    scale: tuple[float, float] | None,
    step: float,
    confidence: float,
) -> Interval | None:
    sides = str(row["group"]).split(" - ") if "difference" in row["metric"] else [str(row["group"])]
    if (len(sides) == 2 and sides[1] != baseline) or len(sides) > 2:  # a name with " - " in it
        sides = [" - ".join(sides)[: -len(f" - {baseline}")], baseline]
    each, drawn = grid.results(
        str(row["metric"]), row["dose"] if row["metric"] == "dose_mean" else None, sides
    )
    if len(each) < 2 or drawn.shape[1] < 2:
        return None
    if row["metric"] == "dose_mean_difference":
        ends = (-np.inf, np.inf) if scale is None else (scale[0] - scale[1], scale[1] - scale[0])
        scale, step = None if np.isinf(ends).any() else ends, 0.0
    elif row["metric"] != "dose_mean":
        scale, step = None, 0.0
    sampled = drawn.shape[1] < len(each)
    return crossed_interval(each, drawn, bounds=scale, step=step, confidence=confidence, sampled=sampled)


class _Grid:
    """An outcome of a group, by condition, seed and share: observed, and in each draw of the people.

    observed  condition → (seeds, shares), NaN where there is no run
    drawn     condition → (seeds with draws, shares, draws)
    """

    def __init__(self, seeds: list[Any], shares: NDArray[np.float64], n_drawn: int) -> None:
        self.seeds, self.shares, self.n_drawn = seeds, shares, n_drawn
        self.observed: dict[str, NDArray[np.float64]] = {}
        self.drawn: dict[str, NDArray[np.float64]] = {}

    @classmethod
    def of(
        cls,
        runs: pd.DataFrame,
        draws: dict[tuple[Any, ...], dict[tuple[str, str], NDArray[np.float64]]],
        outcome: str,
        group: str,
    ) -> _Grid:
        own = {key: found[outcome, group] for key, found in draws.items() if (outcome, group) in found}
        with_draws = dict.fromkeys(key[0] for key in own)
        # those with draws come first
        seeds = list(dict.fromkeys([*with_draws, *runs["seed"].unique().tolist()]))
        shares = np.array(sorted({float(share) for share in runs["share"].unique()}))
        grid = cls(seeds, shares, len(with_draws))
        at = {seed: i for i, seed in enumerate(seeds)}
        where = np.searchsorted(shares, runs["share"].to_numpy(float))
        who = np.array([at[seed] for seed in runs["seed"].tolist()])
        n = len(next(iter(own.values()))) if own else 0
        condition = runs["condition"].astype(str).to_numpy()
        for name in np.unique(condition):
            mine = condition == name
            values = np.full((len(seeds), len(shares)), np.nan)
            values[who[mine], where[mine]] = runs[outcome].to_numpy(float)[mine]
            grid.observed[str(name)] = values
            grid.drawn[str(name)] = np.full((len(with_draws), len(shares), n), np.nan)
        # a seed with draws counts where it has both
        both = {name: np.zeros((len(with_draws), len(shares)), bool) for name in grid.drawn}
        for (seed, share, name), values in own.items():
            if name in both and float(share) in shares:
                place = at[seed], np.searchsorted(shares, float(share))
                grid.drawn[name][place], both[name][place] = values, True
        for name, values in grid.observed.items():
            values[: len(with_draws)][~both[name]] = np.nan
        return grid

    def results(
        self, metric: str, dose: float | None, sides: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Each seed's result of a row of the dose table: (seeds,) observed and (draws, seeds with draws)."""
        if any(side not in self.observed for side in sides):
            return np.zeros(0), np.zeros((0, 0))
        values, drawn = self.observed[sides[0]], self.drawn[sides[0]]
        if len(sides) == 2:
            values, drawn = values - self.observed[sides[1]], drawn - self.drawn[sides[1]]
        there = np.isfinite(values)
        if dose is not None:
            there = there & (self.shares == dose)
        count = there.sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            if "slope" in metric:
                mean = np.where(there, self.shares, 0.0).sum(1) / count
                centred = np.where(there, self.shares - mean[:, None], 0.0)
                spread = (centred**2).sum(1)
                usable = spread > 0
                contrast = centred / spread[:, None]
            else:
                usable = count > 0
                contrast = there / count[:, None]
        each = (contrast * np.where(there, values, 0.0)).sum(1)
        few = self.n_drawn
        own = np.where(there[:few, :, None], drawn, 0.0)
        results = np.einsum("sd,sdr->rs", contrast[:few], own)
        return each[usable], results[:, usable[:few]]
