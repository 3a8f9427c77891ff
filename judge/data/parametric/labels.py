"""Which label the i-th person has: shares of ethnicity × gender × age group, chosen by the caller."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from judge.data.parametric.person import ETHNICITIES, GENDERS
from judge.data.parametric.draws import uniforms
from judge.data.tables import AGE_GROUPS
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
                 the Webster/Sainte-Laguë apportionment (Balinski & Young 2001, ch. 3). It is house-monotone, so
                 nobody's label changes when more are asked for, and exact wherever n × share is whole.
    multinomial  each person's cell is drawn on its own.
    """
    p = shares.to_numpy(float)
    if how == "multinomial":
        edges = np.cumsum(p)
        u = uniforms(seed, stream, n, start) * edges[-1]
        return np.minimum(np.searchsorted(edges, u, side="right"), len(p) - 1)
    if how != "quota":
        raise InputError(f"assignment is one of {listed(ASSIGNMENTS)}, not {how!r}")
    total = start + n
    # a cell never gets more than its share of the seats plus the number of cells
    seats = [np.arange(int(total * share) + len(p) + 1) if share > 0 else np.arange(0) for share in p]
    turn = np.concatenate([(s + 0.5) / share for s, share in zip(seats, p, strict=True) if len(s)])
    cell = np.concatenate([np.full(len(s), number) for number, s in enumerate(seats)])
    # rounding: shares like 1/3 × 1/2 × 1/5 must tie exactly, whatever order they were multiplied in
    return cell[np.lexsort((cell, np.round(turn, 9)))][start:total]
