import itertools

import numpy as np
import pytest

from judge.errors import InputError
from judge.fairness.inference import (
    Inference,
    bootstrap_t,
    sign_flip,
    t_interval,
    tail_of_sum,
)

RNG = np.random.default_rng(1)


def test_three_differences_of_one_sign_have_p_two_in_eight():
    assert sign_flip(np.array([1.0, 2.0, 4.0]), rng=RNG) == (0.25, True)


def test_sign_flips_equal_full_enumeration():
    d = np.array([0.3, -1.2, 2.5, 0.0, 1.1, 0.7])
    sums = [np.dot(s, d) for s in itertools.product((1, -1), repeat=6)]
    expected = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-12)
    assert sign_flip(d, rng=RNG)[0] == pytest.approx(expected)


def test_thirty_pairs_are_enumerated_exactly():
    p, exact = sign_flip(np.ones(30), rng=RNG)
    assert exact
    assert p == pytest.approx(2.0**-29)


def test_simulated_sign_flips_agree_with_the_normal_limit_and_are_never_zero():
    d = np.random.default_rng(0).normal(0.1, 1, 400)
    p, exact = sign_flip(d, rng=np.random.default_rng(0), n_permutations=20_000)
    z = d.sum() / np.sqrt((d**2).sum())
    from scipy.stats import norm

    assert not exact
    assert p == pytest.approx(2 * norm.sf(abs(z)), abs=0.01)
    assert sign_flip(np.ones(400), rng=RNG, n_permutations=99)[0] == 0.01


def test_halves_and_simulation_agree_on_a_sum_of_unlike_parts():
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=k) for k in (5, 2, 7, 3)]
    observed = sum(part[0] for part in parts)
    sums = [sum(choice) for choice in itertools.product(*parts)]
    assert tail_of_sum(parts, observed, rng=rng)[0] == pytest.approx(
        np.mean(np.abs(sums) >= abs(observed) - 1e-9)
    )


def test_equal_sums_count_as_ties_whatever_the_rounding():
    parts = [np.array([0.1, -0.1])] * 3
    assert tail_of_sum(parts, 0.1 + 0.1 + 0.1, rng=RNG) == (0.25, True)
    assert tail_of_sum([np.zeros(2)], 0.0, rng=RNG) == (1.0, True)


def test_t_interval_of_one_two_three_is_two_and_a_half_wide_each_side():
    mean, low, high = t_interval(np.array([1.0, 2.0, 3.0]))
    assert (mean, low, high) == pytest.approx(
        (2, 2 - 4.302653 / np.sqrt(3), 2 + 4.302653 / np.sqrt(3)), abs=1e-5
    )
    assert np.isnan(t_interval(np.array([1.0]))[1])
    assert np.isnan(t_interval(np.array([]))[0])


def test_bootstrap_t_is_near_students_t_for_a_normal_sample_and_skewed_for_a_skewed_one():
    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    assert bootstrap_t(x, rng=rng, n_resamples=4000)[1:] == pytest.approx(t_interval(x)[1:], abs=0.02)
    y = rng.exponential(size=40)
    mean, low, high = bootstrap_t(y, rng=rng)
    assert high - mean > 1.1 * (mean - low)
    assert bootstrap_t(np.full(5, 2.0), rng=rng) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 95}, "at least 0.5 and below 1"),
        ({"confidence": 0.05}, "0.05"),
        ({"n_resamples": 0}, "n_resamples is at least 1"),
        ({"n_permutations": 0}, "n_permutations is at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Inference(**settings)


def test_a_seed_repeats_itself_and_a_generator_moves_on():
    assert Inference(rng=3).seed() == Inference(rng=3).seed() == 3
    generator = np.random.default_rng(0)
    assert Inference(rng=generator).seed() != Inference(rng=generator).seed()
    assert Inference(rng=generator).generator() is generator
