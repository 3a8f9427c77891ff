"""What an audit found, in sentences: the same words on its page, in a terminal, in JSON and on the page of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.audit.writing import records_json
from judge.fairness.findings import HOMOGENEITY, Finding
from judge.report.measures import PARITY, measured, test_words, with_interval, words
from judge.report.wording import counted, joined, level, number, p_said, p_text, percent

ALL_OTHERS = "all others"
#: Groups that a sentence names.
NAMED = 5
#: Letters of a name of a group or column in a sentence.
NAME = 40
_NAMES = ("feature", "score_column", "group", "reference")


@dataclass(frozen=True)
class Said:
    """A sentence and, where it introduces several results, those, the most certain first."""

    kind: str
    text: str
    items: tuple[str, ...] = ()

    def lines(self, most: int | None = None) -> list[str]:
        """The items, at most so many of them and a line that counts the rest."""
        if most is None or len(self.items) <= most:
            return list(self.items)
        return [*self.items[:most], f"and {len(self.items) - most:,} more, in the audit table (p_adjusted)"]


def said(found: Sequence[Finding], table: pd.DataFrame) -> list[Said]:
    """Every finding in words.

    Parameters
    ----------
    found : sequence of Finding
        As from `judge.fairness.findings.findings`.
    table : DataFrame
        The audit they come from: how many features and scores it has decides whether a sentence names them, and rows
        beside a finding (the share that chance gives) are looked up there.

    Returns
    -------
    list of Said
        In the order of the findings; those that would say nothing are left out.

    Examples
    --------
    >>> from judge.fairness.audit import audit
    >>> from judge.fairness.findings import findings
    >>> people = pd.DataFrame({"g": ["a"] * 20 + ["b"] * 20, "won": [1] * 10 + [0] * 30})
    >>> table = audit(people, features="g", winner="won", reference="b", n_permutations=99)
    >>> print(said(findings(table), table)[0].text)  # doctest: +ELLIPSIS
    Primary contrast: b has 0.0 % [0.0 %, 30.8 %] of the 10 winners and 50.0 % of the entrants; p < .001 ...
    """
    about = _About(table)
    sentences = [_SENTENCES[finding.kind](_with_short_names(finding), about) for finding in found]
    return [sentence for sentence in sentences if sentence is not None]


def findings_json(found: Sequence[Finding], table: pd.DataFrame) -> str:
    """Every finding with its sentence and its rows of the audit, as JSON.

    Parameters
    ----------
    found, table
        As for `said`.

    Returns
    -------
    str
        A list of objects: kind, text, items, facts, rows (as `judge.fairness.audit.records_json` writes them).

    Examples
    --------
    >>> findings_json([], pd.DataFrame({"feature": []}))
    '[]'
    """
    about = _About(table)
    records = []
    for finding in found:
        sentence = _SENTENCES[finding.kind](_with_short_names(finding), about)
        rows = pd.DataFrame(list(finding.rows))
        records.append(
            {
                "kind": finding.kind,
                "text": sentence.text if sentence else "",
                "items": list(sentence.items) if sentence else [],
                "facts": dict(finding.facts),
                "rows": json.loads(records_json(rows)),
            }
        )
    return json.dumps(records, ensure_ascii=False, allow_nan=False, indent=1)


def _with_short_names(finding: Finding) -> Finding:
    """Names cut for a sentence; `_key` keeps them whole for looking rows up."""
    rows = []
    for row in finding.rows:
        names = {column: str(row.get(column, "")) for column in _NAMES}
        short = {
            column: name if len(name) <= NAME else name[: NAME - 1] + "…" for column, name in names.items()
        }
        rows.append({**row, **short, "_key": names})
    return replace(finding, rows=tuple(rows))


class _About:
    """What of feature and score has to be named, because the table has several."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self.features = table["feature"].nunique() > 1
        scores = table["score_column"] if "score_column" in table else pd.Series(dtype=str)
        self.scores = scores.nunique() > 1
        self.level = level(table)

    def where(self, row: Mapping[str, Any], *, feature: bool = True, score: bool = True) -> str:
        parts = [str(row["feature"])] if self.features and feature else []
        parts += [f"by {row['score_column']}"] if self.scores and score else []
        return f" ({', '.join(parts)})" if parts else ""

    def beside(self, row: Mapping[str, Any], metric: str) -> Mapping[str, Any] | None:
        """The row of another metric of the same feature, score and group."""
        same = self.table["metric"] == metric
        for column in ("feature", "score_column", "group"):
            if column in self.table:
                same &= self.table[column].astype(object) == row["_key"][column]
        if "bracket" in self.table:
            same &= self.table["bracket"].isin(["all", "within", ""])
        rows = self.table[same]
        return None if rows.empty else rows.iloc[0].to_dict()


