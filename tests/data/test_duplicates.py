"""Of several copies the most held-out one stays; copies that disagree all go."""

import pandas as pd

from judge.data.duplicates import same_picture, without_duplicates


def manifest(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"image_id": [f"p{i}" for i in range(n)], **columns})


def test_the_most_held_out_copy_stays():
    kept, excluded = without_duplicates(
        manifest(content_hash=["h", "h", "h", "i"], split=["train", "test", "val", "train"])
    )
    assert kept["image_id"].tolist() == ["p1", "p3"]
    assert excluded[["item", "reason", "detail"]].to_numpy().tolist() == [
        ["p0", "duplicate picture", "same picture as p1 (test)"],
        ["p2", "duplicate picture", "same picture as p1 (test)"],
    ]


def test_a_copy_without_a_split_is_the_least_held_out():
    kept, _ = without_duplicates(manifest(content_hash=["h", "h"], split=[None, "train"]))
    assert kept["image_id"].tolist() == ["p1"]


def test_without_splits_the_first_stays():
    kept, _ = without_duplicates(manifest(content_hash=["h", "h"]))
    assert kept["image_id"].tolist() == ["p0"]


def test_copies_that_disagree_in_a_label_all_go():
    kept, excluded = without_duplicates(
        manifest(
            content_hash=["h", "h", "i"], gender=["female", "male", "male"], split=["train", "test", "val"]
        )
    )
    assert kept["image_id"].tolist() == ["p2"]
    assert set(excluded["reason"]) == {"duplicates with conflicting labels"}
    assert excluded["detail"].tolist() == ["gender: female, male"] * 2


def test_a_missing_label_is_no_conflict():
    kept, _ = without_duplicates(manifest(content_hash=["h", "h"], gender=[None, "male"]))
    assert len(kept) == 1


def test_bytes_and_pixels_chain_into_one_group():
    group = same_picture(manifest(content_hash=["a", "a", "b", "c"], pixel_hash=["1", "2", "2", None]))
    assert group.tolist() == [0, 0, 0, 1]


def test_missing_hashes_are_not_equal():
    kept, excluded = without_duplicates(manifest(content_hash=[None, None]))
    assert len(kept) == 2
    assert excluded.empty


def test_a_long_chain_does_not_exhaust_the_stack():
    n = 20_000
    chain = manifest(
        content_hash=[str(i // 2) for i in range(n)], pixel_hash=[str((i + 1) // 2) for i in range(n)]
    )
    assert same_picture(chain).nunique() == 1
