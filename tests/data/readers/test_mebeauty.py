"""MEBeauty's official layout with its traps, built small and counted by hand; and the packed form."""

import pandas as pd
import pytest

from judge.data.readers.mebeauty import read_mebeauty, score_line
from judge.errors import InputError

ELSEWHERE = "/home/someone/faces/images"
LONG = "a-portrait-of-somebody-with-a-long-name"  # 39 characters; stored under its first 32


@pytest.fixture
def root(tmp_path, pictures):
    base = tmp_path / "original_images"
    for name in (
        "female/asian/one.jpg",
        "female/asian/two words (1).jpg",
        "female/black/o'clock [x].jpg",
        "male/indian/13.jpg",
        "male/hispanic/13.jpg",
        "male/mideastern/moved.jpg",
        "male/caucasian/unrated.jpg",
        f"male/caucasian/{LONG[:32]}.jpg",
    ):
        pictures(base / name)
    pictures(base / "female/caucasian/png.jpg", kind="PNG")
    pictures(base / "female/hispanic/cut.jpg", cut=True)
    pictures(base / "female/indian/twin.jpg", seed=1)
    pictures(base / "female/indian/twin copy.jpg", seed=1)
    pictures(base / "female/black/disputed.jpg", seed=2)
    pictures(base / "female/hispanic/disputed2.jpg", seed=2)
    scores = tmp_path / "scores"
    scores.mkdir()
    (scores / "train_2022.txt").write_text(
        f"{ELSEWHERE}/female/asian/one.jpg 6.5\n"
        f'"{ELSEWHERE}/female/asian/two words (1).jpg" 7.25\n'
        f'"{ELSEWHERE}/female/black/o\'clock [x].jpg" 5\n'
        f"{ELSEWHERE}/male/indian/13.jpg 4\n"
        f"{ELSEWHERE}/male/hispanic/13.jpg 3\n"
        f"{ELSEWHERE}/female/indian/twin.jpg 8\n"
        f"{ELSEWHERE}/female/hispanic/cut.jpg 5\n"
        f"{ELSEWHERE}/female/black/disputed.jpg 5\n"
        f"{ELSEWHERE}/female/hispanic/disputed2.jpg 5\n"
        f"{ELSEWHERE}/male/caucasian/gone.jpg 5\n"
        f"{ELSEWHERE}/female/asian/one.jpg 6.5\n"
        f"{ELSEWHERE}/male/indian/13.jpg 4.5\n"
        "no score here\n"
        "\n"
    )
    (scores / "val_2022.txt").write_text(f"{ELSEWHERE}/female/caucasian/png.jpg 9\n")
    (scores / "test_2022.txt").write_text(
        f"{ELSEWHERE}/female/indian/twin copy.jpg 8\n"
        f"{ELSEWHERE}/male/hispanic/13.jpg 3\n"
        f"{ELSEWHERE}/male/asian/moved.jpg 6\n"  # the picture lies under mideastern now
        f"{ELSEWHERE}/male/caucasian/{LONG}.jpg 5.5\n"
    )
    table = {
        "Unnamed: 0": [0, 1, 2],
        "mean": [6.5, 4, 5],
        "image": ["one.jpg", "13.jpg", "gone.jpg"],
        "path": [
            f"{ELSEWHERE}/female/asian/one.jpg",
            f"{ELSEWHERE}/male/indian/13.jpg",
            f"{ELSEWHERE}/male/caucasian/gone.jpg",
        ],
        "rater a": [6, 4, 5],
        "rater b": [7, None, 5],
        "rater c": [11, None, None],
    }
    pd.DataFrame(table).to_excel(scores / "generic_scores_all_2022.xlsx", index=False)
    return tmp_path


def test_every_trap_is_read_or_excluded_by_reason(root, reasons):
    data = read_mebeauty(root)
    assert reasons(data) == {
        "unreadable score line": 1,
        "file missing": 1,  # gone.jpg in a score file
        "ratings of a missing picture": 1,  # and in the workbook
        "listed twice": 1,  # one.jpg
        "listed twice with different scores": 1,  # male/indian/13.jpg
        "listed in several splits": 1,  # male/hispanic/13.jpg
        "no rating": 1,
        "broken picture": 1,
        "duplicate picture": 1,  # the training copy of the twin
        "duplicates with conflicting labels": 2,
        "single rating outside 1–10": 1,
    }
    table = data.manifest.set_index("image_id")
    assert sorted(table.index) == sorted(
        [
            "female/asian/one.jpg",
            "female/asian/two words (1).jpg",
            "female/black/o'clock [x].jpg",
            "female/caucasian/png.jpg",
            "female/indian/twin copy.jpg",
            "male/caucasian/a-portrait-of-somebody-with-a-lo.jpg",
            "male/hispanic/13.jpg",
            "male/indian/13.jpg",
            "male/mideastern/moved.jpg",
        ]
    )
    assert table.loc["female/asian/two words (1).jpg", "rating"] == 7.25
    assert table.loc["male/indian/13.jpg", "rating"] == 4  # the first of the two
    assert table.loc["male/hispanic/13.jpg", "split"] == "test"  # the more held-out of the two
    assert table.loc["male/mideastern/moved.jpg", "ethnicity"] == "mideastern"
    assert "age_group" not in table


