"""The page of `judge audit`: anybody's table of entrants, any scores, any winners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.audit import Entrants, read_entrants, selections
from judge.fairness.findings import findings
from judge.report.conditions import in_order, with_order
from judge.report.figures.scores import thinned
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
    Fold,
    Items,
    Section,
    Text,
    count,
    label,
    write_page,
)
from judge.report.sections.errors import errors_section
from judge.report.sections.provenance import limits_section, numbers_section
from judge.report.sections.ranking import ranks_section, scores_section
from judge.report.sections.selection import ratio_section, winners_section
from judge.report.sections.tables import (
    RANK_METRICS,
    conditioned,
    folded,
    metric_table,
    rows_of,
    told_by,
)
from judge.report.sentences import Said, said
from judge.report.wording import counted

#: Results that survive Holm's adjustment and are listed at once; the rest unfolds.
LISTED = 8


def write_audit_report(
    out: Path,
    entrants: pd.DataFrame | Entrants | None,
    audit: pd.DataFrame,
    *,
    features: Sequence[str],
    score_columns: Sequence[str] = (),
    winner_columns: Sequence[str] = (),
    brackets: Sequence[str] = (),
    places: int | None = None,
    reference: Sequence[str] | str | None = None,
    rating: str | None = None,
    title: str = "Audit of a contest",
    notes: Sequence[str] = (),
    seed: int = 0,
    confidence: float = 0.95,
    pdf: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Writes out/figures/*.png|svg (and pdf, if asked) and out/page.html; returns the page.

    entrants        one row a person, as given to `judge.fairness.audit.audit`, or already read; None or empty where
                    only counts are known (published results): then there are no figures of scores and ranks
    audit           the audit table with its further columns (score_column, bracket, reference …)
    features        the features of the page; the audit's intersections follow by themselves
    score_columns   judged side by side        winner_columns   who won, where given (the first is used)
    places, seed    as given to the audit, so that the winners drawn are the winners counted
    confidence      as given to the audit: what the captions say of its intervals
    notes           what was excluded, and anything else that is to be said
    progress        called with the name of each figure before it is written
    """
    found = said(findings(audit, confidence=confidence), audit.assign(confidence=confidence))
    audit = conditioned(audit, "score_column").assign(confidence=confidence)
    alone = audit["condition"].nunique() <= 1
    audit["condition"] = "" if alone else audit["condition"]
    # score columns side by side: none of them is a baseline
    names = [""] if alone else list(dict.fromkeys([*in_order(audit["condition"]), *score_columns]))
    audit = with_order(audit, names, baseline=False)
    named = list(dict.fromkeys([*features, *(str(f) for f in audit["feature"] if str(f))]))
    people: Entrants | None = None
    if isinstance(entrants, Entrants):
        people = entrants
    elif entrants is not None and len(entrants):
        people = read_entrants(
            entrants,
            features=[f for f in named if f in entrants],
            score=list(score_columns),
            winner=next(iter(winner_columns), None),
            brackets=list(brackets),
            rating=rating,
            intersections=any(f not in entrants for f in named),
        )
    n = None if people is None else people.n
    if people is not None and people.weight is not None:  # counted, not held: nobody's score is known
        people = None
    written = [
        Section("What was asked, and what was found", _summary(audit, found, features, reference, notes))
    ]
    for i, feature in enumerate(named):
        own = audit[audit["feature"].astype(str) == feature]
        drawn = None
        if people is not None and feature in people.features:
            drawn = selected(people, feature, places=places, seed=seed)
            drawn["condition"] = "" if alone else drawn["condition"]
            drawn = with_order(drawn, names, baseline=False)
        for section in _feature_sections(
            own, drawn, feature, places=places, stem="" if i == 0 else f"_{i + 1}"
        ):
            heading = f"{section.title} ({feature})" if len(named) > 1 else section.title
            written.append(Section(heading, section.blocks))
    written.append(limits_section(_limits(rating, score_columns)))
    written.append(numbers_section(audit))
    subtitle = f"{n:,} entrants" if n is not None else "Counts only"
    subtitle += f", by {', '.join(features)}"
    subtitle += f", within brackets of {' × '.join(brackets)}" if brackets else ""
    subtitle += f", {places:,} places a bracket" if places else ""
    return write_page(
        Path(out), title=title, subtitle=f"{subtitle}.", sections=written, pdf=pdf, progress=progress
    )