def _primary(finding: Finding, about: _About) -> Said:
    row = finding.rows[0]
    alpha = float(finding.facts["level"])
    p = float(row["p_value"])
    if not row["n"]:
        return Said(
            "primary", f"Primary contrast: nobody won, so that {row['group']} has no share of the winners."
        )
    text = f"Primary contrast: {row['group']}{about.where(row)} has {with_interval(row)} of the {row['n']:,} winners"
    expected = about.beside(row, "expected_winner_share")
    entered = about.beside(row, "entrant_share")
    if expected is not None:
        text += f", where chance within brackets gives {percent(expected['value'])}"
    elif entered is not None:
        text += f" and {percent(entered['value'])} of the entrants"
    if np.isnan(p):
        return Said("primary", f"{text}; not tested.")
    verdict = "significant" if p <= alpha else "not significant"
    text += f"; {p_said(p)} ({test_words(row['test'])}), {verdict} at {percent(alpha, 0)}."
    return Said("primary", text)


def _survives(finding: Finding, about: _About) -> Said:
    n, tests = len(finding.rows), int(finding.facts["tests"])
    verb = "survives" if n == 1 else "survive"
    text = (
        f"{counted(n, 'other result')} of {tests:,} tested {verb} Holm’s adjustment (adjusted p ≤ "
        f"{p_text(float(finding.facts['level']))}):"
    )
    return Said("survives", text, tuple(result(row, about) for row in finding.rows))


def _none_survives(finding: Finding, about: _About) -> Said:
    row, tests = finding.rows[0], int(finding.facts["tests"])
    head = (
        f"None of the {tests:,} other tests survives" if tests > 1 else "The one other test does not survive"
    )
    nearest = f"{p_text(row['p_adjusted'])} ({_named(row)}{about.where(row)})"
    return Said("none_survives", f"{head} Holm’s adjustment; smallest adjusted p: {nearest}.")


def result(row: Mapping[str, Any], about: _About) -> str:
    """One row of the audit as a line: metric in words, group, value, interval, parity, adjusted p."""
    if row["metric"] == HOMOGENEITY:
        who = _named({**row, "metric": "effect"})
        return f"{who} differs between brackets{about.where(row)}: adjusted {p_said(row['p_adjusted'])}"
    parity = PARITY.get(str(row["metric"]).removesuffix("_crude"))
    beside = f"; no difference: {parity}" if parity else ""
    if row["metric"] == "winner_share":
        expected = about.beside(row, "expected_winner_share") or about.beside(row, "entrant_share")
        beside = f"; no difference: {percent(expected['value'])}" if expected else ""
    return (
        f"{_named(row)}{about.where(row)}: {with_interval(row)}{beside}; adjusted {p_said(row['p_adjusted'])}"
    )


def _named(row: Mapping[str, Any]) -> str:
    """Metric, group and the group that it is compared with."""
    text = words(row["metric"], row["bracket"])
    if str(row["group"]) not in ("", "all groups"):
        text += f", {row['group']}"
    reference = str(row.get("reference") or "")
    return f"{text} against {reference}" if reference and row["metric"] != "winner_share" else text


def _brackets_differ(finding: Finding, about: _About) -> Said:
    row = finding.rows[0]
    more = f"; and {counted(len(finding.rows) - 1, 'more such row')}" if len(finding.rows) > 1 else ""
    who = "" if str(row["group"]) in ("", "all groups") else f" for {row['group']}"
    return Said(
        "brackets_differ",
        f"The effect is not the same in all brackets{who}{about.where(row)}: adjusted "
        f"{p_said(row['p_adjusted'])}{more}. Numbers over all brackets may hide opposite effects: see each bracket.",
    )


