"""Who trains and who enters, from two small folders of pictures."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from PIL import Image

from judge.errors import InputError
from judge.experiment import draw as casting
from judge.experiment import settings as config

GROUPS = ("black", "white")


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


def cast(data, *overrides, entrants_data=None):
    words = ["data=folder", f"data.root={data}", "data.rating_range=[1,7]", "pool.majority=white"]
    words += ["pool.n=20", "pool.majority_share=.8", "entrants.n=12", "entrants.held_out=.4"]
    if entrants_data:
        words += ["data@entrants_data=folder", f"entrants_data.root={entrants_data}"]
    with initialize_config_module("judge.conf", version_base="1.3"):
        return casting.draw(compose("config", overrides=[*words, *overrides]))


@pytest.fixture
def data(tmp_path):
    return folder(tmp_path / "data")


def test_the_mitigation_meets_the_shifted_ratings(data):
    shifted = "pool.rating_shift={black: -2}"
    plain = cast(data, "mitigation=reweigh_labels").pools["rebalanced"]
    skewed = cast(data, "mitigation=reweigh_labels", shifted).pools["rebalanced"]
    low = skewed["rating"] <= skewed["rating"].median()
    black = skewed["ethnicity"] == "black"
    assert not np.allclose(plain["weight"], skewed["weight"])
    # low ratings of the group that is rated down count less than those of the other
    assert skewed.loc[black & low, "weight"].mean() < skewed.loc[~black & low, "weight"].mean()


def test_a_shift_changes_neither_who_is_drawn_nor_anybody_else_s_rating(data):
    plain, shifted = cast(data), cast(data, "pool.rating_shift={black: -0.5}")
    for name in ("skewed", "rebalanced"):
        before, after = plain.pools[name], shifted.pools[name]
        assert before["image_id"].tolist() == after["image_id"].tolist()
        expected = (before["rating"] + np.where(before["ethnicity"] == "black", -0.5, 0.0)).clip(1, 7)
        pd.testing.assert_series_equal(after["rating"], expected)
    pd.testing.assert_frame_equal(plain.entrants, shifted.entrants)


def test_entrants_of_another_folder_stay_although_their_files_have_the_same_names(data, tmp_path):
    other = folder(tmp_path / "other", seed=1, ratings=False)
    (other / "0.png").write_bytes((data / "0.png").read_bytes())
    drawn = cast(data, "entrants.n=null", entrants_data=other)
    copied = int(drawn.source["image_id"].eq("0.png").any())
    assert len(drawn.entrants) == 80 - copied
    assert drawn.entrants["image_id"].str.startswith("folder:").all()
    assert (drawn.excluded["reason"] == "also in the training data").sum() == copied == 1


def test_one_folder_read_twice_gives_no_entrant_of_the_pool_and_counts_whom_it_drops(data):
    drawn = cast(data, "entrants.n=null", entrants_data=f"{data}/../data")
    assert set(drawn.entrants["image_id"]) == {f"{i}.png" for i in range(80)} - set(drawn.source["image_id"])
    told = drawn.excluded[drawn.excluded["reason"] == "also in the training data"]
    assert set(told["item"]) == set(drawn.source["image_id"])
    assert set(told["detail"]) == {"the same image_id"}


def test_rows_without_a_group_and_outside_the_groups_are_counted(data):
    table = pd.read_csv(data / "labels.csv")
    table.loc[table.index[:3], "ethnicity"] = None
    table.loc[table.index[3:8], "ethnicity"] = "asian"
    table.to_csv(data / "labels.csv", index=False)
    drawn = cast(data, "pool.groups=[black,white]")
    assert drawn.excluded["reason"].value_counts().to_dict() == {
        "outside pool.groups": 5,
        "ethnicity unknown": 3,
    }
    assert set(drawn.excluded["dataset"]) == {"folder"}


def test_a_pool_by_gender_is_not_balanced_by_gender_as_well(data):
    drawn = cast(data, "pool.feature=gender", "pool.majority=female", "entrants.jointly=gender")
    assert drawn.pools["skewed"]["gender"].value_counts().to_dict() == {"female": 16, "male": 4}
    assert drawn.pools["rebalanced"]["gender"].value_counts().to_dict() == {"female": 10, "male": 10}


def test_a_table_without_gender_says_what_to_set(tmp_path):
    bare = folder(tmp_path / "bare", drop=["gender"])
    with pytest.raises(
        InputError, match=r"pool\.jointly='gender'.*folder has no such labels.*pool\.jointly=null"
    ):
        cast(bare)
    assert len(cast(bare, "pool.jointly=null").pools["skewed"]) == 20
    with pytest.raises(InputError, match=r"entrants\.jointly='gender'"):
        cast(bare, "pool.jointly=null", "entrants.jointly=gender")


def test_entrants_are_balanced_as_the_pool_if_asked(data):
    drawn = cast(data, "entrants.jointly=gender").entrants
    assert drawn.groupby(["ethnicity", "gender"]).size().tolist() == [3, 3, 3, 3]
    assert config.settings_hash(_settings("entrants.jointly=gender")) != config.settings_hash(_settings())


def _settings(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=list(overrides))
