"""Sections of scores and ranks: where each group stands to the winners' cut, and along the whole ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.fairness.metrics import skew_curve
from judge.report import figures
from judge.report.html import Block, Picture, Section
from judge.report.sections.tables import (
    RANK_METRICS,
    SAID,
    SCORE_METRICS,
    finite,
    folded,
    metric_table,
    rows_of,
    winners_table,
)
from judge.report.wording import largest

MANY = 100_000  # entrants from which curves over k stop at the best 1,000 of a bracket


def scores_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "scores"
) -> Section:
    """Score distributions with the winners' cut, and the numbers of the upper tail.

    people: condition, group, bracket, score, winner, one row an entrant (thinned or not: counts are the audit's).
    """
    counted: pd.DataFrame | None = winners_table(audit, feature)
    if counted is None or not set(people["condition"]) <= set(counted["condition"]):
        counted = None
    n = (
        people.groupby("group").size() if counted is None else counted.groupby("group")["entrants"].max()
    ).head(SAID)
    blocks: list[Block] = [
        Picture(
            stem,
            figures.scores_by_group(people, counted),
            f"Scores by {feature} and the winners’ cut. Curve: density; thick bar: the middle half; ticks: winners. "
            "With several brackets a score is drawn as its distance to the last winner of the person’s own bracket.",
            f"Score distributions by {feature}; n: {', '.join(f'{group} {size:,}' for group, size in n.items())}.",
        )
    ]
    rows = rows_of(audit, SCORE_METRICS, feature=feature)
    if len(rows):
        blocks.append(folded(metric_table(rows, f"Scores by {feature}.")))
    return Section("Scores and the winners’ cut", blocks)


def ranks_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, places: int | None, stem: str = "skew"
) -> Section:
    """Skew@k over all k with its null band, and the measures of ranks. `people` as for scores, not thinned."""
    blocks: list[Block] = []
    curves, sizes = _skew_curves(people)
    if len(curves):
        blocks.append(
            Picture(
                stem,
                figures.skew_at_k(curves, sizes=sizes, places=places),
                "Skew@k: natural log of a group’s share among the best k of each bracket over the share that chance "
                "within brackets gives it. 0 is parity. Grey: where 95 % of random rankings lie, point by point. A "
                "curve that enters from below has nobody among the first.",
                f"Skew@k curves by {feature} for {', '.join(sorted(set(curves['group'])))}.",
            )
        )
    rows = rows_of(audit, RANK_METRICS, feature=feature)
    if len(rows):
        blocks.append(folded(metric_table(rows, f"Ranks by {feature}.")))
    return Section("The whole ranking", blocks)


def _skew_curves(people: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    sizes = people.groupby(["condition", "group"]).size().groupby("group").max()
    kept, _ = largest(sizes, 9)
    curves = []
    for condition, part in people.groupby("condition", sort=False):
        part = part[finite(part["score"])]
        if part.empty:
            continue
        most = int(part.groupby("bracket").size().max())
        ks = np.unique(
            np.geomspace(1, most if len(part) <= MANY else min(most, 1000), 160).round().astype(int)
        )
        # groups that are not drawn count as one, which leaves the curve of every other group as it is
        group = part["group"].where(part["group"].isin(kept), "\0")
        curve = skew_curve(part["score"], sensitive_feature=group, bracket=part["bracket"], ks=ks.tolist())
        curves.append(curve[curve["group"] != "\0"].assign(condition=condition))
    table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    if len(table):
        table["condition"] = table["condition"].astype(people["condition"].dtype)
    return table, {str(group): int(n) for group, n in sizes.items()}
