"""Every printed row of who is selected, under even and uneven brackets, for groups from one person on."""

from __future__ import annotations

import numpy as np

from calibration_checks.table import Table
from judge.fairness.counts import Counts
from judge.fairness.inference import clopper_pearson, stratified_exact
from judge.fairness.inference.conditional import Effects, conditional_effects
from judge.fairness.inference.homogeneity import homogeneity
from judge.fairness.inference.intervals import (
    greenland_robins_ratio,
    koopman_ratio,
    stratified_score_ratio,
)
from judge.fairness.metrics.attention import exposure, exposure_ratio
from judge.fairness.metrics.selection import selection_table

#: Name → people of the group, people of others, places, by bracket.
DESIGNS = {
    "one bracket, 1 of 400": ([1], [399], [20]),
    "one bracket, 10 of 400": ([10], [390], [20]),
    "one bracket, 100 of 200": ([100], [100], [90]),
    "even brackets, 2 of 100 in each": ([2] * 4, [98] * 4, [5] * 4),
    "even brackets, 5 of 50 in each": ([5] * 6, [45] * 6, [5] * 6),
    "uneven brackets, 1 in the smallest": ([1, 0, 0], [9, 59, 399], [5] * 3),
    "uneven brackets, 1 in each": ([1] * 5, [9, 29, 59, 99, 399], [5] * 5),
    "uneven brackets, 12 people": ([6, 3, 2, 1, 0], [14, 37, 58, 119, 400], [5] * 5),
    "uneven brackets, 100 people": ([40, 30, 20, 10, 5], [60, 70, 80, 90, 395], [10] * 5),
    "uneven brackets, 60 of 80 and 20 of 920": ([60, 20], [20, 900], [44, 40]),
}
#: Name → distribution of the scores, shift of the group's.
EFFECTS = {
    "no effect": ("gumbel", 0.0),
    "odds 0.5": ("gumbel", float(np.log(0.5))),
    "odds 2.5": ("gumbel", float(np.log(2.5))),
    "normal scores + 0.7": ("normal", 0.7),
}
Strata = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def selection_rows(table: Table, n: int, rng: np.random.Generator) -> None:
    """Ratio, difference, shares, skew and the test; what was not chosen stands beside."""
    for design, margins in DESIGNS.items():
        n1, n0, places = map(np.array, margins)
        for effect, (kind, shift) in EFFECTS.items():
            long = _winners(n1, n0, places, kind, shift, 6 * n, rng)
            mean = long.mean(axis=0)
            label = f"{design}, {effect} (≈ {mean.sum():.1f} winners)"
            every, first = np.unique(long[:n], axis=0, return_inverse=True)
            first = first.ravel()
            strata = (every, n1, places - every, n0)
            found = Effects(*(values[first] for values in conditional_effects(*strata)))
            total = n1 + n0
            ratio = (mean * n0 / total).sum() / ((places - mean) * n1 / total).sum()
            fair = (places * n1 / total).sum()
            difference = (mean.sum() - fair) / (n1 * n0 / total).sum()
            if shift == 0:
                ratio, difference = 1.0, 0.0
            _exact(table, f"ratio, exact, {label}", found.ratio_low, found.ratio_high, ratio)
            _exact(
                table, f"difference, exact, {label}", found.difference_low, found.difference_high, difference
            )
            share = fair if shift == 0 else mean.sum()
            _exact(
                table, f"winner share and skew, exact, {label}", found.winners_low, found.winners_high, share
            )
            for name, (low, high) in {
                "stratified score": stratified_score_ratio(*strata),
                "Greenland–Robins": greenland_robins_ratio(*strata),
            }.items():
                _beside(table, f"ratio, {name}, {label}", low[first], high[first], ratio)
            p = np.array([_p(strata, i) for i in range(len(every))])[first]
            if shift == 0:
                table.alarm(f"stratified_exact, {label}", p, exact=True)
            disagree = ((found.ratio_low > 1) | (found.ratio_high < 1)) != (p <= 0.05)
            disagree &= np.abs(p - 0.05) > 1e-6  # at p = .05 to the last digit rounding decides
            table._add(f"interval and test disagree, {label}", "share", disagree.mean(), n, "0",
                       "yes" if not disagree.any() else "NO")  # fmt: skip
            if shift == 0 and len(n1) > 1:
                _crude(table, label, strata, first)


