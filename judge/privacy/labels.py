"""Labels of private people through the budget: one noisy histogram of groups × ratings, and what is drawn from it."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.composition import allocate
from judge.errors import InputError, listed
from judge.privacy.people import PrivatePeople, Rows

log = logging.getLogger("judge")

#: A cell is too few under as many people and as many standard deviations of the noise of its count.
FEWEST = 10
TOLD_FROM_NOISE = 2.0


@dataclass(frozen=True)
class PrivateLabels:
    """A noisy histogram: cells (a group of each feature) × bins of the rating. All below is post-processing of it.

    features      columns
    cells         (c,) table of `features`; its index is the cells' names, groups joined by "/"
    counts        (c, bins) noisy counts, some of them negative
    noise         standard deviation of each count
    rating_range  lowest and highest rating
    left_out      cells too few to be told from noise, with their noisy counts; they are not in `cells`
    """

    features: tuple[str, ...]
    cells: pd.DataFrame
    counts: NDArray[np.float64]
    noise: float
    rating_range: tuple[float, float]
    left_out: Mapping[str, float]

    @property
    def totals(self) -> pd.Series:
        """Noisy count of people in each cell, at least 0; its noise has standard deviation `noise` × √bins."""
        return pd.Series(self.counts.sum(axis=1).clip(min=0.0), index=self.cells.index)

    @property
    def shares(self) -> pd.Series:
        """Noisy share of each cell; they sum to 1."""
        return self.totals / self.totals.sum()

    def people(self, n: int, shares: pd.Series | None = None) -> dict[str, int]:
        """n people over the cells, by `shares` (None: the noisy ones), rounded by largest remainder."""
        shares = self.shares if shares is None else shares
        return {str(cell): int(k) for cell, k in allocate(n, shares.to_dict()).items()}

    def distribution(self, cell: str) -> NDArray[np.float64]:
        """(bins,): probability of each bin of the rating in a cell. Negative counts are 0."""
        counts = self.counts[self.cells.index.get_loc(cell)].clip(min=0.0)
        # where noise leaves nothing, nothing is known: every rating alike
        return counts / counts.sum() if counts.sum() > 0 else np.full(len(counts), 1 / len(counts))

    def quantile(self, cell: str, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ratings at the probabilities `at`, uniform within a bin."""
        edges = np.linspace(*self.rating_range, self.counts.shape[1] + 1)
        share = self.distribution(cell)
        upper = np.cumsum(share)
        at = np.clip(np.asarray(at, dtype=float), 1e-12, 1.0) * upper[-1]
        bins = np.minimum(np.searchsorted(upper, at), np.flatnonzero(share)[-1])
        within = (at - (upper - share)[bins]) / share[bins]
        return edges[bins] + np.clip(within, 0.0, 1.0) * np.diff(edges)[bins]

    def ratings(self, cell: str, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """n ratings drawn from the noisy histogram of a cell, uniform within a bin."""
        edges = np.linspace(*self.rating_range, self.counts.shape[1] + 1)
        bins = rng.choice(self.counts.shape[1], size=n, p=self.distribution(cell))
        return rng.uniform(edges[bins], edges[bins + 1])

    def bin_of(self, rating: NDArray[np.float64]) -> NDArray[np.int64]:
        return bins_of(rating, self.rating_range, self.counts.shape[1])

    def table(self) -> pd.DataFrame:
        """A row a cell: its noisy count, the noise's standard deviation, its share."""
        k = math.sqrt(self.counts.shape[1])
        return pd.DataFrame(
            {
                "cell": self.cells.index,
                "noisy_count": self.totals.to_numpy(),
                "noise_sd": self.noise * k,
                "share": self.shares.to_numpy(),
            }
        )


def private_labels(
    people: PrivatePeople,
    features: Sequence[str],
    *,
    rating_range: tuple[float, float],
    known_groups: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
    bins: int = 10,
    leave_out: bool = False,
    what: str = "labels",
) -> PrivateLabels:
    """Charges one use of the mechanism `what`: counts of groups × bins of the rating, of sensitivity 1.

    features      columns that people are grouped by; none: everybody is one cell, called "all"
    known_groups  which groups each feature has. Public: that a group exists is told by whoever asks, and never read
                  from the data. Somebody of no known group, or without a rating, counts nowhere; how many those are is
                  told to nobody
    rating_range  of the scale, public; ratings beyond it count at its end
    leave_out     leave cells out that are too few to be told from noise, instead of an error

    A group is too few where its noisy count is under ten and two standard deviations of its noise. The noisy count
    alone decides, as to say that a group has three members is to tell of them: so a group of three passes by luck of
    the noise with a probability of up to 2.3 %, and one of a few hundred fails at a small ε.

    Raises InputError naming such cells, the noise and what would be needed.
    """
    if bins < 2:
        raise InputError(f"bins={bins}: at least 2 bins of the rating")
    low, high = map(float, rating_range)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"rating_range={rating_range}: the lowest and the highest rating of the scale")
    if unknown := [name for name in features if not known_groups.get(name)]:
        raise InputError(f"which groups of {listed(unknown)} there are is public and has to be said (groups)")
    groups = [[str(group) for group in known_groups[name]] for name in features]
    combined = list(itertools.product(*groups))
    names = ["/".join(cell) for cell in combined] if features else ["all"]
    place = {name: k for k, name in enumerate(names)}

    def query(rows: Rows) -> NDArray[np.int64]:
        table = rows.manifest
        if missing := [name for name in features if name not in table]:
            raise InputError(f"the private people have no column {listed(missing)}")
        cell = cell_codes(table, features, place)
        rating = table["rating"].to_numpy(float)
        counted = (cell >= 0) & np.isfinite(rating)
        if not counted.all():  # to whoever holds the data; it is in no release
            log.warning("%d private people count nowhere: no rating or no known group", (~counted).sum())
        return np.where(counted, cell * bins + bins_of(np.nan_to_num(rating), (low, high), bins), -1)

    counts = people.histogram(what, query, len(names) * bins, rng).reshape(len(names), bins)
    noise = people.ledger.plan.noise(what)
    least = FEWEST + TOLD_FROM_NOISE * noise * math.sqrt(bins)
    totals = counts.sum(axis=1)
    few = {name: float(total) for name, total in zip(names, totals, strict=True) if total < least}
    if few and (not leave_out or len(few) == len(names)):
        raise InputError(_too_few(few, least, noise * math.sqrt(bins), people.ledger.plan.budget.epsilon))
    kept = [k for k, name in enumerate(names) if name not in few]
    cells = pd.DataFrame(
        [combined[k] for k in kept],
        columns=list(features),
        index=pd.Index([names[k] for k in kept], name="cell"),
    )
    return PrivateLabels(tuple(features), cells, counts[kept], noise, (low, high), few)


