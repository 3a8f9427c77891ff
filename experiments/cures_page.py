"""The page and the figure of cures.py: which cure for which skew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from judge.fairness.advice.cures import LEAST_RECOVERED, MOST_RECOVERED
from judge.fairness.sweeps.cures import LOST
from judge.report import figures
from judge.report.figures.style import INK, new_figure, styled
from judge.report.html import (
    P_VALUE,
    Code,
    Column,
    Fold,
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

GROUP = "african"
SKEWS = {
    "none": "nothing planted:\ndark skin\nshows less",
    "representation": "representation:\n98 % of pictures\ncaucasian",
    "ratings": "ratings:\n−.65 for them",
    "camera": "camera:\ndim for them",
    "reference": "reference set:\n90 % caucasian",
    "all": "all together",
}
#: seam → its cures, in the order of the page
CURES = {
    "": ["uncured"],
    "pool": ["redraw", "resample_up", "reweight", "reweigh_labels", "subg", "correct_ratings"],
    "objective": [
        "group_dro", "gradient_reversal", "score_adversary", "domain_independent", "match_features", "match_scores",
        "just_train_twice",
    ],
    "refit": ["last_layer", "leace"],
    "scores": [
        "standardise_mean", "standardise_spread", "standardise_within", "quantile_match", "calibrate_within",
        "group_thresholds",
    ],
    "ranking": ["quota", "fa_ir", "det_const_sort", "exposure"],
    "jury": ["reference_set"],
    "two at once": ["redraw_within"],
}  # fmt: skip
#: The cures that are made for a skew: by what they change, decided before the comparison was run.
MADE_FOR = {
    "none": ["standardise_spread", "standardise_within", "quantile_match", "calibrate_within"],
    "representation": [
        "redraw", "resample_up", "reweight", "subg", "group_dro", "domain_independent", "just_train_twice",
        "last_layer",
    ],
    "ratings": ["correct_ratings", "reweigh_labels", "standardise_mean", "standardise_within", "quantile_match"],
    "camera": ["standardise_within", "quantile_match", "calibrate_within", "last_layer"],
    "reference": ["reference_set"],
    "all": ["standardise_within", "quantile_match", "redraw_within"],
}  # fmt: skip
NAMES = {"embedding_depths": "ridge regression on frozen features", "cnn": "the network, trained"}
LEAD = (
    "A judge of faces is skewed in one known way at a time. Each cure changes what is learnt from (pool), what "
    "the training "
    "asks for (objective), the judge’s last part (refit), the scores, the ranking or the jury; then the same "
    "contestants "
    "are judged again. The truth of these people, who do not exist, is known and blind to ethnicity, so that "
    "what a cure "
    "gives back and what it costs can be read off."
)
LIMITS = [
    "Equal shares of the winners are right here because the truth is equally distributed over the groups, by "
    "construction. "
    "Where it is not known, that is an assumption, and evening out is a decision, not a correction.",
    "Cures of scores and rankings use the group of each contestant when winners are chosen. In many places and "
    "uses that is "
    "not allowed.",
    "Cures need different things: other pictures (redraw), raters whose group is known (correct_ratings), people who "
    "neither train nor enter: 300 for last_layer (with ratings) and leace, 600 for the scores (calibrate_within and "
    "group_thresholds with ratings). They are compared by what they do, not by what they cost to collect.",
    "calibrate_within refused five of ten seeds where a robot sits that does not read what people are rated for, and "
    "correct_ratings one of ten with six pictures: their rows are of the other seeds.",
    "Settings are the defaults, chosen on other seeds or not at all; other settings are in the table of the "
    "selection rules.",
    "Rendered faces are simpler than photographs; 600 pictures are few.",
]

NOTE = (
    "Given back: part of the uncured gap to the truth’s share that is closed (Fieller’s interval). Truth lost: mean "
    "truth of the winners without a cure minus with it. Largest error: the group’s mean score minus what its "
    "truth would be "
    "rated, points. Probes: balanced accuracy of freshly trained classifiers that read the group of people whom "
    "neither they nor the judge have seen (.33 is chance). p: distance from the truth’s share against SUBG’s, "
    "sign flips over "
    "seeds, Holm."
)


def write_report(
    out: Path,
    found: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    command: str,
    selection: pd.DataFrame | None = None,
) -> Path:
    """The page and its figures.

    found      judge → runs, cures, composition, probes as cures.py makes them
    selection  as cures_selection.py makes it
    """
    sections = [Section("The question", [Text(LEAD, "lead")])]
    for name, tables in found.items():
        cures = tables["cures"]
        drawn = matrix(cures)
        figures.save(drawn, out / f"{name}_cures")
        sections.append(
            Section(
                f"Which cure for which skew: {NAMES[name]}",
                [
                    Picture(name, matrix(cures), caption(cures), _told(cures)),
                    Text(
                        "Cures that are made for a skew, with the part of the gap to the truth’s share that they close:"
                    ),
                    Items(halfway(cures)),
                    *[_table(cures, skew) for skew in SKEWS if skew in set(cures["skew"])],
                ],
            )
        )
    if selection is not None:
        sections.append(Section("By which rule a setting is chosen", [_selection(selection)]))
    sections.append(Section("What this does not show", [Items(LIMITS)]))
    sections.append(Section("How this was made", [Code(command)]))
    seeds = max(tables["runs"]["seed"].nunique() for tables in found.values())
    return write_page(
        out,
        title="Which cure for which skew",
        subtitle=f"Rendered people, 44 winners of 900, up to {seeds} seeds with contestants drawn anew.",
        sections=sections,
    )


def caption(cures: pd.DataFrame) -> str:
    return (
        f"Share of the winners who are {GROUP}, in per cent: mean over {cures['n'].min()} to {cures['n'].max()} "
        f"seeds. Colour: "
        f"share minus the truth’s share ({percent(cures['truth_share'].mean(), 0)}); white is the truth’s. ▼: the "
        f"winners "
        f"have lost more than {number(LOST, 1)} standard deviations of truth against no cure. L: levelling down. "
        "Framed: cures made for that skew."
    )


@styled
def matrix(cures: pd.DataFrame) -> Figure:
    """Cures by skews: colour and number are the group's share of the winners against the truth's."""
    skews = [skew for skew in SKEWS if skew in set(cures["skew"])]
    names, seams = [], []
    for seam, members in CURES.items():
        there = [name for name in members if name in set(cures["condition"])]
        names += there
        seams += [seam] * len(there)
    cell = cures.set_index(["condition", "skew"])
    gap = np.array([[_of(cell, name, skew, "gap") for skew in skews] for name in names])
    figure, axes = new_figure(0.9 + 0.235 * len(names))
    ax = axes[0, 0]
    reach = float(np.nanmax(np.abs(gap)))
    ax.imshow(gap, cmap="PuOr", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    for y, name in enumerate(names):
        for x, skew in enumerate(skews):
            if np.isnan(gap[y, x]):
                continue
            share = _of(cell, name, skew, "share")
            marks = "▼" * bool(_of(cell, name, skew, "costs_truth")) + "L" * bool(
                _of(cell, name, skew, "levelling_down")
            )
            dark = abs(gap[y, x]) > 0.62 * reach
            ax.text(x, y, f"{100 * share:.0f}{' ' + marks if marks else ''}", ha="center", va="center",
                    color="white" if dark else INK, fontsize=7.5)  # fmt: skip
            if name in MADE_FOR[skew]:
                ax.add_patch(_frame(x, y))
    ax.set_xticks(range(len(skews)), [SKEWS[skew] for skew in skews], fontsize=7)
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    for y in range(1, len(names)):
        if seams[y] != seams[y - 1]:
            ax.axhline(y - 0.5, color=INK, linewidth=0.8)
    for seam in dict.fromkeys(seams):
        rows = [y for y, s in enumerate(seams) if s == seam]
        ax.text(len(skews) - 0.4, float(np.mean(rows)), seam, va="center", ha="left", fontsize=7.5)
    return figure


def _selection(table: pd.DataFrame) -> Table:
    """Settings chosen by three rules: cures_selection.py."""
    return table_from(
        table,
        {
            "skew": Column("skew", label, numeric=False),
            "condition": Column("method", label, numeric=False),
            "rule": Column("rule", label, numeric=False),
            "share": Column("share", percent),
            "truth_share": Column("truth", percent),
            "distance": Column("distance", decimals(3)),
            "truth_lost": Column("truth lost, sd", decimals(2)),
            "worst_pearson": Column("worst group’s r", decimals(2)),
            "chosen": Column("settings × seeds", label, numeric=False),
        },
        "What a method does with the setting that each rule chooses, of three.",
        note="Without group labels: lowest squared error on the pool’s validation part. Worst group: lowest squared "
        "error of the worst group among people who neither train nor enter. Oracle: the share of the winners nearest "
        "to the truth’s, which nobody knows. Distance: mean over seeds of how far the share is from the truth’s.",
        limit=60,
    )


def _frame(x: int, y: int) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, fill=False, edgecolor=INK, linewidth=1.1)


def _of(cell: pd.DataFrame, name: str, skew: str, column: str) -> float:
    return cell[column].get((name, skew), np.nan)


def _told(cures: pd.DataFrame) -> str:
    parts = []
    for skew, part in cures.groupby("skew", sort=False):
        parts.append(
            f"{skew}: " + ", ".join(f"{r.condition} {percent(r.share, 0)}" for r in part.itertuples())
        )
    return "; ".join(parts)


def halfway(cures: pd.DataFrame) -> list[str]:
    """Which of the cures made for a skew bring the share at least half the way back to the truth's, a line a skew."""
    said = []
    for skew, part in cures.groupby("skew", sort=False):
        own = part.set_index("condition")
        there = [name for name in MADE_FOR[str(skew)] if name in own.index]
        uncured, truth = (percent(own.loc["uncured", column]) for column in ("share", "truth_share"))
        told = f"{skew} (uncured {uncured}, truth {truth}): "
        if own.loc["uncured", "gap_low"] <= 0 <= own.loc["uncured", "gap_high"]:
            said.append(f"{told}no gap that could be told from 0, so nothing to give back")
            continue
        back = own["recovered"]
        parts = {
            "at least half of the way back": [
                n for n in there if LEAST_RECOVERED <= back[n] <= MOST_RECOVERED
            ],
            "too far": [n for n in there if back[n] > MOST_RECOVERED],
            "less": [n for n in there if back[n] < LEAST_RECOVERED],
        }
        words = [
            f"{word}: " + ", ".join(f"{n} ({number(back[n], 2)}{cost(own, n)})" for n in names)
            for word, names in parts.items()
            if names
        ]
        said.append(told + "; ".join(words))
    return said


