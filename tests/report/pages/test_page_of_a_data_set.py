"""The page of a data set: what is counted, what is missing, no face."""

import numpy as np
import pandas as pd
import pytest

from judge.report.pages.dataset import data_counts, duplicate_counts, write_data_report

SCRIPT = '<script>alert("x")</script>'


@pytest.fixture
def manifest():
    return pd.DataFrame(
        {
            "image_id": ["1", "2", "3", "4"],
            "ethnicity": ["a", "a", SCRIPT, None],
            "gender": ["f", "m", "f", "f"],
            "rating": [1.0, 2.0, np.nan, 4.0],
            "source": "photo",
            "split": ["train", "test", "train", "train"],
            "content_hash": ["x", "x", "y", "z"],
            "path": "nowhere.jpg",
        }
    )


def test_pictures_are_counted_by_group_and_bracket_with_missing_labels_kept(manifest):
    table = data_counts(manifest, "ethnicity", ["gender"]).set_index(["group", "bracket"])["n"]
    assert table.to_dict() == {("a", "f"): 1, ("a", "m"): 1, (SCRIPT, "f"): 1, ("(missing)", "f"): 1}


def test_copies_are_counted_also_across_splits(manifest):
    assert duplicate_counts(manifest)["count"].tolist() == [2, 2]
    assert duplicate_counts(manifest.assign(split="train"))["count"].tolist() == [2, 0]
    assert duplicate_counts(manifest.drop(columns="content_hash")).empty


def test_the_page_of_a_data_set_shows_no_face_and_counts_what_is_missing(tmp_path, manifest, assert_safe):
    exclusions = pd.DataFrame({"item": ["9"], "reason": ["a broken picture"], "detail": [""]})
    page = write_data_report(
        tmp_path, name=SCRIPT, card=SCRIPT, manifest=manifest, excluded=exclusions, rating_range=(1, 10)
    )
    seen = assert_safe(page)
    images = [a["src"] for tag, a in seen.tags if tag == "img"]
    assert images
    assert all(src.startswith("data:image/svg+xml") for src in images)
    assert "3 (75.0 %)" in seen.text.replace("\u00a0", " ")
    assert "a broken picture" in seen.text
