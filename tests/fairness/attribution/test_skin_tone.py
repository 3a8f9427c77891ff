from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr
from statsmodels.discrete.conditional_models import ConditionalLogit

from judge.fairness.attribution import tone_and_score, tone_and_winning
from judge.fairness.attribution.skin_tone import _log_subsets, _subset_sums


def contest(slope=0.8, start=0, sizes=(60, 40, 30)):
    rng = np.random.default_rng(start)
    bracket = np.repeat(np.arange(len(sizes)), sizes)
    tone = 60 + 8 * rng.normal(size=len(bracket)) + 5 * bracket
    score = slope * (tone - 5 * bracket) / 8 + rng.gumbel(size=len(bracket))
    winner = np.zeros(len(bracket), bool)
    for b in range(len(sizes)):
        here = np.flatnonzero(bracket == b)
        winner[here[np.argsort(-score[here])[:5]]] = True
    return tone, score, winner, bracket


def test_the_recursion_sums_over_all_subsets():
    z, b = np.array([0.5, -1.0, 2.0, 0.3, -1.8]), np.array([-2.0, 0.0, 0.7])
    for k in (1, 2, 3, 4):
        every = [np.log(sum(np.exp(x * sum(c)) for c in combinations(z, k))) for x in b]
        assert _log_subsets(b, z, k) == pytest.approx(every)


def test_large_brackets_do_not_overflow():
    z = np.random.default_rng(0).normal(size=3000)
    z -= z.mean()
    assert np.isfinite(_log_subsets(np.array([-5.0, 0.0, 5.0]), z, 400)).all()


def test_log_odds_agree_with_statsmodels_conditional_logit():
    tone, _, winner, bracket = contest()
    row = tone_and_winning(tone, winner=winner, bracket=bracket).iloc[0]
    centred = tone - np.array([tone[bracket == b].mean() for b in range(3)])[bracket]
    unit = np.sqrt((centred**2).sum() / (len(tone) - 3))
    peer = ConditionalLogit(winner.astype(int), (tone / unit)[:, None], groups=bracket).fit(disp=0)
    assert row["value"] == pytest.approx(peer.params[0], abs=1e-4)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(peer.conf_int()[0]), abs=0.06)
    assert row["p_value"] < 0.05


def test_winners_all_on_one_side_leave_one_limit_infinite():
    tone = np.arange(20.0)
    row = tone_and_winning(tone, winner=tone >= 17, n_permutations=999).iloc[0]
    assert row["value"] == row["ci_high"] == np.inf
    assert 0 < row["ci_low"] < np.inf
    # only 1 of C(20, 3) = 1140 sets lies as high, and one as low
    assert row["p_value"] < 0.02


def test_drawn_sums_have_the_mean_and_variance_of_sampling_without_replacement():
    z = np.random.default_rng(0).normal(size=40)
    for k in (3, 12, 35):
        sums = _subset_sums(z, k, 40_000, np.random.default_rng(1))
        assert sums.mean() == pytest.approx(k * z.mean(), abs=0.05)
        assert sums.var() == pytest.approx(k * z.var(ddof=1) * (1 - k / 40), rel=0.05)


def test_in_one_bracket_the_rank_correlation_is_spearmans():
    tone, score, _, _ = contest(sizes=(80,))
    row = tone_and_score(tone, score=score).iloc[0]
    assert row["value"] == pytest.approx(spearmanr(tone, score).statistic)
    assert row["p_value"] < 0.01


def test_brackets_that_differ_in_level_only_show_nothing():
    rng = np.random.default_rng(0)
    bracket = np.repeat([0, 1], 100)
    tone, score = rng.normal(size=200) + 10 * bracket, rng.normal(size=200) + 10 * bracket
    row = tone_and_score(tone, score=score, bracket=bracket).iloc[0]
    assert abs(row["value"]) < 0.2
    assert row["p_value"] > 0.05
    assert spearmanr(tone, score).statistic > 0.7


def test_the_normal_limit_of_many_people_continues_the_permutations():
    rng = np.random.default_rng(3)
    tone = rng.normal(size=5001)
    score = 0.025 * tone + rng.normal(size=5001)
    limit = tone_and_score(tone, score=score).iloc[0]
    fewer = tone_and_score(tone[:5000], score=score[:5000], n_permutations=3000).iloc[0]
    assert "normal limit" in limit["test"]
    assert limit["p_value"] == pytest.approx(fewer["p_value"], abs=0.02)


def test_hue_is_an_angle_and_missing_tones_are_counted():
    tone, _, winner, bracket = contest()
    plain = tone_and_winning(tone, winner=winner, bracket=bracket).iloc[0]
    turned = tone_and_winning((tone + 330) % 360, winner=winner, bracket=bracket, circular=True).iloc[0]
    assert turned["value"] == pytest.approx(plain["value"], abs=1e-3)
    tone[:3] = np.nan
    assert "3 without a tone" in tone_and_winning(tone, winner=winner, bracket=bracket).iloc[0]["test"]


def test_a_contest_without_losers_says_so():
    row = tone_and_winning([1.0, 2.0], winner=[True, True]).iloc[0]
    assert np.isnan(row["value"])
    assert row["p_value"] == 1.0
