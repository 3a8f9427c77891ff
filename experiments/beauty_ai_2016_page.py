"""The page of beauty_ai_2016.py: the contest as in 2016, what each change moves, the gate, the jury taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from statsmodels.stats.proportion import proportion_confint

from judge.fairness.attribution import WHOLE
from judge.report import figures
from judge.report.figures.style import (
    GREY,
    INK,
    VERMILLION,
    new_figure,
    plain,
    rows_axis,
    styled,
)
from judge.report.html import (
    P_VALUE,
    Code,
    Column,
    Items,
    Picture,
    Section,
    Table,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
    write_page,
)
from judge.report.wording import number, percent

PUBLISHED = {"caucasian": 37, "asian": 6, "african": 1}
LEAD = (
    "In 2016 a jury of machines chose 44 winners among about 6,000 people; 37 were white, 6 Asian, one had dark skin. "
    "Its makers blamed training data without enough diversity. Here such a contest is held again among 6,000 people "
    "who do not exist and whose known truth does not go with ethnicity; then one thing at a time is put right."
)
LIMITS = [
    "Rendered faces are simple: what a network makes of real skin, hair and light may differ. The groups are three "
    "morphologies with assumed distributions of skin tone.",
    "The real jury’s rule, thresholds, training data and reference set were never published. A share of 90 % and the "
    "mean of z scores are assumptions; the other rules are in the ablation.",
    "The contestants are the same for every seed: the interval “for these contestants” is over trainings alone, the "
    "one “for others, too” counts the contestants as a sample (seeds and people crossed). The intervals of the effects "
    "are of the first kind; those of the ablation also resample the contestants.",
    "“European”, “India” and “Africa” were origins of entrants in 2016; caucasian, asian and african are labels of "
    "rendered morphologies here.",
    "The known truth is a simulated opinion with known causes, not beauty.",
]
RANGE = Column("95 % interval", label)


def named(heading: str) -> Column:
    return Column(heading, label, numeric=False)


def write_report(out: Path, tables: Mapping[str, pd.DataFrame], *, judge: str, command: str) -> Path:
    """tables: winners, means, effects, gate, ablation as beauty_ai_2016.py makes them. Returns the page."""
    means, winners, jury = tables["means"], tables["winners"], tables["ablation"]
    seeds = winners["seed"].nunique()
    told = "; ".join(
        f"{variant}: {_mean(means, variant, 'african')}" for variant in means["variant"].unique()
    )
    entered = means.groupby("group")["entrant_share"].first()
    found = (
        f"Winners who are african ({percent(entered['african'])} of the entrants), means over {seeds} seeds with 95 % "
        f"intervals for these contestants: {told}."
    )
    effects = tables["effects"]
    said = "; ".join(f"{r.of_group}, {r.change}: {number(r.value, 3)}" for r in effects.itertuples())
    sections = [
        Section(
            "The question, and what the contests say",
            [
                Text(LEAD, "lead"),
                Text(found),
                Picture(
                    "variants",
                    variants(winners, means),
                    "Share of the winners by contest. A dot is a seed (a new training), the square the mean with its "
                    "95 % interval over seeds for these contestants, the diamond the published count with its exact "
                    "interval; the dashed line is the share of the entrants.",
                    found,
                ),
                _contests(means, seeds),
            ],
        ),
        Section(
            "Which change moves what",
            [
                Picture(
                    "effects",
                    figures.effects(
                        effects.assign(effect=effects["change"], group=effects["of_group"]).drop(columns="n"),
                        label="change of the group’s share of the winners",
                    ),
                    "Effect of each change on the share of the winners, averaged over every order of making the "
                    "changes (Shapley), with 95 % t intervals over seeds, for these contestants.",
                    said,
                )
            ],
        ),
        Section("The gate", [_gate(tables["gate"])]),
        Section(
            "The jury taken apart",
            [
                Picture(
                    "ablation",
                    ablation(jury),
                    "Share of the winners by jury and group: the whole jury under each rule, then, under the mean of z "
                    "scores, without each judge and each alone. Colour is the distance from the share of the entrants.",
                    "The numbers are in the table below.",
                ),
                _ablation(jury),
            ],
        ),
        Section("What this does not show", [Items(LIMITS)]),
        Section("How this was made", [Text(f"Network: {judge}."), Code(command)]),
    ]
    return write_page(
        out,
        title="Beauty.AI 2016, held again",
        subtitle=f"{seeds} seeds, rendered contestants, ten brackets of five places.",
        sections=sections,
    )


def _mean(means: pd.DataFrame, variant: str, group: str) -> str:
    row = means[(means["variant"] == variant) & (means["group"] == group)].iloc[0]
    if pd.isna(row["ci_low"]):
        return percent(row["share"])
    low, high = (percent(row[c]).removesuffix(" %") for c in ("ci_low", "ci_high"))
    return f"{percent(row['share'])} [{low}, {high}]"


def _contests(means: pd.DataFrame, seeds: int) -> Table:
    counts = [f"{number(row.winners, 1)} ({row.least}–{row.most})" for row in means.itertuples()]
    return table_from(
        means.assign(
            range=interval(means, share=True),
            people=interval(means, "ci_people_low", "ci_people_high", share=True),
            counts=counts,
        ),
        {
            "variant": named("contest"),
            "group": named("group"),
            "entrant_share": Column("entrants", percent),
            "counts": Column("winners of 50", label),
            "share": Column("share", percent),
            "range": Column("95 % interval, these contestants", label),
            "people": Column("95 % interval, for others, too", label),
            "p_value": P_VALUE,
        },
        f"Winners by contest and group: mean and range over {seeds} seeds.",
        note="p: exact multinomial test of one contest’s winners against the shares of the entrants, median over the "
        "seeds. Published: 37, 6 and 1 of 44 (84.1, 13.6 and 2.3 %), p = .328.",
    )


def _gate(gate: pd.DataFrame) -> Table:
    rows = gate[(gate["gate"] == "as in 2016") & (gate["seed"] == gate["seed"].min())]
    return table_from(
        rows.assign(range=interval(rows, share=True)),
        {
            "rule": named("rule"),
            "group": named("group"),
            "n": Column("entrants", count),
            "refused": Column("refused", count),
            "rate": Column("rate", percent),
            "range": RANGE,
        },
        "Whom the gate of 2016 turns away.",
        note="The gate learns nothing: this is the same for every seed. Intervals are Wilson’s, over entrants.",
    )


def _ablation(jury: pd.DataFrame) -> Table:
    return table_from(
        jury.assign(
            range=interval(jury, share=True), moved=interval(jury, "change_low", "change_high", digits=3)
        ),
        {
            "rule": named("rule"),
            "jury": named("jury"),
            "group": named("group"),
            "winners": Column("share of the winners", percent),
            "range": RANGE,
            "change": Column("change", decimals(3)),
            "moved": RANGE,
        },
        "The jury taken apart: leave one out, one alone, every rule. Change: against the whole jury under that rule.",
        note="Intervals are percentiles over seeds and resampled entrants.",
    )


def ablation(jury: pd.DataFrame) -> Figure:
    whole = jury["jury"] == WHOLE
    rows = jury.assign(
        robot=np.where(whole, WHOLE + ", " + jury["rule"], jury["jury"]),
        winner_share=jury["winners"],
        entrant_share=jury["entrants"],
    )
    shown = pd.concat([rows[whole], rows[~whole & (rows["rule"] == rows["rule"].iloc[0])]])
    return figures.ablation(shown[["robot", "group", "winner_share", "entrant_share"]])


@styled
def variants(winners: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Winners' shares by contest (rows) and group (panels): a dot a seed, the mean with its interval."""
    groups = list(means["group"].unique())
    contests = list(means["variant"].unique())
    figure, axes = new_figure(2.8, 1, len(groups), sharey=True)
    for ax, group in zip(axes.flat, groups, strict=True):
        rows_axis(ax, [plain(name, 30) for name in (*contests, "published, 37 : 6 : 1")])
        for y, contest in enumerate(contests):
            cell = means[(means["variant"] == contest) & (means["group"] == group)].iloc[0]
            dots = _of_seeds(winners, cell)
            jitter = np.linspace(-0.2, 0.2, len(dots)) if len(dots) > 1 else np.zeros(len(dots))
            ax.plot(dots, y + jitter, "o", color=VERMILLION, markersize=2.8, alpha=0.6, markeredgewidth=0)
            ax.plot([cell["ci_low"], cell["ci_high"]], [y, y], color=INK, linewidth=1.2)
            ax.plot([cell["share"]], [y], "s", color=INK, markersize=4)
        total = sum(PUBLISHED.values())
        low, high = proportion_confint(PUBLISHED[group], total, method="beta")
        ax.plot([low, high], [len(contests)] * 2, color=INK, linewidth=1.2)
        ax.plot([PUBLISHED[group] / total], [len(contests)], "D", color=INK, markersize=4)
        share = float(means.loc[means["group"] == group, "entrant_share"].iloc[0])
        ax.axvline(share, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)))
        ax.set_title(f"{group} ({percent(share, 0)} entered)")
        ax.grid(axis="x")
    figure.supxlabel("share of the winners", fontsize=8)
    return figure


def _of_seeds(winners: pd.DataFrame, cell: pd.Series) -> np.ndarray:
    part = winners[(winners["variant"] == cell["variant"]) & (winners["group"] == cell["group"])]
    return part["winner_share"].to_numpy()
