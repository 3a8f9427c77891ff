"""Figures of sweeps whose settings are few: what each of them did to one group's share of the winners."""

from judge.report.figures.sweeps.arms import arms
from judge.report.figures.sweeps.losses import losses

__all__ = ["arms", "losses"]
