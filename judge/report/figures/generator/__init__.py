"""Figures of a generator of faces: its report card by group, and what truncation does to whom."""

from judge.report.figures.generator.card import coverage_card
from judge.report.figures.generator.transects import effects_against_exact, leakage_matrix
from judge.report.figures.generator.truncation import truncation_lines

__all__ = ["coverage_card", "effects_against_exact", "leakage_matrix", "truncation_lines"]
