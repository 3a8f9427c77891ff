"""FairFace's label files, spreadsheet damage included."""

import pandas as pd
import pytest

from judge.data.readers.fairface import read_fairface
from judge.errors import InputError


@pytest.fixture
def root(tmp_path, pictures):
    rows = [
        ("train/1.jpg", "20-29", "Female", "East Asian"),
        ("train/2.jpg", "60-69", "Male", "Latino_Hispanic"),
        ("train/3.jpg", "more than 70", "Male", "White"),
        ("train/4.jpg", "03-Sep", "Female", "Black"),
        ("train/5.jpg", "Oct-19", "Female", "Black"),
        ("train/6.jpg", "0-2", "Female", "Black"),
        ("train/7.jpg", "30-39", "Female", "Black"),
        ("train/7.jpg", "30-39", "Female", "Black"),
        ("train/8.jpg", "30-39", "?", "Black"),
        ("train/9.jpg", "30-39", "Male", "Martian"),
        ("train/10.jpg", "thirty", "Male", "White"),
        ("train/11.jpg", "30-39", "Male", "Indian"),
    ]
    for file, *_ in dict.fromkeys(rows):
        if file != "train/11.jpg":
            pictures(tmp_path / file)
    pictures(tmp_path / "train" / "stray.jpg")
    pictures(tmp_path / "train" / "1.jpg", seed=5)
    pictures(tmp_path / "val" / "1.jpg", seed=5)  # the same photograph, in both splits
    columns = ["file", "age", "gender", "race"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "fairface_label_train.csv", index=False)
    pd.DataFrame([("val/1.jpg", "20-29", "Female", "East Asian")], columns=columns).to_csv(
        tmp_path / "fairface_label_val.csv", index=False
    )
    return tmp_path


def test_every_row_is_used_or_excluded_by_reason(root, reasons):
    data = read_fairface(root)
    assert reasons(data) == {
        "no label": 1,
        "listed twice": 1,
        "may be under 18": 3,  # 03-Sep was 3-9, Oct-19 was 10-19
        "unknown gender": 1,
        "unknown race": 1,
        "unknown age band": 1,
        "file missing": 1,
        "duplicate picture": 1,
    }
    table = data.manifest.set_index("image_id")
    assert sorted(table.index) == ["train/2.jpg", "train/3.jpg", "train/7.jpg", "val/1.jpg"]
    assert table.loc["train/2.jpg", ["ethnicity", "gender", "age_group"]].tolist() == [
        "latino_hispanic",
        "male",
        "60-69",
    ]
    assert table.loc["val/1.jpg", "ethnicity"] == "east_asian"
    assert table.loc["val/1.jpg", "age_group"] == "18-29"
    assert table["rating"].isna().all()
    assert data.rating_range is None


def test_a_band_that_a_spreadsheet_made_a_date_of_is_a_child_all_the_same(root, pictures):
    damaged = ["9-Mar", "19-Oct", "Oct-19", "09-Mar", "3-Sep", "2019-10-01 00:00:00"]
    files = [f"val/{i}.jpg" for i in range(2, 8)]
    for file in [*files, "val/9.jpg"]:
        pictures(root / file)
    table = pd.DataFrame(
        {"file": [*files, "val/9.jpg"], "age": [*damaged, "30-39"], "gender": "Male", "race": "White"}
    )
    table.to_csv(root / "fairface_label_val.csv", index=False)
    data = read_fairface(root, splits=["val"])
    assert data.manifest["image_id"].tolist() == ["val/9.jpg"]
    young = data.excluded.set_index("item").loc[files]
    assert set(young["reason"]) == {"may be under 18"}
    assert young["detail"].tolist() == [
        f"age band {band}" for band in ("3-9", "10-19", "10-19", "3-9", "3-9", "10-19")
    ]


def test_over_seventy_has_no_bracket_but_keeps_its_band(root):
    table = read_fairface(root).manifest.set_index("image_id")
    assert pd.isna(table.loc["train/3.jpg", "age_group"])
    assert table.loc["train/3.jpg", "age_band"] == "more than 70"


def test_one_label_file_is_enough(root):
    (root / "fairface_label_train.csv").unlink()
    data = read_fairface(root)
    assert data.manifest["split"].tolist() == ["val"]


def test_splits_may_be_chosen(root, reasons):
    data = read_fairface(root, splits=["val"])
    assert data.manifest["image_id"].tolist() == ["val/1.jpg"]
    assert reasons(data) == {}
    with pytest.raises(InputError, match="splits are some of 'train', 'val', not 'test'"):
        read_fairface(root, splits=["test"])


def test_a_label_file_without_race_is_refused(root):
    (root / "fairface_label_val.csv").unlink()
    (root / "fairface_label_train.csv").write_text("file,age,gender\ntrain/1.jpg,20-29,Male\n")
    with pytest.raises(InputError, match="lack 'race'"):
        read_fairface(root)


@pytest.mark.slow
def test_the_shared_faces_are_read_whole(shared):
    data = read_fairface(shared / "fairface")
    assert len(data.manifest) == 10540
    assert data.manifest["split"].value_counts().to_dict() == {"train": 6998, "val": 3542}
    assert data.manifest["ethnicity"].nunique() == 7
    assert set(data.manifest["age_group"]) == {"18-29", "30-39", "40-49", "50-59"}
    assert data.excluded.empty