def selected(people: Entrants, feature: str, *, places: int | None, seed: int) -> pd.DataFrame:
    """condition (the column that judged), group, bracket, score, winner, rating: one row a score × entrant.

    With `places` each score has the winners that the audit gave it; without, the winner column's winners stand on
    every score. No rows where there is no score.
    """
    codes = people.features[feature]
    group = np.array(codes.names, dtype=object)[codes.code]
    bracket = np.array(people.bracket.names, dtype=object)[people.bracket.code]
    won_by = {name: (keep, won) for name, keep, won in selections(people, places=places, tie_seed=seed)}
    nobody = np.zeros(people.n, bool)
    tables = []
    for name, score in people.scores.items():
        winner = nobody if people.winner is None else people.winner
        if name in won_by:
            keep, won = won_by[name]
            winner = nobody.copy()
            winner[slice(None) if keep is None else keep] = won
        table = {"condition": name, "group": group, "bracket": bracket, "score": score, "winner": winner}
        if people.rating is not None:
            table["rating"] = people.rating
        tables.append(pd.DataFrame(table))
    columns = ["condition", "group", "bracket", "score", "winner"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _feature_sections(
    audit: pd.DataFrame, people: pd.DataFrame | None, feature: str, *, places: int | None, stem: str
) -> list[Section]:
    found = [
        winners_section(audit, feature, stem=f"winners{stem}"),
        ratio_section(audit, feature, stem=f"ratios{stem}"),
    ]
    if people is not None and len(people):
        drawn = thinned(people)
        found.append(scores_section(drawn, audit, feature, stem=f"scores{stem}"))
        found.append(ranks_section(people, audit, feature, places=places, stem=f"skew{stem}"))
        found.append(errors_section(drawn, audit, feature, stem=f"errors{stem}"))
        return found
    rows = rows_of(audit, RANK_METRICS, feature=feature)
    if len(rows):
        found.append(Section("Ranks and odds", [folded(metric_table(rows, f"Ranks and odds by {feature}."))]))
    return found


def _summary(
    audit: pd.DataFrame,
    found: Sequence[Said],
    features: Sequence[str],
    reference: Sequence[str] | str | None,
    notes: Sequence[str],
) -> list[Block]:
    """The question, every finding in words, and all groups together against chance."""
    named = [reference] if isinstance(reference, str) else list(reference or [])
    question = (
        f"Are entrants of each group selected, ranked and scored alike? Groups by {', '.join(features)}; ratios refer "
        f"to {', '.join(named) if named else 'all others'}."
    )
    blocks: list[Block] = [Text(question, "lead")]
    for sentence in found:
        blocks.append(Text(sentence.text, "caution" if sentence.kind == "brackets_differ" else "plain"))
        if sentence.items:
            blocks.append(Items(sentence.items[:LISTED]))
        if len(sentence.items) > LISTED:
            rest = sentence.items[LISTED:]
            blocks.append(Fold(f"{counted(len(rest), 'more result')} that survive", [Items(rest)]))
    together = rows_of(audit, "winners_against_chance")
    if len(together):
        columns = {
            "condition": Column("winners by", label, numeric=False),
            "feature": Column("groups of", label, numeric=False),
            "n": Column("entrants", count),
            "p_value": P_VALUE,
            "p_adjusted": Column("p, Holm", P_VALUE.write),
        }
        note = "Permutation within brackets of who won, all groups together: is it a random draw?"
        blocks.append(told_by(together, columns, "All groups together, against chance.", note=note))
    if notes:
        blocks.append(Items(list(notes)))
    return blocks


def _limits(rating: str | None, score_columns: Sequence[str]) -> list[str]:
    items = [
        "Winners are few. A ratio below four fifths may be chance, and one above may hide a difference; the interval "
        "says how far the two can be told apart.",
        "Who wins does not say why. Who entered, who passed the gate, the scores and the ratings behind them are "
        "separate causes; this page takes the entrants as given.",
        "Groups are the labels of the table. Wrong labels mostly make groups look more alike than they are.",
        "The exact tests keep the numbers in each bracket fixed and ask whether the winners are a random draw.",
    ]
    if rating is not None:
        items.append(
            "Errors are distances from people’s ratings, which may themselves be uneven between groups."
        )
    elif score_columns:
        items.append("No ratings were given: whether a score is right for a person is not asked here.")
    return items
