"""The exact Mann–Whitney test against R, against every rearrangement, and its drawn and normal stand-ins against it."""

import itertools

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from judge.fairness.inference import rank_sums
from judge.fairness.inference.rank_sums import half_wins_pmf
from judge.fairness.metrics import outrank_probability


def p_of(group, others, **options):
    names = ["a"] * len(group) + ["b"] * len(others)
    return outrank_probability([*group, *others], sensitive_feature=names, group="a", **options)


def test_small_sides_have_rs_exact_p():
    # wilcox.test(c(1.1, 5.2, 3.3), c(2.4, …), exact = TRUE)$p.value, and five against eight
    found = p_of([1.1, 5.2, 3.3], [2.4, 6.1, 7.3, 8.8, 4.5, 9.2, 5.7])
    assert found.p_value == pytest.approx(0.116666666667, abs=1e-11) and found.test == "mann_whitney_exact"
    found = p_of([7.7, 5.2, 8.3, 9.1, 6.6], [2.4, 6.1, 7.3, 8.8, 4.5, 1.2, 5.7, 3.0])
    assert found.p_value == pytest.approx(0.0932400932401, abs=1e-11)


def test_the_distribution_is_rs_pwilcox():
    # pwilcox(c(0, 3, 10), 5, 8)
    below = np.cumsum(half_wins_pmf(5, 8, (1,) * 13))[[0, 6, 20]]
    assert below == pytest.approx([0.000777000777001, 0.005439005439005, 0.085470085470085], abs=1e-13)


def test_one_person_at_the_bottom_of_nineteen_has_p_one_in_ten():
    # the lowest of 20 places, and twice that for two sides; the normal curve says .11
    found = p_of([0], range(1, 20))
    assert found.p_value == pytest.approx(2 / 20) and found.value == 0


def test_ties_and_brackets_are_those_of_every_rearrangement():
    score = np.array([2, 3, 0, 1, 1, 3, 2, 2, 0, 3, 1, 0])
    group = np.array(list("aabbbbabbaab"))
    bracket = np.repeat(["x", "y"], 6)

    def wins(members):
        total = 0.0
        for part in (slice(0, 6), slice(6, 12)):
            a, b = score[part][members[part]], score[part][~members[part]]
            total += ((a[:, None] > b) + 0.5 * (a[:, None] == b)).sum()
        return total

    observed = wins(group == "a")
    every = []
    for x in itertools.combinations(range(6), 2):
        for y in itertools.combinations(range(6, 12), 3):
            members = np.zeros(12, bool)
            members[[*x, *y]] = True
            every.append(wins(members))
    every = np.array(every)
    expected = min(2 * min((every <= observed).mean(), (every >= observed).mean()), 1)
    for reference in (None, "b"):
        found = outrank_probability(
            score, sensitive_feature=group, group="a", reference=reference, bracket=bracket
        )
        assert found.p_value == pytest.approx(expected, abs=1e-12)
        assert found.test == "mann_whitney_exact"


@pytest.mark.parametrize("reference", [None, "b"])
def test_drawn_subsets_agree_with_the_exact_distribution(monkeypatch, reference):
    rng = np.random.default_rng(5)
    score = np.round(rng.normal(size=90), 1)
    bracket = np.repeat([0, 1], [60, 30])
    group = np.where(
        np.isin(np.arange(90), [3, 7, 20, 41, 66, 70]), "a", np.where(np.arange(90) % 4 == 0, "c", "b")
    )
    score[group == "a"] -= 0.8
    options = {"sensitive_feature": group, "group": "a", "reference": reference, "bracket": bracket}
    exact = outrank_probability(score, **options)
    monkeypatch.setattr(rank_sums, "EXACT_COST", 0)
    drawn = outrank_probability(score, n_permutations=40_000, **options)
    assert (exact.test, drawn.test) == ("mann_whitney_exact", "mann_whitney_permutation")
    assert drawn.p_value == pytest.approx(exact.p_value, abs=5 * np.sqrt(exact.p_value / 40_000))
    monkeypatch.setattr(rank_sums, "FEW", 0)
    assert outrank_probability(score, **options).p_value == pytest.approx(exact.p_value, rel=0.15)


def test_a_rare_p_is_drawn_again_and_stays_above_zero(monkeypatch):
    monkeypatch.setattr(rank_sums, "EXACT_COST", 0)
    found = p_of(range(-6, 0), range(500), n_permutations=100)
    # all six at the bottom: 2 / C(506, 6) is far below what 2,000 draws can show
    assert found.p_value == pytest.approx(2 / 2001)


def test_a_subset_drawn_never_holds_a_person_twice_and_takes_everybody_alike():
    rng = np.random.default_rng(1)
    for n, k in ((12, 5), (400, 9)):
        drawn = rank_sums._subsets(n, k, 4000, rng)
        assert all(len(set(row)) == k for row in drawn.tolist())
        times = np.bincount(drawn.ravel(), minlength=n)
        assert np.abs(times - 4000 * k / n).max() < 5 * np.sqrt(4000 * k / n)


def test_large_sides_have_the_normal_p_of_scipy():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 9, 200), rng.integers(0, 10, 300)
    found = p_of(a, b)
    assert found.test == "mann_whitney"
    assert found.p_value == pytest.approx(mannwhitneyu(a, b, method="asymptotic").pvalue, abs=1e-12)
