"""A private head changes little with a person, is the ridge regression without noise, and leaks as said."""

import numpy as np
import pytest
from dp_accounting import get_epsilon_gaussian

from judge.errors import InputError
from judge.privacy.attacks import AttackStudy, PrivateTrainer, RidgeTrainer, attack_judges
from judge.privacy.head import PublicSpace, noise_scale, private_ridge, usual_delta

N, F = 500, 400


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N, F)) * np.geomspace(3, 0.3, F)
    rating = 5.5 + features[:, :5].sum(axis=1) / 4 + rng.normal(size=N)
    return features, rating.clip(1, 10), rng.normal(size=(200, F)) * np.geomspace(3, 0.3, F)


def test_one_person_moves_the_sums_by_the_root_of_two_at_most(data):
    features, _, public = data
    space = PublicSpace.of(public, 8)
    rows = space.rows(np.concatenate([features, 1e6 * features[:5]]))
    assert rows.shape == (N + 5, 9)
    assert np.linalg.norm(rows, axis=1).max() <= 1 + 1e-12
    worst = max(np.sqrt(np.sum(np.outer(x, x) ** 2) + np.sum(x**2)) for x in rows)
    assert worst <= np.sqrt(2) + 1e-12


def test_the_noise_is_that_of_the_gaussian_mechanism():
    for epsilon, delta in ((1.0, 1e-5), (10.0, 1e-4)):
        # noise over sensitivity, by the accountant's other direction
        assert get_epsilon_gaussian(noise_scale(epsilon, delta) / np.sqrt(2), delta) == pytest.approx(
            epsilon, rel=1e-6
        )
    assert noise_scale(np.inf, 1e-5) == 0


def test_the_noise_is_there(data):
    features, rating, public = data
    space = PublicSpace.of(public, 4)
    how = {"epsilon": 1.0, "delta": 1e-3, "rating_range": (1.0, 10.0)}
    heads = [
        private_ridge(features, rating, space, rng=np.random.default_rng(s), **how).weight for s in (0, 0, 1)
    ]
    assert (heads[0] == heads[1]).all() and not (heads[0] == heads[2]).any()
    quiet = private_ridge(
        features, rating, space, rng=np.random.default_rng(0), **how | {"epsilon": 1e6}
    ).weight
    exact = private_ridge(
        features, rating, space, rng=np.random.default_rng(0), **how | {"epsilon": np.inf}
    ).weight
    assert np.abs(quiet - exact).max() < np.abs(heads[0] - exact).max() / 100


def test_without_noise_it_is_least_squares_on_the_public_space(data):
    features, rating, public = data
    space = PublicSpace.of(public, 8)
    head = private_ridge(
        features,
        rating,
        space,
        epsilon=np.inf,
        delta=1e-5,
        rating_range=(1.0, 10.0),
        rng=np.random.default_rng(0),
    )
    expected = np.linalg.lstsq(space.rows(features), (rating - 5.5) / 4.5, rcond=None)[0]
    assert head.weight == pytest.approx(expected, abs=1e-3)
    assert np.corrcoef(head.score(features), rating)[0, 1] > 0.5


def test_an_overfitted_judge_is_found_and_a_private_one_is_not(data):
    features, rating, public = data
    study = AttackStudy(shadows=16, targets=5, fprs=(0.01,), claimed=1.0, delta=1e-5, attacks=("BaVarIA",))

    def last(table):
        return table[table["scope"] == "all targets"].iloc[0]

    leak = attack_judges(RidgeTrainer(features, rating, (1e-6,)), rating, study)
    assert last(leak.rates)["tpr"] >= 0.1
    assert (leak.audit["verdict"] == "the claim is refuted").all()

    private = PrivateTrainer(features, rating, PublicSpace.of(public), 1.0, 1e-5, (1.0, 10.0))
    kept = attack_judges(private, rating, study)
    row = last(kept.rates)
    assert row["chance_low"] <= row["tpr"] <= row["chance_high"]
    assert (kept.audit["verdict"] == "the claim is not refuted").all()

    random = AttackStudy(
        shadows=16, targets=5, fprs=(0.01,), claimed=1.0, random_labels=True, attacks=("BaVarIA",)
    )
    control = attack_judges(RidgeTrainer(features, rating, (1e-6,)), rating, random)
    row = last(control.rates)
    assert row["chance_low"] <= row["tpr"] <= row["chance_high"]
    assert (control.audit["verdict"] == "the claim is not refuted").all()


def test_a_regression_without_a_choice_is_the_same_regression(data):
    features, rating, _ = data
    inside = np.random.default_rng(1).random(N) < 0.5
    rng = np.random.default_rng(0)
    one = RidgeTrainer(features, rating, (0.3,))(inside, rng)
    chosen = RidgeTrainer(features, rating, (0.3, 0.3))(inside, rng)
    assert one == pytest.approx(chosen, abs=1e-8)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"epsilon": 0.0}, "epsilon=0.0: over 0"),
        ({"epsilon": -1.0}, "epsilon=-1.0"),
        ({"delta": 0.0}, "delta=0.0: between 0 and 1"),
        ({"rating_range": (10.0, 1.0)}, "rating_range rising"),
        ({"rating": np.zeros(3)}, "a rating each"),
        ({"features": np.zeros((N, 3))}, f"features \\(n, {F}\\)"),
    ],
)
def test_wrong_settings(data, how, words):
    features, rating, public = data
    usual = {
        "features": features, "rating": rating, "space": PublicSpace.of(public, 4), "epsilon": 1.0, "delta": 1e-5,
        "rating_range": (1.0, 10.0), "rng": np.random.default_rng(0),
    }  # fmt: skip
    with pytest.raises(InputError, match=words):
        private_ridge(**usual | how)


def test_a_public_space_that_there_is_not():
    with pytest.raises(InputError, match="width=30"):
        PublicSpace.of(np.random.default_rng(0).random((40, 50)), 30)
    with pytest.raises(InputError, match="differ in fewer directions"):
        PublicSpace.of(np.ones((40, 50)), 3)
    with pytest.raises(InputError, match="at least 3"):
        usual_delta(2)
