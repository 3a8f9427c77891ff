"""Closed forms of Gaussian people, countable by hand, and what people who are drawn show of them."""

import numpy as np
import pytest
import torch

from judge.errors import InputError
from judge.privacy.secrecy.gaussian import GaussianPeople


def test_the_usual_people_by_hand():
    # within .5² + .5² = 1/2; Δ = .5 · 1.2 + .4 = 1, so between = 1/2 · 1/2 · 1² = 1/4; noise .5² = 1/4
    best = GaussianPeople().best()
    assert best[:4] == pytest.approx((1.0, 0.5, 0.25, 0.25))
    assert best.eve == 0.5
    # half the distance of the means, 1/2, in standard deviations √.5: Φ(.7071)
    assert best.eve_of_score == pytest.approx(0.7602, abs=1e-4)


def test_attributes_that_go_together():
    # wᵀ Σ w = 2 + 1 + 1 + 2 = 6, Δ = 1 + 2 − 1 = 2, π (1 − π) Δ² = .1 · .9 · 4 = .36, σ² = 1
    people = GaussianPeople(
        ((2, 1), (1, 2)), shift=(1, 2), weights=(1, 1), group_effect=-1, noise=1, share=0.1
    )
    assert people.best()[:4] == pytest.approx((7.36, 1.36, 1.0, 1.0))
    assert people.eve_of(0.5) == pytest.approx(0.5 + 0.0809, abs=1e-4)  # Φ(.5 · 2 / (2 √6)) = Φ(.2041)


def test_a_score_that_does_not_differ_is_free_to_hide():
    people = GaussianPeople(shift=(1, 0), weights=(0.5, 0.5), group_effect=-0.5)
    assert people.best().public == people.best().bob
    assert people.best().eve_of_score == 0.5


def test_people_who_are_drawn_agree_with_the_closed_form():
    people = GaussianPeople(
        ((2, 1), (1, 2)), shift=(1, 2), weights=(1, 1), group_effect=-1, noise=1, share=0.3
    )
    seen, group, score = people.draw(200_000, torch.Generator().manual_seed(0))
    secret = people.secret(seen)
    assert float(score.var()) == pytest.approx(people.best().total, rel=0.02)
    assert float((score - secret).square().mean()) == pytest.approx(people.best().public, rel=0.02)
    assert float(group.float().mean()) == pytest.approx(0.3, abs=0.005)
    # the best public estimate has one distribution in both groups: 4.5 standard errors
    a, b = (secret[group == g].numpy() for g in (0, 1))
    assert abs(a.mean() - b.mean()) < 4.5 * np.sqrt(6 / len(a) + 6 / len(b))
    assert a.std() == pytest.approx(b.std(), rel=0.02)


def test_no_other_linear_estimate_without_the_group_is_better():
    """Estimates u·(a − C δ) are all that are linear and do not go with C; the weights of the score are the best u."""
    people = GaussianPeople()
    seen, _, score = people.draw(100_000, torch.Generator().manual_seed(1))
    free = seen[:, :-1] - (seen[:, -1:] + 1) / 2 * torch.tensor(people.shift)
    design = torch.cat([free, torch.ones(len(free), 1)], 1)
    left = torch.linalg.lstsq(design, score[:, None]).solution
    assert float((score - (design @ left)[:, 0]).square().mean()) == pytest.approx(
        people.best().public, rel=0.02
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"covariance": ((1, 2), (2, 1))}, "positive definite"),
        ({"covariance": ((1, 0.5), (0, 1))}, "symmetric"),
        ({"shift": (1,)}, "one number of attributes"),
        ({"noise": -1}, "toy.noise is at least 0; given -1"),
        ({"share": 1.0}, "toy.share lies between 0 and 1"),
        ({"weights": (0, 0)}, "no attribute has a weight"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        GaussianPeople(**wrong)
