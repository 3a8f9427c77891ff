"""Skew, NDKL and exposure, counted by hand and against FairRankTune."""

import numpy as np
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.metrics import exposure, exposure_ratio, ndkl, ndkl_of_chance, skew, skew_curve
from judge.fairness.metrics.attention import exposure_ratios

# FairRankTune 0.0.7, FairRankTune.Metrics.NDKL(pd.DataFrame({0: range(n)}), dict(enumerate(groups))) on
# groups = np.random.default_rng(2016).choice(len(shares), n, p=shares), drawn one after the other in this order
FAIRRANKTUNE = [
    (12, (0.5, 0.5), 0.19311844126962388),
    (60, (0.75, 0.08, 0.17), 0.059971795464571126),
    (400, (0.6, 0.25, 0.15), 0.027863086768073433),
    (1000, (0.3, 0.3, 0.2, 0.2), 0.0525215295179923),
]


def ndkl_as_written(groups):
    """Equation 4 of Geyik et al., prefix by prefix."""
    names = sorted(set(groups))
    desired = np.array([(groups == name).mean() for name in names])
    total = norm = 0.0
    for i in range(1, len(groups) + 1):
        share = np.array([(groups[:i] == name).mean() for name in names])
        there = share > 0
        total += (share[there] * np.log(share[there] / desired[there])).sum() / np.log2(i + 1)
        norm += 1 / np.log2(i + 1)
    return total / norm


def test_ndkl_agrees_with_fairranktune_fed_with_all_entrants():
    rng = np.random.default_rng(2016)
    for n, shares, expected in FAIRRANKTUNE:
        groups = rng.choice(len(shares), n, p=shares)
        # FairRankTune adds 1e-7 to every share, which is what the remaining difference is
        assert ndkl(groups) == pytest.approx(expected, abs=1e-6)


def test_ndkl_is_the_equation_written_out():
    groups = np.random.default_rng(0).choice(list("aab"), 200)
    assert ndkl(groups) == pytest.approx(ndkl_as_written(groups), abs=1e-12)


def test_ndkl_of_brackets_is_their_mean_weighted_by_entrants():
    groups = np.random.default_rng(1).choice(list("abc"), 90)
    bracket = np.repeat(["x", "y"], [30, 60])
    expected = (30 * ndkl_as_written(groups[:30]) + 60 * ndkl_as_written(groups[30:])) / 90
    assert ndkl(groups, bracket=bracket) == pytest.approx(expected, abs=1e-12)


def test_ndkl_of_two_people_by_hand():
    # first prefix: all of one group against ½ ½ is log 2, discount 1; second prefix is at parity
    assert ndkl(["a", "b"]) == pytest.approx(np.log(2) / (1 + 1 / np.log2(3)))


def test_ndkl_of_one_group_is_zero_and_of_a_segregated_ranking_beyond_chance():
    assert ndkl(["a"] * 5) == 0
    groups = np.repeat([0, 1], 20)
    chance = ndkl_of_chance(groups, bracket=np.zeros(40, int), n_groups=2, n_permutations=99)
    assert ndkl(groups) > chance.max()


def test_ndkl_wants_the_people_of_a_bracket_together():
    with pytest.raises(InputError, match="together"):
        ndkl(["a", "b", "a"], bracket=["x", "y", "x"])


def test_skew_is_the_log_of_the_ratio_of_shares():
    np.testing.assert_allclose(
        skew([37 / 44, 1 / 44, 6 / 44], [0.75, 0.08, 0.17]), [0.1144, -1.2585, -0.2205], atol=5e-5
    )
    assert np.isneginf(skew(0.0, 0.1)) and np.isnan(skew(0.0, 0.0))