def test_single_ratings_come_from_the_workbook(root):
    ratings = read_mebeauty(root).ratings
    assert sorted(ratings[["image_id", "rater_id", "rating"]].itertuples(index=False, name=None)) == [
        ("female/asian/one.jpg", "rater a", 6.0),
        ("female/asian/one.jpg", "rater b", 7.0),
        ("male/indian/13.jpg", "rater a", 4.0),
    ]
    assert read_mebeauty(root, single_ratings=False).ratings is None


def test_several_crops_have_to_be_chosen_from(root, pictures):
    for crop in ("mtcnn", "dlib"):
        pictures(root / "cropped_images" / crop / "female" / "asian" / "one.jpg")
    with pytest.raises(
        InputError, match=r"'dlib', 'mtcnn': choose one of them with pictures=cropped_images/…"
    ):
        read_mebeauty(root, pictures="cropped_images")
    data = read_mebeauty(root, pictures="cropped_images/dlib")
    assert data.manifest["image_id"].tolist() == ["female/asian/one.jpg"]


def test_pictures_on_the_exclusion_list_are_excluded(root, tmp_path, reasons):
    (tmp_path / "young.txt").write_text("# an age screen\nfemale/asian/one.jpg\n")
    data = read_mebeauty(root, exclude=tmp_path / "young.txt")
    assert reasons(data)["on the exclusion list"] == 1
    assert "female/asian/one.jpg" not in set(data.manifest["image_id"])
    assert "female/asian/one.jpg" not in set(data.ratings["image_id"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a/b.jpg 5.5", ("a/b.jpg", 5.5)),
        ("a/b c (1).jpg 5", ("a/b c (1).jpg", 5.0)),
        ('"a/b c.jpg" 5', ("a/b c.jpg", 5.0)),
        ("'a/b c.jpg' 5", ("a/b c.jpg", 5.0)),
        ('"a/o\'c.jpg" 5', ("a/o'c.jpg", 5.0)),
        ('"a/say ""cheese"".jpg" 5', ('a/say "cheese".jpg', 5.0)),
        ("a/b.jpg", None),
        ("a/b.jpg five", None),
        ("5.5", None),
    ],
)
def test_the_last_space_separates_path_and_score(line, expected):
    assert score_line(line) == expected


def test_the_packed_form_gives_the_same_columns(tmp_path, pictures, reasons):
    for i in range(3):
        pictures(tmp_path / "images" / f"me{i}.jpg")
    pictures(tmp_path / "images" / "stray.jpg")
    (tmp_path / "manifest.csv").write_text(
        "image_id,file,gender,ethnicity,score,split\n"
        "me0,images/me0.jpg,female,asian,6.5,train\n"
        "me1,images/me1.jpg,male,black,5.5,test\n"
        "me2,images/me2.jpg,male,black,,test\n"
    )
    pd.DataFrame({"image_id": ["me0", "me2"], "rater_id": ["r1", "r1"], "rating": [6, 5]}).to_csv(
        tmp_path / "ratings.csv.gz", index=False
    )
    (tmp_path / "raters.csv").write_text("rater_id,rater_gender\nr1,female\n")
    data = read_mebeauty(tmp_path)
    assert data.manifest["rating"].tolist() == [6.5, 5.5]
    assert reasons(data) == {"no rating": 2}
    assert data.ratings[["image_id", "rater_gender"]].to_numpy().tolist() == [["me0", "female"]]
    assert data.rating_range == (1, 10)
    assert "non-commercial" in data.card


def test_another_folder_is_not_mistaken_for_it(tmp_path):
    (tmp_path / "holiday").mkdir()
    with pytest.raises(InputError, match=r"does not look like it.*holiday"):
        read_mebeauty(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_mebeauty(tmp_path / "nowhere")


def test_the_shared_pictures_are_read_whole(shared):
    data = read_mebeauty(shared / "mebeauty")
    assert len(data.manifest) == 1693
    assert data.manifest["split"].value_counts().to_dict() == {"train": 1186, "test": 365, "val": 142}
    assert len(data.ratings) == 43954
    assert data.excluded.empty
    assert data.real_people
