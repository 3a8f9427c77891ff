"""Which label the i-th person has: shares of ethnicity × gender × age group, chosen by the caller."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from judge.data.brackets import AGE_GROUPS
from judge.data.parametric.draws import uniforms
from judge.data.parametric.person import ETHNICITIES, GENDERS
from judge.errors import InputError, listed

LABELS = {"ethnicity": ETHNICITIES, "gender": GENDERS, "age_group": AGE_GROUPS}
ASSIGNMENTS = ("quota", "multinomial")


def cell_shares(composition: Mapping | None) -> pd.Series:
    """Share of each of the 30 cells, summing to 1; index: ethnicity, gender, age_group.

    composition   None: all cells equal. Else some of
                  ethnicity, gender, age_group: {name: share}, independent of one another, left out = equal;
                  cells: {"african/female/18-29": share, …} instead of the three, for any joint distribution
    Shares are scaled to sum to 1. Raises InputError for unknown names, negative shares, or only zeros.
    """
    composition = dict(composition or {})
    unknown = set(composition) - set(LABELS) - {"cells"}
    if unknown or ("cells" in composition and len(composition) > 1):
        raise InputError(
            f"composition takes {listed(LABELS)}, or cells alone; given {listed(sorted(map(str, composition)))}"
        )
    index = pd.MultiIndex.from_product(LABELS.values(), names=list(LABELS))
    if "cells" in composition:
        named = _positive(composition["cells"], ["/".join(cell) for cell in index], "composition.cells")
        return pd.Series(named, index=index)
    total = np.ones(len(index))
    for label, names in LABELS.items():
        shares = composition.get(label)
        values = _positive(shares if shares is not None else dict.fromkeys(names, 1.0), names, label)
        total *= index.get_level_values(label).map(dict(zip(names, values, strict=True))).to_numpy(float)
    return pd.Series(total, index=index)


def _positive(shares: object, names: object, what: str) -> np.ndarray:
    names = list(names)  # type: ignore[call-overload]
    if not isinstance(shares, Mapping) or not shares or not set(shares) <= set(names):
        given = listed(shares) if isinstance(shares, Mapping) else repr(shares)
        raise InputError(f"{what} takes shares of {listed(names, 30)}, given {given}")
    values = np.array([float(shares.get(name, 0.0)) for name in names])
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        raise InputError(f"{what}: shares are at least 0 and not all 0, given {dict(shares)}")
    return values / values.sum()


def assign(
    n: int, shares: pd.Series, *, seed: int, how: str = "quota", start: int = 0, stream: str = "label"
) -> np.ndarray:
    """Cell number (position in `shares`) of the persons start … start + n − 1, shape (n,).

    quota        counts follow the shares as closely as whole people can: the i-th person takes the i-th seat of
                 the Webster/Sainte-Laguë apportionment (Balinski & Young 2001, ch. 3), which is house-monotone,
                 so nobody's label changes when more are asked for, and exact wherever n × share is whole. Where
                 `shares` has levels (ethnicity, gender, age_group), seats are given a level at a time: counts of
                 ethnicity are as exact as can be, counts of gender within each ethnicity, and so on.
    multinomial  each person's cell is drawn on its own.
    """
    if how == "multinomial":
        edges = np.cumsum(shares.to_numpy(float))
        u = uniforms(seed, stream, n, start) * edges[-1]
        return np.minimum(np.searchsorted(edges, u, side="right"), len(edges) - 1)
    if how != "quota":
        raise InputError(f"assignment is one of {listed(ASSIGNMENTS)}, not {how!r}")
    return _seats(start + n, shares)[start:]


def _seats(n: int, shares: pd.Series, turn: int = 0) -> np.ndarray:
    """The first n seats as positions in `shares`; `turn` says which of equal shares comes first."""
    if shares.index.nlevels == 1:
        return _webster(n, shares.to_numpy(float), turn)
    names = shares.index.get_level_values(0)
    outer = list(dict.fromkeys(names))
    first = _webster(n, np.array([shares[names == name].sum() for name in outer]), turn)
    cell = np.empty(n, dtype=np.int64)
    for number, name in enumerate(outer):
        here, inside = np.flatnonzero(first == number), np.flatnonzero(names == name)
        if len(here):
            # another first turn in each group, or a small population has its odd people all in one age group
            inner = _seats(len(here), shares.iloc[inside].droplevel(0), turn + number)
            cell[here] = inside[inner]
    return cell


def _webster(n: int, p: np.ndarray, turn: int) -> np.ndarray:
    p = p / p.sum()
    order = np.roll(np.arange(len(p)), -turn)
    # no cell gets more than its share of the seats plus the number of cells
    seats = [np.arange(int(n * p[k]) + len(p) + 1) if p[k] > 0 else np.arange(0) for k in order]
    when = np.concatenate([(s + 0.5) / p[k] for s, k in zip(seats, order, strict=True) if len(s)])
    rank = np.concatenate([np.full(len(s), r) for r, s in enumerate(seats)])
    # rounding: equal shares must tie exactly, in whatever order they were multiplied
    return order[rank[np.lexsort((rank, np.round(when, 9)))][:n]]