def test_the_skew_curve_counted_by_hand():
    curve = skew_curve([4.0, 3.0, 2.0, 1.0], sensitive_feature=["a", "a", "b", "b"])
    a = curve[curve["group"] == "a"].set_index("k")
    np.testing.assert_allclose(a["share"], [1, 1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(a["skew"], np.log([2, 2, 4 / 3, 1]))
    at_two = curve[curve["k"] == 2]
    assert np.isneginf(at_two["min_skew"]).all() and (at_two["max_skew"] == np.log(2)).all()
    assert (curve[curve["k"] == 4][["skew", "null_low", "null_high"]] == 0).all(axis=None)


def test_with_brackets_k_counts_places_in_each():
    curve = skew_curve(
        [9.0, 8.0, 2.0, 1.0], sensitive_feature=["a", "b", "b", "a"], bracket=["x", "x", "y", "y"], ks=[1, 2]
    )
    first = curve[curve["k"] == 1].set_index("group")
    assert first["n"].tolist() == [2, 2] and first["share"].tolist() == [0.5, 0.5]


def test_the_null_band_is_the_hypergeometric_one_and_holds_its_level():
    rng = np.random.default_rng(2)
    group = np.repeat(["few", "many"], [60, 240])
    outside = []
    for _ in range(60):
        curve = skew_curve(rng.random(300), sensitive_feature=group, ks=[20])
        few = curve[curve["group"] == "few"].iloc[0]
        outside.append(not few["null_low"] <= few["skew"] <= few["null_high"])
    assert np.mean(outside) <= 0.12
    low, high = stats.hypergeom.ppf([0.025, 0.975], 300, 60, 20)
    assert few["null_low"] == pytest.approx(np.log(low / 20 / 0.2))
    assert few["null_high"] == pytest.approx(np.log(high / 20 / 0.2))


def test_a_place_below_one_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        skew_curve([1.0, 2.0], sensitive_feature=["a", "b"], ks=[0])


def test_exposure_ratio_by_hand():
    # ranks 1, 3 against 2, 4: (1 + 1/2) / (1/log2 3 + 1/log2 5)
    expected = 1.5 / (1 / np.log2(3) + 1 / np.log2(5))
    value, low, high = exposure_ratio([1, 2, 3, 4], np.array([0, 1, 0, 1]), member=0, others=1)
    assert value == pytest.approx(expected) and low < value < high
    np.testing.assert_allclose(exposure([1, 3]), [1, 0.5])


def test_exposure_of_nobody_is_undefined_and_one_person_of_three_shows_nothing():
    assert np.isnan(exposure_ratio([1, 2], np.array([0, 0]), member=1, others=0)).all()
    # first of three by chance once in three times: the interval holds 1, and ends at the most there can be
    value, low, high = exposure_ratio([1, 2, 3], np.array([0, 1, 1]), member=0, others=1)
    assert value == pytest.approx(1 / ((1 / np.log2(3) + 0.5) / 2))
    assert low < 1 < high == pytest.approx(value)


def test_the_exposure_ratio_is_not_moved_by_brackets_of_other_sizes():
    # alternate places in a bracket of 4 and one of 60; the group is half of the small one and a tenth of the large one
    rank = np.r_[1:5, 1:61]
    group = np.r_[[0, 1, 1, 0], (np.arange(60) % 10 != 4).astype(int)]
    bracket = np.repeat([0, 1], [4, 60])
    e = exposure(rank)
    above = e[:4][group[:4] == 0].sum() * 2 / 4 + e[4:][group[4:] == 0].sum() * 54 / 60
    below = e[:4][group[:4] == 1].sum() * 2 / 4 + e[4:][group[4:] == 1].sum() * 6 / 60
    value, low, high = exposure_ratio(rank, group, member=0, others=1, bracket=bracket)
    assert value == pytest.approx(above / below) and low < 1 < high
    assert e[group == 0].mean() / e[group == 1].mean() > 1.3 > value


def test_one_exposure_ratio_at_a_time_is_all_at_once():
    rng = np.random.default_rng(1)
    group, bracket = rng.integers(0, 4, 90), np.repeat([0, 1, 2], 30)
    rank = np.concatenate([rng.permutation(30) + 1 for _ in range(3)])
    for base in (None, 2):
        found = exposure_ratios(rank, group, n_groups=4, base=base, bracket=bracket)
        for g in (0, 1, 3):
            others = group != g if base is None else base
            one = exposure_ratio(rank, group, member=g, others=others, bracket=bracket)
            assert one.value == pytest.approx(found[g].value)
            np.testing.assert_allclose(one[1:], found[g][1:], rtol=0.1)  # other random orders
    assert np.isnan(found[2]).all()
