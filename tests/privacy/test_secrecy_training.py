"""Training: copies that share nothing, the same numbers each time, a secret that is asked for and one that is not."""

import pytest
import torch

from judge.errors import InputError
from judge.privacy.secrecy.eavesdroppers import FreshEves
from judge.privacy.secrecy.gaussian import GaussianPeople
from judge.privacy.secrecy.people import KnownPeople, People
from judge.privacy.secrecy.settings import SecrecyTraining
from judge.privacy.secrecy.toy import ToyStudy
from judge.privacy.secrecy.training import generators, train

PEOPLE = GaussianPeople()
TINY = SecrecyTraining(steps=20, batch=32, hidden=8)


def published(trained, seeds, n=50):
    seen = PEOPLE.draw(n, torch.Generator().manual_seed(9)).seen.expand(len(seeds), -1, -1)
    return trained.publish(seen, generators(seeds, 8))


def test_the_same_seed_gives_the_same_messages():
    one, two = (train([PEOPLE] * 2, TINY, weights=[0, 5], seeds=[3, 4]) for _ in range(2))
    assert torch.equal(published(one, [3, 4]).published, published(two, [3, 4]).published)
    assert one.history.equals(two.history)


def test_a_copy_does_not_know_who_trains_beside_it():
    beside = published(train([PEOPLE] * 2, TINY, weights=[0, 5], seeds=[3, 4]), [3, 4])
    alone = published(train([PEOPLE], TINY, weights=[5], seeds=[4]), [4])
    assert torch.allclose(beside.published[1], alone.published[0], atol=1e-4)
    assert not torch.allclose(beside.published[1], beside.published[0], atol=1e-2)


def test_the_public_estimate_does_not_depend_on_the_key_and_the_cipher_does():
    trained = train([PEOPLE], TINY, weights=[1], seeds=[0])
    seen = PEOPLE.draw(40, torch.Generator().manual_seed(1)).seen[None]
    a, b = (trained.publish(seen, generators([seed], 8)) for seed in (1, 2))
    assert torch.equal(a.published[..., 0], b.published[..., 0])
    assert not torch.equal(a.published[..., 1:], b.published[..., 1:])
    assert set(a.key.unique().tolist()) == {-1.0, 1.0}


@pytest.mark.slow
def test_without_a_price_alice_tells_and_at_a_price_she_does_not():
    """One seed each of no price and a high one, 600 steps: far apart already, though not yet at the closed form."""
    study = ToyStudy(learn=2000, choose=2000, test=4000)
    trained = train([PEOPLE] * 2, SecrecyTraining(steps=600, ciphertext=1), weights=[0, 100], seeds=[0, 0])
    trials, _ = study.judged(trained, FreshEves(steps=150, trees=30), [0, 0])
    free, secret = trials.iloc[0], trials.iloc[1]
    assert free["eve"] > PEOPLE.best().eve_of_score - 0.02
    assert secret["eve"] < free["eve"] - 0.15
    assert free["public_ratio"] < 0.7  # nothing is left out of it
    assert 0.85 < secret["public_ratio"] < 1.1
    assert secret["bob_error"] < secret["public_error"]
    # who has no key, or a wrong one, is no better off than everybody: 4,000 people, a standard error of 2 %
    assert secret["no_key_error"] > 0.9 * secret["public_error"]
    assert secret["wrong_key_error"] > secret["bob_error"]


def test_people_of_a_table_are_drawn_with_repeats():
    people = People(torch.arange(6.0)[:, None], torch.tensor([0, 0, 0, 0, 1, 1]), torch.zeros(6))
    source = KnownPeople(people, ("a", "b"))
    assert source.shares == pytest.approx((2 / 3, 1 / 3))
    seen, group, _ = source.draw(100, torch.Generator().manual_seed(0))
    assert ((seen[:, 0] > 3).long() == group).all()
    with pytest.raises(InputError, match="needs somebody"):
        KnownPeople(people, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("key", 0, "a whole number from 1"),
        ("steps", 2.5, "a whole number from 1"),
        ("batch", 4, "at least 8 people"),
        ("lr", 0, "a number over 0"),
        ("noise", True, "a number over 0"),
        ("settling", 1.5, "a share, 0 to 1"),
    ],
)
def test_settings_out_of_range_are_named(name, value, allowed):
    with pytest.raises(InputError, match=rf"secrecy\.{name}={value}.*{allowed}"):
        SecrecyTraining(**{name: value})


def test_copies_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one source, weight and seed"):
        train([PEOPLE], TINY, weights=[1, 2], seeds=[0])
    with pytest.raises(InputError, match="at least 0; given"):
        train([PEOPLE], TINY, weights=[-1], seeds=[0])
    with pytest.raises(InputError, match="see as many numbers"):
        other = GaussianPeople(((1,),), (1,), (1,))
        train([PEOPLE, other], TINY, weights=[1, 1], seeds=[0, 1])
    with pytest.raises(InputError, match=r"toy\.test is at least 500"):
        ToyStudy(test=10)
