"""Advice on a run: judge.fairness.advice, asked with all that a run's folder, its pictures and its data set tell."""

from judge.experiment.advice.of_run import advise_run

__all__ = ["advise_run"]
