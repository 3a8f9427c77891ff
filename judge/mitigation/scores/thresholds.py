"""Each group's scores are moved by a threshold of its own, which fairlearn finds on people whose ratings are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.mitigation.scores.people import enough_people, groups_of, scored_people

CONSTRAINTS = (
    "demographic_parity",
    "true_positive_rate_parity",
    "false_positive_rate_parity",
    "equalized_odds",
)
OBJECTIVES = ("balanced_accuracy_score", "accuracy_score")


@dataclass(frozen=True)
class GroupThresholds:
    """Scores moved until all groups have one threshold, as Hardt, Price & Srebro 2016 ("Equality of opportunity in
    supervised learning", arXiv:1610.02413) choose it; by `fairlearn.postprocessing.ThresholdOptimizer`.

    That method needs a question with yes or no, where a contest has places. Here it is whether a person's rating is
    among the highest `share` of those that the method is fitted on. The optimiser then finds for each group whom to
    select so that the constraint holds and the objective is highest, mostly by two thresholds with a lot between them.
    A group's threshold here is the one score that selects as large a share of its fitted people as that rule does on
    average. The scores of a group are moved by as much as takes it to the mean of all groups' thresholds: who then
    lies above that would have been selected, and a contest with fewer or more places goes by the distance from it.

    What is lost: the lot. Under demographic parity nothing else, since one threshold selects the same share. Under
    equalized odds the lot was what made a well-read group as badly chosen as the others, so without it only the
    selection rates are those of the rule and the error rates are not equal; rates of a true or false positive are
    equal where the rule has one threshold a group. And places: the constraint holds for as many as the rule selects, at
    the places of a small contest only as far as the tails of the groups' scores have one shape.

    constraint  demographic_parity, true_positive_rate_parity, false_positive_rate_parity or equalized_odds
    objective   balanced_accuracy_score, or accuracy_score: with few winners the highest accuracy selects nobody
    share       of the people with the highest ratings, between 0 and 1; None: the share of the entrants that has places
    min_people  least rated people of a group, of those that the method is fitted on; each group also needs one inside
                and one outside of the share
    """

    seam: ClassVar[str] = "scores"
    constraint: str = "demographic_parity"
    objective: str = "balanced_accuracy_score"
    share: float | None = 0.1
    min_people: int = 30
    #: of the people fitted on: score, group, rating
    fitted: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("constraint", CONSTRAINTS), ("objective", OBJECTIVES)):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"group_thresholds: {name} is one of {listed(allowed)}; given {getattr(self, name)!r}"
                )
        if self.share is not None and not 0 < self.share < 1:
            raise InputError(f"group_thresholds: share lies between 0 and 1, or is null; given {self.share}")
        if self.min_people < 2:
            raise InputError(f"group_thresholds: min_people is at least 2; given {self.min_people}")

    def check(self, people: pd.DataFrame, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError before anything is trained: too few rated people of a group, or none inside the share."""
        enough_people(
            "group_thresholds", people, entrants, feature=feature, least=self.min_people, rated=True
        )
        rated = people[people["rating"].notna() & people[feature].notna()]
        if self.share is not None:
            _labels(rated["rating"].to_numpy(float), rated[feature].astype("str").to_numpy(), self.share)

    def fit(self, scores: pd.Series, people: pd.DataFrame, *, feature: str) -> GroupThresholds:
        """The method with the people whom the thresholds are found on; they are found when the places are known.

        scores  (n,) of `people`, in its order; who has no score or no rating is left out
        """
        known = scored_people(
            "group_thresholds", scores, people, feature=feature, least=self.min_people, rated=True
        )
        if self.share is not None:
            _labels(known["rating"].to_numpy(), known["group"].to_numpy(), self.share)
        return replace(self, fitted=known)

    def __call__(
        self, scores: pd.Series, people: pd.DataFrame, *, feature: str, brackets: pd.Series, places: int
    ) -> pd.Series:
        """(n,) scores of the entrants `people`, moved until their groups' thresholds are one, the mean of all.

        places  of each bracket; with share=None they say how many are to be selected
        Raises InputError for a group that it was not fitted on, and where the rule selects nobody or all of a group.
        """
        group = groups_of(
            "group_thresholds", people, feature, None if self.fitted is None else set(self.fitted["group"])
        )
        share = self.share
        if share is None:
            filled = int(brackets.value_counts().clip(upper=places).sum())
            share = filled / len(people)
            if not 0 < share < 1:
                raise InputError(
                    f"group_thresholds: {filled} places for {len(people)} entrants; with share=null some win, not all"
                )
        threshold = self.thresholds(share)
        # from one threshold for all, so that scores stay on their scale
        moved = self.common(share) - group.map(threshold).to_numpy(float)
        return pd.Series(scores.to_numpy(float) + moved, index=scores.index)

    def common(self, share: float) -> float:
        """The threshold that scores have when they have been moved: the mean of the groups', by their people."""
        assert self.fitted is not None
        sizes = self.fitted["group"].value_counts(normalize=True)
        return float(sum(limit * sizes[name] for name, limit in self.thresholds(share).items()))

    def thresholds(self, share: float) -> dict[str, float]:
        """Each group's threshold, in points of the score, for `share` of the people with the highest ratings."""
        assert self.fitted is not None
        score, group = self.fitted["score"].to_numpy(), self.fitted["group"].to_numpy()
        selected = self._selected(score, group, _labels(self.fitted["rating"].to_numpy(), group, share))
        found = {}
        for name in np.unique(group):
            rate = float(selected[group == name].mean())
            if not 0 < rate < 1:
                raise InputError(
                    f"group_thresholds: the rule selects {'all' if rate else 'nobody'} of the {(group == name).sum()} "
                    f"people of {name!r} ({self.constraint}, {self.objective}, share {share:.3g}), so they have no "
                    "threshold; choose objective=balanced_accuracy_score or a larger share"
                )
            found[str(name)] = float(np.quantile(score[group == name], 1 - rate))
        return found

    def _selected(self, score: NDArray, group: NDArray, label: NDArray) -> NDArray[np.float64]:
        """How likely the rule is to select each of the people, (n,)."""
        # a second, which commands that train nothing do not spend
        from fairlearn.postprocessing import ThresholdOptimizer
        from sklearn.base import BaseEstimator

        class AsGiven(BaseEstimator):
            """The scores as an estimator that was fitted elsewhere."""

            def __sklearn_is_fitted__(self) -> bool:
                return True

            def fit(self, x: NDArray, y: NDArray) -> AsGiven:
                return self

            def predict(self, x: NDArray) -> NDArray:
                return np.asarray(x)[:, 0]

        rule = ThresholdOptimizer(
            estimator=AsGiven(),
            constraints=self.constraint,
            objective=self.objective,
            prefit=True,
            predict_method="predict",
        )
        rule.fit(score[:, None], label, sensitive_features=group)
        # its predict() draws the lots; this is what they are drawn with
        return rule._pmf_predict(score[:, None], sensitive_features=group)[:, 1]


def _labels(rating: NDArray[np.float64], group: NDArray, share: float) -> NDArray[np.int64]:
    """Who is among the highest `share` of the ratings, (n,); InputError where a group has nobody there, or all."""
    label = (rating >= np.quantile(rating, 1 - share)).astype(int)
    wrong = {
        str(name): f"{label[group == name].sum()} of {(group == name).sum()}"
        for name in np.unique(group)
        if len(set(label[group == name])) < 2
    }
    if wrong:
        raise InputError(
            f"group_thresholds: of each group some people have to be among the highest {share:.3g} of the ratings and "
            f"some not; there are {wrong}. Set another share, or raise pool.calibration"
        )
    return label
