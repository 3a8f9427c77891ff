"""The study of people: who is in which part, what is refused, the price at equal secrecy and the winners by hand."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.privacy.secrecy.bounds import barycentre
from judge.privacy.secrecy.eavesdroppers import FreshEves
from judge.privacy.secrecy.outcomes import at_equal_secrecy, winners
from judge.privacy.secrecy.rivals import erased, fitted, noisy
from judge.privacy.secrecy.settings import SecrecyTraining
from judge.privacy.secrecy.study import SecrecyStudy, estimates


def people(n=640, seed=0):
    """Half men, half women; four features: of the first the group's mean differs, the second is what is rated."""
    rng = np.random.default_rng(seed)
    women = np.arange(n) % 2
    x = rng.normal(size=(n, 4)).astype(np.float32)
    x[:, 0] += 2 * women
    rating = 5 + x[:, 0] + x[:, 1] + rng.normal(0, 0.5, n)
    table = pd.DataFrame(
        {"image_id": [f"i{i}" for i in range(n)], "gender": np.where(women, "woman", "man"), "rating": rating}
    )
    return x, table


def test_everybody_is_in_one_part_and_every_part_has_the_groups_shares():
    codes = np.array([0] * 800 + [1] * 400)
    parts = SecrecyStudy().split(codes, 0)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(1200))
    counted = {name: np.bincount(codes[rows]).tolist() for name, rows in parts.items()}
    assert counted == {"train": [400, 200], "learn": [200, 100], "choose": [80, 40], "contestants": [120, 60]}
    assert not np.array_equal(parts["train"], SecrecyStudy().split(codes, 1)["train"])


def test_what_is_seen_has_unit_spread_among_those_who_train():
    x, _ = people()
    seen = SecrecyStudy(dimensions=3).seen(x, np.arange(300))
    assert seen.shape == (640, 3)
    assert np.allclose(np.cov(seen[:300].T, bias=True), np.eye(3), atol=1e-6)


def test_what_alice_is_shown_of_those_who_train_is_not_learnt_by_heart():
    """40 features that say nothing of 200 ratings: a regression finds something in its own people, not in others."""
    rng = np.random.default_rng(0)
    x, rating, codes = rng.normal(size=(300, 40)), rng.normal(size=300), rng.integers(0, 2, 300)
    own = fitted(x[:200], rating[:200], [x[:200]])[0]
    shown = estimates(x, rating, codes, np.arange(200), seed=0)
    assert shown.shape == (300, 3)
    assert np.allclose(shown[:200].std(0), 1)
    assert np.corrcoef(own, rating[:200])[0, 1] > 0.3
    assert np.corrcoef(shown[:200, 0], rating[:200])[0, 1] < 0.2


def test_erased_features_leave_the_groups_one_mean_and_noise_adds_its_variance():
    x, table = people(4000)
    codes, rating = (table["gender"] == "woman").to_numpy().astype(int), table["rating"].to_numpy()
    plain = fitted(x.astype(float), rating, [x.astype(float)])[0]
    half, whole = (erased(x.astype(float), codes, rating, s, [x.astype(float)])[0] for s in (0.5, 1.0))
    gaps = [s[codes == 1].mean() - s[codes == 0].mean() for s in (plain, half, whole)]
    assert gaps[0] == pytest.approx(2, abs=0.1)
    assert gaps[2] == pytest.approx(0, abs=0.01)
    assert gaps[2] < gaps[1] < gaps[0] + 0.01
    louder = noisy([plain], 2.0, np.random.default_rng(0))[0]
    assert louder.std() == pytest.approx(plain.std() * np.sqrt(5), rel=0.05)


def test_the_barycentre_gives_every_group_one_distribution():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 4000)
    score = np.where(group == 1, rng.normal(2, 3, 4000), rng.normal(0, 1, 4000))
    moved = barycentre(score, group, (score, group))
    a, b = moved[group == 0], moved[group == 1]
    # quantiles of N(0, 1) and N(2, 3²) averaged: N(1, 2²)
    for side in (a, b):
        assert (side.mean(), side.std()) == (pytest.approx(1, abs=0.15), pytest.approx(2, abs=0.15))
    with pytest.raises(InputError, match="have nobody"):
        barycentre(score, group, (score[group == 0], group[group == 0]))


