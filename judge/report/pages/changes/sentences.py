"""The first screen of the page of changes: two sentences that say what moved the winners and what was not seen to.

What is said of a change follows from its interval alone: it moved the share where the interval leaves zero out, and was
not seen to move it where the interval includes zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.fairness.effects import CONDITION, SETTING
from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS
from judge.report.pages.changes.words import Words
from judge.report.wording import counted, joined, number


def headline(changes: pd.DataFrame, words: Words) -> pd.DataFrame:
    """The changes that the sentences speak of.

    Each thing that was planted alone, and each condition in the setting with most planted.
    """
    alone = changes["setting"].map(words.n_planted) == 1
    where = changes["setting"] == words.most_planted
    return changes[((changes["what"] == SETTING) & alone) | ((changes["what"] == CONDITION) & where)]


def lead(changes: pd.DataFrame, words: Words, *, group: str) -> list[str]:
    """Two sentences: what moved the group's share of the winners, and what was not seen to move it.

    changes  rows of judge.fairness.effects.changes, with `n` seeds each

    One sentence where nothing was changed, and where the seeds are too few for any interval.
    """
    share = f"the share of the winners who are {group}"
    rows = headline(changes, words)
    if rows.empty:
        return [
            "Nothing was changed between these runs: one setting, one condition. So they do not show what moves "
            f"{share}."
        ]
    if (rows["n"] < FEWEST_SEEDS).any():
        return [
            f"From {counted(int(rows['n'].min()), 'seed')} nothing can be said of what moves {share}: an interval "
            f"needs {FEWEST_SEEDS}."
        ]
    moved = rows[[bool(_moved(row)) for row in rows.to_dict("records")]]
    still = rows[~rows.index.isin(moved.index)]
    told = []
    if moved.empty:
        told.append(f"Nothing that was changed was seen to move {share}, in {int(rows['n'].max())} seeds.")
    else:
        told.append(f"What moved {share}: {_clauses(moved, words, first=True)}.")
    if still.empty:
        told.append("Everything that was changed moved it: no interval includes zero.")
    else:
        zero = "the interval includes" if len(still) == 1 else "these intervals include"
        what = "What was changed" if moved.empty else "What was not seen to move it"
        told.append(f"{what}: {_clauses(still, words, first=moved.empty)}; {zero} zero.")
    if not (rows["what"] == SETTING).any():
        told[0] = f"Nothing was planted in the training pool: all runs have one setting. {told[0]}"
    return told


def limits_of(row: dict) -> tuple[float, float]:
    """The interval for other contestants, too, where there is one; else the one over seeds."""
    people = row["ci_people_low"], row["ci_people_high"]
    return people if not np.isnan(people).any() else (row["ci_low"], row["ci_high"])


def points(row: dict, *, unit: bool = False) -> str:
    """−11.2 percentage points [−14.0, −8.4]; without limits where all seeds agree."""
    low, high = limits_of(row)
    value = f"{_signed(row['value'])}{' percentage points' if unit else ''}"
    if np.isnan(low) or np.isnan(high):
        return f"{value} in every one of {row['n']} seeds"
    return f"{value} [{_signed(low)}, {_signed(high)}]"


def _signed(share: float) -> str:
    text = number(100 * share, 1) if abs(share) >= 0.0005 else "0.0"
    return f"+{text}" if share >= 0.0005 else text


def _moved(row: dict) -> bool:
    low, high = limits_of(row)
    if np.isnan(low) or np.isnan(high):  # all seeds agree
        return row["value"] != 0
    return low > 0 or high < 0


def _clauses(rows: pd.DataFrame, words: Words, *, first: bool) -> str:
    """What was planted, then what was done about it and where."""
    planted, done = [], []
    for row in rows.to_dict("records"):
        name = words.planted[row["setting"]] if row["what"] == SETTING else words.does[row["condition"]]
        told = f"{name} ({points(row, unit=first and not planted and not done)})"
        (planted if row["what"] == SETTING else done).append(told)
    parts = [joined(planted)] if planted else []
    if done:
        where = words.most_planted
        among = f"{_together(words, where)}, " if words.n_planted[where] else ""
        parts.append(f"{among}{joined(done)}")
    return "; ".join(parts)


def _together(words: Words, setting: int) -> str:
    n = words.n_planted[setting]
    return "with that planted" if n == 1 else f"with {'both' if n == 2 else 'all of it'} planted at once"


def reference_gap(gaps: pd.DataFrame, arms: pd.DataFrame, words: Words, *, group: str) -> Sequence[str]:
    """A sentence on the setting without anything planted: what the truth gives the group, and what the judge does.

    gaps  rows of `changes` against the known truth; none where no truth is known
    """
    own = gaps[(gaps["setting"] == words.first)]
    if own.empty or own["n"].iloc[0] < FEWEST_SEEDS:
        return []
    row = own.iloc[0].to_dict()
    mine = arms[(arms["setting"] == words.first) & (arms["condition"] == row["condition"])].iloc[0]
    truth = mine["value"] - row["value"]
    told = "less than" if row["value"] < 0 else "more than"
    if not _moved(row):
        told = "not told apart from"
    return [
        f"With nothing planted ({words.heads[words.first]}) {number(100 * mine['value'], 1)} % of the winners are "
        f"{group}, {told} the {number(100 * truth, 1)} % that the known truth of these people gives them "
        f"({points(row, unit=True)})."
    ]
