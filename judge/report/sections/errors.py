"""The section of errors: how far each group's scores are from people's ratings."""

from __future__ import annotations

import pandas as pd

from judge.report import figures
from judge.report.html import Block, Picture, Section
from judge.report.measures import words
from judge.report.sections.tables import ERROR_METRICS, folded, metric_table, rows_of
from judge.report.wording import level, number


def errors_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "errors"
) -> Section:
    """How far each group's scores are from people's ratings; no blocks where there are no ratings."""
    rows = rows_of(audit, ERROR_METRICS, feature=feature)
    if rows.empty:
        return Section("Errors", [])
    said = "; ".join(
        f"{words(r.metric)} {r.condition} {r.group} {number(r.value)}" for r in rows.head(36).itertuples()
    )
    blocks: list[Block] = [
        Picture(
            stem,
            figures.error_by_group(rows),
            f"Agreement with people’s mean ratings by {feature}: correlation, mean absolute error, and signed error "
            f"(above 0 the judge gives the group more than people did). {level(rows)} intervals over people.",
            f"Errors by {feature}: {said}.",
        )
    ]
    # a condition whose scores are on another scale has no errors, and no place on the diagonal either
    people = people[people["condition"].isin(set(rows["condition"]))]
    if "rating" in people and people["rating"].notna().any():
        blocks.append(
            Picture(
                stem.replace("errors", "calibration"),
                figures.calibration(people),
                f"Score against mean rating by {feature}. Dots, where there is room for them: entrants; markers: "
                "means of tenths by rating, with ±1.96 standard errors. Where the line falls under the diagonal at "
                "the right, the group’s best are given too little. Scores far out may lie beyond the axis.",
                f"Calibration of scores against ratings, one panel for each group of {feature}.",
            )
        )
    blocks.append(folded(metric_table(rows, f"Errors by {feature}.")))
    return Section("Errors against ratings", blocks)
