"""Checks on winners by lot, families of tests, NDKL's sequential test, and the power of the test that is reported."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration_checks.contests import BRACKETS, ENTRANTS, GROUPS, PLACES, counts_of, draw_winners
from calibration_checks.table import Table
from calibration_checks.winners import _races
from judge.fairness.audit import audit
from judge.fairness.counts import Counts
from judge.fairness.inference import (
    clopper_pearson,
    contest_power,
    contest_winners_needed,
    koopman_ratio,
    permutation,
    stratified_exact,
    wallenius_odds,
    wilson,
)
from judge.fairness.inference.power.contest import odds_of_ratio
from judge.fairness.inference.wallenius import margins_of
from judge.fairness.lots import Lots
from judge.fairness.metrics import ndkl_test, selection_table

#: Shares of whole-number scores from the lowest to the highest: of a bracket the last places are mostly by lot.
LEVELS = np.array([0.30, 0.30, 0.20, 0.12, 0.06, 0.016, 0.004])
#: As few people as a small contest has, three brackets of very different size.
SMALL = np.array([[12, 30, 60], [6, 10, 14], [3, 40, 5]])


def lots(table: Table, n: int, rng: np.random.Generator) -> None:
    """Contests of whole-number scores: p is a mean over lots, counts are averages over them."""
    for label, entrants in (("5,670 people", ENTRANTS), ("180 people", SMALL)):
        names = BRACKETS[: len(entrants)]
        drawn = [_tied_contest(entrants, rng, names) for _ in range(n)]
        by_lot = np.mean([0 if c.lots is None else c.lots.by_lot for c in drawn])
        label = f"{label}, {by_lot:.0f} of {PLACES * len(entrants)} winners by lot"
        for group in GROUPS:
            table.alarm(
                f"p over lots, {group}, {label}", [stratified_exact(c, group) for c in drawn], exact=True
            )
        few = drawn[: max(n // 10, 20)]
        against = [stratified_exact(c, "dark", reference="white") for c in few]
        table.alarm(f"p over lots, dark against white, {label}", against, exact=True)
        joint = [permutation(c, n_permutations=499, rng=i)[1] for i, c in enumerate(drawn)]
        table.alarm(f"permutation over lots, three groups, {label}", joint, exact=True)
        total, entered = PLACES * len(entrants), entrants.sum(0)
        won = np.array([c.winners.sum(0) for c in drawn])
        # what chance within brackets gives is the truth of shares, rates and pooled ratios
        mean = (entrants / entrants.sum(1, keepdims=True) * PLACES).sum(0)
        for g, group in enumerate(GROUPS):
            x, m = won[:, g], entered[g]
            x0, m0 = total - x, entered.sum() - m
            truth = (mean[g] / m) / ((total - mean[g]) / m0)
            named = f"{group}, averages over lots, {label}"
            share = clopper_pearson(x, np.full(n, total))
            table.coverage(f"winner share, Clopper–Pearson, {named}", *share, mean[g] / total)
            table.coverage(f"selection rate, Wilson, {named}", *wilson(x, np.full(n, m)), mean[g] / m)
            table.coverage(f"ratio, Koopman, {named}", *koopman_ratio(x, m, x0, m0), truth)
        within = [selection_table(c) for c in few]
        for g, group in enumerate(GROUPS):
            for name, truth in (("winner_share", mean[g] / total), ("selection_rate_ratio", 1.0)):
                low, high = ([t[f"{name}_{end}"].iloc[g] for t in within] for end in ("low", "high"))
                table.coverage(
                    f"{name}, exact, limits averaged over lots, {group}, {label}", low, high, truth
                )
        odds = [wallenius_odds(c, "dark") for c in few]
        table.coverage(
            f"Wallenius odds, midp over lots, {label}", [o.low for o in odds], [o.high for o in odds], 1.0
        )


def _tied_contest(entrants: np.ndarray, rng: np.random.Generator, names: tuple[str, ...]) -> Counts:
    """Winners of one contest whose scores are the same whole numbers for every group."""
    people = rng.multinomial(entrants, LEVELS)[..., ::-1]  # brackets × groups × scores, best first
    reached = people.sum(axis=1).cumsum(axis=1)
    cut = (reached < PLACES).sum(axis=1)
    above = np.arange(len(LEVELS)) < cut[:, None]
    certain = (people * above[:, None, :]).sum(axis=2)
    tied = np.take_along_axis(people, cut[:, None, None], axis=2)[..., 0]
    drawn = PLACES - certain.sum(axis=1)
    return Counts.with_lots(entrants, Lots(certain, tied, drawn), GROUPS, names)


def families(table: Table, n: int, rng: np.random.Generator) -> None:
    """Whole audits without an effect: the chance that anything survives Holm within a family."""
    for groups, people in ((2, 240), (4, 400)):
        adjusted, primary = [], []
        for t in range(max(n // 8, 20)):
            entrants = pd.DataFrame(
                {
                    "group": rng.choice([f"g{i}" for i in range(groups)], people),
                    "bracket": rng.choice(["x", "y"], people, p=[0.8, 0.2]),
                    "score": rng.normal(size=people),
                }
            )
            found = audit(
                entrants, features="group", score="score", brackets="bracket", places=20, n_permutations=499,
                rng=t,
            )  # fmt: skip
            tested = found[found["p_adjusted"].notna()]
            outside = tested["family"] == "primary"
            adjusted.append(tested.loc[~outside, "p_adjusted"].min())
            primary.append(tested.loc[tested["primary"], "p_adjusted"].iloc[0])
        table.alarm(f"Holm's family of a whole audit, any, {groups} groups", adjusted)
        table.alarm(f"primary contrast of a whole audit, {groups} groups", primary, exact=True)
    for ties in (False, True):
        p = []
        for t in range(max(n // 2, 20)):
            group = rng.choice(3, 300, p=[0.1, 0.3, 0.6])
            bracket = np.repeat([0, 1, 2], [200, 80, 20])
            run = np.arange(300) // 7 if ties else np.arange(300)
            run = np.unique(np.stack([bracket, run]), axis=1, return_inverse=True)[1]
            p.append(
                ndkl_test(group, bracket=bracket, n_groups=3, ties=run, most_permutations=499, rng=t).p_value
            )
        label = ", people tied in sevens" if ties else ""
        table.alarm(f"NDKL, sequential, uneven brackets{label}", p, exact=True)


def reported_power(table: Table, n: int, rng: np.random.Generator) -> None:
    """Power of the two-sided exact test at a true ratio, against races; also at the winners said to be needed."""
    many = 10 * n
    counts = counts_of(draw_winners(ENTRANTS, np.ones(3), 1, rng)[0])
    for group, truth in (("dark", 0.5), ("white", 0.5), ("white", 0.8)):
        odds = np.where(
            np.array(GROUPS) == group, odds_of_ratio(margins_of(counts.against(group)), truth), 1.0
        )
        won = draw_winners(ENTRANTS, odds, many, rng)
        g = GROUPS.index(group)
        _, first, back = np.unique(won[:, :, g].sum(1), return_index=True, return_inverse=True)
        p = np.array([stratified_exact(counts_of(won[i]), group) for i in first])
        label = f"two-sided within 10 brackets, {group}, ratio {truth:g}"
        table.power(label, contest_power(counts, group, truth), float((p[back] <= 0.05).mean()), many)
        # the ratio that these odds mean: Mantel–Haenszel over brackets, in batches of contests
        size = ENTRANTS.sum(1)
        x = won[:, :, g].reshape(20, -1, len(ENTRANTS)).mean(axis=1)
        above = (x * (size - ENTRANTS[:, g]) / size).sum(axis=1)
        below = ((PLACES - x) * ENTRANTS[:, g] / size).sum(axis=1)
        table.bias(f"ratio meant by its odds, {group}, {truth:g}", above / below, truth)
    for winners in (
        50,
        int(contest_winners_needed(Counts([[1500, 4500]], [[0, 50]], ("few", "many")), "few", 0.5)),
    ):
        few, others = 30 * winners, 90 * winners
        counts = Counts([[few, others]], [[0, winners]], ("few", "many"))
        odds = odds_of_ratio(margins_of(counts), 0.5)
        drawn = _races(few, others, odds, winners, many, rng)
        seen, back = np.unique(drawn, return_inverse=True)
        p = np.array(
            [
                stratified_exact(Counts([[few, others]], [[x, winners - x]], ("few", "many")), "few")
                for x in seen
            ]
        )
        label = f"two-sided, {winners} winners, a quarter of the entrants, ratio 0.5"
        table.power(label, contest_power(counts, "few", 0.5), float((p[back] <= 0.05).mean()), many)