def homogeneity_rows(table: Table, n: int, rng: np.random.Generator) -> None:
    """The same effect in all brackets: none, and one and the same odds; and how often opposite ones are found."""
    for design, margins in DESIGNS.items():
        n1, n0, places = map(np.array, margins)
        if len(n1) < 2:
            continue
        for effect, odds in (("no effect", 1.0), ("odds 0.5 in all", 0.5)):
            won = _winners(n1, n0, places, "gumbel", float(np.log(odds)), n // 2, rng)
            p = _homogeneities(won, n1, n0, places)
            # Wallenius' odds are not Fisher's odds ratio where many win: one and the same only where few do
            table.alarm(f"homogeneity, {design}, {effect}", p, exact=odds == 1, claimed=odds == 1)
    margins = np.array([[100, 100], [100, 100], [20, 20]])
    found = []
    for _ in range(n // 2):
        one = _winners(*margins[:, :1], "gumbel", 1.2, 1, rng)
        two = _winners(*margins[:, 1:], "gumbel", -1.2, 1, rng)
        found.append(np.concatenate([one, two], axis=1)[0])
    p = _homogeneities(np.array(found), *margins)
    power = float((p <= 0.05).mean())
    table._add("homogeneity, power at odds 3.3 and 0.3", "power", power, len(p), "≥ .8",
               "yes" if power >= 0.8 else "NO")  # fmt: skip


def four_fifths_rows(table: Table, n: int, rng: np.random.Generator) -> None:
    """The ratio to the group with the highest rate, which the data pick: its interval allows for the choice."""
    for design, entrants in {
        "even brackets": np.array([[10, 40, 50]] * 4),
        "uneven brackets, groups from 1": np.array([[1, 4, 15], [3, 30, 27], [5, 95, 300]]),
    }.items():
        covered = {"some group": []}
        for _ in range(n // 2):
            won = np.array([rng.multivariate_hypergeometric(row, 5) for row in entrants])
            names = tuple(map(str, range(len(entrants))))
            found = selection_table(Counts(entrants, won, ("a", "b", "c"), names))
            low, high = found["four_fifths_ratio_low"], found["four_fifths_ratio_high"]
            covered["some group"].append(bool(((low <= 1 + 1e-9) & (high >= 1 - 1e-9) | low.isna()).all()))
        value = float(np.mean(covered["some group"]))
        verdict = "yes" if 0.93 <= value <= 0.97 else "conservative" if value > 0.97 else "NO"
        check = f"four-fifths ratios, all groups at once, no effect, {design}"
        table._add(check, "coverage", value, n // 2, ".93–.97", verdict)


def exposure_rows(table: Table, n: int, rng: np.random.Generator) -> None:
    """The exposure ratio: no effect, Plackett–Luce orders, and normal scores, whose tail is another."""
    trials = n // 2
    for design, (group, others) in {
        "1 of 400": ([1], [399]),
        "1 in each of 10, 60, 400": ([1, 1, 1], [9, 59, 399]),
        "3 of 60": ([3], [57]),
        "10 of 400": ([10], [390]),
        "uneven, 30 of 40, 10 of 100, 20 of 600": ([30, 10, 20], [10, 90, 580]),
        "200 of 400": ([200], [200]),
    }.items():
        n1, n0 = np.array(group), np.array(others)
        bracket = np.repeat(np.arange(len(n1)), n1 + n0)
        code = np.concatenate([np.repeat([0, 1], sizes) for sizes in zip(n1, n0, strict=True)])
        start = np.concatenate([[0], np.cumsum(n1 + n0)])[bracket]
        for effect, kind, shift in (
            ("no effect", "gumbel", 0.0),
            ("odds 0.5", "gumbel", float(np.log(0.5))),
            ("odds 2", "gumbel", float(np.log(2))),
            ("normal scores + 0.6", "normal", 0.6),
        ):
            sums, found = np.zeros(2), []
            for t in range(trials):
                score = getattr(rng, kind)(size=len(code)) + shift * (code == 0)
                rank = np.empty(len(code), int)
                rank[np.lexsort((-score, bracket))] = np.arange(len(code)) - start + 1
                found.append(exposure_ratio(rank, code, member=0, others=1, bracket=bracket, rng=t))
                seen = exposure(rank)
                own, other = (np.bincount(bracket, weights=seen * (code == side)) for side in (0, 1))
                sums += (own * n0 / (n1 + n0)).sum(), (other * n1 / (n1 + n0)).sum()
            low, high = np.array(found)[:, 1:].T
            truth = sums[0] / sums[1] if shift else 1.0
            check = _exact if kind == "gumbel" else _beside
            check(table, f"exposure ratio, {design}, {effect}", low, high, truth)


def _winners(
    n1: np.ndarray,
    n0: np.ndarray,
    places: np.ndarray,
    kind: str,
    shift: float,
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, B) winners of the group: the best of each bracket; Gumbel scores make Wallenius' draws."""
    out = np.zeros((n, len(n1)), int)
    for b, (a, c, k) in enumerate(zip(n1, n0, places, strict=True)):
        for start in range(0, n if a else 0, 2000):
            score = getattr(rng, kind)(size=(min(2000, n - start), a + c))
            score[:, :a] += shift
            top = np.argpartition(-score, k - 1, axis=1)[:, :k]
            out[start : start + len(score), b] = (top < a).sum(axis=1)
    return out


def _exact(table: Table, check: str, low: np.ndarray, high: np.ndarray, truth: float) -> None:
    """Coverage; the limits are found by bisection, and parity may lie on one of them."""
    margin = 1e-6 * max(abs(truth), 1.0)
    table.coverage(check, low - margin, high + margin, truth)


def _beside(table: Table, check: str, low: np.ndarray, high: np.ndarray, truth: float) -> None:
    """Coverage of what is not the default or outside its model: told, not judged."""
    known = ~np.isnan(low)
    inside = ((low <= truth) & (truth <= high))[known]
    value = float(inside.mean()) if known.any() else np.nan
    table._add(check, "coverage, beside", value, int(known.sum()), "told", "not judged")


def _pair(strata: Strata, i: int) -> Counts:
    x1, n1, x0, n0 = (np.broadcast_to(array, strata[0].shape)[i] for array in strata)
    names = tuple(map(str, range(len(x1))))
    return Counts(np.column_stack([n1, n0]), np.column_stack([x1, x0]), ("group", "others"), names)


def _p(strata: Strata, i: int) -> float:
    return stratified_exact(_pair(strata, i), "group")


def _homogeneities(won: np.ndarray, n1: np.ndarray, n0: np.ndarray, places: np.ndarray) -> np.ndarray:
    every, first = np.unique(won, axis=0, return_inverse=True)
    strata = (every, n1, places - every, n0)
    p = [homogeneity(_pair(strata, i), "group", n_permutations=999, rng=i) for i in range(len(every))]
    p = np.array(p)[first.ravel()]
    return p[~np.isnan(p)] if not np.isnan(p).all() else np.ones(1)


def _crude(table: Table, label: str, strata: Strata, first: np.ndarray) -> None:
    """What the adjustment is for: how often crude intervals leave parity out where there is no effect."""
    x1, n1, x0, n0 = (np.broadcast_to(array, strata[0].shape).sum(axis=1) for array in strata)
    low, high = koopman_ratio(x1, n1, x0, n0)
    _beside(table, f"crude ratio, Koopman, {label}", low[first], high[first], 1.0)
    low, high = clopper_pearson(x1, x1 + x0)
    _beside(table, f"crude skew, Clopper–Pearson, {label}", low[first], high[first], n1[0] / (n1 + n0)[0])
