"""The first screen of a run's page: what moved against the baseline, and a table with a line for each condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from judge.fairness.findings import findings
from judge.report.conditions import REFERENCES, TRUTH, baseline_of, in_order
from judge.report.html import Block, Column, Text, count, label
from judge.report.sections.described import changes
from judge.report.sections.pools import judge_of
from judge.report.sections.tables import reference_of, rows_of, told_by, winners_table
from judge.report.sentences import said
from judge.report.wording import counted, joined, largest, level, named, number, percent

GROUPS = 7  # groups with a column in the table; all are in the tables below it
#: A group that gained or lost more than this many winners, or than this share of them, is said to have moved. It only
#: sorts the sentence: whether chance would move as many is asked by the tests further down.
PLACES_MOVED, SHARE_MOVED = 2, 0.04
SURVIVORS = 3  # results of the baseline's own audit that are named
ONE_RUN = (
    "This is one training run in each condition. Another seed draws another pool and other initial weights, and may "
    "choose other winners: from one seed no effect of any condition is claimed. `judge run -m` over seeds and "
    "`judge compare` measure it."
)


def summary_blocks(
    audit: pd.DataFrame,
    pools: pd.DataFrame,
    benchmarks: pd.DataFrame,
    settings: Mapping[str, Any],
    *,
    feature: str,
    majority: str,
    trained_as: Mapping[str, str],
) -> list[Block]:
    """The sentence, what the baseline did, that it is one run, and the table."""
    shares = winners_table(audit, feature)
    focus = _focus(shares, _reference(audit, feature))
    alone = audited_alone(audit, baseline_of(shares["condition"]))
    return [
        Text(what_moved(shares, focus), "lead"),
        Text(_of_the_baseline(shares, pools, majority)),
        *([Text(alone)] if alone else []),
        Text(ONE_RUN, "caution"),
        _table(audit, pools, shares, benchmarks, settings, focus, feature, majority, trained_as),
    ]


def what_moved(shares: pd.DataFrame, focus: str) -> str:
    """One sentence: which conditions moved the winners of some group against the baseline, and which did not.

    shares: condition, group, winners. focus: the group that is spoken of wherever it moved.
    """
    baseline, won = baseline_of(shares["condition"]), _won(shares)
    others = [name for name in won.index if name != baseline and name not in REFERENCES]
    totals = won.sum(axis=1)
    of_all = won.div(totals.where(totals > 0), axis=0)
    change = won.sub(won.loc[baseline]).abs()
    least = max(PLACES_MOVED, SHARE_MOVED * float(totals.max()))
    moved = [name for name in others if change.loc[name].max() > least]
    still = [name for name in others if name not in moved]
    groups = {
        name: focus if change.loc[name, focus] > least else str(change.loc[name].idxmax()) for name in moved
    }
    same = set(groups.values()) == {focus}
    told = []
    for name, group in groups.items():
        before, after = (percent(of_all.loc[who, group], 0) for who in (baseline, name))
        told.append(f"{named(name)} ({'' if same else f'{group} '}{before.removesuffix(' %')} → {after})")
    winners = f"the {int(totals[baseline]):,} winners" if totals.nunique() == 1 else "the winners"
    clauses = []
    if told:
        subject = f"the {focus} share of {winners}" if same else f"a group’s share of {winners}"
        clauses.append(f"{subject} moved under {joined(told)}")
    if still:
        most = int(change.loc[still].max(axis=None))
        by = f"by more than {counted(most, 'place')}" if most else "at all"
        clauses.append(f"{joined([named(name) for name in still])} moved no group {by}")
    return (
        f"Against {named(baseline)}, {'; '.join(clauses)}." if clauses else f"{named(baseline)} stands alone."
    )


def audited_alone(audit: pd.DataFrame, baseline: str | None) -> str:
    """One sentence on the baseline's own contest: what of its audit survives Holm's adjustment, or that nothing."""
    own = audit[audit["condition"].astype(object) == baseline]
    confidence = float(own["confidence"].iloc[0]) if "confidence" in own and len(own) else 0.95
    told = said(findings(own, confidence=confidence), own)
    survives = next((one for one in told if one.kind in ("survives", "none_survives")), None)
    if survives is None:
        return ""
    text = survives.text.rstrip(":.")
    if survives.items:
        text += f": {'; '.join(survives.items[:SURVIVORS])}"
        rest = len(survives.items) - SURVIVORS
        text += f"; and {rest} more in the table of all numbers" if rest > 0 else ""
    return (
        f"The contest under {named(baseline)}, audited by itself with the trained judge taken as given: "
        f"{text[0].lower()}{text[1:]}."
    )


def _won(shares: pd.DataFrame) -> pd.DataFrame:
    """Winners, a line a condition in order, a column a group; 0 where the audit has none."""
    wide = shares.assign(condition=shares["condition"].astype(object)).pivot_table(
        index="condition", columns="group", values="winners", aggfunc="first", fill_value=0
    )
    return wide.loc[in_order(shares["condition"])]


def _reference(audit: pd.DataFrame, feature: str) -> str:
    return reference_of(rows_of(audit, "selection_rate_ratio", feature=feature))


def _focus(shares: pd.DataFrame, reference: str) -> str:
    """The group, other than the reference of ratios, whose winners moved most over all conditions."""
    won = _won(shares[~shares["condition"].isin(REFERENCES)])
    change = won.sub(won.loc[baseline_of(shares["condition"])]).abs().sum()
    others = change.drop(index=reference, errors="ignore")
    return str((others if len(others) else change).idxmax())


def _of_the_baseline(shares: pd.DataFrame, pools: pd.DataFrame, majority: str) -> str:
    baseline = baseline_of(shares["condition"])
    pool, won = _row(pools, baseline, majority), _row(shares, baseline, majority)
    if pool is None or won is None:
        return ""
    total = shares.loc[shares["condition"] == baseline, "winners"].sum()
    return (
        f"Under {named(baseline)}, the baseline, {count(pool['n'])} of {count(pool['pool_n'])} training pictures are "
        f"{majority} and so are {count(won['winners'])} of {count(total)} winners ({percent(won['winner_share'])}), "
        f"where {percent(won['entrant_share'])} of the entrants are."
    )


def _table(
    audit: pd.DataFrame,
    pools: pd.DataFrame,
    shares: pd.DataFrame,
    benchmarks: pd.DataFrame,
    settings: Mapping[str, Any],
    focus: str,
    feature: str,
    majority: str,
    trained_as: Mapping[str, str],
) -> Any:
    """A line a condition: what it changes, whose judge it has, its pool, its winners, its ratio, its agreement."""
    groups, left = largest(shares.groupby("group")["entrants"].max(), GROUPS)
    won, order = _won(shares), in_order(shares["condition"])
    ratios = rows_of(audit, "selection_rate_ratio", feature=feature)
    agreement = rows_of(audit[audit["condition"] != TRUTH], "pearson", feature=feature)
    weights = pools.groupby("condition")["weight"].transform("sum") if "weight" in pools else None
    rows = []
    for condition in order:
        pool = _row(pools, condition, majority)
        share = "–" if pool is None else percent(pool["n"] / max(pool["pool_n"], 1))
        if pool is not None and weights is not None:
            by_weight = percent(pool["weight"] / weights[pool.name])
            share += f" ({by_weight} by weight)" if by_weight != share else ""
        ratio = _row(ratios, condition, focus)
        judge = judge_of(condition, trained_as)
        rows.append(
            {
                "condition": condition,
                "changes": "the known truth decides" if condition == TRUTH else changes(settings, condition),
                "judge": "–"
                if condition == TRUTH
                else "its own"
                if judge == condition
                else f"that of {judge}",
                "pool": share,
                **{f"won {group}": count(won.loc[condition, group]) for group in groups},
                "ratio": "–" if ratio is None else _ratio(ratio),
                "agreement": _span(agreement[agreement["condition"] == condition]["value"]),
            }
        )
    frame = pd.DataFrame(rows).assign(
        condition=pd.Categorical(order, categories=shares["condition"].cat.categories, ordered=True)
    )
    columns = {
        "condition": Column("condition", label, numeric=False, whole=True),
        "changes": Column("what it changes", label, numeric=False),
        "judge": Column("judge", label, numeric=False),
        "pool": Column(f"{majority} in the pool", label),
        **{f"won {group}": Column(f"{group} winners", label) for group in groups},
        "ratio": Column(f"ratio, {focus} to {reference_of(ratios)}", label),
        "agreement": Column("correlation", label),
    }
    for name in ("ratio", "agreement"):
        if frame[name].eq("–").all():
            columns.pop(name)
    note = _note(audit, benchmarks, left, agreement="agreement" in columns)
    return told_by(frame, columns, "The conditions.", note=note)


def _note(audit: pd.DataFrame, benchmarks: pd.DataFrame, left: int, *, agreement: bool) -> str:
    note = (
        f"Ratio: of selection rates, in brackets its {level(audit)} interval over entrants, the trained judges "
        "taken as given."
    )
    if agreement:
        note += " Correlation: with the people’s ratings, lowest and highest over the groups."
    if len(benchmarks):
        chosen = joined([f"{row.winners:,} {row.group}" for row in benchmarks.itertuples()])
        note += f" The raters’ mean would have chosen {chosen}."
    return note + (f" {left} smaller groups are in the tables below." if left else "")


def _ratio(row: pd.Series) -> str:
    return f"{number(row['value'])} [{number(row['ci_low'])}, {number(row['ci_high'])}]"


def _span(values: pd.Series) -> str:
    values = values.dropna()
    if values.empty:
        return "–"
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def _row(table: pd.DataFrame, condition: str | None, group: str) -> pd.Series | None:
    rows = table[(table["condition"] == condition) & (table["group"] == group)]
    return rows.iloc[0] if len(rows) else None
