"""Who is selected: entrant and winner counts by group within brackets, rates, ratios, differences.

A group's *selection rate* is its winners divided by its entrants. The *selection-rate ratio* divides it by
the reference group's rate (or by the rate of all others); 1 is parity. The *difference* subtracts; 0 is parity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.inference.intervals import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    wilson,
)

RATIO_INTERVALS = {"score": koopman_ratio, "log": katz_ratio}


@dataclass(frozen=True)
class Counts:
    """Entrants and winners as brackets × groups, integers; all that the tests on winners need.

    entrants, winners   (B, G); winners ≤ entrants everywhere
    groups, brackets    names, of length G and B
    """

    entrants: NDArray[np.int64]
    winners: NDArray[np.int64]
    groups: tuple[str, ...]
    brackets: tuple[str, ...] = ("all",)

    def __post_init__(self) -> None:
        shape = (len(self.brackets), len(self.groups))
        for name in ("entrants", "winners"):
            table = np.asarray(getattr(self, name))
            if table.shape != shape:
                raise InputError(f"{name} has shape {table.shape}; brackets × groups is {shape}")
            object.__setattr__(self, name, table.astype(np.int64))
        if (self.winners < 0).any() or (self.winners > self.entrants).any():
            raise InputError("each group in each bracket needs 0 ≤ winners ≤ entrants")

    @classmethod
    def from_people(
        cls, winner: ArrayLike, *, sensitive_feature: ArrayLike, bracket: ArrayLike | None = None
    ) -> Counts:
        """Counts from one entry a person: winner (bool), group name, bracket name; names in sorted order."""
        winner = np.asarray(winner, bool)
        group, groups = _codes(sensitive_feature)
        code, brackets = (np.zeros(len(winner), int), ["all"]) if bracket is None else _codes(bracket)
        return cls.from_codes(winner, group, code, groups, brackets)

    @classmethod
    def from_codes(
        cls, winner: NDArray, group: NDArray, bracket: NDArray, groups: Sequence[str], brackets: Sequence[str]
    ) -> Counts:
        """Counts from integer codes into `groups` and `brackets` (one bincount each)."""
        shape = (len(brackets), len(groups))
        cell = bracket.astype(np.int64) * shape[1] + group
        size = shape[0] * shape[1]
        entrants = np.bincount(cell, minlength=size).reshape(shape)
        winners = np.bincount(cell[winner], minlength=size).reshape(shape)
        return cls(entrants, winners, tuple(groups), tuple(brackets))

    def index(self, group: str) -> int:
        """The column of a group; InputError names the groups there are."""
        if group not in self.groups:
            raise InputError(f"no group {group!r}; the groups are {listed(self.groups)}")
        return self.groups.index(group)

    def against(self, group: str, reference: str | None = None) -> Counts:
        """Two columns: the group, and the reference or (None) everybody else."""
        g = self.index(group)
        if reference is None:
            others = np.arange(len(self.groups)) != g
            name = f"not {group}"
        else:
            others = np.arange(len(self.groups)) == self.index(reference)
            name = reference
        pair = [
            np.column_stack([table[:, g], table[:, others].sum(axis=1)])
            for table in (self.entrants, self.winners)
        ]
        return Counts(pair[0], pair[1], (group, name), self.brackets)


def _codes(values: ArrayLike) -> tuple[NDArray, list[str]]:
    codes, names = pd.factorize(pd.Series(values).astype(str), sort=True)
    return codes, list(names)


def selection_table(
    counts: Counts, *, reference: str | None = None, confidence: float = 0.95, ratio_interval: str = "score"
) -> pd.DataFrame:
    """One row a group: shares, rate, ratio and difference, each with its interval; brackets are pooled.

    Columns: group, entrants, winners, entrant_share, winner_share (Clopper–Pearson), selection_rate (Wilson),
    selection_rate_ratio (Koopman's score interval, or Katz' log interval for ratio_interval="log", which is
    NaN for zero counts), selection_rate_difference (Miettinen–Nurminen), each with _low and _high, and
    below_four_fifths: ratio < 0.8, missing where the ratio is undefined. A group without entrants keeps its
    row, with n = 0 and NaN.
    """
    if ratio_interval not in RATIO_INTERVALS:
        raise InputError(f"ratio_interval is one of {listed(RATIO_INTERVALS)}, not {ratio_interval!r}")
    n, x = counts.entrants.sum(axis=0).astype(float), counts.winners.sum(axis=0).astype(float)
    if reference is None:
        n_0, x_0 = n.sum() - n, x.sum() - x
    else:
        r = counts.index(reference)
        n_0, x_0 = np.full_like(n, n[r]), np.full_like(x, x[r])
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, rate_0 = x / n, x_0 / n_0
        table = pd.DataFrame(
            {
                "group": list(counts.groups),
                "entrants": n.astype(int),
                "winners": x.astype(int),
                "entrant_share": n / n.sum(),
                "winner_share": x / x.sum(),
                "selection_rate": rate,
                "selection_rate_ratio": rate / rate_0,
                "selection_rate_difference": rate - rate_0,
            }
        )
    intervals = {
        "winner_share": clopper_pearson(x, np.full_like(x, x.sum()), confidence),
        "selection_rate": wilson(x, n, confidence),
        "selection_rate_ratio": RATIO_INTERVALS[ratio_interval](x, n, x_0, n_0, confidence),
        "selection_rate_difference": miettinen_nurminen_difference(x, n, x_0, n_0, confidence),
    }
    for name, (low, high) in intervals.items():
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    ratio = table["selection_rate_ratio"]
    table["below_four_fifths"] = (ratio < 0.8).astype("boolean").mask(ratio.isna())
    return table


def selection_rate(
    winner: ArrayLike, *, sensitive_feature: ArrayLike, confidence: float = 0.95
) -> pd.DataFrame:
    """Selection rate by group from one entry a person: columns group, value, n, ci_low, ci_high (Wilson)."""
    table = selection_table(
        Counts.from_people(winner, sensitive_feature=sensitive_feature), confidence=confidence
    )
    columns = ["group", "selection_rate", "entrants", "selection_rate_low", "selection_rate_high"]
    return table[columns].set_axis(["group", "value", "n", "ci_low", "ci_high"], axis=1)
