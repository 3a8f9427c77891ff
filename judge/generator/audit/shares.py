"""Shares of groups: in the training data, asked for, and shown, by a classifier whose mistakes are taken out.

Counts by a classifier that errs are shares mixed by its confusion: p = Cᵀ π, with rows of C the share of a true group
that is read as each group. π is the likeliest one under π ≥ 0, Σ π = 1, found by expectation maximisation; where no
bound holds it is C's inverse, Rogan & Gladen (1978), Am. J. Epidemiology 107:71. Its interval counts that C was itself
counted on few people (Lang & Reiczigel 2014, Prev. Vet. Med. 113:13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.inference.intervals.plain import clopper_pearson

DRAWS = 1000
#: Most steps of expectation maximisation, and the change of a share below which it ends.
STEPS, SETTLED = 300, 1e-6


class Shares(NamedTuple):
    """(G,) shares that sum to 1, and the limits of each."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def corrected_shares(
    counts: ArrayLike, confusion: ArrayLike, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Shares:
    """Shares of true groups behind counts by a classifier.

    counts     (G,) people read as each group
    confusion  (G, G) counts of other people: true group × read group; each group at least once
    The interval: quantiles over `draws` of both, each from its Dirichlet distribution with ½ added to every count
    (Jeffreys), so that a classifier which never erred on few people is not taken for perfect.
    Raises InputError for counts that do not fit together, for nobody read, and for a true group of nobody.
    """
    read, table = np.asarray(counts, float), np.asarray(confusion, float)
    k = len(read)
    if read.ndim != 1 or table.shape != (k, k) or min(read.min(initial=0), table.min(initial=0)) < 0:
        raise InputError(
            f"corrected_shares takes counts (G,) and a confusion (G, G) of counts, not {read.shape} and {table.shape}"
        )
    if not read.sum() or (table.sum(1) == 0).any():
        raise InputError(
            "corrected_shares: nobody was read, or the confusion has a true group of which nobody was read"
        )
    rng = np.random.default_rng(seed)
    shares = rng.gamma(read + 0.5, size=(draws, k))
    mixing = rng.gamma(table + 0.5, size=(draws, k, k))
    drawn = _unmixed(shares / shares.sum(1, keepdims=True), mixing / mixing.sum(2, keepdims=True))
    value = _unmixed((read / read.sum())[None], (table / table.sum(1, keepdims=True))[None])[0]
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    return Shares(value, np.minimum(low, value), np.maximum(high, value))


def _unmixed(read: NDArray[np.float64], mixing: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D, G) likeliest shares of known components: read (D, G), mixing (D, G true, G read)."""
    shares = np.full_like(read, 1 / read.shape[1])
    for _ in range(STEPS):
        expected = np.einsum("dt,dtr->dr", shares, mixing)
        weight = np.divide(read, expected, out=np.zeros_like(read), where=expected > 0)
        before, shares = shares, shares * np.einsum("dr,dtr->dt", weight, mixing)
        shares /= shares.sum(1, keepdims=True)
        if np.abs(shares - before).max() < SETTLED:
            break
    return shares


def shares_in_asked_out(
    training: Sequence[str] | pd.Series,
    asked: Sequence[str] | pd.Series,
    read: Sequence[str] | pd.Series,
    confusion: pd.DataFrame,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """A row a group: its share in the training data, among those asked for, and among those drawn.

    training, asked, read  labels: of the training people, of the people asked for, as the classifier read the drawn
    confusion              counts of people that the classifier never saw: true (rows) × read (columns)
    Columns: group; n_in, share_in, in_low, in_high; n_asked, share_asked (chosen, not estimated: no interval); n_read,
    share_read, read_low, read_high (as read; intervals of Clopper and Pearson); share_out, out_low, out_high
    (the classifier's mistakes taken out); amplification (share_out / share_asked).
    Raises InputError for labels that the confusion does not know.
    """
    groups = [str(g) for g in confusion.index]
    columns = {"in": training, "asked": asked, "read": read}
    counts = {name: _counted(labels, groups, name) for name, labels in columns.items()}
    table = pd.DataFrame({"group": groups})
    for name, n in counts.items():
        table[f"n_{name}"] = n
        table[f"share_{name}"] = n / n.sum() if n.sum() else np.nan
        if name != "asked":
            table[f"{name}_low"], table[f"{name}_high"] = clopper_pearson(n, n.sum(), confidence)
    out = corrected_shares(counts["read"], confusion.to_numpy(), confidence=confidence, seed=seed)
    table["share_out"], table["out_low"], table["out_high"] = out
    table["amplification"] = np.where(
        table["share_asked"] > 0, table["share_out"] / table["share_asked"], np.nan
    )
    return table


def shown_as_asked(
    asked: Sequence[str] | pd.Series,
    read: Sequence[str] | pd.Series,
    confusion: pd.DataFrame,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """A row a group: who was asked for and is shown.

    Columns: group, n (asked), shown (read as asked), share, ci_low, ci_high (Clopper–Pearson), real, real_low,
    real_high (the same of real people: how often the classifier is right), corrected, corrected_low, corrected_high
    (its mistakes taken out), mostly (the group that the others are read as, "" where there are none).
    """
    groups = [str(g) for g in confusion.index]
    want, got = pd.Series(list(asked), dtype=object), pd.Series(list(read), dtype=object)
    if len(want) != len(got):
        raise InputError(f"shown_as_asked: {len(want)} were asked for, {len(got)} were read")
    rows = []
    for place, group in enumerate(groups):
        counts = _counted(got[want == group], groups, "read")
        n, shown = int(counts.sum()), int(counts[place])
        if not n:
            continue
        right = confusion.to_numpy()[place]
        share_low, share_high = clopper_pearson(shown, n, confidence)
        real_low, real_high = clopper_pearson(right[place], right.sum(), confidence)
        fixed = corrected_shares(counts, confusion.to_numpy(), confidence=confidence, seed=seed)
        others = np.where(np.arange(len(groups)) == place, -1, counts)
        rows.append(
            {
                "group": group, "n": n, "shown": shown,
                "share": shown / n, "ci_low": float(share_low), "ci_high": float(share_high),
                "real": right[place] / right.sum(), "real_low": float(real_low), "real_high": float(real_high),
                "corrected": fixed.value[place], "corrected_low": fixed.low[place], "corrected_high": fixed.high[place],
                "mostly": groups[int(others.argmax())] if others.max() > 0 else "",
            }
        )  # fmt: skip
    if not rows:
        raise InputError(f"nobody of {listed(groups)} was asked for")
    return pd.DataFrame(rows)


def _counted(labels: Sequence[str] | pd.Series, groups: list[str], name: str) -> NDArray[np.int64]:
    values = pd.Series(list(labels), dtype=object).dropna().astype(str)
    if other := sorted(set(values) - set(groups)):
        raise InputError(f"labels {name}: the classifier knows {listed(groups)}, not {listed(other)}")
    return values.value_counts().reindex(groups, fill_value=0).to_numpy(np.int64)
