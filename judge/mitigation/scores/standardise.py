"""Each group's scores are given one mean and one spread before the places are filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError, listed


@dataclass(frozen=True)
class StandardiseWithin:
    """Scores standardised within groups: the group's mean and standard deviation become everybody's.

    Winners come from the upper tail, so a group whose scores spread less loses places even where its mean is right. A
    judge that reads a group less well regresses its scores to the mean (Kelley 1927, "Interpretation of Educational
    Measurements"), which is such a loss of spread. Means that differ for a reason are evened out as well:
    `centre=False` leaves them.

    centre      take each group's mean to that of all people
    spread      take each group's standard deviation to that of all people
    min_people  least people of a group, of those that the method is fitted on
    """

    seam: ClassVar[str] = "scores"
    centre: bool = True
    spread: bool = True
    min_people: int = 10
    fitted: Mapping[str, tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        if not (self.centre or self.spread):
            raise InputError("standardise_within: with centre=false and spread=false nothing is changed")
        if self.min_people < 2:
            raise InputError(f"standardise_within: min_people is at least 2; given {self.min_people}")

    def check(self, people: pd.DataFrame, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if a group that enters has too few people to be fitted on: before anything is trained."""
        has = people[feature].value_counts()
        few = {
            str(g): int(has.get(g, 0)) for g in sorted(set(entrants[feature].dropna().astype(str)))
            if has.get(g, 0) < self.min_people
        }  # fmt: skip
        if few:
            raise InputError(
                f"standardise_within: at least {self.min_people} people of each group that enters are needed who "
                f"neither train nor enter; there are {few}. Lower entrants.n or pool.n, raise pool.calibration, "
                "or set min_people"
            )

    def fit(self, scores: pd.Series, people: pd.DataFrame, *, feature: str) -> StandardiseWithin:
        """The method with the mean and standard deviation of each group.

        scores  (n,) of `people`, in its order; missing ones are left out
        """
        known = scores.notna().to_numpy() & people[feature].notna().to_numpy()
        value, group = scores.to_numpy(float)[known], people[feature].astype(str).to_numpy()[known]
        moments = {"": (float(value.mean()), float(value.std(ddof=1)))}
        for name in np.unique(group):
            of_group = value[group == name]
            if len(of_group) < self.min_people or not of_group.std(ddof=1) > 0:
                raise InputError(
                    f"standardise_within: {len(of_group)} scored people of {name!r} with a standard deviation of "
                    f"{of_group.std(ddof=1) if len(of_group) > 1 else 0:.3g}; at least {self.min_people} and a spread "
                    "above 0 are needed"
                )
            moments[str(name)] = (float(of_group.mean()), float(of_group.std(ddof=1)))
        return replace(self, fitted=moments)

    def __call__(
        self, scores: pd.Series, people: pd.DataFrame, *, feature: str, brackets: pd.Series, places: int
    ) -> pd.Series:
        """(n,) scores of the entrants `people`, on the scale of all people that the method was fitted on.

        Brackets and places do not matter to this method. Raises InputError for a group that it was not fitted on.
        """
        if self.fitted is None:
            raise InputError("standardise_within: it has to be fitted before it is applied")
        group = people[feature].astype(str)
        unknown = sorted(set(group) - set(self.fitted))
        if unknown:
            raise InputError(f"standardise_within: it was not fitted on anybody of {listed(unknown)}")
        mean, sd = (
            group.map({name: m[i] for name, m in self.fitted.items()}).to_numpy(float) for i in (0, 1)
        )
        all_mean, all_sd = self.fitted[""]
        factor = all_sd / sd if self.spread else 1.0
        value = (scores.to_numpy(float) - mean) * factor + (all_mean if self.centre else mean)
        return pd.Series(value, index=scores.index)
