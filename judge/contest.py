"""The contest: eligibility → brackets → ranks → winners. Tables in, tables out."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from judge.data.brackets import AGE_GROUPS, age_bands, bracket_names
from judge.data.tables import RANKING, validated
from judge.errors import InputError, listed


@dataclass(frozen=True)
class ContestResult:
    """ranking   RANKING schema, every eligible entrant
    brackets  bracket, entrants, places, winners, unfilled: also the brackets that nobody entered
    refused   image_id, reason: entrants that were not ranked
    """

    ranking: pd.DataFrame
    brackets: pd.DataFrame
    refused: pd.DataFrame


@dataclass(frozen=True)
class Contest:
    """Ranks the entrants of every bracket by score and names the first `places` of each as winners.

    places    winners a bracket, at most; with fewer entrants the places left over stay unfilled
    brackets  columns whose combinations are the brackets. A column that the manifest lacks, or that is
              empty throughout, is left out (gender alone where no age is known); a single entrant without
              a value is refused, since nobody of unknown age is ranked among people of known age.
    min_age, max_age   years, both included; checked where `age` is known, else by the first year of `age_group`
    tie_seed  ties go by a keyed hash of image_id: a lottery that no ordering of the table, the files or the
              groups can influence, and that falls the same way each time
    """

    places: int = 5
    brackets: Sequence[str] = ("gender", "age_group")
    min_age: float = 18
    max_age: float = 69
    tie_seed: int = 0

    def __post_init__(self) -> None:
        if self.places < 1:
            raise InputError(f"contest.places is at least 1; given {self.places}")
        if self.min_age < 18:
            raise InputError(f"contest.min_age is at least 18: minors are not ranked; given {self.min_age}")

    def __call__(self, scores: pd.DataFrame, manifest: pd.DataFrame) -> ContestResult:
        """scores: image_id, score (higher wins; NaN = not judged). manifest: the entrants.

        Raises InputError if an entrant has two scores, if a score belongs to nobody, or if nobody is left.
        """
        twice = scores["image_id"][scores["image_id"].duplicated()]
        if len(twice):
            raise InputError(f"{len(twice)} entrant(s) have more than one score, first {listed(twice, 3)}")
        strangers = scores.loc[~scores["image_id"].isin(manifest["image_id"]), "image_id"]
        if len(strangers):
            raise InputError(f"{len(strangers)} score(s) of nobody who entered, first {listed(strangers, 3)}")
        used = [c for c in self.brackets if c in manifest and manifest[c].notna().any()]
        if self.brackets and not used:
            raise InputError(
                f"no column to make brackets of: contest.brackets is {listed(self.brackets)}, "
                f"the manifest has {listed(manifest.columns)}"
            )
        entrants = manifest.drop(columns=["score"], errors="ignore").merge(
            scores[["image_id", "score"]], on="image_id", how="left", validate="one_to_one"
        )
        reason = self._refusals(entrants, used)
        eligible = entrants[reason.isna()].copy()
        if eligible.empty:
            counts = reason.value_counts().to_dict()
            raise InputError(f"nobody is left to rank of {len(entrants)} entrants: {counts}")
        eligible["bracket"] = bracket_names(eligible, used)
        eligible["_lot"] = [_lot(i, self.tie_seed) for i in eligible["image_id"]]
        eligible = eligible.sort_values(["bracket", "score", "_lot"], ascending=[True, False, True])
        eligible["rank"] = eligible.groupby("bracket").cumcount() + 1
        eligible["winner"] = eligible["rank"] <= self.places
        ranking = eligible[["image_id", "bracket", "score", "rank", "winner"]].reset_index(drop=True)
        refused = pd.DataFrame({"image_id": entrants["image_id"], "reason": reason}).dropna()
        return ContestResult(
            ranking=validated(ranking, RANKING),
            brackets=self._bracket_table(eligible, manifest, used),
            refused=refused.reset_index(drop=True),
        )

    def _refusals(self, entrants: pd.DataFrame, used: list[str]) -> pd.Series:
        """The first reason that applies to each entrant, NaN for the eligible."""
        reason = pd.Series(pd.NA, index=entrants.index, dtype="string")
        if "age" in entrants:
            age = entrants["age"]
            reason[age < self.min_age] = f"younger than {self.min_age:g}"
            reason[age > self.max_age] = f"older than {self.max_age:g}"
        if "age_group" in entrants:
            bands = age_bands(entrants["age_group"])
            known = entrants["age"].notna() if "age" in entrants else pd.Series(False, index=entrants.index)
            reason[~known & (bands["first"] < self.min_age)] = f"perhaps younger than {self.min_age:g}"
            reason[~known & bands["unreadable"]] = "age_group cannot be read"
        for column in used:
            reason[reason.isna() & entrants[column].isna()] = f"{column} unknown"
        score = entrants["score"]
        reason[reason.isna() & score.isna()] = "no score"
        reason[reason.isna() & ~np.isfinite(score.astype(float))] = "score not finite"
        return reason

    def _bracket_table(self, eligible: pd.DataFrame, manifest: pd.DataFrame, used: list[str]) -> pd.DataFrame:
        levels = []
        for column in used:
            seen = set(manifest[column].dropna().astype(str))
            known = [g for g in AGE_GROUPS if column == "age_group"]
            levels.append(known + sorted(seen - set(known)))
        names = [" ".join(combination) for combination in itertools.product(*levels)] if used else ["all"]
        entrants = eligible.groupby("bracket").size().reindex(names, fill_value=0)
        winners = eligible.groupby("bracket")["winner"].sum().reindex(names, fill_value=0)
        return pd.DataFrame(
            {
                "bracket": names,
                "entrants": entrants.to_numpy(),
                "places": self.places,
                "winners": winners.to_numpy().astype(int),
                "unfilled": (self.places - winners).to_numpy().astype(int),
            }
        )


def _lot(image_id: str, seed: int) -> str:
    return hashlib.blake2b(f"{seed}:{image_id}".encode(), digest_size=8).hexdigest()
