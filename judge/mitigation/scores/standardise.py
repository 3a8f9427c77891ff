"""Each group's scores are given one mean and one spread before the places are filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd

from judge.errors import InputError
from judge.mitigation.scores.people import enough_people, groups_of, scored_people


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
        enough_people("standardise_within", people, entrants, feature=feature, least=self.min_people)

    def fit(self, scores: pd.Series, people: pd.DataFrame, *, feature: str) -> StandardiseWithin:
        """The method with the mean and standard deviation of each group.

        scores  (n,) of `people`, in its order; missing ones are left out
        """
        known = scored_people("standardise_within", scores, people, feature=feature, least=self.min_people)
        moments = {"": (float(known["score"].mean()), float(known["score"].std(ddof=1)))}
        for name, of_group in known.groupby("group")["score"]:
            moments[str(name)] = (float(of_group.mean()), float(of_group.std(ddof=1)))
        return replace(self, fitted=moments)

    def __call__(
        self, scores: pd.Series, people: pd.DataFrame, *, feature: str, brackets: pd.Series, places: int
    ) -> pd.Series:
        """(n,) scores of the entrants `people`, on the scale of all people that the method was fitted on.

        Brackets and places do not matter to this method. Raises InputError for a group that it was not fitted on.
        """
        group = groups_of("standardise_within", people, feature, self.fitted)
        assert self.fitted is not None
        mean, sd = (
            group.map({name: m[i] for name, m in self.fitted.items()}).to_numpy(float) for i in (0, 1)
        )
        all_mean, all_sd = self.fitted[""]
        factor = all_sd / sd if self.spread else 1.0
        value = (scores.to_numpy(float) - mean) * factor + (all_mean if self.centre else mean)
        return pd.Series(value, index=scores.index)