def _error(finding: Finding, about: _About) -> Said:
    row = finding.rows[0]
    way = "lower" if row["value"] < 0 else "higher"
    text = (
        f"Largest signed error{about.where(row)}: {_signed(row)}, so {row['group']} is scored {way} than people rate "
        "them"
    )
    facts = finding.facts
    if "others_low" in facts:
        low, high = (number(facts[end], 2) for end in ("others_low", "others_high"))
        text += f" (other groups: {low})" if low == high else f" (other groups: {low} to {high})"
    holds_0 = not (row["ci_low"] > 0 or row["ci_high"] < 0)
    if np.isnan(row["ci_low"]):
        text += "; no interval"
    elif holds_0:
        text += "; its interval holds 0"
    if len(finding.rows) > 1:
        text += f". Largest whose interval does not: {_signed(finding.rows[1])}"
    groups = int(facts["groups"])
    return Said(
        "error",
        f"{text}. Largest of {groups:,}, with the interval of one alone." if groups > 1 else f"{text}.",
    )


def _signed(row: Mapping[str, Any]) -> str:
    value, low, high = (number(row[key], 2) for key in ("value", "ci_low", "ci_high"))
    return f"{row['group']} {value}" if np.isnan(row["ci_low"]) else f"{row['group']} {value} [{low}, {high}]"


def _absent(finding: Finding, about: _About) -> Said:
    first = finding.rows[0]
    what = words(first["metric"]).removeprefix("share ").capitalize()
    head = f"{what}{about.where(first, feature=False)}"
    people, of = (int(finding.facts[key]) for key in ("people", "of"))
    if not people:
        return Said("absent", f"{head}: nobody of {of:,}.")
    features = list(dict.fromkeys(row["feature"] for row in finding.rows))
    told = []
    for i, feature in enumerate(features):
        rows = [row for row in finding.rows if row["feature"] == feature]
        some = sum(row["value"] > 0 for row in rows)
        most = NAMED if len(features) == 1 else 2 if i == 0 else 1
        if i and not rows[0]["p_adjusted"] <= float(finding.facts["level"]):
            continue  # further features speak only where they tell something
        shown = ", ".join(_share_of(row, float(finding.facts["level"])) for row in rows[:most])
        more = f", {some - most:,} more groups in the table" if some > most and len(features) == 1 else ""
        told.append(f"{f'by {feature} ' if len(features) > 1 else ''}{shown}{more}")
    return Said("absent", f"{head}: {people:,} of {of:,}: {'; '.join(told)}.")


def _share_of(row: Mapping[str, Any], alpha: float) -> str:
    """black 28 of 100 (28.0 %, adjusted p < .001); p only where it survives."""
    p = float(row["p_adjusted"])
    survives = f", adjusted {p_said(p)}" if p <= alpha else ""
    return f"{row['group']} {round(row['value'] * row['n']):,} of {row['n']:,} ({percent(row['value'])}{survives})"


def _power(finding: Finding, about: _About) -> Said | None:
    by_metric = {str(row["metric"]): row for row in finding.rows}
    first = finding.rows[0]
    chances = [
        f"of {ratio} with probability {percent(by_metric[name]['value'], 0)}"
        for ratio, name in ((".5", "power_at_ratio_0.5"), (".8", "power_at_ratio_0.8"))
        if name in by_metric and np.isfinite(by_metric[name]["value"])
    ]
    smallest = by_metric.get("smallest_detectable_ratio")
    if smallest is not None:
        none = not smallest["value"] > 0
        chances.append(
            "none below 1 with 80 %" if none else f"of {number(smallest['value'], 2)} or less with 80 %"
        )
    needed = [
        f"{measured(name, by_metric[name]['value'])} winners for {ratio}"
        for ratio, name in ((".5", "winners_needed_at_ratio_0.5"), (".8", "winners_needed_at_ratio_0.8"))
        if name in by_metric and np.isfinite(by_metric[name]["value"])
    ]
    if not chances:
        return None
    reference = str(first.get("reference") or "")
    who = ALL_OTHERS if str(first["group"]) == f"not {reference}" else str(first["group"])
    who += f" against {reference}" if reference else ""
    text = (
        f"Detectable with these {first['n']:,} winners, {who}{about.where(first, feature=False)}: a true ratio "
        f"{joined(chances)}"
    )
    if needed:
        text += f"; 80 % needs {joined(needed)}"
    remark = str(first.get("flag") or "").split(";")[0]  # which test, α and sides
    return Said("power", f"{text} ({remark if 'α' in remark else test_words(first['test'])}).")


_SENTENCES = {
    "primary": _primary,
    "survives": _survives,
    "none_survives": _none_survives,
    "brackets_differ": _brackets_differ,
    "error": _error,
    "absent": _absent,
    "power": _power,
}
