"""Who trains and who enters, from two small folders of pictures."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from PIL import Image

from judge.errors import InputError
from judge.experiment.choices.fitting import fitted
from judge.experiment.draw import draw

GROUPS = ("black", "white")
WITHIN = "+conditions.within={scores: {_target_: judge.mitigation.scores.StandardiseWithin, min_people: 2}}"


def folder(path, n=80, *, seed=0, drop=(), ratings=True):
    """n pictures 0.png … with a table: ethnicity in turn, gender in turn of two, ratings 2 … 6."""
    path.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(n):
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(path / f"{i}.png")
    rows = pd.DataFrame({"path": [f"{i}.png" for i in range(n)]})
    rows["ethnicity"] = [GROUPS[i % 2] for i in range(n)]
    rows["gender"] = [("female", "male")[i // 2 % 2] for i in range(n)]
    if ratings:
        rows["rating"] = 2 + 4 * rng.random(n)
    rows.drop(columns=list(drop)).to_csv(path / "labels.csv", index=False)
    return path


def drawn_from(data, *overrides, entrants_data=None):
    words = ["data=folder", f"data.root={data}", "data.rating_range=[1,7]", "pool.majority=white"]
    words += ["pool.n=20", "pool.majority_share=.8", "entrants.n=12", "entrants.held_out=.4"]
    words += ["pool.jointly=gender", "pool.groups=null"]
    if entrants_data:
        words += ["data@entrants_data=folder", f"entrants_data.root={entrants_data}"]
    with initialize_config_module("judge.conf", version_base="1.3"):
        return draw(fitted(compose("config", overrides=[*words, *overrides])))


@pytest.fixture
def data(tmp_path):
    return folder(tmp_path / "data")


def test_the_mitigation_meets_the_shifted_ratings(data):
    shifted = "pool.rating_shift={black: -2}"
    plain = drawn_from(data, "mitigation=reweigh_labels").pools["rebalanced"]
    skewed = drawn_from(data, "mitigation=reweigh_labels", shifted).pools["rebalanced"]
    low = skewed["rating"] <= skewed["rating"].median()
    black = skewed["ethnicity"] == "black"
    assert not np.allclose(plain["weight"], skewed["weight"])
    # low ratings of the group that is rated down count less than those of the other
    assert skewed.loc[black & low, "weight"].mean() < skewed.loc[~black & low, "weight"].mean()


def test_a_shift_changes_neither_who_is_drawn_nor_the_ratings_of_others(data):
    plain, shifted = drawn_from(data), drawn_from(data, "pool.rating_shift={black: -0.5}")
    for name in ("skewed", "rebalanced"):
        before, after = plain.pools[name], shifted.pools[name]
        assert before["image_id"].tolist() == after["image_id"].tolist()
        expected = (before["rating"] + np.where(before["ethnicity"] == "black", -0.5, 0.0)).clip(1, 7)
        pd.testing.assert_series_equal(after["rating"], expected)
    pd.testing.assert_frame_equal(plain.entrants, shifted.entrants)


def test_entrants_of_another_folder_stay_although_their_files_have_the_same_names(data, tmp_path):
    other = folder(tmp_path / "other", seed=1, ratings=False)
    (other / "0.png").write_bytes((data / "0.png").read_bytes())
    drawn = drawn_from(data, "entrants.n=null", entrants_data=other)
    copied = int(drawn.source["image_id"].eq("0.png").any())
    assert len(drawn.entrants) == 80 - copied
    assert drawn.entrants["image_id"].str.startswith("folder:").all()
    assert (drawn.excluded["reason"] == "also in the training data").sum() == copied == 1


def test_one_folder_read_twice_gives_no_entrant_of_the_pool_and_counts_whom_it_drops(data):
    drawn = drawn_from(data, "entrants.n=null", entrants_data=f"{data}/../data")
    assert set(drawn.entrants["image_id"]) == {f"{i}.png" for i in range(80)} - set(drawn.source["image_id"])
    told = drawn.excluded[drawn.excluded["reason"] == "also in the training data"]
    assert set(told["item"]) == set(drawn.source["image_id"])
    assert set(told["detail"]) == {"the same image_id"}


def test_rows_without_a_group_and_outside_the_groups_are_counted(data):
    table = pd.read_csv(data / "labels.csv")
    table.loc[table.index[:3], "ethnicity"] = None
    table.loc[table.index[3:8], "ethnicity"] = "asian"
    table.to_csv(data / "labels.csv", index=False)
    drawn = drawn_from(data, "pool.groups=[black,white]")
    assert drawn.excluded["reason"].value_counts().to_dict() == {
        "outside pool.groups": 5,
        "ethnicity unknown": 3,
    }
    assert set(drawn.excluded["dataset"]) == {"folder"}


def test_a_pool_by_gender_is_not_balanced_by_gender_as_well(data):
    drawn = drawn_from(data, "pool.feature=gender", "pool.majority=female", "entrants.jointly=gender")
    assert drawn.pools["skewed"]["gender"].value_counts().to_dict() == {"female": 16, "male": 4}
    assert drawn.pools["rebalanced"]["gender"].value_counts().to_dict() == {"female": 10, "male": 10}


def test_a_table_without_gender_says_what_to_set(tmp_path):
    bare = folder(tmp_path / "bare", drop=["gender"])
    with pytest.raises(
        InputError, match=r"pool\.jointly='gender'.*folder has no such labels.*pool\.jointly=null"
    ):
        drawn_from(bare)
    assert len(drawn_from(bare, "pool.jointly=null").pools["skewed"]) == 20
    with pytest.raises(InputError, match=r"entrants\.jointly='gender'"):
        drawn_from(bare, "pool.jointly=null", "entrants.jointly=gender")


def test_entrants_are_balanced_as_the_pool_if_asked(data):
    drawn = drawn_from(data, "entrants.jointly=gender").entrants
    assert drawn.groupby(["ethnicity", "gender"]).size().tolist() == [3, 3, 3, 3]


def test_what_a_condition_draws_does_not_depend_on_which_others_there_are(data):
    alone = drawn_from(data, "mitigation=resample_up").pools["rebalanced"]
    among = drawn_from(
        data, "mitigation=reweight", "+conditions.new=redraw", "+conditions.up=resample_up"
    ).pools
    pd.testing.assert_frame_equal(among["up"], alone)
    pd.testing.assert_frame_equal(among["new"], drawn_from(data).pools["rebalanced"])


def test_a_method_that_shrinks_its_pool_shrinks_all_and_says_so(data, caplog):
    pools = drawn_from(
        data, "mitigation=resample_down", "+conditions.new=redraw", "+conditions.weighed=reweight"
    ).pools
    assert {len(pool) for pool in pools.values()} == {8}
    assert pools["rebalanced"]["ethnicity"].value_counts().to_dict() == {"black": 4, "white": 4}
    # shares are kept: 16 of 20 white, so 6.4 of 8
    assert pools["skewed"]["ethnicity"].value_counts().to_dict() == {"white": 6, "black": 2}
    # weights are those of the pool that is trained on: each group counts 4 of 8
    assert pools["weighed"].groupby("ethnicity")["weight"].sum().to_dict() == {"black": 4, "white": 4}
    assert "rebalanced leaves 8 pictures, so every pool of this run is cut from 20 to 8" in caplog.text


def test_conditions_that_train_nothing_share_the_pool_of_the_judge_they_use(data):
    drawn = drawn_from(
        data, "+conditions.within={trained_as: rebalanced, scores: standardise_within}", "pool.calibration=20"
    )
    assert drawn.pools["within"] is drawn.pools["rebalanced"]


def test_calibration_people_are_those_of_the_field_who_do_not_enter(data):
    drawn = drawn_from(data, WITHIN)
    people = set(drawn.calibration["image_id"])
    # 32 of 80 are held out, 12 of them enter
    assert len(people) == 20
    assert not people & (set(drawn.entrants["image_id"]) | set(drawn.source["image_id"]))
    assert drawn_from(data).calibration is None


def test_calibration_people_are_even_over_groups_and_no_other_condition_moves_them(data):
    few = [WITHIN, "pool.calibration=8"]
    people = [
        drawn_from(data, *few, *more).calibration
        for more in ([], ["mitigation=none", "+conditions.up=resample_up"])
    ]
    pd.testing.assert_frame_equal(*people)
    assert people[0]["ethnicity"].value_counts().to_dict() == {"black": 4, "white": 4}


def test_where_everybody_enters_they_are_people_of_the_source_whom_nobody_learns_from(data):
    refit = "+conditions.refit={refit: {_target_: own_methods.RaiseAll}}"
    for more in ([], [refit]):
        drawn = drawn_from(data, WITHIN, "entrants.n=null", *more)
        people = set(drawn.calibration["image_id"])
        assert people <= set(drawn.source["image_id"]) and len(people) >= 10
        for pool in drawn.pools.values():
            # 15 % of 20 pictures are validation: nobody learns from them
            assert len(people & set(pool["image_id"])) <= 3


def test_a_feature_of_numbers_makes_groups_too(data):
    table = pd.read_csv(data / "labels.csv")
    table["tone"] = np.where(table["ethnicity"] == "black", 8, 2)
    table.to_csv(data / "labels.csv", index=False)
    drawn = drawn_from(data, "pool.feature=tone", "pool.majority='2'", WITHIN)
    assert drawn.groups.names == ("2", "8")
    assert drawn.pools["rebalanced"]["tone"].value_counts().to_dict() == {"2": 10, "8": 10}


def test_too_few_people_to_fit_a_method_on_are_told_before_any_training(data):
    method = "judge.mitigation.scores.StandardiseWithin"
    with pytest.raises(InputError, match=r"conditions\.within\.scores.*at least 40 people of each group"):
        drawn_from(data, f"+conditions.within={{scores: {{_target_: {method}, min_people: 40}}}}")


def test_groups_are_named_and_coded_once_from_the_source(data):
    drawn = drawn_from(data)
    assert drawn.groups.names == ("black", "white")
    for table in (*drawn.pools.values(), drawn.entrants):
        names = np.array(drawn.groups.names)[drawn.groups.codes(table)]
        assert names.tolist() == table["ethnicity"].tolist()
