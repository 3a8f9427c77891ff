"""The page of `judge audit`: anybody's table of entrants, any scores, any winners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.entrants import Entrants, read_entrants
from judge.report import figures_scores, parts
from judge.report.page import Block, Items, Section, Text, write_page
from judge.report.style import number, p_text


def write_audit_report(
    out: Path,
    entrants: pd.DataFrame,
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
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html; returns the page.

    entrants        one row a person, as it was given to `judge.fairness.audit.audit`; may be empty where only the
                    audit's numbers are known (published counts): then there are no figures of scores or ranks
    audit           the audit table, with its columns score_column, bracket, reference …
    features        the features of the page; those of the audit that are intersections follow by themselves
    score_columns   judged side by side          winner_columns   who won, where it was given (at most one is used)
    places, seed    as given to the audit: the winners drawn are the winners counted
    notes           what was set aside, and anything else to be said; shown as they are
    """
    audit = parts.conditioned(audit, "score_column")
    if audit["condition"].nunique() == 1:
        audit["condition"] = ""
    named = [
        *features,
        *[str(f) for f in dict.fromkeys(audit["feature"]) if str(f) not in features and str(f)],
    ]
    people = _people(entrants, named, score_columns, winner_columns, brackets, rating, len(features) > 1)
    sections = [Section("What was asked and what was found", _summary(audit, features, reference, notes))]
    many = len(named) > 1
    for i, feature in enumerate(named):
        own = audit[audit["feature"].astype(str) == feature]
        if own.empty:
            continue
        found = _feature_sections(
            own, people, feature, places=places, seed=seed, stem="" if i == 0 else f"_{i + 1}"
        )
        sections += [Section(f"{s.title} ({feature})" if many else s.title, s.blocks) for s in found]
    sections += [
        parts.limits_section(_limits(audit, rating, score_columns)),
        parts.numbers_section(audit),
    ]
    n = f"{people.n:,} entrants" if people is not None else "Published counts"
    how = f"; {places} places a bracket" if places else ""
    within = f", within brackets of {' × '.join(brackets)}" if brackets else ""
    return write_page(
        Path(out), title=title, subtitle=f"{n}, by {', '.join(features)}{within}{how}.", sections=sections
    )


def _people(
    entrants: pd.DataFrame | None,
    features: Sequence[str],
    score_columns: Sequence[str],
    winner_columns: Sequence[str],
    brackets: Sequence[str],
    rating: str | None,
    several: bool,
) -> Entrants | None:
    """The entrants as the audit reads them, or None without a table."""
    if entrants is None or entrants.empty:
        return None
    single = [f for f in features if f in entrants]
    return read_entrants(
        entrants,
        features=single,
        score=list(score_columns),
        winner=next(iter(winner_columns), None),
        brackets=list(brackets),
        rating=rating,
        intersections=several and len(single) < len(features),
    )


def _feature_sections(
    audit: pd.DataFrame, people: Entrants | None, feature: str, *, places: int | None, seed: int, stem: str
) -> list[Section]:
    sections = [
        parts.winners_section(audit, feature, stem=f"winners{stem}"),
        parts.ratio_section(audit, feature, stem=f"ratios{stem}"),
    ]
    table = (
        selected(people, feature, places=places, seed=seed)
        if people is not None and feature in people.features
        else None
    )
    if table is not None and len(table):
        if audit["condition"].eq("").all():
            table["condition"] = ""
        drawn = figures_scores.thinned(table)
        sections.append(parts.scores_section(drawn, audit, feature, stem=f"scores{stem}"))
        sections.append(parts.ranks_section(table, audit, feature, places=places, stem=f"skew{stem}"))
        sections.append(parts.errors_section(drawn, audit, feature, stem=f"errors{stem}"))
    else:
        rows = parts.rows_of(audit, parts.RANK_METRICS, feature=feature)
        if len(rows):
            sections.append(
                Section("Ranks and odds", [parts.metric_table(rows, f"Ranks and odds by {feature}.")])
            )
    return sections