def cell_codes(table: pd.DataFrame, features: Sequence[str], place: Mapping[str, int]) -> NDArray[np.int64]:
    """The cell of each row by its name's place, −1 where a label is missing or no known group."""
    if not features:
        return np.zeros(len(table), dtype=np.int64)
    name = table[features[0]].astype("str")
    for feature in features[1:]:
        name = name + "/" + table[feature].astype("str")
    known = table[list(features)].notna().all(axis=1)
    return np.where(known, name.map(place).fillna(-1).to_numpy(float), -1).astype(np.int64)


def bins_of(rating: NDArray[np.float64], rating_range: tuple[float, float], bins: int) -> NDArray[np.int64]:
    """Bin 0 to bins − 1 of each rating, of equal widths over the range; beyond it the bin at its end."""
    low, high = rating_range
    return np.clip(np.floor((rating - low) / (high - low) * bins), 0, bins - 1).astype(np.int64)


def _too_few(few: Mapping[str, float], least: float, sd: float, epsilon: float) -> str:
    told = ", ".join(f"{name} (noisy count {count:.0f})" for name, count in few.items())
    return (
        f"too few people to be told from noise at epsilon={epsilon:g}: {told}. The noise of a count has a standard "
        f"deviation of {sd:.0f}, and {least:.0f} people are needed. Leave such groups out (leave_out=true), join "
        "groups, group by fewer features, or spend a larger epsilon"
    )
