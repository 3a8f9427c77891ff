"""SCUT-FBP5500 in both generations of file names, with its folder that has a space in its name."""

import pandas as pd
import pytest

from judge.data.readers.scut_fbp5500 import canonical, read_scut_fbp5500
from judge.errors import InputError


@pytest.fixture
def root(tmp_path, pictures):
    for name in ("AF1.jpg", "CM22.jpg", "ftw3.jpg", "mty4.jpg", "AF9.jpg", "fty1.jpg", "selfie.jpg"):
        pictures(tmp_path / "Images" / name)
    lists = tmp_path / "train_test_files"
    lists.mkdir()
    (lists / "All_labels.txt").write_text(
        "AF1.jpg 2.5\nCM22.jpg 4.1\nCF3.jpg 3.0\nAM4.jpg 1.0\nCM23.jpg 2\nCF3.jpg 3.0\nAF5 nothing\nCM22.jpg 9\n"
    )
    fixed = lists / "split_of_60%training and 40%testing"
    fixed.mkdir()
    (fixed / "train.txt").write_text("AF1.jpg 2.5\nCM22.jpg 4.1\n")
    (fixed / "test.txt").write_text("CF3.jpg 3.0\nmty4.jpg 1.0\n")
    fold = lists / "5_folders_cross_validations_files" / "cross_validation_2"
    fold.mkdir(parents=True)
    (fold / "train_2.txt").write_text("CF3.jpg 3.0\n")
    (fold / "test_2.txt").write_text("AF1.jpg 2.5\n")
    one = pd.DataFrame({"Rater": [1, 2, 2], "Filename": ["AF1.jpg"] * 3, "Rating": [2, 3, 3]})
    two = pd.DataFrame({"Rater": [1, 2], "Filename": ["ftw3.jpg", "CF3.jpg"], "Rating": [3, "x"]})
    with pd.ExcelWriter(tmp_path / "All_Ratings.xlsx") as book:
        pd.concat([one, two]).to_excel(book, sheet_name="ALL", index=False)
        one.to_excel(book, sheet_name="Asian_Female", index=False)
        two.to_excel(book, sheet_name="Caucasian_Female", index=False)
    return tmp_path


def test_old_and_new_names_are_one_set(root, reasons):
    data = read_scut_fbp5500(root)
    table = data.manifest.set_index("image_id")
    assert table[["ethnicity", "gender", "split", "rating"]].to_dict("index") == {
        "AF1": {"ethnicity": "asian", "gender": "female", "split": "train", "rating": 2.5},
        "CM22": {"ethnicity": "caucasian", "gender": "male", "split": "train", "rating": 4.1},
        "CF3": {"ethnicity": "caucasian", "gender": "female", "split": "test", "rating": 3.0},
        "AM4": {"ethnicity": "asian", "gender": "male", "split": "test", "rating": 1.0},
    }
    assert reasons(data) == {
        "unknown name": 1,
        "second file of one picture": 1,  # fty1 beside AF1
        "unreadable score line": 1,
        "listed twice": 2,
        "no rating": 1,  # AF9
        "file missing": 1,  # CM23
        "unreadable single rating": 1,
        "single rating listed twice": 1,
    }


def test_single_ratings_are_not_counted_twice_for_the_sheet_of_all(root):
    ratings = read_scut_fbp5500(root).ratings
    assert ratings.to_numpy().tolist() == [["AF1", "1", 2.0], ["AF1", "2", 3.0], ["CF3", "1", 3.0]]


def test_a_fold_may_be_chosen_and_pictures_outside_it_have_no_split(root):
    split = read_scut_fbp5500(root, split=2).manifest.set_index("image_id")["split"]
    assert split["AF1"] == "test"
    assert split["CF3"] == "train"
    assert split[["CM22", "AM4"]].isna().all()


def test_an_absent_fold_is_named(root):
    with pytest.raises(InputError, match="cross_validation_5"):
        read_scut_fbp5500(root, split=5)
    with pytest.raises(InputError, match="split is one of"):
        read_scut_fbp5500(root, split="80-20")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("CF437.jpg", "CF437"),
        ("Images/ftw012.jpg", "CF12"),
        ("mty4.JPG", "AM4"),
        ("XF1.jpg", None),
        ("a.jpg", None),
    ],
)
def test_names_of_both_generations_mean_the_same(file, expected):
    assert canonical(file) == expected