def selected(people: Entrants, feature: str, *, places: int | None, seed: int) -> pd.DataFrame:
    """condition (the column that judged), group, bracket, score, winner, rating: one row a score × entrant.

    With `places` each score has the winners that the audit gave it; else the winner column's winners stand on
    every score. A winner column without any score yields nothing to draw.
    """
    from judge.fairness.audit import selections

    codes = people.features[feature]
    group = np.array(codes.names, dtype=object)[codes.code]
    bracket = np.array(people.bracket.names, dtype=object)[people.bracket.code]
    won_by = {name: (keep, won) for name, keep, won in selections(people, places=places, seed=seed)}
    tables = []
    for name, score in people.scores.items():
        frame = pd.DataFrame({"condition": name, "group": group, "bracket": bracket, "score": score})
        if people.rating is not None:
            frame["rating"] = people.rating
        if name in won_by:
            keep, won = won_by[name]
            frame["winner"] = False
            frame.loc[slice(None) if keep is None else keep, "winner"] = won
        elif people.winner is not None:
            frame["winner"] = people.winner
        else:
            frame["winner"] = False
        tables.append(frame)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _summary(
    audit: pd.DataFrame, features: Sequence[str], reference: Sequence[str] | str | None, notes: Sequence[str]
) -> list[Block]:
    refers = [reference] if isinstance(reference, str) else list(reference or [])
    blocks: list[Block] = [
        Text(
            f"Are the entrants of each group selected, ranked and scored alike? Groups by {', '.join(features)}; ratios refer to "
            f"{', '.join(refers) if refers else 'all others'}.",
            "lead",
        )
    ]
    first = audit[audit["primary"].astype(bool)] if "primary" in audit else audit.iloc[0:0]
    if len(first):
        row = first.iloc[0]
        said = f" ({row['flag']})" if "flag" in row and isinstance(row["flag"], str) and row["flag"] else ""
        blocks.append(
            Text(
                f"Primary contrast: {row['metric'].replace('_', ' ')} of {row['group']} is {number(row['value'], 3)} "
                f"[{number(row['ci_low'], 3)}, {number(row['ci_high'], 3)}], p {p_text(row['p_value'])}{said}. "
                "Every other p-value is one of several; the adjusted ones are in the tables."
            )
        )
    tested = parts.rows_of(audit, "winners_against_chance")
    for row in tested.itertuples():
        who = f"{row.condition}: " if row.condition else ""
        blocks.append(
            Text(
                f"{who}all groups of {row.feature} together against chance within brackets: p {p_text(row.p_value)} ({row.test})."
            )
        )
    flags = (
        audit[audit["flag"].astype(str).str.startswith("below four fifths")]
        if "flag" in audit
        else audit.iloc[0:0]
    )
    sure = flags[flags["ci_high"] < 0.8]
    if len(flags):
        blocks.append(
            Text(
                f"{len(flags)} selection-rate ratio(s) are below four fifths; the interval of {len(sure)} of them lies below it throughout."
            )
        )
    if notes:
        blocks.append(Items(list(notes)))
    return blocks


def _limits(audit: pd.DataFrame, rating: str | None, score_columns: Sequence[str]) -> list[str]:
    items = [
        "Winners are few. A ratio that fails the rule of four fifths may be chance, and one that passes may hide a difference; the "
        "interval says which of the two can be told apart.",
        "Differences between groups in who wins do not say why. Who entered, who passed the gate, the scores and the ratings behind "
        "them are separate causes, and this page takes the entrants as given.",
        "Groups are the labels of the table. Wrong labels usually draw groups together.",
        "The exact tests keep the numbers of entrants and of winners of every bracket fixed, and ask whether the winners are a random draw.",
    ]
    if score_columns and rating is None:
        items.append("No ratings were given: whether a score is right for a person is not asked here.")
    if rating is not None:
        items.append(
            "Errors are distances from people's ratings, which may themselves be uneven between the groups."
        )
    return items
