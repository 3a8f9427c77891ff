"""Each group's scores are set right by a regression of its own, on people whose ratings are known."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.mitigation.scores.people import enough_people, groups_of, scored_people

log = logging.getLogger("judge")
METHODS = ("slope", "prediction")


@dataclass(frozen=True)
class CalibrateWithin:
    """Scores calibrated within groups: what a score says of the rating, by a line of each group's own.

    A judge shrinks what it reads badly: of people whose ratings lie r from their group's mean its scores lie b·r from
    theirs, and least squares makes b the judge's reliability in that group, the squared correlation ρ² of score and
    true rating (Kelley 1927, "Interpretation of Educational Measurements": the estimated true score is the mean plus
    reliability times the deviation from it). So scores spread by ρ times the ratings' own spread where these spread
    alike in all groups, and winners come from the upper tail: a group that is read less well wins less.

    Three cures answer three questions, and they contradict each other wherever ρ differs. `slope` undoes Kelley: the
    line of score on rating is inverted, (score − a)/b, so a rating counts the same in every group on average; but the
    noise of the reading is blown up with it, to a spread of 1/ρ times the ratings', so a badly read group takes MORE
    than its places at the top, and takes them with people of less truth. `prediction` goes the other way: the line of
    rating on score, whose value is the expected rating given score and group, with a spread of ρ times the ratings';
    no other scores give winners of a higher expected rating (a judge made by least squares is left nearly as it is),
    and the badly read group wins LESS, as few of it can be singled out. Equal spread (StandardiseWithin) lies between
    them: groups whose ratings are distributed alike win alike, at a price in truth between the two. Which of the three
    is fair is not a question of statistics.

    The level of a group, too, comes from the ratings: if its raters were prejudiced, so is the calibrated score, more
    than before if the judge had not learnt it. `centre=False` takes the level from the scores instead.

    method              slope, or prediction
    rating_reliability  share of the variance of the ratings, within a group, that is true, over 0 to 1: noise of the
                        ratings makes the slope of score on rating too small by it. For slope only; an error equal in
                        all groups makes all deviations from the groups' means too large by one factor
    centre              take each group's mean to its mean rating; else to where the line of all people has it
    min_people          least rated people of a group, of those that the method is fitted on
    """

    seam: ClassVar[str] = "scores"
    method: str = "slope"
    rating_reliability: float = 1.0
    centre: bool = True
    min_people: int = 20
    #: group → mean score, what its mean becomes, points of rating for one of score
    fitted: Mapping[str, tuple[float, float, float]] | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(
                f"calibrate_within: method is one of {listed(METHODS)}; given {self.method!r}. Equal spread is "
                "standardise_within"
            )
        if not 0 < self.rating_reliability <= 1:
            raise InputError(
                f"calibrate_within: rating_reliability is over 0 to 1; given {self.rating_reliability}"
            )
        if self.min_people < 3:
            raise InputError(f"calibrate_within: min_people is at least 3; given {self.min_people}")

    def check(self, people: pd.DataFrame, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if a group that enters has too few rated people: before anything is trained."""
        enough_people(
            "calibrate_within", people, entrants, feature=feature, least=self.min_people, rated=True
        )

    def fit(self, scores: pd.Series, people: pd.DataFrame, *, feature: str) -> CalibrateWithin:
        """The method with each group's line.

        scores  (n,) of `people`, in its order; who has no score or no rating is left out
        Raises InputError where scores do not rise with ratings in a group: there is nothing to be undone.
        """
        known = scored_people(
            "calibrate_within", scores, people, feature=feature, least=self.min_people, rated=True
        )
        lines = {str(name): self._line(str(name), rows) for name, rows in known.groupby("group")}
        if not self.centre:
            within = known[["score", "rating"]] - known.groupby("group")[["score", "rating"]].transform(
                "mean"
            )
            score, rating, gain = self._line("all groups", known, within)
            lines = {
                name: (mean, rating + gain * (mean - score), own) for name, (mean, _, own) in lines.items()
            }
        return replace(self, fitted=lines)

    def _line(
        self, name: str, rows: pd.DataFrame, apart: pd.DataFrame | None = None
    ) -> tuple[float, float, float]:
        """Mean score, mean rating and the gain; from deviations `apart`, else from the rows' own."""
        apart = rows[["score", "rating"]] - rows[["score", "rating"]].mean() if apart is None else apart
        score, rating = apart["score"].to_numpy(), apart["rating"].to_numpy()
        both = float(score @ rating)
        # exactly no slope, but for rounding
        if not both > 1e-9 * float(np.sqrt((score @ score) * (rating @ rating))):
            raise InputError(
                f"calibrate_within: among {len(rows)} people of {name!r} scores do not rise with ratings, so there is "
                "no line to calibrate them by; standardise_within needs none"
            )
        gain = both / float(score @ score)
        if self.method == "slope":
            r = both / float(np.sqrt((score @ score) * (rating @ rating)))
            if r * np.sqrt(max(len(rows) - 2, 1)) < 3 * np.sqrt(1 - r**2):
                log.warning(
                    "calibrate_within: among %d people of %s scores hardly rise with ratings (correlation %.2f), so "
                    "the slope is uncertain, and what it blows up is mostly noise", len(rows), name, r,
                )  # fmt: skip
            gain = self.rating_reliability * float(rating @ rating) / both
        return float(rows["score"].mean()), float(rows["rating"].mean()), gain

    def __call__(
        self, scores: pd.Series, people: pd.DataFrame, *, feature: str, brackets: pd.Series, places: int
    ) -> pd.Series:
        """(n,) scores of the entrants `people`, on the scale of the ratings that the method was fitted on.

        Brackets and places do not matter to this method. Raises InputError for a group that it was not fitted on.
        """
        group = groups_of("calibrate_within", people, feature, self.fitted)
        assert self.fitted is not None
        mean, to, gain = (
            group.map({name: line[i] for name, line in self.fitted.items()}).to_numpy(float) for i in range(3)
        )
        return pd.Series(to + gain * (scores.to_numpy(float) - mean), index=scores.index)
