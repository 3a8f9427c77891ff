"""The page of a generator's discriminator as a judge: its scores by group and tone, and who would win."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from judge.report.figures.rows import by_cell, rows_figure, rows_of, with_condition
from judge.report.figures.style import marks, plain, rule, styled
from judge.report.html import (
    P_VALUE,
    Block,
    Code,
    Column,
    Picture,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
    write_page,
)
from judge.report.pages.detector import told_apart
from judge.report.sections.tables import folded
from judge.report.wording import counted, joined, number, p_said, percent

GROUPS = 20  # drawn at most
NAMES = {"critic": "own labels told", "critic_without_labels": "no labels told"}


def critic_said(
    differences: pd.DataFrame, tone: pd.DataFrame, winners: pd.DataFrame, *, alpha: float = 0.05
) -> list[str]:
    """Sentences of what was found among people who were judged, told no labels: scores, tone, winners.

    Tables of judge.generator.critic, differences with a column people; empty ones say nothing. Of the differences the
    largest is named, with their number; of winners those groups count whose adjusted p is at most alpha.
    """
    said = []
    if len(differences):
        rows = differences[(differences["people"] == "real") & _untold(differences)].dropna(
            subset=["difference"]
        )
        if len(rows):
            row = rows.loc[rows["difference"].abs().idxmax()]
            said.append(
                f"Told no labels, the discriminator scores {row['group']} ({row['feature'].replace('_', ' ')}) "
                f"furthest from everybody else: {number(row['difference'])} standard deviations "
                f"[{number(row['ci_low'])}, {number(row['ci_high'])}], adjusted {p_said(row['p_holm'])}, the largest "
                f"of {counted(len(rows), 'difference')}."
            )
    if len(tone):
        for row in tone[_untold(tone) & (tone["feature"] == "all")].dropna(subset=["rho"]).itertuples():
            if row.ci_low <= 0 <= row.ci_high:
                text = "Whether it leans to lighter or darker skin cannot be told"
            else:
                text = f"It scores {'lighter' if row.rho > 0 else 'darker'} skin higher"
            said.append(
                f"{text}: rank correlation with lightness {number(row.rho)} "
                f"[{number(row.ci_low)}, {number(row.ci_high)}]."
            )
    if len(winners):
        rows = winners[_untold(winners)]
        clear = rows[rows["p_holm"] <= alpha]
        text = f"{len(clear)} of {counted(len(rows), 'group')} would win more or less often than others beyond chance"
        if len(clear):
            row = clear.loc[clear["p_value"].idxmin()]
            text += (
                f", most clearly {row['group']}: {row['winners']:,} of {row['n']:,} ({percent(row['rate'])} "
                f"[{percent(row['ci_low'])}, {percent(row['ci_high'])}])"
            )
        said.append(text + ".")
    return said


def _untold(table: pd.DataFrame) -> pd.Series:
    return table["score"] == "critic_without_labels"


@styled
def differences_figure(table: pd.DataFrame) -> Figure:
    """Each group's mean score against everybody else's, with limits: score, feature, group, n, difference …."""
    rows = with_condition(table.assign(group=told_apart(table), condition=table["score"].map(NAMES)))
    style = marks(rows["condition"])
    lines = rows_of(list(dict.fromkeys(rows["group"]))[:GROUPS], style, rows.groupby("group")["n"].first())
    figure, axes = rows_figure(lines)
    cells = by_cell(rows)
    for y, condition, group, mark in lines:
        row = cells.get((condition, group))
        if row is None or pd.isna(row["difference"]):
            continue
        axes[0].plot([row["ci_low"], row["ci_high"]], [y, y], color=mark.colour, linewidth=1.2)
        axes[0].plot(
            [row["difference"]],
            [y],
            color=mark.colour,
            gid=f"critic:{condition}:{plain(group)}",
            **mark.points(),
        )
    axes[0].axvline(0, **rule(0))
    axes[0].grid(axis="x")
    axes[0].set_xlabel("mean score against all others (standard deviations)")
    return figure


def write_critic_page(
    out: Path,
    *,
    facts: Mapping[str, Any],
    command: str,
    differences: pd.DataFrame,
    tone: pd.DataFrame,
    winners: pd.DataFrame,
    left_out: pd.DataFrame,
) -> Path:
    """Writes out/figures and out/page.html of the tables of judge.generator.critic; no face is shown.

    facts    generator, discriminator, told, data, people, share, cautions
    command  of the audit of its winners
    """
    told = joined([str(name) for name in facts["told"]]) if facts["told"] else "nothing"
    found = critic_said(differences, tone, winners, alpha=1 - facts.get("confidence", 0.95))
    first: list[Block] = [
        *(Text(c, "caution") for c in facts.get("cautions", [])),
        *(Text(line, "lead" if i == 0 else "plain") for i, line in enumerate(found)),
        Text(
            "A discriminator scores how much a picture looks like those that its generator learnt from. Here its "
            f"score is read as that of a judge. In training it was told {told}; it is asked twice, with each person’s "
            "own labels and with none. A group that looks less usual to it scores lower, whoever its people are."
        ),
    ]
    sections = [
        Section("What was found", first),
        Section("Scores by group", _differences(differences)),
        Section("Skin tone", _tone(tone)),
        Section("Who would win", _winners(winners, facts, command)),
        Section("Who was left out", _left_out(left_out)),
    ]
    subtitle = (
        f"The {facts['discriminator']} discriminator of {facts['generator']}, on {facts['people']:,} people of "
        f"{facts['data']}."
    )
    return write_page(Path(out), title="The discriminator as a judge", subtitle=subtitle, sections=sections)


def _differences(table: pd.DataFrame) -> list[Block]:
    if table.empty:
        return [Text("These people have no labels of groups.")]
    real = table[table["people"] == "real"]
    said = "; ".join(
        f"{row.group} {row.difference:+.2f} ({NAMES[row.score]})" for row in real.head(24).itertuples()
    )
    caption = "Mean score of each group of people who were judged against everybody else’s, with limits."
    shown = table.assign(limits=interval(table), asked=table["score"].map(NAMES))
    columns = {
        "people": Column("people", label, numeric=False),
        "asked": Column("asked with", label, numeric=False),
        "feature": Column("feature", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("n", count),
        "difference": Column("difference", decimals(2)),
        "limits": Column("limits", label),
        "p_value": P_VALUE,
        "p_holm": Column("adjusted p", P_VALUE.write),
    }
    note = "In standard deviations of all scores. p: Welch’s t against all others; adjusted: Holm."
    return [
        Picture("critic_differences", differences_figure(real), caption, f"Differences: {said}."),
        folded(table_from(shown, columns, "Differences of mean scores.", note=note)),
    ]


def _tone(table: pd.DataFrame) -> list[Block]:
    if table.empty:
        return [Text("Nobody’s tone angle is known.")]
    shown = table.assign(
        limits=interval(table),
        asked=table["score"].map(NAMES),
        group=table["group"].where(table["feature"] != "all", "everybody"),
    )
    columns = {
        "asked": Column("asked with", label, numeric=False),
        "feature": Column("feature", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("n", count),
        "rho": Column("rank correlation", decimals(2)),
        "limits": Column("limits", label),
    }
    note = "Of the score with the individual typology angle: above 0, lighter skin scores higher."
    whole = shown["feature"] == "all"
    return [
        table_from(shown[whole], columns, "Scores and skin tone, over everybody.", note=note),
        folded(table_from(shown[~whole], columns, "Scores and skin tone within groups.", note=note), 0),
    ]


def _winners(table: pd.DataFrame, facts: Mapping[str, Any], command: str) -> list[Block]:
    if table.empty:
        return [Text("These people have no labels of groups.")]
    shown = table.assign(limits=interval(table, share=True, digits=1), asked=table["score"].map(NAMES))
    columns = {
        "asked": Column("asked with", label, numeric=False),
        "feature": Column("feature", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("people", count),
        "winners": Column("winners", count),
        "rate": Column("rate", percent),
        "limits": Column("limits", label),
        "p_value": P_VALUE,
        "p_holm": Column("adjusted p", P_VALUE.write),
    }
    note = "p: Fisher’s exact test against all others, two-sided; adjusted: Holm."
    caption = f"The best {percent(facts['share'])} of all people, by group."
    return [
        table_from(shown, columns, caption, note=note),
        Text("The whole audit of this judge:"),
        Code(command),
    ]


def _left_out(left_out: pd.DataFrame) -> list[Block]:
    if left_out.empty:
        return [Text("Nobody.")]
    columns = {"reason": Column("reason", label, numeric=False), "count": Column("people or pictures", count)}
    return [table_from(left_out, columns, "Left out, by reason.")]
