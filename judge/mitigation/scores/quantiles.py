"""Each group's distribution of scores is mapped to one distribution, quantile by quantile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.mitigation.scores.people import enough_people, groups_of, scored_people

TARGETS = ("barycentre", "pooled")
TAILS = ("line", "shift")


class Map(NamedTuple):
    """A rising piecewise line from a group's scores to the target's: its knots, and the slope beyond them."""

    score: NDArray[np.float64]
    target: NDArray[np.float64]
    slope: float

    def __call__(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.interp(score, self.score, self.target)
        below, above = np.minimum(score - self.score[0], 0.0), np.maximum(score - self.score[-1], 0.0)
        return inside + self.slope * (below + above)


@dataclass(frozen=True)
class QuantileMatch:
    """Scores matched by quantile: who stands at a share of their group gets the score that stands there in the target.

    The whole shape of a group's scores gives way, not its mean and spread only (StandardiseWithin, which does the same
    where all groups have one shape). Order within a group stays and ties stay ties; which group anybody belongs to can
    no longer be told from the distribution of scores, so all groups win alike up to chance, whatever their truth.

    The target is the Wasserstein barycentre of the groups' distributions, whose quantile function is the mean of theirs
    weighted by their shares of the people: of all predictions that are distributed alike in all groups it is the
    nearest in squared error (Chzhen, Denis, Hebiri, Oneto & Pontil 2020, "Fair regression with Wasserstein
    barycenters", Theorem 2.3, arXiv:2006.07286; Le Gouic, Loubes & Rigollet 2020, "Projection to fairness in
    statistical learning", arXiv:2005.11720). Or it is the pooled distribution of all people, which is wider where
    groups lie apart, and whose ties become ties of a group.

    Between the people whom it is fitted on the map is interpolated. It is fitted where all groups have people, from
    quantile 1/(2n) to 1 − 1/(2n) of the smallest group's n; beyond that a line goes on, on which nearly all winners
    of a large contest stand.

    target      barycentre, or pooled
    tails       line: with the slope that standardising would have, the target's standard deviation by the group's;
                shift: with slope 1
    min_people  least people of a group, of those that the method is fitted on
    """

    seam: ClassVar[str] = "scores"
    target: str = "barycentre"
    tails: str = "line"
    min_people: int = 20
    fitted: Mapping[str, Map] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("target", TARGETS), ("tails", TAILS)):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"quantile_match: {name} is one of {listed(allowed)}; given {getattr(self, name)!r}"
                )
        if self.min_people < 2:
            raise InputError(f"quantile_match: min_people is at least 2; given {self.min_people}")

    def check(self, people: pd.DataFrame, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if a group that enters has too few people to be fitted on: before anything is trained."""
        enough_people("quantile_match", people, entrants, feature=feature, least=self.min_people)

    def fit(self, scores: pd.Series, people: pd.DataFrame, *, feature: str) -> QuantileMatch:
        """The method with each group's map.

        scores  (n,) of `people`, in its order; missing ones are left out
        """
        known = scored_people("quantile_match", scores, people, feature=feature, least=self.min_people)
        groups = {str(name): np.sort(rows.to_numpy()) for name, rows in known.groupby("group")["score"]}
        ends = 1 / (2 * min(map(len, groups.values())))
        at = np.unique(np.concatenate([[ends, 1 - ends], *map(_places, map(len, groups.values()))]))
        at = at[(at >= ends) & (at <= 1 - ends)]
        if self.target == "pooled":
            target = _quantiles(np.sort(known["score"].to_numpy()), at)
        else:
            target = sum(len(of) / len(known) * _quantiles(of, at) for of in groups.values())
        return replace(self, fitted={name: self._map(of, at, target) for name, of in groups.items()})

    def _map(self, scores: NDArray, at: NDArray, target: NDArray) -> Map:
        own = _quantiles(scores, at)
        # people who tie get one score: the mean over the quantiles that they take up
        knots, which = np.unique(own, return_inverse=True)
        to = np.bincount(which, weights=target) / np.bincount(which)
        slope = float(target.std() / own.std()) if self.tails == "line" else 1.0
        return Map(knots, to, slope)

    def __call__(
        self, scores: pd.Series, people: pd.DataFrame, *, feature: str, brackets: pd.Series, places: int
    ) -> pd.Series:
        """(n,) scores of the entrants `people`, on the scale of the target.

        Brackets and places do not matter to this method. Raises InputError for a group that it was not fitted on.
        """
        group = groups_of("quantile_match", people, feature, self.fitted).to_numpy()
        assert self.fitted is not None
        value = scores.to_numpy(float).copy()
        for name, of_group in self.fitted.items():
            value[group == name] = of_group(value[group == name])
        return pd.Series(value, index=scores.index)


def _places(n: int) -> NDArray[np.float64]:
    """The quantile at which each of n sorted people stands: (i − ½)/n."""
    return (np.arange(n) + 0.5) / n


def _quantiles(ordered: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(at, _places(len(ordered)), ordered)
