"""Checks on scores, ranks, skin tone and wrong labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from calibration_checks.contests import GROUPS
from calibration_checks.table import Table
from judge.contest import fill_places
from judge.fairness.attribution import corrected_ratio, tone_and_score, tone_and_winning
from judge.fairness.counts import Counts
from judge.fairness.metrics import exposure_ratio, group_metrics, outrank_probability


def score_metrics(table: Table, n: int, rng: np.random.Generator) -> None:
    """Scores and ranks: metrics by group of 15, 60 and 300, outranking, exposure."""
    rho, trials = 0.6, n // 2
    big = rng.normal(size=(2, 4_000_000))
    error = (0.8 * (rho * big[0] + np.sqrt(1 - rho**2) * big[1]) + 0.3) - big[0]
    truth = {"mean_score": 0.3, "spread": 0.8, "pearson": rho, "signed_error": 0.3, "calibration_slope": rho / 0.8,
             "mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}  # fmt: skip
    tail = stats.norm.isf(0.05)
    truth["top_tail_score"] = 0.3 + 0.8 * stats.norm.pdf(tail) / 0.05
    groups = np.repeat(["n = 15", "n = 60", "n = 300"], [15, 60, 300])
    found = []
    for _ in range(trials):
        rating = rng.normal(size=len(groups))
        score = 0.3 + 0.8 * (rho * rating + np.sqrt(1 - rho**2) * rng.normal(size=len(groups)))
        found.append(group_metrics(score, sensitive_feature=groups, rating=rating))
    rows = pd.concat(found)
    for (metric, group), part in rows.groupby(["metric", "group"], sort=False):
        if metric in truth:
            table.coverage(f"{metric}, {group}", part["ci_low"], part["ci_high"], truth[metric])
    bracket = np.repeat(np.arange(4), [200, 60, 30, 110])
    for shift in (0.0, 0.6):
        answers, ratios = [], []
        for _ in range(n):
            dark = rng.random(400) < 0.1
            score = rng.normal(size=400) - shift * dark
            answers.append(
                outrank_probability(score, sensitive_feature=dark, group="True", bracket=bracket)[:4]
            )
            if shift == 0:
                rank = fill_places(None, score, bracket=bracket, places=1).rank
                ratios.append(exposure_ratio(rank, dark.astype(int), member=1, others=0))
        a = np.array(answers)
        table.coverage(
            f"outrank probability, about 40 of 400, shift {shift:g}",
            a[:, 1],
            a[:, 2],
            stats.norm.cdf(-shift / np.sqrt(2)),
        )
        if shift == 0:
            table.alarm("outrank probability, Mann–Whitney in brackets", a[:, 3])
            r = np.array(ratios)
            table.coverage("exposure ratio, about 40 of 400, no difference", r[:, 1], r[:, 2], 1.0)


def skin(table: Table, n: int, rng: np.random.Generator) -> None:
    """Continuous skin tone; the ratio under wrong labels."""
    bracket = np.repeat(np.arange(5), [80, 60, 40, 30, 20])
    size = len(bracket)
    for slope in (0.0, 0.5):
        won_rows, score_rows = [], []
        trials = n // 4
        for t in range(trials):
            tone = 60 + 8 * rng.normal(size=size)
            # Gumbel noise: the winners of a bracket then follow Plackett–Luce, odds e^slope per 8 points of L*
            score = slope * (tone - 60) / 8 + rng.gumbel(size=size)
            first = fill_places(None, score, bracket=bracket, places=3).winner
            won_rows.append(tone_and_winning(tone, winner=first, bracket=bracket, n_permutations=499, rng=t))
            if slope == 0:
                score_rows.append(
                    tone_and_score(tone, score=score, bracket=bracket, n_permutations=499, rng=t)
                )
        won = pd.concat(won_rows)
        table.coverage(f"tone and winning, log odds {slope:g} per SD", won["ci_low"], won["ci_high"], slope)
        if slope == 0:
            scores = pd.concat(score_rows)
            table.alarm("tone and winning, permutation", won["p_value"], exact=True)
            table.alarm("tone and score, permutation", scores["p_value"], exact=True)
            table.coverage("tone and score, rank correlation 0", scores["ci_low"], scores["ci_high"], 0.0)
    confusion = pd.DataFrame(
        [[0.85, 0.1, 0.05], [0.05, 0.8, 0.15], [0.01, 0.04, 0.95]], index=GROUPS, columns=GROUPS
    )
    entered = np.array([[480, 1020, 4500]])
    for truth in (1.0, 0.5):
        low, high, plain = [], [], []
        rates = 0.03 * np.array([truth, 1.0, 1.0])
        for t in range(n // 2):
            won = rng.binomial(entered[0], rates)
            labelled = [
                sum(rng.multinomial(c, confusion.to_numpy()[i]) for i, c in enumerate(w))
                for w in (won, entered[0] - won)
            ]
            counts = Counts((labelled[0] + labelled[1])[None], labelled[0][None], GROUPS)
            rows = corrected_ratio(
                counts, group="dark", reference="white", confusion=confusion, n_resamples=400, rng=t
            )
            low.append(rows["ci_low"].iloc[1])
            high.append(rows["ci_high"].iloc[1])
            plain.append(rows["value"])
        table.coverage(f"ratio under known confusion, true {truth:g}", low, high, truth)
