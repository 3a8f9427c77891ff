"""Holm's families: which rows ask the same question, and how many questions a family asks.

A family is one feature judged by one score or winner column. Within it a hypothesis counts once, however many rows are
about it: a group's share of the winners and its ratio to all others are one test, and in a contest of two groups what
holds of one is the complement of what holds of the other. Each hypothesis has one p-value, that of its first row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.fairness.audit.rows import ALL_OTHERS
from judge.fairness.inference.exact_tests import holm

#: Metrics that are one question, asked by the same exact test of the same winners.
WINNERS = frozenset(
    {"winner_share", "selection_rate_ratio", "selection_rate_difference", "winners_against_chance"}
)
#: Not about one group: all groups together.
ALL_GROUPS = "all groups"

Hypothesis = tuple[str, str, frozenset[frozenset[str]]]


def with_adjusted(table: pd.DataFrame, *, primary: tuple[str, str]) -> pd.DataFrame:
    """The table with the primary contrast marked, Holm's adjustment within each family, and the family named.

    Parameters
    ----------
    table : DataFrame
        An AUDIT table with the columns of `judge.fairness.audit.rows`. It is changed.
    primary : tuple of str
        Feature and group of the primary contrast: that group's first winner_share. Its hypothesis stands outside the
        families and keeps its own p-value, in every row that is about it.

    Returns
    -------
    DataFrame
        The same table with primary, p_adjusted and family filled in.

    Examples
    --------
    Two groups, two rows, one hypothesis, and it is the primary one:

    >>> from judge.fairness.audit.rows import Rows, table_of
    >>> rows = Rows(feature="g", score_column="won", reference="all others")
    >>> for group in "ab":
    ...     rows.add("winner_share", group, 0.5, 4, p_value=0.0124)
    >>> with_adjusted(table_of(rows), primary=("g", "a"))[["p_adjusted", "primary"]].values.tolist()
    [[0.0124, True], [0.0124, False]]
    """
    feature, group = primary
    asked = (table["metric"] == "winner_share") & (table["feature"] == feature) & (table["group"] == group)
    first = table.index[asked][:1]
    table.loc[first, "primary"] = True
    p = table["p_value"].to_numpy(float)
    adjusted = np.full(len(table), np.nan)
    family = np.array([""] * len(table), dtype=object)
    tested = np.flatnonzero(~np.isnan(p))
    judged = table[["feature", "score_column"]].astype(str).agg(tuple, axis=1).to_numpy()
    entered = table[table["metric"].isin(["entrant_share", "winner_share"])]
    groups_of = {
        str(feature): frozenset(map(str, part)) for feature, part in entered.groupby("feature")["group"]
    }
    for name in dict.fromkeys(judged[tested]):
        rows = [i for i in tested if judged[i] == name]
        everybody = groups_of.get(name[0], frozenset())
        keys = {i: hypothesis_of(table.iloc[i], everybody) for i in rows}
        outside = {keys[i] for i in rows if table.index[i] in first}
        own: dict[Hypothesis, float] = {}
        for i in rows:
            own.setdefault(keys[i], p[i])
        others = [key for key in own if key not in outside]
        of = dict(zip(others, holm([own[key] for key in others]), strict=True))
        for i in rows:
            # a second test of the same hypothesis never looks better than itself
            adjusted[i] = p[i] if keys[i] in outside else max(of[keys[i]], p[i])
            family[i] = "primary" if keys[i] in outside else _named(name, len(others))
    table["p_adjusted"] = adjusted
    table["family"] = family.astype(str)
    return table


def hypothesis_of(row: pd.Series, everybody: frozenset[str]) -> Hypothesis:
    """What a row asks: the question, the bracket if it is about one, and the two sides without their order."""
    metric, group, reference = str(row["metric"]), str(row["group"]), str(row["reference"])
    bracket = str(row["bracket"])
    where = "" if bracket in ("all", "within") else bracket
    question = "winners" if metric in WINNERS else metric
    if group == ALL_GROUPS:
        # of two groups "all groups" says no more than one against the other; of more it is a question of its own
        if question == "winners" and len(everybody) == 2:
            return question, where, frozenset(frozenset({name}) for name in everybody)
        return metric, where, frozenset({everybody})
    others = everybody - {group} if reference in (ALL_OTHERS, "") else frozenset({reference})
    return question, where, frozenset({frozenset({group}), others})


def _named(name: tuple[str, str], hypotheses: int) -> str:
    feature, column = name
    judged = f"{feature} by {column}" if column else feature
    return f"{judged}: {hypotheses} hypothes{'i' if hypotheses == 1 else 'e'}s"


def largest_family(groups: int) -> int:
    """About as many hypotheses as a family of so many groups may have, for tests that must be able to pass it.

    Winners against all others and against a reference, brackets alike, outranking, missing scores, errors: six a group,
    and four about all groups together.
    """
    return 6 * (1 if groups == 2 else groups) + 4