def cost(own: pd.DataFrame, name: str) -> str:
    """What the winners lose in truth, where it is more than LOST."""
    return (
        f", costs {number(own.loc[name, 'truth_lost'], 2)} sd of truth"
        if own.loc[name, "costs_truth"]
        else ""
    )


def _table(cures: pd.DataFrame, skew: str) -> Fold | Table:
    rows = cures[cures["skew"] == skew]
    flags = [
        ", ".join(
            word
            for word, yes in (("costs truth", r.costs_truth), ("levelling down", r.levelling_down)) if yes
        )
        for r in rows.itertuples()
    ]  # fmt: skip
    error = [
        f"{number(r.largest_error, 2)} ({r.largest_error_group})" if r.largest_error_group else "–"
        for r in rows.itertuples()
    ]
    table = table_from(
        rows.assign(
            range=interval(rows, "share_low", "share_high", share=True),
            back=interval(rows, "recovered_low", "recovered_high", digits=2),
            cost=interval(rows, "truth_lost_low", "truth_lost_high", digits=2),
            error=error,
            flags=flags,
        ),
        {
            "condition": Column("cure", label, numeric=False),
            "n": Column("seeds", count),
            "share": Column("share", percent),
            "range": Column("95 % interval", label),
            "truth_share": Column("truth", percent),
            "recovered": Column("given back", decimals(2)),
            "back": Column("95 % interval", label),
            "truth_lost": Column("truth lost, sd", decimals(2)),
            "cost": Column("95 % interval", label),
            "worst_pearson": Column("worst group’s r", decimals(2)),
            "error": Column("largest error", label),
            "probe_score": Column("probe of scores", decimals(2)),
            "probe_features": Column("of features", decimals(2)),
            "p_holm": P_VALUE,
            "flags": Column("flags", label, numeric=False),
        },
        f"Skew: {skew}.",
        note=NOTE,
    )
    return Fold(f"{skew}: every number", [table])
