"""Both conditions have the same n; what each mitigation changes can be counted by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.mitigation.pools.redraw import Redraw, Unchanged
from judge.mitigation.pools.resample import ResampleDown, ResampleUp, repeated
from judge.mitigation.pools.reweight import ReweighLabels, Reweight

CONF = Path(__file__).parents[3] / "conf" / "mitigation"


def people(counts, prefix="p"):
    """{("a", "female"): 3, …} → a manifest"""
    rows = [cell for cell, k in counts.items() for _ in range(k)]
    table = pd.DataFrame(rows, columns=["ethnicity", "gender"])
    return table.assign(
        image_id=[f"{prefix}{i:03d}" for i in range(len(table))], rating=np.arange(len(table)) / 2.0
    )


SOURCE = people({("a", "female"): 30, ("a", "male"): 30, ("b", "female"): 30, ("b", "male"): 30})
#: 8 of a, 2 of b, both genders
POOL = pd.concat(
    [SOURCE.iloc[0:4], SOURCE.iloc[30:34], SOURCE.iloc[60:61], SOURCE.iloc[90:91]], ignore_index=True
)


def applied(mitigation, pool=POOL, source=SOURCE, seed=0):
    return mitigation(pool, source, feature="ethnicity", rng=np.random.default_rng(seed))


def shares(pool):
    return pool["ethnicity"].value_counts().to_dict()


@pytest.mark.parametrize("file", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_mitigation_keeps_n_equal_and_takes_no_stranger(file):
    skewed, rebalanced = applied(instantiate(OmegaConf.load(file)))
    assert len(skewed) == len(rebalanced)
    assert set(skewed["image_id"]) <= set(POOL["image_id"])
    assert set(rebalanced["image_id"]) <= set(SOURCE["image_id"])


@pytest.mark.parametrize("file", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_same_seed_gives_the_same_pools(file):
    mitigation = instantiate(OmegaConf.load(file))
    for one, two in zip(applied(mitigation, seed=3), applied(mitigation, seed=3), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_unchanged_leaves_both_pools_alike():
    skewed, rebalanced = applied(Unchanged())
    pd.testing.assert_frame_equal(skewed, rebalanced)


def test_redraw_exchanges_only_the_pictures_it_must():
    skewed, rebalanced = applied(Redraw(jointly="gender"))
    assert shares(rebalanced) == {"a": 5, "b": 5}
    assert rebalanced["gender"].value_counts().to_dict() == {"female": 5, "male": 5}
    assert rebalanced["image_id"].is_unique
    kept = set(skewed["image_id"]) & set(rebalanced["image_id"])
    assert len(kept) == 5 + 2  # five of the eight of a, both of b


def test_redraw_may_have_shares_of_its_own():
    _, rebalanced = applied(Redraw(shares={"a": 0.3, "b": 0.7}))
    assert shares(rebalanced) == {"a": 3, "b": 7}


def test_redraw_finds_a_group_that_the_pool_lacks_altogether():
    _, rebalanced = applied(Redraw(), pool=SOURCE.iloc[:10])
    assert shares(rebalanced) == {"a": 5, "b": 5}


def test_redraw_from_too_small_a_source_says_what_is_needed():
    with pytest.raises(InputError, match="b has 2 and needs 5"):
        applied(Redraw(), source=POOL)


def test_down_cuts_both_pools_to_the_same_n_and_keeps_the_skew():
    skewed, rebalanced = applied(ResampleDown())
    assert shares(rebalanced) == {"a": 2, "b": 2}
    assert shares(skewed) == {"a": 3, "b": 1}  # quotas 3.2 and 0.8
    assert rebalanced["image_id"].is_unique


def test_up_repeats_the_small_group_evenly_and_keeps_n():
    _, rebalanced = applied(ResampleUp(jointly="gender"))
    assert shares(rebalanced) == {"a": 5, "b": 5}
    times = rebalanced[rebalanced["ethnicity"] == "b"]["image_id"].value_counts()
    assert sorted(times) == [2, 3]  # two pictures fill five rows
    assert rebalanced[rebalanced["ethnicity"] == "a"]["image_id"].is_unique


def test_up_without_men_of_a_group_repeats_its_women():
    pool = POOL[~((POOL["ethnicity"] == "b") & (POOL["gender"] == "male"))]
    _, rebalanced = applied(ResampleUp(jointly="gender"), pool=pool)
    assert sorted(shares(rebalanced).values()) == [4, 5]


def test_which_items_come_once_more_is_drawn():
    rng = np.random.default_rng(0)
    seen = {tuple(sorted(repeated(np.arange(3), 4, rng))) for _ in range(50)}
    assert seen == {(0, 0, 1, 2), (0, 1, 1, 2), (0, 1, 2, 2)}


def test_reweight_lets_each_group_count_the_same():
    skewed, rebalanced = applied(Reweight())
    weight = rebalanced.groupby("ethnicity")["weight"]
    assert weight.first().to_dict() == {"a": 10 / (2 * 8), "b": 10 / (2 * 2)}
    assert weight.sum().to_dict() == {"a": 5, "b": 5}
    assert rebalanced["weight"].mean() == pytest.approx(1)
    assert "weight" not in skewed


def test_reweighing_labels_makes_rating_and_group_independent():
    # group a: three high, one low; group b: one high, three low
    pool = people({("a", "female"): 4, ("b", "female"): 4}).assign(rating=[9, 9, 9, 1, 9, 1, 1, 1])
    _, rebalanced = applied(ReweighLabels(bins=2), pool=pool, source=pool)
    # P(a) P(high) / P(a, high) = (1/2 · 1/2) / (3/8) = 2/3, and 2 for a, low
    assert rebalanced["weight"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2, 2, 2 / 3, 2 / 3, 2 / 3])
    weighted = (rebalanced["weight"] * rebalanced["rating"]).groupby(rebalanced["ethnicity"]).sum()
    assert weighted["a"] / 4 == pytest.approx(weighted["b"] / 4) == pytest.approx(5)


def test_reweighing_labels_leaves_the_groups_shares_alone():
    pool = people({("a", "female"): 6, ("b", "female"): 2}).assign(rating=[1, 1, 1, 9, 9, 9, 1, 9])
    _, rebalanced = applied(ReweighLabels(bins=2), pool=pool, source=pool)
    assert rebalanced.groupby("ethnicity")["weight"].sum().to_dict() == pytest.approx({"a": 6, "b": 2})


@pytest.mark.parametrize("mitigation", [ResampleDown(), ResampleUp(), Reweight()])
def test_a_group_with_nobody_in_the_pool_cannot_be_made_up(mitigation):
    with pytest.raises(InputError, match=r"no picture of 'b'.*redraw"):
        applied(mitigation, pool=SOURCE.iloc[:10])


def test_a_feature_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no column 'race'"):
        Reweight()(POOL, SOURCE, feature="race", rng=np.random.default_rng(0))
