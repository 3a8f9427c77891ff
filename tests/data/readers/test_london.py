"""The London set in its official and its packed form."""

import pandas as pd
import pytest

from judge.data.readers.london import read_london

FACES = [("001", 24.0, "female", "white"), ("173", None, "male", "west_asian")]
RATERS = pd.DataFrame(
    {"rater_sex": ["female", "male"], "rater_sexpref": ["men", "women"], "rater_age": [20, 30]}
    | {"X001": [3, 5], "X173": [9, 2]}
)


@pytest.fixture
def official(tmp_path, pictures):
    for number, *_ in FACES:
        pictures(tmp_path / "neutral_front" / f"{number}_03.jpg")
    pictures(tmp_path / "neutral_front" / "999_03.jpg")
    pictures(tmp_path / "smiling_front" / "001_08.jpg")
    info = pd.DataFrame(FACES, columns=["face_id", "face_age", "face_sex", "face_eth"])
    info["face_id"] = "X" + info["face_id"]
    info.to_csv(tmp_path / "london_faces_info.csv", index=False)
    RATERS.to_csv(tmp_path / "london_faces_ratings.csv", index=False)
    return tmp_path


@pytest.fixture
def packed(tmp_path, pictures):
    for number, *_ in FACES:
        pictures(tmp_path / "images" / f"{number}_03.jpg")
    pictures(tmp_path / "images" / "999_03.jpg")
    table = pd.DataFrame(FACES, columns=["face_id", "age", "gender", "ethnicity"])
    table.insert(0, "file", "images/" + table["face_id"] + "_03.jpg")
    table.assign(score=[4.0, 2.0]).to_csv(tmp_path / "manifest.csv", index=False)
    RATERS.to_csv(tmp_path / "ratings_wide.csv.gz", index=False)
    return tmp_path


@pytest.mark.parametrize("form", ["official", "packed"])
def test_both_forms_give_the_same_people_and_ratings(form, request, reasons):
    data = read_london(request.getfixturevalue(form))
    table = data.manifest.set_index("image_id")
    assert table["rating"].to_dict() == {"london-001": 4.0, "london-173": 2.0}
    assert table["person_id"].tolist() == ["001", "173"]
    assert table["ethnicity"].tolist() == ["white", "west_asian"]
    assert table["age_group"].fillna("unknown").tolist() == ["18-29", "unknown"]
    ratings = data.ratings.sort_values(["image_id", "rater_id"])
    assert ratings[["image_id", "rater_id", "rating"]].to_numpy().tolist() == [
        ["london-001", "r0000", 3.0],
        ["london-001", "r0001", 5.0],
        ["london-173", "r0001", 2.0],
    ]
    assert reasons(data) == {"no label": 1, "single rating outside 1–7": 1}


@pytest.mark.slow
def test_the_shared_faces_are_read_whole(shared):
    data = read_london(shared / "london")
    assert len(data.manifest) == 102
    assert len(data.ratings) == 2513 * 102  # nobody left a face out
    means = data.ratings.groupby("image_id")["rating"].mean()
    assert (data.manifest.set_index("image_id")["rating"] - means).abs().max() < 1e-4
    assert data.excluded.empty
