"""Fresh Eves: they find what is planted, however it is enciphered badly, and nothing where there is nothing."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from judge.errors import InputError
from judge.privacy.secrecy.eavesdroppers import EVES, FreshEves, Overheard, balanced_accuracy
from judge.privacy.secrecy.gaussian import GaussianPeople

FAST = FreshEves(steps=150, batch=256, trees=30)


def heard(message, n=3000, seed=0, share=0.5):
    """Two copies of messages message(people, sign of C, key) of n people."""
    people = GaussianPeople(share=share)
    published, groups = [], []
    for copy in range(2):
        rng = torch.Generator().manual_seed(10 * seed + copy)
        seen, group, _ = people.draw(n, rng)
        key = torch.where(torch.randn(n, generator=rng) < 0, -1.0, 1.0)
        public = people.secret(seen)
        published.append(torch.stack([public, *message(2.0 * group - 1, key, rng)], 1))
        groups.append(group)
    return Overheard(torch.stack(published), torch.stack(groups))


def read(message, kinds=EVES, **options):
    parts = [heard(message, seed=s, **options) for s in (1, 2, 3)]
    return FAST(*parts, names=("0", "1"), seed=0, kinds=kinds)


def noise(rng, n=3000):
    return 0.2 * torch.randn(n, generator=rng)


def test_the_best_public_estimate_and_a_perfect_cipher_tell_nothing():
    table = read(lambda c, key, rng: [c * key + noise(rng)])
    assert len(table) == 2 * len(EVES)
    # 3,000 people: the standard error of balanced accuracy at one half is .0091; ten readings
    assert table["balanced_accuracy"].between(0.5 - 3.5 * 0.0091, 0.5 + 3.5 * 0.0091).all()
    assert table.groupby("copy")["strongest"].sum().eq(1).all()


def test_a_group_that_is_published_in_plain_is_found_by_all():
    # two normals of sd 1 at ±.5: Φ(.5) = .69
    table = read(lambda c, key, rng: [0.5 * c + torch.randn(len(c), generator=rng)])
    assert np.allclose(table["balanced_accuracy"], norm.cdf(0.5), atol=0.04)


def test_a_key_that_is_published_with_the_cipher_is_found_by_all():
    table = read(lambda c, key, rng: [c * key + noise(rng), key + noise(rng)])
    assert (table["balanced_accuracy"] > 0.95).all()


def test_a_key_that_is_used_again_and_again_is_no_key():
    table = read(lambda c, key, rng: [c * key.abs() + noise(rng)], kinds=("wide", "neighbours"))
    assert (table["balanced_accuracy"] > 0.95).all()


def test_a_rare_group_counts_as_much_as_a_common_one():
    kinds = ("smooth", "boosted_trees", "neighbours")
    nothing = read(lambda c, key, rng: [c * key + noise(rng)], kinds=kinds, share=0.1)
    # recall of 300 people has a standard error of .029, the mean of both half of it and more
    assert nothing["balanced_accuracy"].between(0.44, 0.56).all()
    plain = read(lambda c, key, rng: [c + noise(rng)], kinds=kinds, share=0.1)
    assert (plain["balanced_accuracy"] > 0.95).all()


def test_readings_are_the_same_each_time():
    def once():
        return read(lambda c, key, rng: [0.3 * c + noise(rng)], kinds=("deep", "boosted_trees"))

    assert once().equals(once())


def test_balanced_accuracy_by_hand():
    # 3 of 4 and 1 of 2: (.75 + .5) / 2
    value, low, high = balanced_accuracy(np.array([0, 0, 0, 1, 1, 0]), np.array([0, 0, 0, 0, 1, 1]))
    assert value == 0.625
    assert 0 < low < value < high < 1


def test_a_group_of_a_few_is_refused_by_name():
    few = Overheard(torch.zeros(1, 60, 2), (torch.arange(60) < 20).long()[None])
    with pytest.raises(InputError, match="fewer than 30 people of women"):
        FAST(few, few, few, names=("men", "women"), seed=0)
    with pytest.raises(InputError, match="oracle: allowed are wide"):
        FAST(few, few, few, names=("men", "women"), seed=0, kinds=("oracle",))
    with pytest.raises(InputError, match=r"eves\.steps is at least 1; given 0"):
        FreshEves(steps=0)
