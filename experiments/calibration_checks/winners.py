"""Checks on who wins: tests, intervals, favouring odds, power."""

from __future__ import annotations

import numpy as np
from scipy import stats

from calibration_checks.contests import ENTRANTS, GROUPS, PLACES, SIZES, SIZES_DRAWN, counts_of, draw_winners
from calibration_checks.table import Table
from judge.fairness.counts import Counts
from judge.fairness.inference import (
    binomial_power,
    clopper_pearson,
    holm,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    multinomial_exact,
    permutation,
    stratified_exact,
    stratified_power,
    wallenius_odds,
    wilson,
)
from judge.fairness.inference.distributions import exact_distribution
from judge.fairness.inference.exact_tests import p_values


def winners_tests(table: Table, n: int, rng: np.random.Generator) -> None:
    """Tests on winners under the null; exact sizes beside them."""
    drawn = draw_winners(ENTRANTS, np.ones(3), n, rng)
    p = {group: np.empty(n) for group in GROUPS}
    pairwise, joint, adjusted = np.empty(n), np.empty(n), np.empty(n)
    for t in range(n):
        counts = counts_of(drawn[t])
        for group in GROUPS:
            p[group][t] = stratified_exact(counts, group)
        pairwise[t] = stratified_exact(counts, "dark", reference="white", alternative="less")
        joint[t] = permutation(counts, n_permutations=499, rng=t)[1]
        adjusted[t] = holm([p[group][t] for group in GROUPS]).min()
    for g, group in enumerate(GROUPS):
        table.alarm(f"stratified_exact, {group}", p[group], exact=True)
        _, pmf = exact_distribution(ENTRANTS[:, g], SIZES_DRAWN, PLACES * np.ones(len(SIZES), int))
        table.size(f"stratified_exact, {group}", pmf[p_values(pmf) <= 0.05].sum())
    table.alarm("stratified_exact, dark < white", pairwise, exact=True)
    table.alarm("permutation, three groups", joint, exact=True)
    table.alarm("Holm over three groups, any", adjusted)
    shares = np.array([0.08, 0.17, 0.75])
    outcomes = rng.multinomial(44, shares, size=n)
    table.alarm("multinomial_exact, 44 winners", [multinomial_exact(w, shares) for w in outcomes], exact=True)


def selection_intervals(table: Table, n: int, rng: np.random.Generator) -> None:
    """Rates, ratios, differences, shares: truth is what the simulated process gives on average over 200,000."""
    entered = ENTRANTS.sum(0)
    for odds in ((1.0, 1.0, 1.0), (0.5, 0.8, 1.0)):
        long = draw_winners(ENTRANTS, np.array(odds), 100 * n, rng).sum(1)
        mean = long.mean(0)
        won = long[:n]
        total = PLACES * len(SIZES)
        for g, group in enumerate(GROUPS):
            label = f"{group} (≈ {mean[g]:.1f} winners), odds {odds[g]:g}"
            x, m = won[:, g], entered[g]
            x0, m0 = total - x, entered.sum() - m
            truth = (mean[g] / m) / ((total - mean[g]) / m0)
            difference = mean[g] / m - (total - mean[g]) / m0
            table.coverage(f"selection rate, Wilson, {label}", *wilson(x, np.full(n, m)), mean[g] / m)
            table.coverage(f"ratio, Koopman, {label}", *koopman_ratio(x, m, x0, m0), truth)
            table.coverage(f"ratio, Katz, {label}", *katz_ratio(x, m, x0, m0), truth)
            table.coverage(
                f"difference, Miettinen–Nurminen, {label}",
                *miettinen_nurminen_difference(x, m, x0, m0),
                difference,
            )
            table.coverage(
                f"winner share, Clopper–Pearson, {label}",
                *clopper_pearson(x, np.full(n, total)),
                mean[g] / total,
            )


def odds_and_power(table: Table, n: int, rng: np.random.Generator) -> None:
    """Planted favouring odds: intervals, bias; computed against simulated power."""
    for truth in (1.0, 0.5, 0.8):
        odds = np.array([truth, 1.0, 1.0])
        won = draw_winners(ENTRANTS, odds, n, rng)
        total = won[:, :, 0].sum(1)
        for kind in ("midp", "exact"):
            known = {}
            for value, first in zip(*np.unique(total, return_index=True), strict=True):
                known[value] = wallenius_odds(counts_of(won[first]), "dark", interval=kind)
            low = [known[v].low for v in total]
            high = [known[v].high for v in total]
            table.coverage(
                f"Wallenius odds, {kind}, ω = {truth:g} (≈ {total.mean():.1f} winners)", low, high, truth
            )
        # bias: a contest with 250 winners, where an estimate is rarely 0; and all contests as one
        few = max(n // 25, 20)
        wide = np.tile(ENTRANTS, (5, 1))
        large = draw_winners(wide, odds, few, rng)
        names = tuple(map(str, range(len(wide))))
        estimates = [wallenius_odds(Counts(wide, w, GROUPS, names), "dark").value for w in large]
        table.bias(f"Wallenius odds, 250 winners, ω = {truth:g}", estimates, truth)
        batches = np.array_split(won, 20)
        pooled = []
        for batch in batches:
            flat = batch.reshape(-1, 3)
            every = Counts(
                np.tile(ENTRANTS, (len(batch), 1)), flat, GROUPS, tuple(map(str, range(len(flat))))
            )
            pooled.append(wallenius_odds(every, "dark").value)
        table.bias(f"Wallenius odds, {len(batches[0])} contests pooled, ω = {truth:g}", pooled, truth)
    counts = counts_of(draw_winners(ENTRANTS, np.ones(3), 1, rng)[0])
    many = 10 * n
    for truth in (0.5, 0.8, 0.2):
        won = draw_winners(ENTRANTS, np.array([truth, 1.0, 1.0]), many, rng)
        total, first, back = np.unique(won[:, :, 0].sum(1), return_index=True, return_inverse=True)
        for alternative in ("two-sided", "less"):
            p = np.array(
                [stratified_exact(counts_of(won[i]), "dark", alternative=alternative) for i in first]
            )
            computed = float(stratified_power(counts, "dark", truth, alternative=alternative)[0])
            table.power(
                f"stratified, {alternative}, ω = {truth:g}", computed, float((p[back] <= 0.05).mean()), many
            )
    for truth, winners in ((0.5, 44), (0.8, 44), (0.5, 95), (0.8, 735)):
        # 44 of 6,000 picked one by one with odds ω: the binomial takes the entrants as inexhaustible
        share = 0.08 * truth / (0.08 * truth + 0.92)
        counted = (
            rng.binomial(winners, share, size=many)
            if winners > 100
            else _races(480, 5520, truth, winners, many, rng)
        )
        p = stats.binom.cdf(counted, winners, 0.08)
        computed = float(binomial_power(winners, 0.08, truth))
        table.power(
            f"binomial, {winners} winners, ratio {truth:g}", computed, float((p <= 0.05).mean()), many
        )


def _races(group: int, others: int, odds: float, k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """How many of the first k are of the group, (n,), by racing exponentials."""
    sides = [
        np.cumsum(rng.exponential(size=(n, k)) / (w * (m - np.arange(k))), axis=1)
        for m, w in ((group, odds), (others, 1.0))
    ]
    both = np.concatenate(sides, axis=1)
    return (np.argpartition(both, k - 1, axis=1)[:, :k] < k).sum(1)
