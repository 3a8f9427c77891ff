"""What an audit found, as data: what its page, its terminal text and its JSON say first.

A reader who stops after the first screen must not have missed the one result that holds. So this goes over the whole
audit table, not over chosen metrics: the primary contrast, every result that survives Holm's adjustment wherever it
stands, effects that differ between brackets, the largest signed error, who has no score, and what so few winners could
have shown. Sentences are made of it elsewhere (`judge.report.sentences`); here are the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.audit.families import ALL_GROUPS, hypothesis_of
from judge.fairness.inference.settings import Inference

#: Shares of a group that did not take part, by reason.
ABSENT_METRICS = (
    "missing_bracket_share", "not_eligible_share", "refused_share", "missing_score_share", "missing_winner_share",
)  # fmt: skip
HOMOGENEITY = "homogeneity_over_brackets"
#: What the power rows say, in this order.
POWER_METRICS = (
    "power_at_ratio_0.5", "power_at_ratio_0.8", "smallest_detectable_ratio",
    "winners_needed_at_ratio_0.5", "winners_needed_at_ratio_0.8",
)  # fmt: skip
#: Several rows may carry one test (the share of a group and its ratio); the first of these stands for it.
_FAMILY = ["feature", "score_column"]
_SPEAKS = ("selection_rate_ratio", "winner_share")


@dataclass(frozen=True)
class Finding:
    """One thing that an audit says first.

    Attributes
    ----------
    kind : str
        primary, survives, none_survives, brackets_differ, error, absent or power.
    rows : tuple of mappings
        The rows of the audit table that it speaks of, the most telling first.
    facts : mapping
        Numbers that no single row has, such as how many tests were adjusted together.
    """

    kind: str
    rows: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


def findings(table: pd.DataFrame, *, confidence: float = 0.95) -> list[Finding]:
    """What the table of an audit says first, in the order in which it is to be said.

    Parameters
    ----------
    table : DataFrame
        As from `judge.fairness.audit.audit`: an AUDIT table with p_adjusted, primary, score_column and bracket. Metrics
        that it lacks are not spoken of.
    confidence : float
        As given to the audit; a result survives where its adjusted p-value is at most 1 − confidence.

    Returns
    -------
    list of Finding
        primary           the one primary contrast, if the table marks one
        survives          rows whose Holm-adjusted p-value is at most 1 − confidence, smallest first; several rows that
                          ask the same question are one (`judge.fairness.audit.families`). facts: level, tests
                          (questions asked, the primary contrast not among them)
        none_survives     instead, where there are tests and none survives; its row has the smallest adjusted p-value
        brackets_differ   homogeneity tests over brackets that survive: what is said of all brackets together is a mean
        error             for each score, the largest first: the largest signed error of any group, and where its
                          interval holds 0, the largest whose interval does not, if any. facts: groups (of all features
                          and scores), others_low and others_high (of the other groups of the same feature)
        absent            for each reason and score: the groups' shares that did not take part, by feature, largest
                          first, tested or not (they are not told among those that survive). facts: level, people, of
        power             what the primary contrast could have shown

    Raises
    ------
    InputError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    Holm, S. (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
    6(2), 65–70. Signed errors have intervals and no test; the largest of several is chosen by looking at all of them,
    so that its own interval is too narrow for what it is called. The sentence says so.

    Examples
    --------
    Scores that give one group half a point less than people do:

    >>> from judge.fairness.audit import audit
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"g": ["a", "b", "c"] * 100, "rating": rng.normal(5, 1, 300)})
    >>> people["score"] = people["rating"] - 0.5 * (people["g"] == "c")
    >>> table = audit(people, features="g", score="score", rating="rating", n_permutations=99)
    >>> [(found.kind, found.rows[0]["metric"], found.rows[0]["group"]) for found in findings(table)]
    [('survives', 'outrank_probability', 'c'), ('error', 'signed_error', 'c')]
    """
    alpha = round(1 - Inference(confidence=confidence).confidence, 12)
    known = table.reset_index(drop=True)
    for column, default in {
        "p_adjusted": np.nan,
        "primary": False,
        "score_column": "",
        "bracket": "all",
    }.items():
        if column not in known:
            known[column] = default
    primary = known["primary"].fillna(False).astype(bool)
    found = [_finding("primary", known[primary].head(1), level=alpha)] if primary.any() else []
    absent = known["metric"].isin(ABSENT_METRICS)
    found += _survivors(known[~primary & ~absent], alpha)
    differ = known[(known["metric"] == HOMOGENEITY) & (known["p_adjusted"] <= alpha)]
    if len(differ):
        found.append(_finding("brackets_differ", differ.sort_values("p_value", kind="stable"), level=alpha))
    errors = known[(known["metric"] == "signed_error") & np.isfinite(known["value"])]
    largest = [_largest_error(part, len(errors)) for _, part in errors.groupby("score_column", sort=False)]
    found += sorted(largest, key=lambda one: -abs(one.rows[0]["value"]))
    for metric in ABSENT_METRICS:
        for _, part in known[known["metric"] == metric].groupby("score_column", sort=False):
            found.append(_absent(part, alpha))
    power = known[known["metric"].isin(POWER_METRICS)]
    if len(power):
        order = power["metric"].map({name: i for i, name in enumerate(POWER_METRICS)})
        told = power.loc[order.sort_values(kind="stable").index]
        judged = known.loc[primary, "score_column"].head(1).tolist() or told["score_column"].head(1).tolist()
        found.append(_finding("power", told[told["score_column"].isin(judged)]))
    return found


def _survivors(rest: pd.DataFrame, alpha: float) -> list[Finding]:
    """The results that survive, or that none does."""
    tested = rest[np.isfinite(rest["p_adjusted"])]
    if "family" in tested:  # a second row about the primary contrast is no result of its own
        tested = tested[tested["family"] != "primary"]
    if tested.empty:
        return []
    speaks = tested["metric"].map({name: i for i, name in enumerate(_SPEAKS)}).fillna(len(_SPEAKS))
    ordered = tested.assign(_speaks=speaks).sort_values(["p_adjusted", "p_value", "_speaks"], kind="stable")
    groups = {key: _groups(block) for key, block in rest.groupby(_FAMILY, sort=False)}
    asked = [
        (*(row[name] for name in _FAMILY), hypothesis_of(row, groups[row[_FAMILY[0]], row[_FAMILY[1]]]))
        for _, row in ordered.iterrows()
    ]
    first = ~pd.Series(asked, index=ordered.index, dtype=object).duplicated()
    one_each = ordered[first].drop(columns="_speaks")
    kept = one_each[one_each["p_adjusted"] <= alpha]
    facts = {"level": alpha, "tests": len(one_each)}
    if kept.empty:
        return [_finding("none_survives", one_each.head(1), **facts)]
    return [_finding("survives", kept, **facts)]


def _groups(block: pd.DataFrame) -> frozenset[str]:
    """The groups of one feature: those that entered, else those that are named by anything but power."""
    entered = block["metric"] == "entrant_share"
    named = (
        entered if entered.any() else ~(block["metric"].isin(POWER_METRICS) | (block["group"] == ALL_GROUPS))
    )
    return frozenset(map(str, block.loc[named, "group"]))


def _largest_error(errors: pd.DataFrame, groups: int) -> Finding:
    """The largest signed error of one score, and the largest that is sure where those are not the same."""
    by_size = errors.iloc[np.argsort(-errors["value"].abs().to_numpy(), kind="stable")]
    largest = by_size.iloc[0]
    sure = by_size[(by_size["ci_low"] > 0) | (by_size["ci_high"] < 0)]
    told = (
        by_size.head(1)
        if sure.empty or sure.index[0] == largest.name
        else by_size.loc[[largest.name, sure.index[0]]]
    )
    others = errors[(errors["feature"] == largest["feature"]) & (errors.index != largest.name)]["value"]
    span = {} if others.empty else {"others_low": float(others.min()), "others_high": float(others.max())}
    return _finding("error", told, groups=groups, **span)


def _absent(rows: pd.DataFrame, alpha: float) -> Finding:
    """Who did not take part for one reason: features as they come, in each the largest share first."""
    features = rows["feature"].map({name: i for i, name in enumerate(rows["feature"].unique())})
    ordered = rows.assign(_feature=features).sort_values(
        ["_feature", "value"], ascending=[True, False], kind="stable"
    )
    first = rows[features == 0]  # every feature has the same people
    people = int((first["value"] * first["n"]).round().fillna(0).sum())
    return _finding(
        "absent", ordered.drop(columns="_feature"), level=alpha, people=people, of=int(first["n"].sum())
    )


def _finding(kind: str, rows: pd.DataFrame, **facts: Any) -> Finding:
    records = tuple({str(key): value for key, value in row.items()} for row in rows.to_dict("records"))
    return Finding(kind, records, facts)
