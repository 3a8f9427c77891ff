"""The one-run audit proves no more than is true, nearly all of it where it can, and finds what memorises."""

import numpy as np
import pytest
from dp_accounting import get_sigma_gaussian
from scipy import stats

from judge.errors import InputError
from judge.privacy.attacks import audit_one_run, coin_subset, p_of_guesses


def coins(m, rng):
    return rng.random(m) < 0.5


def test_guesses_by_hand():
    # four coins guessed right without a budget: 1 in 16
    assert p_of_guesses(4, 4, 4, 0.0, 0.0) == pytest.approx(1 / 16)
    # with δ, what the tail may gain by one guess fewer, 4/16, by two, 10/16 halved … the most is 5/16 for two
    assert p_of_guesses(4, 4, 4, 0.0, 0.01) == pytest.approx(1 / 16 + 2 * 4 * 0.01 * (4 + 6) / 16 / 2)
    assert p_of_guesses(4, 4, 4, np.inf, 0.0) == 1


def test_all_right_proves_what_the_binomial_says():
    inside = coins(1000, np.random.default_rng(0))
    found = audit_one_run(inside.astype(float), inside, 0.0, 1.0, guesses=200)
    q = 0.05 ** (1 / 200)
    assert found.correct == 200
    assert found.epsilon == pytest.approx(np.log(q / (1 - q)), abs=1e-4)
    assert found.refuted and found.verdict == "the claim is refuted" and found.p_value < 1e-20


def test_randomised_response_is_not_refuted_more_often_than_said():
    rng = np.random.default_rng(1)
    proved = []
    for _ in range(400):
        inside = coins(300, rng)
        answers = np.where(rng.random(300) < 1 / (1 + np.exp(-1.0)), inside, ~inside)
        proved.append(audit_one_run(answers.astype(float), inside, 0.0, 1.0, guesses=300, rng=rng).epsilon)
    wrong = int((np.array(proved) > 1.0).sum())
    assert stats.binomtest(wrong, 400, 0.05, alternative="greater").pvalue > 0.01


def test_the_bound_comes_near_with_many_canaries():
    rng = np.random.default_rng(2)
    inside = coins(20_000, rng)
    answers = np.where(rng.random(20_000) < 1 / (1 + np.exp(-1.0)), inside, ~inside)
    # randomised response is the mechanism for which the bound is tight
    assert 0.9 < audit_one_run(answers.astype(float), inside, 0.0, 1.0, guesses=20_000).epsilon < 1.05


def test_a_gaussian_mechanism_is_not_refuted_and_one_with_a_tenth_of_the_noise_is():
    epsilon, delta = 1.0, 1e-5
    sigma = get_sigma_gaussian(epsilon, delta)
    rng = np.random.default_rng(3)
    for _ in range(100):
        inside = coins(1000, rng)
        kept = audit_one_run(inside + sigma * rng.normal(size=1000), inside, delta, epsilon, guesses=100)
        broken = audit_one_run(
            inside + sigma / 10 * rng.normal(size=1000), inside, delta, epsilon, guesses=100
        )
        assert not kept.refuted
        assert broken.refuted


def test_random_guesses_prove_nothing():
    rng = np.random.default_rng(4)
    proved = [
        audit_one_run(rng.normal(size=200), coins(200, rng), 1e-5, 1.0, guesses=40).epsilon
        for _ in range(200)
    ]
    assert np.mean(np.array(proved) > 0) < 0.09


def test_ties_are_not_broken_by_the_order_of_the_people():
    inside = np.arange(1000) >= 500  # members last, as a table may have them
    found = audit_one_run(np.zeros(1000), inside, 0.0, 1.0, guesses=1000)
    assert 400 < found.correct < 600 and found.epsilon < 0.2


def test_several_numbers_of_guesses_are_paid_for():
    inside = coins(1000, np.random.default_rng(0))
    scores = inside.astype(float)
    one = audit_one_run(scores, inside, 0.0, 1.0, guesses=200)
    best = audit_one_run(scores, inside, 0.0, 1.0, guesses=[20, 200])
    q = 0.025 ** (1 / 200)
    assert best.epsilon == pytest.approx(np.log(q / (1 - q)), abs=1e-4) and best.epsilon < one.epsilon
    assert best.guesses == 200


def test_a_fixed_split_becomes_coins():
    members = np.arange(400) < 200
    counts = np.array([members[coin_subset(members, seed)].sum() for seed in range(400)])
    size = len(coin_subset(members, 0))
    assert 200 <= size < 400
    # as many as a binomial count would be, not always half
    assert abs(counts.mean() - size / 2) < 5 * np.sqrt(size / 4 / 400)
    assert 0.8 < counts.var() / (size / 4) < 1.25
    rows = coin_subset(members, 1)
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"guesses": 3}, "guesses=3: even numbers from 2 to 10"),
        ({"guesses": 12}, "guesses=12"),
        ({"guesses": []}, "guesses="),
        ({"delta": 1.0}, "delta is from 0"),
        ({"claimed": -1.0}, "claimed at least 0"),
        ({"confidence": 1.0}, "confidence between"),
        ({"included": np.zeros(10)}, "included bool"),
        ({"scores": np.full(10, np.nan)}, "without missing ones"),
    ],
)
def test_wrong_settings(how, words):
    usual = {
        "scores": np.arange(10.0),
        "included": np.arange(10) > 4,
        "delta": 0.0,
        "claimed": 1.0,
        "guesses": 4,
    }
    with pytest.raises(InputError, match=words):
        audit_one_run(**usual | how)
    with pytest.raises(InputError, match="20 members"):
        coin_subset(np.arange(30) < 5)
