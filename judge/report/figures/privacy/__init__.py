"""Figures of private people: what membership attacks find."""

from judge.report.figures.privacy.roc import rates_by_group, roc_curves

__all__ = ["rates_by_group", "roc_curves"]
