"""Groups and ratings of private people: one noisy histogram."""

import math

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.privacy.budget import Budget, BudgetError, Mechanism, plan
from judge.privacy.labels import private_labels
from judge.privacy.people import PrivatePeople

GROUPS = {"ethnicity": ["asian", "black"], "gender": ["female", "male"]}


def people(counts, epsilon, rating=3.0):
    rows = [cell for cell, k in counts.items() for _ in range(k)]
    table = pd.DataFrame(rows, columns=["ethnicity", "gender"])
    table = table.assign(image_id=[f"p{i}" for i in range(len(rows))], rating=rating)
    return PrivatePeople(table, plan(Budget(epsilon), [Mechanism("labels")], len(rows)).ledger())


def labels(private, features=("ethnicity", "gender"), seed=0, **how):
    return private_labels(
        private, features, rating_range=(1, 5), known_groups=GROUPS, rng=np.random.default_rng(seed), **how
    )


FOUR = {
    ("asian", "female"): 100,
    ("asian", "male"): 200,
    ("black", "female"): 300,
    ("black", "male"): 400,
}


def test_without_noise_the_counts_are_the_people():
    found = labels(people(FOUR, math.inf))
    assert found.shares.to_dict() == {
        "asian/female": 0.1,
        "asian/male": 0.2,
        "black/female": 0.3,
        "black/male": 0.4,
    }
    assert found.cells.loc["black/female"].to_dict() == {"ethnicity": "black", "gender": "female"}
    # 3 of a scale from 1 to 5 is the lower edge of the sixth of ten bins
    assert found.distribution("asian/male").tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    drawn = found.ratings("asian/male", 500, np.random.default_rng(0))
    assert drawn.min() >= 3
    assert drawn.max() <= 3.4
    assert found.quantile("asian/male", np.array([0.0, 0.5, 1.0])) == pytest.approx([3, 3.2, 3.4])
    assert found.people(10) == {"asian/female": 1, "asian/male": 2, "black/female": 3, "black/male": 4}


def test_quantiles_leap_over_empty_bins():
    found = labels(
        people({("asian", "female"): 100}, math.inf, rating=np.repeat([1.0, 5.0], 50)), features=()
    )
    assert found.quantile("all", np.array([0.25, 0.75])) == pytest.approx([1.2, 4.8])


def test_noise_enters_every_count_at_the_stated_size():
    few = [labels(people(FOUR, 10), seed=seed) for seed in range(40)]
    truth = np.zeros((4, 10))
    truth[:, 5] = [100, 200, 300, 400]
    noise = np.stack([found.counts - truth for found in few])
    assert few[0].noise > 0.4
    assert noise.std() == pytest.approx(few[0].noise, rel=0.06)


def test_labels_without_a_budget_are_refused():
    private = people(FOUR, 10)
    labels(private)
    with pytest.raises(BudgetError, match="labels: 1 of 1 steps"):
        labels(private)


def test_without_the_noise_a_check_of_the_release_fails(monkeypatch):
    """The line that adds noise is broken: the release is whole numbers, which no noisy count is."""

    def is_noisy():
        counts = labels(people(FOUR, 1), leave_out=True).counts
        return not np.any(counts == np.round(counts))

    assert is_noisy()
    monkeypatch.setattr(
        "judge.privacy.ledger.Ledger.gaussian", lambda self, what, value, sensitivity, rng: value
    )
    assert not is_noisy()


def test_a_group_of_three_gets_an_error_that_names_it_and_may_be_left_out():
    three = FOUR | {("asian", "female"): 3}
    with pytest.raises(
        InputError, match=r"asian/female \(noisy count .*standard deviation of 2, and 13 people"
    ):
        labels(people(three, 10))
    found = labels(people(three, 10), leave_out=True)
    assert list(found.cells.index) == ["asian/male", "black/female", "black/male"]
    assert list(found.left_out) == ["asian/female"]
    with pytest.raises(InputError, match=r"epsilon=inf: asian/female \(noisy count 3\)"):
        labels(people(three, math.inf))


def test_a_group_of_hundreds_is_too_few_where_the_noise_is_large():
    with pytest.raises(InputError, match="asian/female"):
        labels(people(FOUR, 0.05))


def test_who_has_no_known_group_or_rating_counts_nowhere():
    rating = np.full(1000, 3.0)
    rating[0] = np.nan
    private = people({**FOUR, ("asian", "female"): 90, ("martian", "male"): 10}, math.inf, rating)
    assert labels(private).totals.to_dict() == {
        # the first of the table is asian and female, and the rating is missing
        "asian/female": 89, "asian/male": 200, "black/female": 300, "black/male": 400,
    }  # fmt: skip


def test_groups_have_to_be_said_and_ratings_have_a_scale():
    with pytest.raises(InputError, match="groups of 'age'"):
        labels(people(FOUR, 1), features=["age"])
    with pytest.raises(InputError, match="rating_range"):
        private_labels(
            people(FOUR, 1), [], rating_range=(5, 1), known_groups={}, rng=np.random.default_rng(0)
        )
    with pytest.raises(InputError, match="bins=1"):
        labels(people(FOUR, 1), bins=1)
