"""Who is drawn into the reference set of models: shares, best rated, balance, and the same people for the same seed."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.jury.robots.reference import ReferenceSet


@pytest.fixture
def source():
    """200 people: 100 of a, 100 of b, ratings 0–99 in each, women and men in turn."""
    return pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(200)],
            "ethnicity": ["a"] * 100 + ["b"] * 100,
            "gender": ["f", "m"] * 100,
            "rating": [*range(100), *range(100)],
        }
    )


def drawn(models, source, pool=None, seed=0):
    pool = source if pool is None else pool
    return models.draw(source, pool, feature="ethnicity", rng=np.random.default_rng(seed))


def counts(table, *columns):
    return table.value_counts(list(columns)).to_dict()


def test_shares_by_group_are_exact_and_the_best_rated_of_each_group_are_taken(source):
    chosen = drawn(ReferenceSet(20, {"a": 0.9, "b": 0.1}, top_share=0.3), source)
    assert counts(chosen, "ethnicity") == {("a",): 18, ("b",): 2}
    assert chosen["rating"].min() >= 70


def test_as_pool_follows_the_pool_that_is_given_and_equal_follows_nobody(source):
    pool = source.iloc[70:110]  # 30 of a, 10 of b
    assert counts(drawn(ReferenceSet(20), source, pool), "ethnicity") == {("a",): 15, ("b",): 5}
    assert counts(drawn(ReferenceSet(20), source, source), "ethnicity") == {("a",): 10, ("b",): 10}
    equal = ReferenceSet(20, "equal")
    assert counts(drawn(equal, source, pool), "ethnicity") == {("a",): 10, ("b",): 10}


def test_further_features_are_balanced_where_everybody_has_one(source):
    models = ReferenceSet(20, "equal", jointly=("gender", "nowhere", "ethnicity"))
    assert set(counts(drawn(models, source), "ethnicity", "gender").values()) == {5}
    source.loc[0, "gender"] = None  # one person without: the feature is left out for all
    assert drawn(models, source)["image_id"].equals(
        drawn(ReferenceSet(20, "equal", jointly=()), source)["image_id"]
    )


def test_who_has_no_rating_or_no_group_is_no_model(source):
    source.loc[source.index % 2 == 0, "rating"] = np.nan
    source.loc[1, "ethnicity"] = None
    chosen = drawn(ReferenceSet(40, "equal", jointly=(), top_share=1.0), source)
    assert chosen["rating"].notna().all() and "i1" not in set(chosen["image_id"])


def test_one_seed_draws_the_same_people(source):
    once, again, other = (drawn(ReferenceSet(20), source, seed=seed)["image_id"] for seed in (3, 3, 4))
    assert once.equals(again) and not once.equals(other)


def test_a_group_with_too_few_people_is_named(source):
    with pytest.raises(InputError, match="a has 30 and needs 54"):
        drawn(ReferenceSet(60, {"a": 0.9, "b": 0.1}, jointly=(), top_share=0.3), source)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"shares": "natural"}, r"models\.shares is one of .*'as_pool', 'equal'.* given 'natural'"),
        ({"shares": None}, "given None"),
        ({"n": 0}, r"models\.n is at least 1; given 0"),
        ({"top_share": 0.0}, "above 0 and at most at 1; given 0.0"),
        ({"top_share": 1.5}, "given 1.5"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, text):
    with pytest.raises(InputError, match=text):
        ReferenceSet(**settings)
