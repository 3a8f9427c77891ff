"""Pools have exactly the chosen size and shares, are nested, and stay apart from the entrants."""

import numpy as np
import pandas as pd
import pytest

from judge.data.composition import (
    allocate,
    check_disjoint,
    draw,
    equal_n,
    equal_shares,
    hold_out,
    majority_shares,
    natural_shares,
)
from judge.errors import InputError


def people(**counts):
    """`people(asian_female=3)`: three rows of that cell."""
    rows = [cell.split("_") for cell, k in counts.items() for _ in range(k)]
    table = pd.DataFrame(rows, columns=["ethnicity", "gender"])
    return table.assign(image_id=[f"p{i:04d}" for i in range(len(table))])


MANY = people(
    asian_female=100, asian_male=100, black_female=100, black_male=100, white_female=300, white_male=300
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_counts_follow_the_shares_by_largest_remainders():
    # quotas 3.5, 3.4, 3.1 of 10: floors 3, 3, 3, and the one left over goes to the largest remainder
    assert allocate(10, {"c": 0.31, "a": 0.34, "b": 0.35}) == {"c": 3, "a": 3, "b": 4}


def test_equal_remainders_go_by_name():
    assert allocate(4, equal_shares("cab")) == {"a": 2, "b": 1, "c": 1}


def test_binary_fractions_do_not_lose_a_picture():
    assert allocate(100, {"a": 0.29, "b": 0.71}) == {"a": 29, "b": 71}  # 100 * 0.29 = 28.999999999999996


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": float("nan")}])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="sum to 1"):
        allocate(10, shares)


def test_the_majority_takes_its_share_and_the_others_the_rest_equally():
    assert majority_shares("abc", "b", 0.8) == pytest.approx({"a": 0.1, "b": 0.8, "c": 0.1})


def test_the_rest_may_keep_its_proportions():
    shares = majority_shares("abc", "b", 0.6, rest={"a": 30, "b": 7, "c": 10})
    assert shares == pytest.approx({"a": 0.3, "b": 0.6, "c": 0.1})


def test_an_unknown_majority_is_named_with_those_allowed():
    with pytest.raises(InputError, match=r"one of 'a', 'b', not 'x'"):
        majority_shares("ab", "x", 0.5)


def test_natural_shares_leave_missing_groups_out():
    table = pd.DataFrame({"image_id": list("abcd"), "ethnicity": ["x", "x", "y", None]})
    assert natural_shares(table, "ethnicity") == pytest.approx({"x": 2 / 3, "y": 1 / 3})


def test_a_pool_has_exactly_the_counts_and_no_picture_twice():
    pool = draw(
        MANY, 200, majority_shares(["asian", "black", "white"], "white", 0.9), feature="ethnicity", rng=rng()
    )
    assert pool["ethnicity"].value_counts().to_dict() == {"white": 180, "asian": 10, "black": 10}
    assert pool["image_id"].is_unique


def test_jointly_balances_gender_within_each_group_and_in_total():
    shares = {"asian": 0.25, "black": 0.25, "white": 0.5}
    pool = draw(MANY, 20, shares, feature="ethnicity", jointly="gender", rng=rng())
    cells = pool.groupby(["ethnicity", "gender"]).size().to_dict()
    # five asian and five black people: one group gets the odd woman, the other the odd man
    assert cells[("asian", "female")] == 3
    assert cells[("black", "male")] == 3
    assert pool["gender"].value_counts().to_dict() == {"female": 10, "male": 10}


def test_shares_may_be_given_for_pairs():
    shares = {"asian/female": 0.75, "white/male": 0.25}
    pool = draw(MANY, 8, shares, feature=("ethnicity", "gender"), rng=rng())
    assert pool.groupby(["ethnicity", "gender"]).size().to_dict() == {
        ("asian", "female"): 6,
        ("white", "male"): 2,
    }


def test_the_same_seed_gives_the_same_pool_whatever_the_order_of_rows():
    shares = equal_shares(["asian", "black", "white"])
    one = draw(MANY, 30, shares, feature="ethnicity", rng=rng(3))
    two = draw(MANY.sample(frac=1, random_state=1), 30, shares, feature="ethnicity", rng=rng(3))
    other = draw(MANY, 30, shares, feature="ethnicity", rng=rng(4))
    assert set(one["image_id"]) == set(two["image_id"]) != set(other["image_id"])


def test_draws_of_one_seed_are_nested():
    groups = ["asian", "black", "white"]
    pools = [
        draw(MANY, 100, majority_shares(groups, "white", share), feature="ethnicity", rng=rng(7))
        for share in (0.5, 0.7, 0.9)
    ]
    white = [set(p.loc[p["ethnicity"] == "white", "image_id"]) for p in pools]
    asian = [set(p.loc[p["ethnicity"] == "asian", "image_id"]) for p in pools]
    assert white[0] < white[1] < white[2]
    assert asian[0] > asian[1] > asian[2]


def test_preferred_pictures_are_taken_first():
    mine = ["p0000", "p0001", "p0250"]  # two Asian women, one of the black people
    shares = {"asian": 0.5, "black": 0.5}
    drawn = draw(MANY, 10, shares, feature="ethnicity", rng=rng(), prefer=mine)
    assert set(mine) < set(drawn["image_id"])
    few = draw(MANY, 2, shares, feature="ethnicity", rng=rng(), prefer=mine)
    assert set(few["image_id"]) < set(mine)


@pytest.mark.slow
def test_every_picture_is_drawn_equally_often():
    table = people(asian_female=10)
    hits = pd.Series(0, index=table["image_id"])
    for seed in range(200):
        hits[draw(table, 3, {"asian": 1.0}, feature="ethnicity", rng=rng(seed))["image_id"]] += 1
    # 200 draws of 3 out of 10: 60 expected, standard deviation 6.5
    assert hits.between(60 - 26, 60 + 26).all()


def test_too_few_pictures_says_how_many_there_are_and_how_many_are_needed():
    table = people(asian_female=4, white_female=50)
    with pytest.raises(InputError) as error:
        draw(table, 20, {"asian": 0.5, "white": 0.5}, feature="ethnicity", rng=rng())
    assert "asian has 4 and needs 10" in str(error.value)
    assert "white has" not in str(error.value)
    # 9 pictures are 5 asian (largest remainder by name), so 8 is the most
    assert "at most n = 8" in str(error.value)


def test_too_few_in_one_cell_names_the_cell():
    table = people(asian_female=10, asian_male=2, white_female=10, white_male=10)
    with pytest.raises(InputError, match="asian/male has 2 and needs 5"):
        draw(table, 20, {"asian": 0.5, "white": 0.5}, feature="ethnicity", jointly="gender", rng=rng())


def test_a_misspelt_group_is_refused():
    with pytest.raises(InputError, match=r"no pictures of 'whit'; ethnicity is one of 'asian'"):
        draw(MANY, 10, {"whit": 1.0}, feature="ethnicity", rng=rng())


def test_a_missing_feature_is_named():
    with pytest.raises(InputError, match="no column 'race'"):
        draw(MANY, 10, {"white": 1.0}, feature="race", rng=rng())


def test_people_without_a_group_are_never_drawn():
    table = people(asian_female=3).assign(ethnicity=["asian", None, "asian"])
    assert len(draw(table, 2, {"asian": 1.0}, feature="ethnicity", rng=rng())) == 2
    with pytest.raises(InputError, match="asian has 2 and needs 3"):
        draw(table, 3, {"asian": 1.0}, feature="ethnicity", rng=rng())


def test_copies_of_a_resampled_pool_are_drawn_one_by_one_whatever_the_order_of_rows():
    pool = pd.concat([people(asian_female=4, white_male=6)] * 2, ignore_index=True)
    drawn = draw(pool, 10, {"asian": 0.5, "white": 0.5}, feature="ethnicity", rng=rng())
    assert drawn["ethnicity"].value_counts().to_dict() == {"asian": 5, "white": 5}
    assert drawn["image_id"].value_counts().max() == 2  # five rows of four people: one of them came twice
    shuffled = pool.sample(frac=1, random_state=1)
    again = draw(shuffled, 10, {"asian": 0.5, "white": 0.5}, feature="ethnicity", rng=rng())
    assert sorted(again["image_id"]) == sorted(drawn["image_id"])


def rebalanced_down(pool, generator):
    """Every group cut to the size of the smallest, as the mitigation resample_down draws it."""
    counts = pool["ethnicity"].value_counts()
    n = int(counts.min()) * len(counts)
    return draw(pool, n, equal_shares(counts.index), feature="ethnicity", rng=generator)


SKEWED = people(
    asian_female=30, asian_male=30, black_female=60, black_male=60, white_female=60, white_male=60
)


def test_the_larger_pool_is_cut_as_if_drawn_next_from_the_generator_of_the_smaller():
    generator = rng(7)
    smaller = rebalanced_down(SKEWED, generator)
    assert (len(SKEWED), len(smaller)) == (300, 180)
    pools = equal_n({"a": SKEWED, "b": smaller}, feature="ethnicity", rngs={"a": rng(1), "b": generator})
    # what the pair of pools was made of before there were more than two: one generator, one draw after the other
    one = rng(7)
    rebalanced_down(SKEWED, one)
    shares = natural_shares(SKEWED, "ethnicity")
    pd.testing.assert_frame_equal(pools["a"], draw(SKEWED, 180, shares, feature="ethnicity", rng=one))
    assert pools["b"] is smaller
    assert pools["a"]["ethnicity"].value_counts().to_dict() == {"black": 72, "white": 72, "asian": 36}


def test_pools_of_one_size_come_back_as_they_are_and_no_generator_moves():
    pools = {"a": SKEWED, "b": SKEWED.assign(weight=2.0)}
    generators = {name: rng(3) for name in pools}
    found = equal_n(pools, feature="ethnicity", rngs=generators)
    assert all(found[name] is pool for name, pool in pools.items())
    assert list(found) == ["a", "b"]
    equal_n({**pools, "b": SKEWED.head(200)}, feature="ethnicity", rngs=generators)
    assert generators["b"].random() == rng(3).random()


def test_a_cut_does_not_depend_on_what_other_pools_there_are():
    smaller = rebalanced_down(SKEWED, rng(7))
    generators = dict.fromkeys("abc", rng(5))
    two = equal_n({"a": SKEWED, "b": smaller}, feature="ethnicity", rngs=generators)
    weighted = SKEWED.assign(weight=2.0)
    three = equal_n({"c": weighted, "a": SKEWED, "b": smaller}, feature="ethnicity", rngs=generators)
    pd.testing.assert_frame_equal(three["a"], two["a"])
    assert three["c"]["image_id"].tolist() == three["a"]["image_id"].tolist()
    assert {len(pool) for pool in three.values()} == {180}


def test_the_first_of_several_smallest_pools_lends_its_generator():
    small = SKEWED.iloc[::2].reset_index(drop=True)
    generators = {"a": rng(1), "b": rng(2), "c": rng(3)}
    cut = equal_n({"a": SKEWED, "b": small, "c": small.copy()}, feature="ethnicity", rngs=generators)["a"]
    shares = natural_shares(SKEWED, "ethnicity")
    pd.testing.assert_frame_equal(cut, draw(SKEWED, len(small), shares, feature="ethnicity", rng=rng(2)))


def test_holding_out_divides_people_and_keeps_proportions():
    source, entrants = hold_out(MANY, 0.25, rng=rng())
    assert len(source) + len(entrants) == len(MANY)
    assert entrants.groupby(["ethnicity", "gender"]).size().to_dict() == {
        ("asian", "female"): 25,
        ("asian", "male"): 25,
        ("black", "female"): 25,
        ("black", "male"): 25,
        ("white", "female"): 75,
        ("white", "male"): 75,
    }
    check_disjoint(source, entrants)


@pytest.mark.parametrize("seed", range(5))
def test_pictures_chained_by_person_and_by_copy_stay_on_one_side(seed):
    table = people(asian_female=8).assign(
        person_id=["a", "a", "b", "c", "d", "e", "f", "g"],
        content_hash=["1", "2", "2", "3", "4", "5", "6", None],
    )
    source, entrants = hold_out(table, 3, rng=rng(seed))  # people: {a, b}, c, d, e, f, g
    sides = [set(side["person_id"]) for side in (source, entrants)]
    assert sorted(len(side & {"a", "b"}) for side in sides) == [0, 2]
    assert sum(len(side) for side in sides) == 7
    check_disjoint(source, entrants)


@pytest.mark.parametrize("key", ["image_id", "person_id", "content_hash", "pixel_hash"])
def test_a_shared_picture_person_or_copy_is_found(key):
    pool = pd.DataFrame({"image_id": ["a", "b"], "person_id": ["1", None], "content_hash": ["x", None]})
    entrants = pd.DataFrame({"image_id": ["c", "d"], "person_id": ["2", None], "content_hash": ["y", None]})
    pool["pixel_hash"], entrants["pixel_hash"] = ["p", None], ["q", None]
    check_disjoint(pool, entrants)  # missing values are not equal to each other
    entrants.loc[1, key] = pool.loc[0, key]
    with pytest.raises(InputError, match=f"share their {key}"):
        check_disjoint(pool, entrants)


@pytest.mark.parametrize("entrants", [0, 1.5, 6, -1])
def test_a_division_that_leaves_nobody_on_one_side_is_refused(entrants):
    with pytest.raises(InputError, match="entrants: a share"):
        hold_out(people(asian_female=6), entrants, rng=rng())
