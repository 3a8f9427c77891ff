"""The page of `judge advise`: for which skews there is evidence, and which cures a comparison supports."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from judge.fairness.advice import Advice
from judge.report.advice import LIMITS, TITLES, advice_said, cures_said
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
    Items,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    write_page,
)
from judge.report.html import table_from as table
from judge.report.sections.tables import folded
from judge.report.wording import percent

RULES = (
    "Clear: Holm’s adjusted p, over all tests of this page, is at most {fifth}, and the effect is at least as large as "
    "the table says. Weak: the adjusted p is at most {level}. None: otherwise, which proves nothing absent. With "
    "nothing skewed at all, anything is found in at most {level} of the tables."
)


def write_advice_page(out: Path, advice: Advice, *, title: str, outcome: str = "") -> Path:
    """Writes out/page.html and returns it.

    outcome  a sentence on who won, from the audit; "" where none was made
    """
    said = advice_said(advice)
    first: list[Block] = [Text(outcome, "lead")] if outcome else []
    for one in said:
        first.append(Text(one.text))
        if one.items:
            first.append(Items(one.items))
    alpha = 1 - advice.confidence
    first.append(Text(RULES.format(level=percent(alpha, 0), fifth=percent(alpha / 5, 0))))
    sections = [
        Section("For which skews there is evidence", first),
        Section("Which cures the comparison supports", _cures(advice)),
        Section("What no number here decides", [Items(LIMITS)]),
        Section("All numbers", _numbers(advice)),
        Section("What was left out", [Items(advice.notes)] if advice.notes else []),
    ]
    return write_page(
        Path(out), title=title, subtitle="Evidence by skew, and cures by a comparison.", sections=sections
    )


def _cures(advice: Advice) -> list[Block]:
    if advice.cures is None:
        return [
            Text(
                "The comparison of cures is not packaged with this version: only evidence is named.",
                "caution",
            )
        ]
    if not advice.found:
        return [Text("No skew was found, so that no cure is named.")]
    blocks: list[Block] = []
    for skew in [*advice.found, *(["all"] if len(advice.found) > 1 else [])]:
        blocks += [
            Text(f"{TITLES.get(skew, 'All skews together')}:"), Items(cures_said(advice, skew)),
        ]  # fmt: skip
    columns = {
        "skew": Column("skew", label, numeric=False),
        "cure": Column("cure", label, numeric=False, whole=True),
        "seam": Column("acts on", label, numeric=False),
        "recovered": Column("way back", lambda v: percent(v, 0)),
        "range": Column("interval", label),
        "truth_lost": Column("truth lost, sd", decimals(2)),
        "verdict": Column("verdict", label, numeric=False),
        "needs": Column("needs", label, numeric=False),
    }
    rows = advice.cures.assign(range=interval(advice.cures, share=True))
    note = "Way back: from the skewed share of the winners to that of the known truth; 100 % is all of it."
    return [
        *blocks,
        folded(table(rows, columns, "All cures of the comparison for what was found.", note=note)),
    ]


def _numbers(advice: Advice) -> list[Block]:
    rows: pd.DataFrame = advice.evidence
    if rows.empty:
        return []
    columns = {
        "skew": Column("skew", label, numeric=False),
        "measure": Column("measure", lambda v: str(v).replace("_", " "), numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("n", count),
        "value": Column("value", decimals(3)),
        "range": Column("interval", label),
        "size": Column("size", decimals(2)),
        "least": Column("clear from", decimals(2)),
        "p_value": P_VALUE,
        "p_adjusted": Column("p, Holm", P_VALUE.write),
        "strength": Column("evidence", label, numeric=False),
    }
    rows = rows.assign(range=interval(rows, digits=3), size=rows["size"].where(rows["least"].notna()))
    note = "Size: the value in the unit of “clear from”: standard deviations of ratings or of pictures, or a ratio."
    return [folded(table(rows, columns, "Every number that the advice rests on.", note=note))]
