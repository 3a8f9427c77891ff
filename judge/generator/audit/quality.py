"""Quality and coverage of a generator by group, each number beside that of real people against real people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.generator.audit.measures import (
    KERNELS,
    kid,
    median_distance,
    mind,
    precision_recall_density_coverage,
    vendi,
)
from judge.generator.audit.neighbours import features_array

#: Everybody, whatever the group.
ALL = "all"
SETS = ("real_train", "real_held_out", "fake")


@dataclass(frozen=True)
class Measuring:
    """How quality is measured.

    k           neighbours of precision, recall, density and coverage
    directions  of the sliced distance
    kernel      of the Vendi score, cosine or rbf; the latter's bandwidth is the median distance of real people
    splits      random draws of people that are averaged
    least       people that a group needs in each set, at least k + 1; smaller groups are set aside
    most        people of a group that are compared; None: as many as the smallest group has
    seed        of the draws
    """

    k: int = 5
    directions: int = 200
    kernel: str = "rbf"
    splits: int = 5
    least: int = 50
    most: int | None = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("k", 1), ("directions", 1), ("splits", 1), ("least", max(4, self.k + 1))):
            if getattr(self, name) < low:
                raise InputError(f"{name} is a number from {low}, not {getattr(self, name)!r}")
        if self.most is not None and self.most < self.least:
            raise InputError(f"most={self.most} people a group are fewer than least={self.least}")
        if self.kernel not in KERNELS:
            raise InputError(f"kernel is one of {listed(KERNELS)}, not {self.kernel!r}")

    def of(self, real: NDArray[np.float64], fake: NDArray[np.float64], seed: int) -> dict[str, float]:
        """Measure → value of two sets of equally many people."""
        near = precision_recall_density_coverage(real, fake, k=self.k)
        bandwidth = median_distance(real, rng=seed) if self.kernel == "rbf" else None
        return {
            **near._asdict(),
            "kid": kid(real, fake, subsets=10, rng=seed).value,
            "mind": mind(real, fake, directions=self.directions, rng=seed),
            "vendi": vendi(fake, kernel=self.kernel, bandwidth=bandwidth or None, rng=seed),
        }


@dataclass(frozen=True)
class Quality:
    """What `quality_by_group` measured.

    table   space, group, measure, value, value_sd, real_value, real_sd, ratio, n, splits
    aside   group, real_train, real_held_out, fake (how many people), reason: groups without a row in `table`
    """

    table: pd.DataFrame
    aside: pd.DataFrame


def quality_by_group(
    real_train: ArrayLike,
    real_held_out: ArrayLike,
    fake: ArrayLike,
    groups: Mapping[str, ArrayLike],
    *,
    space: str = "features",
    measuring: Measuring | None = None,
    progress: Callable[[str], None] | None = None,
) -> Quality:
    """Measures of generated against real people by group, at the same number of people in every cell.

    Parameters
    ----------
    real_train : (m, d) array
        Features of the people whom the generator has learnt from.
    real_held_out : (h, d) array
        Of those whom it has not seen. They are what both others are compared with.
    fake : (n, d) array
        Of those whom it drew.
    groups : mapping of str to array
        `real_train`, `real_held_out` and `fake` → the group of each of their people, as str.
    space : str
        Name of the features, for the table.
    measuring : Measuring, optional
        Settings.
    progress : callable, optional
        Called with each group's name when it is done.

    Returns
    -------
    Quality
        A row a group and measure. `value` compares fakes with held-out people, `real_value` training people with the
        same held-out people: what a generator would reach that draws as nature does. Both are means over random draws
        of n people of each set, sd their deviation between draws; n is the same for all groups. `ratio` is value over
        real_value; NaN for kid, whose real_value is 0 but for chance. For mind a large ratio is bad, else a small
        one. `vendi` is of one set of people alone: real_value is that of the training people. The group "all" is n
        people drawn from everybody in the shares that each set has.

    Raises
    ------
    InputError
        For features or groups that do not fit together, or when no group has enough people.

    References
    ----------
    Of the measures: see `judge.generator.audit.measures`.
    """
    measuring = measuring or Measuring()
    features = {
        name: features_array(x, name) for name, x in zip(SETS, (real_train, real_held_out, fake), strict=True)
    }
    names = _names(groups, features)
    counts = pd.DataFrame({name: pd.Series(of).value_counts() for name, of in names.items()})
    counts = counts.reindex(columns=list(SETS)).fillna(0).astype(int).sort_index()
    small = counts.min(axis=1) < measuring.least
    aside = counts[small].rename_axis("group").reset_index()
    aside["reason"] = [
        f"fewer than {measuring.least} people in {listed(name for name in SETS if row[name] < measuring.least)}"
        for _, row in counts[small].iterrows()
    ]
    if small.all():
        raise InputError(
            f"no group has least={measuring.least} people in each set; there are {counts.to_dict('index')}"
        )
    n = int(counts[~small].min().min())
    n = n if measuring.most is None else min(n, measuring.most)
    rows = []
    for number, group in enumerate((ALL, *counts.index[~small])):
        members = {name: np.flatnonzero((of == group) | (group == ALL)) for name, of in names.items()}
        rows += _rows(features, members, n, np.random.default_rng([measuring.seed, number]), measuring, group)
        if progress is not None:
            progress(group)
    table = pd.DataFrame(rows)
    table.insert(0, "space", space)
    return Quality(table, aside)


def _rows(
    features: Mapping[str, NDArray[np.float64]],
    members: Mapping[str, NDArray[np.int64]],
    n: int,
    rng: np.random.Generator,
    measuring: Measuring,
    group: str,
) -> list[dict[str, object]]:
    draws: list[tuple[dict[str, float], dict[str, float]]] = []
    for split in range(measuring.splits):
        train, held_out, fake = (features[name][rng.choice(members[name], n, replace=False)] for name in SETS)
        draws.append((measuring.of(held_out, fake, seed=split), measuring.of(held_out, train, seed=split)))
    rows: list[dict[str, object]] = []
    for measure in draws[0][0]:
        own, real = (np.array([draw[side][measure] for draw in draws]) for side in (0, 1))
        sd = [float(x.std(ddof=1)) if len(x) > 1 else np.nan for x in (own, real)]
        value, real_value = float(own.mean()), float(real.mean())
        ratio = value / real_value if measure != "kid" and real_value > 0 else np.nan
        rows.append(
            {
                "group": group, "measure": measure, "value": value, "value_sd": sd[0], "real_value": real_value,
                "real_sd": sd[1], "ratio": ratio, "n": n, "splits": measuring.splits,
            }
        )  # fmt: skip
    return rows


def _names(
    groups: Mapping[str, ArrayLike], features: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.str_]]:
    if set(groups) != set(SETS):
        raise InputError(f"groups are given for {listed(SETS)}, not for {listed(groups)}")
    widths = {x.shape[1] for x in features.values()}
    if len(widths) > 1:
        raise InputError(f"{listed(SETS)} are features of one space, not {sorted(widths)} wide")
    names = {name: np.asarray(groups[name]).astype(str) for name in SETS}
    for name, of in names.items():
        if of.shape != (len(features[name]),):
            raise InputError(
                f"groups[{name!r}] has one name for each of {len(features[name])} people, not the shape {of.shape}"
            )
        if (of == ALL).any():
            raise InputError(f"groups[{name!r}] has a group called {ALL!r}, which stands for everybody")
    return names
