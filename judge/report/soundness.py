"""Warnings about judges whose scores cannot be taken for ratings, in words: in a log, on a page, in a comparison."""

from __future__ import annotations

import pandas as pd

from judge.fairness.metrics.soundness import AGREEMENT, RANGE_MARGIN, hardly_agrees, leaves_the_scale
from judge.report.wording import counted, joined, named, number, percent


def judge_warnings(judges: pd.DataFrame) -> list[str]:
    """A sentence for each judge of a run that leaves its scale, and one for each that hardly agrees with raters.

    judges  the run's table of that name: a row a judge, called by the condition that trained it
    """
    told = []
    for row in judges.to_dict("records"):
        if leaves_the_scale(row):
            told.append(
                f"The judge of {named(row['condition'])} leaves the rating scale: its scores go from "
                f"{number(row['score_low'])} to {number(row['score_high'])} on a scale from "
                f"{number(row['scale_low'], 0)} to {number(row['scale_high'], 0)}, {row['off_scale']:,} of "
                f"{row['n']:,} by more than {percent(RANGE_MARGIN, 0)} of its width. No mean rating can lie there, and "
                "places go to the most extreme scores: do not read these winners as the choice of raters or training."
            )
        if hardly_agrees(row):
            told.append(
                f"The judge of {named(row['condition'])} hardly agrees with the raters: correlation "
                f"{_interval(row)} with the ratings of {row['n_rated']:,} people it has not learnt from "
                f"({row['rated']}), where less than {number(AGREEMENT)} is hardly at all{_unsure(row)}. Its winners "
                "are drawn mostly by chance, which can look fair."
            )
    return told


def sweep_warnings(runs: pd.DataFrame) -> list[str]:
    """The same of a sweep: at most one sentence for each of the two faults, and one for judges that were not checked.

    runs  a comparison's runs table, with its columns about judges
    """
    if "off_scale" not in runs:
        return []
    judges = runs[runs["trained_as"] == runs["condition"]].drop_duplicates(["folder", "condition"])
    known = judges[judges["off_scale"].notna()]
    told = []
    off = known[[leaves_the_scale(row) for row in known.to_dict("records")]]
    if len(off):
        told.append(
            f"{_of(off, known)} leave the rating scale ({number(off['scale_low'].min(), 0)} to "
            f"{number(off['scale_high'].max(), 0)}) by more than {percent(RANGE_MARGIN, 0)} of its width; their scores "
            f"go from {number(off['score_low'].min())} to {number(off['score_high'].max())}. Places go to the most "
            f"extreme scores: do not read these winners as the training’s choice. {_where(off)}"
        )
    weak = known[[hardly_agrees(row) for row in known.to_dict("records")]]
    if len(weak):
        worst = weak.loc[weak["agreement"].idxmin()]
        told.append(
            f"{_of(weak, known)} hardly agree with the raters: correlation below {number(AGREEMENT)} with ratings of "
            "people they have not learnt from, at worst "
            f"{_interval(worst, 'agreement_low', 'agreement_high')}. Such a judge draws its winners mostly by "
            f"chance, which can look fair. {_where(weak)}"
        )
    unchecked = len(judges) - len(known)
    if unchecked:
        told.append(
            f"{counted(unchecked, 'judge')} of {len(judges):,} come from runs that did not check theirs against scale "
            "and raters."
        )
    return told


def _interval(row: pd.Series | dict, low: str = "ci_low", high: str = "ci_high") -> str:
    return f"{number(row['agreement'])} [{number(row[low])}, {number(row[high])}]"


def _unsure(row: dict) -> str:
    return " (the interval does not exclude more)" if row["ci_high"] >= AGREEMENT else ""


def _of(part: pd.DataFrame, judges: pd.DataFrame) -> str:
    return f"{len(part):,} of {counted(len(judges), 'judge')}"


def _where(part: pd.DataFrame, most: int = 4) -> str:
    """Which conditions and seeds, the first few named."""
    words = [
        f"{named(row['condition'])} seed {row['seed']}"
        + ("" if pd.isna(row["share"]) else f" share {number(row['share'])}")
        for row in part.head(most).to_dict("records")
    ]
    left = len(part) - len(words)
    return f"They are {joined(words)}." if not left else f"Among them: {', '.join(words)}."
