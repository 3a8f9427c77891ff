"""One thing changed, the rest as it was: what each change of a sweep does to one group's share of the winners.

An arm of a sweep is a setting (what was planted in the pool) under a condition (what was done about it). `arms`
gives each arm's mean, `changes` the differences between two arms that one thing tells apart, paired by seed: the arms
of a seed share its contestants, its raters and its random numbers. Both have an interval over seeds for these
contestants and one for others, too (`sweeps.crossed`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.contests import Contests, HeldAgain
from judge.fairness.inference.exact_tests import holm
from judge.fairness.inference.randomisation import sign_flip
from judge.fairness.sweeps.contestants import REDRAWN, sharing
from judge.fairness.sweeps.crossed import crossed_interval, person_weights
from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS, SHARE, mean_interval

#: What tells the two arms of a change apart.
SETTING, CONDITION = "setting", "condition"
Arm = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class Arms:
    """One group's share of the winners in every arm.

    group    whose
    values   (setting, condition) → seed → share, 0 to 1
    draws    the same → (n_resamples,) shares among the people of each draw, the same draws in all arms
    sharing  how the seeds' contestants relate, see `sweeps.contestants.sharing`
    step     the smallest change that a contest can show, 1 / winners
    """

    group: str
    values: dict[Arm, dict[Hashable, float]]
    draws: dict[Arm, dict[Hashable, NDArray[np.float64]]]
    sharing: str
    step: float

    @classmethod
    def of(
        cls,
        contests: Contests,
        group: str,
        *,
        n_resamples: int = 400,
        rng: np.random.Generator | int = 0,
    ) -> Arms:
        """The arms of contests whose keys are (seed, setting, condition).

        n_resamples, rng  draws of people, within group and bracket

        Raises judge.errors.InputError for a group that nobody belongs to, and where a contest has no winner.
        """
        if group not in contests.groups:
            raise InputError(
                f"group={group!r}: nobody who entered is of that group; {listed(contests.groups)}"
            )
        code = contests.groups.index(group)
        values: dict[Arm, dict[Hashable, float]] = {}
        winners = []
        for one in contests.each:
            won = int(one.winner.sum())
            if not won:
                raise InputError(f"the contest of seed, setting and condition {one.key} has no winner")
            winners.append(won)
            values.setdefault((one.key[1], one.key[2]), {})[one.key[0]] = float(
                (one.group[one.winner] == code).mean()
            )
        weights = person_weights(contests.strata(), n_resamples, rng=rng).T.astype(float)
        draws: dict[Arm, dict[Hashable, NDArray[np.float64]]] = {}
        for key, found in HeldAgain(contests, weights, None):
            none = np.zeros(n_resamples)
            draws.setdefault((key[1], key[2]), {})[key[0]] = found.get(("winner_share", group), none)
        return cls(group, values, draws, sharing(contests.pairs()), 1 / float(np.median(winners)))

    def only(self, wanted: Callable[[Arm], bool]) -> Arms:
        """Those of the arms that are wanted."""
        kept = {arm: values for arm, values in self.values.items() if wanted(arm)}
        return replace(self, values=kept, draws={arm: self.draws[arm] for arm in kept})


def arms(found: Arms, *, confidence: float = 0.95) -> pd.DataFrame:
    """The group's share of the winners in each arm: means over seeds.

    Parameters
    ----------
    found : Arms
        Of one group.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        A row an arm in the order in which they came: setting, condition, group, value, ci_low, ci_high (over seeds,
        for these contestants), ci_people_low, ci_people_high (for others, too), n (seeds), contestants. No limits with
        fewer than three seeds.

    Examples
    --------
    Three seeds, one contest of two each, before the same people; p always wins:

    >>> contests = Contests()
    >>> for seed in range(3):
    ...     key, both = (seed, "even", "as judged"), ["all"] * 2
    ...     contests.add(key, ["p", "q"], ["a", "b"], both, [1, 2], [True, False], [0, 0])
    >>> arms(Arms.of(contests, "a"))[["setting", "condition", "value", "n", "contestants"]].values.tolist()
    [['even', 'as judged', 1.0, 3, 'same']]
    """
    rows = []
    for (setting, condition), values in found.values.items():
        drawn = found.draws[setting, condition]
        rows.append(
            {"setting": setting, "condition": condition, "group": found.group}
            | _intervals(found, values, drawn, list(values), SHARE, found.step, confidence)
        )
    return pd.DataFrame(rows)


def changes(found: Arms, *, setting: Hashable, condition: Hashable, confidence: float = 0.95) -> pd.DataFrame:
    """What one change does: each other setting under the baseline condition, each other condition in every setting.

    Parameters
    ----------
    found : Arms
        Of one group.
    setting, condition : hashable
        The arm without a change. A condition is compared with this one in its own setting.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a change: what ("setting" or "condition"), setting, condition, against_setting, against_condition,
        group, value (difference of the shares, −1 to 1, its mean over the seeds that have both), ci_low, ci_high,
        ci_people_low, ci_people_high, n, contestants, p_value (sign flips of seeds, exact) and p_holm (Holm's over the
        table). p-values speak of other trainings only. No limits and no p with fewer than three seeds.

    Raises
    ------
    judge.errors.InputError
        If the arm without a change is not among the arms.

    Examples
    --------
    In the second setting b wins where a did, in three of three seeds:

    >>> contests = Contests()
    >>> for seed in range(3):
    ...     for setting, ranks in (("even", [1, 2]), ("tilted", [2, 1])):
    ...         won = [rank == 1 for rank in ranks]
    ...         key, both = (seed, setting, "as judged"), ["all"] * 2
    ...         contests.add(key, ["p", "q"], ["a", "b"], both, ranks, won, [0, 0])
    >>> changes(Arms.of(contests, "a"), setting="even", condition="as judged")[["what", "setting", "value", "n"]]
          what setting  value  n
    0  setting  tilted   -1.0  3
    """
    start = (setting, condition)
    if start not in found.values:
        raise InputError(f"there is no arm {start}; there are {listed(map(str, found.values))}")
    pairs: list[tuple[str, Arm, Arm]] = [
        (SETTING, arm, start) for arm in found.values if arm[1] == condition and arm != start
    ]
    pairs += [
        (CONDITION, arm, (arm[0], condition))
        for arm in found.values
        if arm[1] != condition and (arm[0], condition) in found.values
    ]
    rows = []
    for what, arm, against in pairs:
        values = {
            seed: value - found.values[against][seed]
            for seed, value in found.values[arm].items()
            if seed in found.values[against]
        }
        drawn = {seed: found.draws[arm][seed] - found.draws[against][seed] for seed in values}
        p = sign_flip(np.array(list(values.values())))[0] if len(values) >= FEWEST_SEEDS else np.nan
        rows.append(
            {"what": what, "setting": arm[0], "condition": arm[1], "against_setting": against[0],
             "against_condition": against[1], "group": found.group}
            | _intervals(found, values, drawn, list(values), (-1.0, 1.0), 0.0, confidence)
            | {"p_value": float(p)}
        )  # fmt: skip
    columns = ["what", "setting", "condition", "against_setting", "against_condition", "group", "value",
               "ci_low", "ci_high", "ci_people_low", "ci_people_high", "n", "contestants", "p_value"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(p_holm=holm(table["p_value"].to_numpy(float)) if len(table) else [])


def _intervals(
    found: Arms,
    values: dict[Hashable, float],
    drawn: dict[Hashable, NDArray[np.float64]],
    seeds: list[Hashable],
    bounds: tuple[float, float],
    step: float,
    confidence: float,
) -> dict[str, Any]:
    each = np.array([values[seed] for seed in seeds])
    over = mean_interval(each, bounds=bounds, step=step, confidence=confidence)
    both = over
    if found.sharing != REDRAWN and len(seeds):
        among = np.array([drawn[seed] for seed in seeds]).T
        both = crossed_interval(each, among, bounds=bounds, step=step, confidence=confidence)
    return {
        "value": over.value, "ci_low": over.low, "ci_high": over.high,
        "ci_people_low": both.low, "ci_people_high": both.high, "n": len(seeds), "contestants": found.sharing,
    }  # fmt: skip