def test_the_price_at_equal_secrecy_by_hand():
    row = {"seed": 0, "method": "noise", "reader": "public", "chance": 0.5, "within": 0.0}
    runs = pd.DataFrame(
        [
            row | {"level": 1, "eve": 0.60, "pearson": 0.7},
            row | {"level": 2, "eve": 0.54, "pearson": 0.5},
            row | {"level": 4, "eve": 0.51, "pearson": 0.3},
            row | {"method": "ratings", "level": 0, "eve": np.nan, "pearson": 1.0},
        ]
    )
    table = at_equal_secrecy(runs, margins=(0.005, 0.02, 0.05)).set_index("margin")
    assert table["pearson"].tolist()[1:] == [0.3, 0.5]
    assert np.isnan(table.loc[0.005, "pearson"])
    assert table.loc[0.05, "level"] == 2


def test_winners_by_hand():
    manifest = pd.DataFrame(
        {
            "image_id": list("abcd"),
            "ethnicity": ["x", "x", "y", "y"],
            "gender": ["f", "m", "f", "m"],
            "age": 30.0,
        }
    )
    published = pd.DataFrame(
        {
            "seed": 0,
            "method": "alice",
            "level": 3.0,
            "reader": "public",
            "image_id": list("abcd"),
            "score": [4, 3, 2, 1],
        }
    )
    table = winners(published, manifest, "ethnicity", places=2, brackets=("gender",), places_within=1)
    share = table.set_index(["contest", "group"])["share_winners"].to_dict()
    # the two best are of x; within f a beats c, within m b beats d
    assert share == {("all", "x"): 1.0, ("all", "y"): 0.0, ("brackets", "x"): 1.0, ("brackets", "y"): 0.0}
    assert (table["share_entrants"] == 0.5).all()
    with pytest.raises(InputError, match="of nobody"):
        winners(published.assign(image_id=list("abcz")), manifest, "ethnicity")


def test_a_small_study_counts_every_score():
    x, table = people()
    study = SecrecyStudy(weights=(0, 20), erasures=(0, 1), noises=(2,), seeds=2, dimensions=4)
    runs, published = study.run(
        x, table, "gender", SecrecyTraining(steps=30, batch=64, hidden=8), FreshEves(steps=30, trees=5)
    )
    # two of Alice for two readers, two of LEACE, one of noise, the ratings, the bound; two seeds
    assert len(runs) == 2 * (4 + 2 + 1 + 1 + 1)
    assert runs["n_contestants"].eq(96).all()  # .15 of 320 men and of 320 women
    assert len(published) == len(runs) * 96
    assert runs["eve"].between(0, 1).all()
    told = runs[runs["level"] == 0].groupby("method")["pearson"].min()
    assert told["ratings"] == pytest.approx(1)
    assert told["leace"] > 0.8
    assert runs[["method", "level", "reader", "seed"]].duplicated().sum() == 0


@pytest.mark.parametrize(
    ("change", "feature", "said"),
    [
        (lambda t: t.drop(columns="rating"), "gender", "nobody of these data is rated"),
        (lambda t: t.assign(rating=np.nan), "gender", "nobody of these data is rated"),
        (lambda t: t, "ethnicity", "feature=ethnicity: the data have 'image_id', 'gender', 'rating'"),
        (lambda t: t.assign(gender="man"), "gender", "all are man"),
        (
            lambda t: t.assign(gender=["other"] * 20 + ["man"] * 620),
            "gender",
            "'other' have 20 rated people; at least 300",
        ),
    ],
)
def test_people_who_cannot_be_studied_are_refused_before_anything_is_trained(change, feature, said):
    x, table = people()
    with pytest.raises(InputError, match=said):
        SecrecyStudy(dimensions=4).run(x, change(table), feature, SecrecyTraining(), FreshEves())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"weights": ()}, "at least one"),
        ({"erasures": (2,)}, "study.erasures are shares"),
        ({"noises": (0,)}, "study.noises are over 0"),
        ({"shares": (0.5, 0.5, 0.1)}, "sum to less than 1"),
        ({"dimensions": 1}, "study.dimensions at least 2"),
        ({"jitter": -1}, "study.jitter"),
    ],
)
def test_settings_of_the_study_are_named(wrong, said):
    with pytest.raises(InputError, match=said):
        SecrecyStudy(**wrong)
