"""Every figure, in one place to look it up: functions of tidy tables that return a matplotlib Figure.

Nothing is computed here that a table holds already: intervals and p-values come in as columns. A column `condition`
brings order, baseline and marks along (`judge.report.conditions`). Figures with rows grow in height with groups and
conditions, those with panels take larger ones; `save` writes any of them as PNG and SVG, the same bytes every time.
"""

from judge.report.figures.causes import ablation, decomposition_chain, effects, twin_changes
from judge.report.figures.dataset import cells, ratings_by_group
from judge.report.figures.dose import crowded, dose_response
from judge.report.figures.errors import calibration, error_by_group
from judge.report.figures.pools import pool_composition
from judge.report.figures.probes import probes
from judge.report.figures.ranks import skew_at_k
from judge.report.figures.ratios import ratio_forest
from judge.report.figures.saving import save
from judge.report.figures.scores import scores_by_group
from judge.report.figures.winners import entrants_to_winners

__all__ = [
    "ablation",
    "calibration",
    "cells",
    "crowded",
    "decomposition_chain",
    "dose_response",
    "effects",
    "entrants_to_winners",
    "error_by_group",
    "pool_composition",
    "probes",
    "ratings_by_group",
    "ratio_forest",
    "save",
    "scores_by_group",
    "skew_at_k",
    "twin_changes",
]
