"""Every figure, in one place to look it up: functions of tidy tables that return a matplotlib Figure."""

from judge.report.figures_causes import ablation, decomposition_chain, effects, twin_changes
from judge.report.figures_contest import entrants_to_winners, pool_composition, ratio_forest
from judge.report.figures_data import cells, ratings_by_group
from judge.report.figures_dose import dose_response
from judge.report.figures_errors import calibration, error_by_group
from judge.report.figures_scores import scores_by_group, skew_at_k
from judge.report.saving import save

__all__ = [
    "ablation",
    "calibration",
    "cells",
    "decomposition_chain",
    "dose_response",
    "effects",
    "entrants_to_winners",
    "error_by_group",
    "pool_composition",
    "ratings_by_group",
    "ratio_forest",
    "save",
    "scores_by_group",
    "skew_at_k",
    "twin_changes",
]
