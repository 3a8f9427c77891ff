"""Ratings are corrected for what raters of other groups add to a group, estimated from single ratings."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.mitigation.pools.groups import columns, group_counts
from judge.mitigation.pools.rater_model import rater_model

log = logging.getLogger("judge")


@dataclass(frozen=True)
class CorrectRatings:
    """Every picture's rating less the mean shift of its raters, as `rater_model` estimates it on the pool's ratings.

    Against skewed ratings. It rests on an ASSUMPTION that no data can check: that raters of a picture's own group rate
    it without bias. All other raters are brought to them. What all raters share, the picture's own group included,
    stays: it cannot be told from the truth. Nor can anything be told where it is unknown who the raters are. Raters
    crossed with groups then show how far raters DIFFER in their shifts, but not where 0 lies, and the one who seems
    to be the least biased is the one whose noise makes them seem so; so the method refuses.

    A shift is estimated with an error, which all pictures of the group then share; it is logged. With few ratings by a
    group's own raters it is larger than most shifts: a correction by such an estimate is as likely to harm. Of rendered
    people, ten ratings a picture, one rater in twenty of the group: se .24 points for 200 pictures, 1.1 for 6.

    groups     whose pictures are corrected; None: all, and one without raters of its own is refused
    prior_sd   points of the scale: shifts are drawn towards 0 as by a prior N(0, prior_sd²). None: unbiased
    """

    seam: ClassVar[str] = "pool"
    reads_ratings: ClassVar[bool] = True
    groups: str | Sequence[str] | None = None
    prior_sd: float | None = None

    def __post_init__(self) -> None:
        if self.prior_sd is not None and not self.prior_sd > 0:
            raise InputError(f"correct_ratings: prior_sd is above 0 or null; given {self.prior_sd}")

    def __call__(
        self,
        pool: pd.DataFrame,
        source: pd.DataFrame,
        *,
        feature: str,
        rng: np.random.Generator,
        ratings: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """The same rows with other ratings, none beyond the highest and the lowest single rating.

        ratings   single ratings of the data set, with the column rater_FEATURE; those of other pictures are not used
        `attrs["rating_shifts"]` of the pool has the rows of RaterModel.shifts.
        Raises InputError: no single ratings, or none of a picture to be corrected; raters of unknown group; a group
        without raters of its own; no picture that both rated.
        """
        counts = group_counts(pool, source, feature)
        wanted = columns(self.groups) or [str(name) for name in counts.index[counts > 0]]
        if unknown := sorted(set(wanted) - set(counts.index)):
            raise InputError(
                f"mitigation correct_ratings: groups has {listed(unknown)}; {feature} is one of {listed(counts.index)}"
            )
        single = self._single(pool, feature, ratings, wanted)
        try:
            model = rater_model(
                image=single["image_id"].to_numpy(),
                rater=single["rater_id"].to_numpy(),
                rater_group=single["by"].to_numpy(),
                group=single["of"].to_numpy(),
                rating=single["rating"].to_numpy(),
                groups=wanted,
                prior_sd=self.prior_sd,
            )
        except InputError as error:
            raise InputError(f"mitigation correct_ratings: {error}") from error
        self._tell(model.shifts)
        shift = model.shifts.set_index(["rater_group", "group"])["shift"]
        of_each = shift.reindex(pd.MultiIndex.from_frame(single[["by", "of"]])).fillna(0.0)
        by = of_each.groupby(single["image_id"].to_numpy()).mean()
        assert ratings is not None
        low, high = ratings["rating"].min(), ratings["rating"].max()
        changed = pool["rating"] - pool["image_id"].map(by).fillna(0.0)
        corrected = pool.assign(
            rating=changed.clip(low, high).where(changed != pool["rating"], pool["rating"])
        )
        corrected.attrs["rating_shifts"] = model.shifts.to_dict("records")
        return corrected

    def _single(
        self, pool: pd.DataFrame, feature: str, ratings: pd.DataFrame | None, wanted: Sequence[str]
    ) -> pd.DataFrame:
        """The pool's single ratings with the group that they are by and the group that they are of."""
        column = f"rater_{feature}"
        if ratings is None or column not in ratings or ratings[column].isna().all():
            has = "no single ratings" if ratings is None else f"single ratings without {column}"
            raise InputError(
                f"mitigation correct_ratings: the data set has {has}. Without the raters' own groups a shift cannot be "
                "told from what the pictures are like"
            )
        group = pool.drop_duplicates("image_id").set_index("image_id")[feature].astype("str")
        single = ratings[ratings["image_id"].isin(group.index)]
        unrated = group[group.isin(wanted)].index.difference(single["image_id"])
        if len(unrated):
            raise InputError(
                f"mitigation correct_ratings: {len(unrated)} pictures of the pool have no single ratings: "
                f"{listed(unrated, 5)}"
            )
        if single[column].isna().any():
            raise InputError(
                f"mitigation correct_ratings: {int(single[column].isna().sum())} of {len(single)} ratings of the pool "
                f"are by raters whose {column} is unknown"
            )
        single = single.assign(by=single[column].astype("str"), of=single["image_id"].map(group))
        alone = [name for name in wanted if not ((single["by"] == name) & (single["of"] == name)).any()]
        if alone:
            raise InputError(
                f"mitigation correct_ratings: no picture of {listed(alone)} in the pool has a rating by raters of that "
                f"group, who are the measure; raters are {listed(sorted(set(single['by'])))}. "
                "groups=[…] names the groups that are to be corrected"
            )
        return single

    def _tell(self, shifts: pd.DataFrame) -> None:
        for row in shifts[shifts["rater_group"] != shifts["group"]].itertuples():
            log.info(
                "correct_ratings: raters %s shift %s by %+.2f (se %.2f; %d ratings, %d by raters of %s)",
                row.rater_group, row.group, row.shift, row.se, row.n, row.n_own, row.group,
            )  # fmt: skip
