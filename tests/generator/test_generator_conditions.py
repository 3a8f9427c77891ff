"""What a generator may be asked for: encoding, shares that are exact, and refusals."""

import json

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.generator.conditions import LEVELS, Conditions


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "ethnicity": rng.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1]),
            "gender": rng.choice(["f", "m"], n),
            "age": rng.uniform(18, 70, n),
            "age_group": "x",
            "rating": rng.normal(5, 1, n),
        }
    )


def test_a_row_is_one_number_a_group_and_two_a_number(people):
    conditions = Conditions.of(people)
    assert conditions.names == ("ethnicity", "gender", "age", "rating")  # age is known, so not age_group
    row = conditions.encode(
        pd.DataFrame({"ethnicity": ["b"], "gender": ["m"], "age": [people["age"].mean()]})
    )
    assert row.tolist() == [[0, 1, 0, 0, 1, 0, 1, 0, 0]]  # the rating is not known: 0, 0


def test_what_is_not_asked_is_zero(people):
    conditions = Conditions.of(people)
    assert not conditions.encode(pd.DataFrame(index=range(3))).any()
    half = people.head(2).assign(ethnicity=["a", None])
    assert conditions.encode(half)[:, :3].tolist() == [[1, 0, 0], [0, 0, 0]]


def test_asked_shares_are_exact_and_the_rest_is_as_in_the_data(people):
    conditions = Conditions.of(people)
    asked = conditions.ask(1000, rng=np.random.default_rng(1), shares={"ethnicity": {"a": 0.5, "c": 0.5}})
    assert asked["ethnicity"].value_counts().to_dict() == {"a": 500, "c": 500}
    among_c = people.loc[people["ethnicity"] == "c", "gender"].eq("f").mean()
    assert abs(asked.loc[asked["ethnicity"] == "c", "gender"].eq("f").mean() - among_c) < 0.01
    assert abs(asked["rating"].mean() - 5) < 0.15
    assert people["age"].min() < asked["age"].min()
    assert asked["age"].max() < people["age"].max()


def test_two_features_are_asked_together(people):
    conditions = Conditions.of(people)
    shares = {"ethnicity": {"b": 0.25, "c": 0.75}, "gender": {"f": 1.0}}
    asked = conditions.ask(40, rng=np.random.default_rng(1), shares=shares)
    assert asked.groupby(["ethnicity", "gender"]).size().to_dict() == {("b", "f"): 10, ("c", "f"): 30}


def test_numbers_in_a_range(people):
    asked = Conditions.of(people).ask(200, rng=np.random.default_rng(1), ranges={"age": (30, 31)})
    assert asked["age"].between(30, 31).all()
    assert asked["age"].nunique() == 200


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"hair": {"red": 1}}, "hair"),
        ({"ethnicity": {"d": 1}}, "'d'"),
        ({"ethnicity": {"a": 0.5}}, "sum to 1"),
        ({"ethnicity": {"a": -1, "b": 2}}, "at least 0"),
    ],
)
def test_shares_that_cannot_be_asked(people, shares, words):
    with pytest.raises(InputError, match=words):
        Conditions.of(people).ask(10, rng=np.random.default_rng(0), shares=shares)


def test_a_combination_that_the_data_never_had(people):
    people = people[~((people["ethnicity"] == "c") & (people["gender"] == "m"))]
    with pytest.raises(InputError, match="c and m"):
        Conditions.of(people).ask(
            10, rng=np.random.default_rng(0), shares={"ethnicity": {"c": 1}, "gender": {"m": 1}}
        )


def test_no_single_person_is_kept(people):
    """The lowest and highest values are single people; of a small cell every quantile would be."""
    people.loc[0, "age"] = 69.99
    people = pd.concat([people, people.head(1).assign(ethnicity="rare", age=66.6)], ignore_index=True)
    conditions = Conditions.of(people)
    kept = json.dumps(conditions.to_facts())
    assert "66.6" not in kept
    assert "69.99" not in kept
    assert all(len(row) == len(LEVELS) for row in conditions.levels["age"])


def test_conditions_survive_their_file(people):
    conditions = Conditions.of(people)
    again = Conditions.from_facts(json.loads(json.dumps(conditions.to_facts())))
    assert again.names == conditions.names
    assert again.cells == conditions.cells
    np.testing.assert_allclose(again.encode(people), conditions.encode(people))


@pytest.mark.parametrize(
    "damage", [{}, {"groups": []}, {"groups": {}, "scales": {"age": [1]}, "cells": [], "levels": {}}]
)
def test_damaged_conditions(damage):
    with pytest.raises(InputError, match="damaged"):
        Conditions.from_facts(damage)


def test_names_without_labels(people):
    with pytest.raises(InputError, match="ita"):
        Conditions.of(people, ["ethnicity", "ita"])
    with pytest.raises(InputError, match="one group only"):
        Conditions.of(people, ["age_group"])
    assert Conditions.of(people, []).width == 0


def test_a_small_cell_has_the_numbers_of_its_wider_one(people):
    """20 men of group c are too few; group c as a whole has 60 people, who are older than the others."""
    people = people.assign(age=20 + np.arange(len(people)) % 10)
    few = pd.DataFrame(
        {"ethnicity": "d", "gender": ["f"] * 40 + ["m"] * 20, "age": 60.0 + np.arange(60) % 5, "rating": 5.0}
    )
    conditions = Conditions.of(pd.concat([people, few], ignore_index=True), ["ethnicity", "gender", "age"])
    asked = conditions.ask(
        30, rng=np.random.default_rng(0), shares={"ethnicity": {"d": 1.0}, "gender": {"m": 1.0}}
    )
    assert asked["age"].min() >= 60


def test_numbers_that_nobody_in_the_data_had(people):
    with pytest.raises(InputError, match=r"has seen .* it was asked for 1e.09"):
        Conditions.of(people).ask(5, rng=np.random.default_rng(0), ranges={"rating": (1e9, 1e10)})
