"""What an attack finds: members at a low rate of false alarms, by group, with the intervals that the numbers allow.

A threshold is set on all non-members of a target, of whatever group, and holds for each group. Intervals of one target
are over its members. Of several targets there are two: over all members of all targets as if they were as many people,
at one threshold, which holds for these trainings; and over targets (Student's t), which holds for others like them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from judge.errors import InputError
from judge.fairness.inference import clopper_pearson, miettinen_nurminen_difference, t_interval

ALL = "all"
FPRS = (0.01, 0.001)
#: False alarms that a threshold has to let through, so that its rate is known to about a third.
FALSE_ALARMS = 10
#: Scopes of the table: one target is called by its number.
POOLED, OVER = "all targets", "over targets"
COLUMNS = (
    "scope", "group", "fpr", "members", "non_members", "found", "tpr", "ci_low", "ci_high", "chance_low",
    "chance_high", "p_value", "false_alarms", "fpr_reached", "fpr_low", "fpr_high", "auc", "targets", "note",
)  # fmt: skip


def attack_rates(
    scores: ArrayLike,
    members: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    fprs: Sequence[float] = FPRS,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """True positive rates at low false positive rates, by target and group.

    Parameters
    ----------
    scores : (T, n) or (n,) array
        High for members.
    members : array of bool of that shape
        Who was in the training of each target.
    groups : (n,) array of str, optional
    fprs : sequence of float
        Rates of false alarms, each in (0, 1).
    confidence : float
        Of all intervals.

    Returns
    -------
    DataFrame
        A row a scope ("0", "1", … for the targets, "all targets", "over targets" from two on), group ("all" first) and
        rate. found of the members are above the threshold, false_alarms of the non-members. ci: Clopper–Pearson of
        tpr; for "over targets" Student's t of the mean of the targets' own, NaN limits where it is unknown. chance: the
        share of members above that threshold if scores had nothing to do with membership, its central interval, and
        p_value, of so many or more (beta-binomial, exact; for the group "all" alone, whose non-members set the
        threshold). note: why a row has no tpr. The auc counts ties half.

    Raises
    ------
    InputError
        For arrays that do not fit together, targets without members or non-members, rates outside (0, 1).
    """
    values, inside, names = _checked(scores, members, groups, confidence)
    if not len(fprs) or any(not 0 < fpr < 1 for fpr in fprs):
        raise InputError(f"fprs are rates of false alarms between 0 and 1, not {list(fprs)}")
    rows: list[dict[str, Any]] = []
    scopes = [(str(t), values[t], inside[t], names) for t in range(len(values))]
    if len(values) > 1:
        scopes.append((POOLED, values.ravel(), inside.ravel(), np.tile(names, len(values))))
    for scope, value, member, name in scopes:
        for fpr in fprs:
            rows += _at(scope, value, member, name, fpr, confidence)
    table = pd.DataFrame(rows)
    if len(values) > 1:
        table = pd.concat([table, _over_targets(table, confidence)], ignore_index=True)
    return table.reindex(columns=list(COLUMNS))


def threshold_at(non_members: NDArray[np.float64], fpr: float) -> float:
    """The smallest threshold with at most a share `fpr` of non-members above it."""
    allowed = int(np.floor(fpr * len(non_members) + 1e-9))
    return float(np.partition(non_members, len(non_members) - allowed - 1)[len(non_members) - allowed - 1])


def group_differences(
    scores: ArrayLike, members: ArrayLike, groups: ArrayLike, *, fpr: float = 0.01, confidence: float = 0.95
) -> pd.DataFrame:
    """Are members of a group found more often than other members, at the threshold that all share?

    Settings as of `attack_rates`, and one rate. A row a group: members, tpr, tpr_others, difference with its interval
    over members (ci_, Miettinen & Nurminen, of all targets' members as if they were as many people) and over targets
    (over_, Student's t; NaN with fewer than two), and targets. Each target has its own threshold. A group whose scores
    spread wider passes it more often, member or not: read the difference beside fpr_reached of `attack_rates`.
    """
    values, inside, names = _checked(scores, members, groups, confidence)
    above = np.stack([v > threshold_at(v[~m], fpr) for v, m in zip(values, inside, strict=True)])
    rows = []
    for group in sorted(set(names)):
        own, other = inside & (names == group), inside & (names != group)
        if not own.any() or not other.any():
            continue
        found, n, found_others, others = (int(x.sum()) for x in (above & own, own, above & other, other))
        low, high = miettinen_nurminen_difference(found, n, found_others, others, confidence)
        there = own.any(axis=1) & other.any(axis=1)
        each = [above[t][own[t]].mean() - above[t][other[t]].mean() for t in np.flatnonzero(there)]
        over = t_interval(each, confidence=confidence)
        rows.append(
            {
                "group": group, "fpr": fpr, "members": n, "tpr": found / n,
                "tpr_others": found_others / others, "difference": found / n - found_others / others,
                "ci_low": float(low), "ci_high": float(high),
                "over_low": over.low, "over_high": over.high, "targets": len(each),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def roc(scores: ArrayLike, members: ArrayLike, *, points: int = 200) -> pd.DataFrame:
    """fpr and tpr of all targets' people together, at `points` rates evenly spaced in logarithm, from 1/non-members."""
    value, member, _ = _checked(scores, members, None, 0.95)
    out, inside = np.sort(value[~member]), np.sort(value[member])
    allowed = np.unique(np.geomspace(1, len(out), points).astype(int))
    threshold = out[np.maximum(len(out) - allowed - 1, 0)]
    threshold[allowed >= len(out)] = -np.inf
    tpr = 1 - np.searchsorted(inside, threshold, side="right") / len(inside)
    reached = 1 - np.searchsorted(out, threshold, side="right") / len(out)
    return pd.DataFrame({"fpr": reached, "tpr": tpr}).drop_duplicates(ignore_index=True)


def _checked(
    scores: ArrayLike, members: ArrayLike, groups: ArrayLike | None, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.str_]]:
    values, inside = np.atleast_2d(np.asarray(scores, float)), np.atleast_2d(np.asarray(members))
    if inside.dtype != bool or values.ndim != 2 or values.shape != inside.shape:
        raise InputError(
            f"members is bool of the scores' shape {values.shape}, not {inside.dtype} {inside.shape}"
        )
    if np.isnan(values).any():
        raise InputError("scores are numbers; some are missing")
    if not inside.any(axis=1).all() or inside.all(axis=1).any():
        raise InputError("each target needs members and non-members; some target has only one of them")
    if not 0 < confidence < 1:
        raise InputError(f"confidence={confidence}: between 0 and 1, such as .95")
    names = np.full(values.shape[1], ALL) if groups is None else np.asarray(groups).astype(str)
    if names.shape != (values.shape[1],):
        raise InputError(
            f"groups has a name for each of {values.shape[1]} people, not the shape {names.shape}"
        )
    return values, inside, names


def _enough_for(outside: int) -> str:
    """The smallest round rate that so many non-members allow, in words."""
    rates = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    rate = next((rate for rate in rates if outside >= FALSE_ALARMS / rate - 1e-9), None)
    return "" if rate is None else f", enough for {rate:g}"


def _at(
    scope: str, value: NDArray, member: NDArray, name: NDArray, fpr: float, confidence: float
) -> list[dict[str, Any]]:
    outside = int((~member).sum())
    needed = int(np.ceil(FALSE_ALARMS / fpr - 1e-9))
    note = "" if outside >= needed else f"needs {needed:,} non-members, has {outside:,}{_enough_for(outside)}"
    above = value > threshold_at(value[~member], fpr)
    rows = []
    for group in (ALL, *sorted(set(name) - {ALL})):
        own = (name == group) | (group == ALL)
        inside, out = value[own & member], value[own & ~member]
        n, n_out = len(inside), len(out)
        row: dict[str, Any] = {"scope": scope, "group": group, "fpr": fpr, "members": n, "non_members": n_out}
        row |= {"auc": _auc(inside, out), "note": note}
        if not note:
            found, alarms = int((above & own & member).sum()), int((above & own & ~member).sum())
            low, high = clopper_pearson(found, n, confidence)
            fpr_low, fpr_high = clopper_pearson(alarms, n_out, confidence)
            row |= {
                "found": found, "tpr": found / n if n else np.nan, "ci_low": float(low), "ci_high": float(high),
                "false_alarms": alarms, "fpr_reached": alarms / n_out if n_out else np.nan,
                "fpr_low": float(fpr_low), "fpr_high": float(fpr_high),
            }  # fmt: skip
            if group == ALL:
                row |= _chance(n, n_out, fpr, found, confidence)
        rows.append(row)
    return rows


def _chance(members: int, outside: int, fpr: float, found: int, confidence: float) -> dict[str, float]:
    """Members above the (allowed + 1)th highest non-member, both being drawn from one urn: beta-binomial."""
    allowed = int(np.floor(fpr * outside + 1e-9))
    mass = stats.betabinom.pmf(np.arange(members + 1), members, allowed + 1, outside - allowed)
    below = np.cumsum(mass)
    low, high = np.searchsorted(below, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {
        "chance_low": low / members,
        "chance_high": min(high, members) / members,
        "p_value": float(min(1.0, mass[found:].sum())),
    }


def _auc(inside: NDArray[np.float64], out: NDArray[np.float64]) -> float:
    if not len(inside) or not len(out):
        return np.nan
    ranks = stats.rankdata(np.concatenate([inside, out]))[: len(inside)]
    return float((ranks.sum() - len(inside) * (len(inside) + 1) / 2) / (len(inside) * len(out)))


def _over_targets(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    rows = []
    for (group, fpr), part in table[table["scope"] != POOLED].groupby(["group", "fpr"], sort=False):
        short = next((note for note in part["note"] if note), "")
        row = {
            "scope": OVER, "group": group, "fpr": fpr, "targets": len(part), "auc": part["auc"].mean(),
            "members": part["members"].sum(), "non_members": part["non_members"].sum(),
            "note": short and f"a target {short}",
        }  # fmt: skip
        if not row["note"]:
            mean = t_interval(part["tpr"].dropna(), confidence=confidence)
            row |= {"tpr": mean.value, "ci_low": mean.low, "ci_high": mean.high, "found": part["found"].sum()}
            row |= {"false_alarms": part["false_alarms"].sum(), "fpr_reached": part["fpr_reached"].mean()}
        rows.append(row)
    return pd.DataFrame(rows)
