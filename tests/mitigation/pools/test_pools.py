"""What each method makes of a pool can be counted by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.mitigation import SEAMS
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


#: each picture rated once by a rater of each group
RATINGS = pd.DataFrame(
    [
        (image, f"{kind}1", kind, rating + step)
        for image, rating in zip(SOURCE["image_id"], SOURCE["rating"], strict=True)
        for kind, step in (("a", 0.1), ("b", -0.1))
    ],
    columns=["image_id", "rater_id", "rater_ethnicity", "rating"],
)


def applied(mitigation, pool=POOL, source=SOURCE, seed=0):
    more = {"ratings": RATINGS} if getattr(mitigation, "reads_ratings", False) else {}
    return mitigation(pool, source, feature="ethnicity", rng=np.random.default_rng(seed), **more)


def shares(pool):
    return pool["ethnicity"].value_counts().to_dict()


SETTINGS = {path.stem: OmegaConf.load(path) for path in sorted(CONF.glob("*.yaml"))}
SEAM_OF = {name: get_class(settings["_target_"]).seam for name, settings in SETTINGS.items()}
#: but for synthetic and private, which make people: test_synthetic_pool.py, test_private_seam.py
POOLS = {
    name: instantiate(SETTINGS[name])
    for name, seam in SEAM_OF.items()
    if seam == "pool" and name not in ("synthetic", "private")
}


def test_every_method_of_conf_says_at_which_seam_it_acts():
    assert set(SEAM_OF.values()) <= set(SEAMS)
    assert {"none", "redraw", "resample_down", "resample_up", "reweigh_labels", "reweight"} <= set(POOLS)


@pytest.mark.parametrize("name", POOLS)
def test_every_method_keeps_n_or_shrinks_takes_no_stranger_and_leaves_its_input_alone(name):
    before = POOL.copy()
    changed = applied(POOLS[name])
    assert len(changed) == (4 if name in ("resample_down", "subg") else len(POOL))
    assert set(changed["image_id"]) <= set((SOURCE if name == "redraw" else POOL)["image_id"])
    assert changed.index.tolist() == list(range(len(changed)))
    pd.testing.assert_frame_equal(POOL, before)


@pytest.mark.parametrize("name", POOLS)
def test_the_same_seed_gives_the_same_pool(name):
    pd.testing.assert_frame_equal(applied(POOLS[name], seed=3), applied(POOLS[name], seed=3))


def test_unchanged_is_the_pool_itself():
    assert applied(Unchanged()) is POOL


def test_redraw_exchanges_only_the_pictures_it_must():
    rebalanced = applied(Redraw(jointly="gender"))
    assert shares(rebalanced) == {"a": 5, "b": 5}
    assert rebalanced["gender"].value_counts().to_dict() == {"female": 5, "male": 5}
    assert rebalanced["image_id"].is_unique
    kept = set(POOL["image_id"]) & set(rebalanced["image_id"])
    assert len(kept) == 5 + 2  # five of the eight of a, both of b


def test_redraw_may_have_shares_of_its_own():
    rebalanced = applied(Redraw(shares={"a": 0.3, "b": 0.7}))
    assert shares(rebalanced) == {"a": 3, "b": 7}


def test_redraw_finds_a_group_that_the_pool_lacks_altogether():
    rebalanced = applied(Redraw(), pool=SOURCE.iloc[:10])
    assert shares(rebalanced) == {"a": 5, "b": 5}


def test_redraw_from_too_small_a_source_says_what_is_needed():
    with pytest.raises(InputError, match="b has 2 and needs 5"):
        applied(Redraw(), source=POOL)


def test_down_cuts_every_group_to_the_smallest():
    rebalanced = applied(ResampleDown())
    assert shares(rebalanced) == {"a": 2, "b": 2}
    assert rebalanced["image_id"].is_unique


def test_up_repeats_the_small_group_evenly_and_keeps_n():
    rebalanced = applied(ResampleUp(jointly="gender"))
    assert shares(rebalanced) == {"a": 5, "b": 5}
    times = rebalanced[rebalanced["ethnicity"] == "b"]["image_id"].value_counts()
    assert sorted(times) == [2, 3]  # two pictures fill five rows
    assert rebalanced[rebalanced["ethnicity"] == "a"]["image_id"].is_unique


def test_up_without_men_of_a_group_repeats_its_women():
    pool = POOL[~((POOL["ethnicity"] == "b") & (POOL["gender"] == "male"))]
    rebalanced = applied(ResampleUp(jointly="gender"), pool=pool)
    assert sorted(shares(rebalanced).values()) == [4, 5]


def test_which_items_come_once_more_is_drawn():
    rng = np.random.default_rng(0)
    seen = {tuple(sorted(repeated(np.arange(3), 4, rng))) for _ in range(50)}
    assert seen == {(0, 0, 1, 2), (0, 1, 1, 2), (0, 1, 2, 2)}


def test_reweight_lets_each_group_count_the_same():
    rebalanced = applied(Reweight())
    weight = rebalanced.groupby("ethnicity")["weight"]
    assert weight.first().to_dict() == {"a": 10 / (2 * 8), "b": 10 / (2 * 2)}
    assert weight.sum().to_dict() == {"a": 5, "b": 5}
    assert rebalanced["weight"].mean() == pytest.approx(1)
    assert "weight" not in POOL


def test_reweighing_labels_makes_rating_and_group_independent():
    # group a: three high, one low; group b: one high, three low
    pool = people({("a", "female"): 4, ("b", "female"): 4}).assign(rating=[9, 9, 9, 1, 9, 1, 1, 1])
    rebalanced = applied(ReweighLabels(bins=2), pool=pool, source=pool)
    # P(a) P(high) / P(a, high) = (1/2 · 1/2) / (3/8) = 2/3, and 2 for a, low
    assert rebalanced["weight"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2, 2, 2 / 3, 2 / 3, 2 / 3])
    weighted = (rebalanced["weight"] * rebalanced["rating"]).groupby(rebalanced["ethnicity"]).sum()
    assert weighted["a"] / 4 == pytest.approx(weighted["b"] / 4) == pytest.approx(5)


def test_reweighing_labels_leaves_the_groups_shares_alone():
    pool = people({("a", "female"): 6, ("b", "female"): 2}).assign(rating=[1, 1, 1, 9, 9, 9, 1, 9])
    rebalanced = applied(ReweighLabels(bins=2), pool=pool, source=pool)
    assert rebalanced.groupby("ethnicity")["weight"].sum().to_dict() == pytest.approx({"a": 6, "b": 2})


@pytest.mark.parametrize("mitigation", [ResampleDown(), ResampleUp(), Reweight()])
def test_a_group_with_nobody_in_the_pool_cannot_be_made_up(mitigation):
    with pytest.raises(InputError, match=r"no picture of 'b'.*redraw"):
        applied(mitigation, pool=SOURCE.iloc[:10])


def test_a_feature_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no column 'race'"):
        Reweight()(POOL, SOURCE, feature="race", rng=np.random.default_rng(0))
