"""Every figure, in one place to look it up: functions of tidy tables that return a matplotlib Figure."""

from judge.report.figures.causes import ablation, decomposition_chain, effects, twin_changes
from judge.report.figures.contest import entrants_to_winners, pool_composition, ratio_forest
from judge.report.figures.dataset import cells, ratings_by_group
from judge.report.figures.dose import dose_response
from judge.report.figures.errors import calibration, error_by_group
from judge.report.figures.saving import save
from judge.report.figures.scores import scores_by_group, skew_at_k

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
