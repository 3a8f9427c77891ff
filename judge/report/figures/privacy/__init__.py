"""Figures of private people: what membership attacks find, what secrecy of a group costs."""

from judge.report.figures.privacy.roc import rates_by_group, roc_curves
from judge.report.figures.privacy.secrecy import secrecy_curve, secret_winners, toy_trials

__all__ = ["rates_by_group", "roc_curves", "secrecy_curve", "secret_winners", "toy_trials"]
