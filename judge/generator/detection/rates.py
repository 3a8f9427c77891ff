"""Who is accused: rates by group with exact limits, whether groups differ by more than chance, and the ranking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import clopper_pearson
from judge.fairness.inference.exact_tests import permutation_test
from judge.fairness.inference.intervals.ranks import outrank_interval, placements_of

ALL, MISSING = "all", "(missing)"


def threshold_of(scores: NDArray[np.float64], fpr: float) -> float:
    """The score above which a picture is called generated, from scores of n real people who trained nothing.

    The k-th highest of them, k = ⌊fpr · (n + 1)⌋: another real person of the same kind scores above it with
    probability at most k/(n + 1) ≤ fpr (Vovk, Gammerman & Shafer 2005, sec. 2.2).
    Raises InputError where n is too small for the rate asked for.
    """
    if not 0 < fpr < 1:
        raise InputError(f"fpr={fpr}: a rate of false alarms is between 0 and 1")
    k = int(np.floor(fpr * (len(scores) + 1) + 1e-9))
    if k < 1:
        needed = int(np.ceil(1 / fpr)) - 1
        raise InputError(
            f"a false-alarm rate of {fpr:g} needs at least {needed} real people to set the threshold; "
            f"there are {len(scores)}"
        )
    return float(np.sort(scores)[-k])


def rates_by_group(
    flagged: NDArray[np.bool_], people: pd.DataFrame, features: Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """feature, group, n, flagged, rate, ci_low, ci_high (Clopper & Pearson 1934); `all` first.

    People without a label stand under MISSING.
    """
    rows: list[tuple[str, str, int, int]] = [(ALL, ALL, len(flagged), int(flagged.sum()))]
    for feature in features:
        group = _groups(people[feature])
        for name in sorted(set(group)):
            here = group == name
            rows.append((feature, name, int(here.sum()), int(flagged[here].sum())))
    table = pd.DataFrame(rows, columns=["feature", "group", "n", "flagged"])
    table["rate"] = table["flagged"] / table["n"].where(table["n"] > 0)
    low, high = clopper_pearson(table["flagged"], table["n"], confidence)
    return table.assign(ci_low=low, ci_high=high)


def equal_rates(
    flagged: NDArray[np.bool_],
    people: pd.DataFrame,
    features: Sequence[str],
    *,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """A row a feature: the groups of the lowest and highest rate, and p of no difference among all of its groups.

    feature, groups, n, lowest, lowest_rate, highest, highest_rate, difference, statistic, p_value. The permutation test
    of `judge.fairness.inference.permutation`: who is flagged is dealt out anew among the same people.
    """
    rows: list[dict[str, Any]] = []
    for feature in features:
        group = _groups(people[feature])
        known = group != MISSING
        if len(set(group[known])) < 2:
            continue
        counts = Counts.from_people(flagged[known], sensitive_feature=group[known])
        rate = counts.winners[0] / counts.entrants[0]
        test = permutation_test(counts, n_permutations=n_permutations, rng=seed)
        low, high = int(rate.argmin()), int(rate.argmax())
        rows.append(
            {
                "feature": feature,
                "groups": len(counts.groups),
                "n": int(known.sum()),
                "lowest": counts.groups[low],
                "lowest_rate": float(rate[low]),
                "highest": counts.groups[high],
                "highest_rate": float(rate[high]),
                "difference": float(rate[high] - rate[low]),
                "statistic": test.statistic,
                "p_value": test.p if flagged[known].any() and not flagged[known].all() else 1.0,
            }
        )
    return pd.DataFrame(rows)


def auc(
    real: NDArray[np.float64], fake: NDArray[np.float64], *, confidence: float = 0.95
) -> tuple[float, float, float]:
    """P(a generated picture scores above a real one) + ½ P(tie), and its limits (see `outrank_interval`).

    Limits are NaN with fewer than five of either kind, the value where there are none.
    """
    if not len(real) or not len(fake):
        return np.nan, np.nan, np.nan
    sides = [_placements(fake, real), _placements(real, fake)]
    value = sides[0].mean
    found = outrank_interval(value, [(sides[0], sides[1])], confidence=confidence)
    return value, found.low, found.high


def auc_by_group(
    real: NDArray[np.float64],
    fake: NDArray[np.float64],
    real_people: pd.DataFrame,
    fake_people: pd.DataFrame,
    features: Sequence[str],
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """feature, group, n_real, n_generated, auc, ci_low, ci_high: within each group, and `all` first."""

    def cells() -> Iterator[tuple[str, str, NDArray, NDArray]]:
        yield ALL, ALL, np.ones(len(real), bool), np.ones(len(fake), bool)
        for feature in features:
            groups = _groups(real_people[feature]), _groups(fake_people[feature])
            for name in sorted(set(groups[0]) | set(groups[1])):
                yield feature, name, groups[0] == name, groups[1] == name

    rows = []
    for feature, name, of_real, of_fake in cells():
        found = auc(real[of_real], fake[of_fake], confidence=confidence)
        rows.append((feature, name, int(of_real.sum()), int(of_fake.sum()), *found))
    return pd.DataFrame(
        rows, columns=["feature", "group", "n_real", "n_generated", "auc", "ci_low", "ci_high"]
    )


def _placements(side: NDArray, other: NDArray) -> Any:
    """Share of `other` below each of `side`, ties half."""
    ordered = np.sort(other)
    below = np.searchsorted(ordered, side, "left") + np.searchsorted(ordered, side, "right")
    return placements_of(*np.unique(below / (2 * len(other)), return_counts=True))


def _groups(column: pd.Series) -> NDArray:
    return column.astype("object").where(column.notna(), MISSING).astype(str).to_numpy()
