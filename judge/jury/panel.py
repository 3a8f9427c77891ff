"""The panel: one score an entrant from many judges' scores, by a rule that is a setting.

How Beauty.AI combined its robots was never published.

For entrant i, judge j, and the judges J(i) that could judge i, over a scope S (all entrants, or i's bracket):

    z_ij = (s_ij − mean_S s_·j) / sd_S s_·j           r_ij = (rank of s_ij in S − ½) / n_j, ties averaged, 0–1

    mean_z     mean over J(i) of z_ij
    mean_rank  mean over J(i) of r_ij
    borda      sum over J(i) of the entrants of S that j puts below i, ties ½ (de Borda 1781)
    minimum    min over J(i) of z_ij: no weak point
    weights    Σ w_j z_ij / Σ w_j
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed

RULES = ("mean_z", "mean_rank", "borda", "minimum", "weights")
MISSING = ("available", "middle", "worst", "refuse")


@dataclass(frozen=True)
class Panel:
    """Combines the scores of many judges into one score an entrant.

    rule       one of RULES
    weights    judge → weight ≥ 0, for the rule `weights` (a judge left out weighs 0) ; null otherwise
    within     scope: columns whose combinations are the brackets, or empty for all entrants
    missing    a score that is missing takes the scope's median of that judge (middle) or its lowest score (worst),
               takes the entrant out (refuse), or is left out of the entrant's combination (available). The last is no
               neutral choice: the mean of one z has √6 times the spread of a mean of six, so that those whom few
               robots could judge crowd the top and the bottom. For borda, `available` means the mean over J(i) of
               the points, times the number of judges. Under `minimum` whoever has fewer scores has fewer chances
               of a bad one, whatever is filled in, but for `worst` and `refuse`
    min_judges entrants with fewer scores than this get none; with rule `weights`, of weighted judges
    judges     judges that sit on the panel, or null for all in the table
    """

    rule: str = "mean_z"
    weights: Mapping[str, float] | None = None
    within: Sequence[str] = ()
    missing: str = "middle"
    min_judges: int = 1
    judges: Sequence[str] | None = None
    name: str = "panel"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"panel.rule is one of {RULES}; given {self.rule!r}")
        if self.missing not in MISSING:
            raise InputError(f"panel.missing is one of {MISSING}; given {self.missing!r}")
        if (self.rule == "weights") != (self.weights is not None):
            raise InputError(
                f"panel.weights belongs to the rule weights, and to it alone; rule={self.rule!r}"
            )
        if self.weights is not None:
            values = list(self.weights.values())
            if not values or min(values) < 0 or max(values) <= 0:
                raise InputError(
                    f"panel.weights are 0 or more, one at least above; given {dict(self.weights)}"
                )
        if self.min_judges < 1:
            raise InputError(f"panel.min_judges is at least 1; given {self.min_judges}")

    def __call__(self, scores: pd.DataFrame, manifest: pd.DataFrame | None = None) -> pd.DataFrame:
        """The panel's scores: SCORES columns with judge = `name`, and `judges`, how many scores the entrant had.

        scores     image_id, judge, score (higher is better, NaN: could not judge), and seed where there are several
        manifest   image_id and the columns of `within`, where there are any
        One row an entrant (and seed), in the order in which they first appear. Raises InputError for a judge who is
        absent, or scores an entrant twice.
        """
        if "seed" in scores and scores["seed"].nunique() > 1:
            parts = [self(part, manifest) for _, part in scores.groupby("seed", sort=True)]
            return pd.concat(parts, ignore_index=True)
        twice = scores.duplicated(["image_id", "judge"])
        if twice.any():
            raise InputError(
                f"{twice.sum()} score(s) twice for one judge, first {listed(scores['image_id'][twice], 3)}"
            )
        wide = scores.pivot(index="image_id", columns="judge", values="score")
        wide = wide.reindex(pd.unique(scores["image_id"]))
        names = self._sitting(list(wide.columns))
        values = wide[names].to_numpy(float)
        values = np.where(np.isfinite(values), values, np.nan)
        scope = self._scope(wide.index, manifest)
        weights = np.array([1.0 if self.weights is None else float(self.weights[n]) for n in names])
        out = np.full(len(values), np.nan)
        for code in np.unique(scope):
            out[scope == code] = combine(values[scope == code], self.rule, weights, self.missing)
        present = np.isfinite(values).sum(1)
        out[present < self.min_judges] = np.nan
        seed = scores["seed"].iloc[0] if "seed" in scores and len(scores) else 0
        return pd.DataFrame(
            {
                "image_id": wide.index.to_numpy(),
                "judge": self.name,
                "seed": seed,
                "score": out,
                "judges": present,
            }
        )

    def _sitting(self, there: list[str]) -> list[str]:
        asked = list(there if self.judges is None else self.judges)
        if self.weights is not None:
            sitting = self.judges or list(self.weights)
            asked = [name for name in sitting if self.weights.get(name, 0) > 0]
        absent = [name for name in asked if name not in there]
        if absent or not asked:
            raise InputError(f"panel: no scores by {listed(absent)}; there are scores by {listed(there)}")
        return asked

    def _scope(self, index: pd.Index, manifest: pd.DataFrame | None) -> NDArray[np.int64]:
        if not self.within:
            return np.zeros(len(index), dtype=int)
        if manifest is None:
            raise InputError("panel.within needs the manifest")
        columns = [c for c in self.within if c in manifest]
        if not columns:
            raise InputError(
                f"panel.within: none of {listed(self.within)} in the manifest's {listed(manifest.columns)}"
            )
        people = manifest.set_index("image_id")[columns].astype(object)
        people = people.where(people.notna(), "unknown").reindex(index)
        return people.groupby(columns, dropna=False, sort=True).ngroup().to_numpy()


def combine(
    values: NDArray, rule: str, weights: NDArray | None = None, missing: str = "middle"
) -> NDArray[np.float64]:
    """Panel scores (n,) from scores (n, k) of n entrants by k judges in one scope.

    NaN where no judge judged, or one did not and `missing` is refuse.
    """
    values = np.asarray(values, float)
    there = np.isfinite(values)
    if missing in ("middle", "worst"):
        with np.errstate(all="ignore"):
            fill = np.array([_fill(column[np.isfinite(column)], missing) for column in values.T])
        values = np.where(there, values, fill)
    points = borda(values) if rule == "borda" else ranks(values) if rule == "mean_rank" else z_scores(values)
    known = np.isfinite(points)
    w = np.ones(values.shape[1]) if weights is None else np.asarray(weights, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        if rule == "borda":
            out = np.where(known, points, 0).sum(1) * values.shape[1] / known.sum(1)
        elif rule == "minimum":
            out = np.where(known, points, np.inf).min(1)
        else:
            out = (np.where(known, points, 0) * w).sum(1) / (known * w).sum(1)
    lost = ~there.all(1) if missing == "refuse" else ~there.any(1)
    return np.where(lost, np.nan, out)


def z_scores(values: NDArray) -> NDArray[np.float64]:
    """z-scores (n, k) by column, population standard deviation; a judge that tells nobody apart gives 0 to all."""
    out = np.full(values.shape, np.nan)
    for j, column in enumerate(values.T):
        known = np.isfinite(column)
        if known.any():
            spread = column[known].std()
            centred = column[known] - column[known].mean()
            out[known, j] = centred / spread if spread > 1e-12 * (1 + np.abs(column[known]).max()) else 0.0
    return out


def ranks(values: NDArray) -> NDArray[np.float64]:
    """Ranks (n, k) by column, (rank − ½) / n in 0–1, ties averaged; the best has the highest."""
    table = pd.DataFrame(values)
    return ((table.rank(method="average") - 0.5) / table.notna().sum()).to_numpy()


def borda(values: NDArray) -> NDArray[np.float64]:
    """Borda points (n, k) by column: entrants put below, ties counted ½."""
    return (pd.DataFrame(values).rank(method="average") - 1).to_numpy()


def _fill(known: NDArray, missing: str) -> float:
    if not len(known):
        return float("nan")
    return float(np.median(known) if missing == "middle" else known.min())
