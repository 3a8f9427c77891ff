"""Your own folder: with a table, with other column names, and with nothing but pictures."""

import pandas as pd
import pytest

from judge.data.readers.folder import read_folder
from judge.errors import InputError


@pytest.fixture
def root(tmp_path, pictures):
    for name in ("a.jpg", "b.jpg", "in ner/c.jpg", "d.jpg", "stray.jpg"):
        pictures(tmp_path / name)
    return tmp_path


def write(root, name="labels.csv", **columns):
    table = pd.DataFrame(columns)
    table.to_parquet(root / name) if name.endswith("parquet") else table.to_csv(root / name, index=False)


FILES = ["a.jpg", "b.jpg", "in ner/c.jpg", "d.jpg"]


@pytest.mark.parametrize("name", ["manifest.csv", "metadata.parquet", "labels.csv"])
def test_a_table_with_manifest_columns_needs_no_settings(root, name, reasons):
    write(
        root,
        name,
        file=FILES,
        rating=[1, 2, 3, None],
        gender=["f", "f", "m", "m"],
        age=[25, 17, 44, 70],
        note="x",
    )
    data = read_folder(root)
    table = data.manifest.set_index("image_id")
    assert reasons(data) == {"may be under 18": 1, "no label": 1}
    assert table["age_group"].fillna("none").to_dict() == {
        "a.jpg": "18-29",
        "in ner/c.jpg": "40-49",
        "d.jpg": "none",
    }
    assert table["note"].tolist() == ["x"] * 3  # further columns are kept
    assert data.rating_range == (1, 3)
    assert data.real_people


def test_columns_and_values_may_have_other_names(root):
    write(
        root, "t.csv", photo=FILES, race=["w", "w", "b", "b"], sex=["F", "M", "F", "M"], beauty=[1, 2, 3, 4]
    )
    data = read_folder(
        root,
        name="mine",
        table="t.csv",
        image="photo",
        columns={"ethnicity": "race", "gender": "sex", "rating": "beauty"},
        values={"gender": {"F": "female", "M": "male"}},
        rating_range=[0, 10],
    )
    assert data.name == "mine"
    assert data.manifest["gender"].tolist() == ["female", "male", "female", "male"]
    assert data.manifest["ethnicity"].tolist() == ["w", "w", "b", "b"]
    assert data.manifest["rating"].tolist() == [1, 2, 3, 4]
    assert data.rating_range == (0, 10)


def test_without_a_table_every_picture_is_taken_unlabelled(root):
    data = read_folder(root)
    assert len(data.manifest) == 5
    assert data.manifest["rating"].isna().all()
    assert data.rating_range is None


def test_single_ratings_give_the_rating_where_there_is_none(root):
    write(root, file=FILES[:2], gender=["female", "male"])
    write(root, "votes.csv", photo=["a.jpg", "a.jpg", "b.jpg"], worker=[1, 2, 1], score=[2, 5, 4])
    data = read_folder(
        root,
        ratings="votes.csv",
        rating_columns={"image_id": "photo", "rater_id": "worker", "rating": "score"},
    )
    assert data.manifest["rating"].tolist() == [3.5, 4]
    assert data.rating_range == (2, 5)
    assert len(data.ratings) == 3


def test_a_single_rating_outside_the_range_does_not_pull_the_mean(root, reasons):
    write(root, file=FILES[:2], gender=["female", "male"])
    votes = {
        "image_id": ["a.jpg"] * 3 + ["b.jpg"] * 2,
        "rater_id": [1, 2, 3, 1, 2],
        "rating": [2, 4, 99, 0, -1],
    }
    write(root, "ratings.csv", **votes)
    data = read_folder(root, rating_range=(1, 5))
    assert data.manifest["rating"].tolist()[0] == 3  # (2 + 4) / 2, not (2 + 4 + 99) / 3
    assert data.manifest["rating"].isna().tolist() == [False, True]  # b.jpg has no rating that counts
    assert reasons(data)["single rating outside the range"] == 3


def test_what_breaks_a_rule_is_excluded_by_reason(root, pictures, reasons):
    pictures(root / "cut.jpg", cut=True)
    (root / "empty.jpg").write_bytes(b"")
    (root / "text.jpg").write_text("not found")
    write(
        root,
        file=[
            "a.jpg",
            "a.jpg",
            "b.jpg",
            "d.jpg",
            "cut.jpg",
            "empty.jpg",
            "text.jpg",
            "gone.jpg",
            "in ner/c.jpg",
            None,
        ],
        rating=[1, 1, "good", 11, 1, 1, 1, 1, 1, 1],
    )
    data = read_folder(root, rating_range=(1, 10))
    assert data.manifest["image_id"].tolist() == ["a.jpg", "in ner/c.jpg"]
    assert reasons(data) == {
        "listed twice": 1,
        "rating is no number": 1,
        "rating outside the range": 1,
        "broken picture": 3,
        "file missing": 1,
        "no picture named": 1,
        "no label": 1,
    }


def test_damage_inside_a_picture_is_found_by_decoding(root, pictures, reasons):
    path = pictures(root / "a.jpg", kind="PNG", size=(64, 64))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 400] = bytes(400)  # header and end are whole, the middle is not
    path.write_bytes(raw)
    assert "broken picture" not in reasons(read_folder(root))
    assert reasons(read_folder(root, check="decode")) == {"broken picture": 1}


def test_equal_pixels_in_different_files_are_found_by_decoding(root, pictures, reasons):
    pictures(root / "x.png", kind="PNG", seed=9)
    pictures(root / "y.bmp", kind="BMP", seed=9)
    assert reasons(read_folder(root)) == {}
    data = read_folder(root, check="decode")
    assert reasons(data) == {"duplicate picture": 1}
    assert data.excluded["item"].tolist() == ["y.bmp"]


@pytest.mark.parametrize("check", ["none", "header"])
def test_a_missing_file_is_noticed_however_little_is_checked(root, check, reasons):
    write(root, file=["a.jpg", "gone.jpg"])
    assert reasons(read_folder(root, check=check))["file missing"] == 1


def test_rendered_people_are_not_real_people(root):
    write(root, file=FILES, source="parametric")
    assert not read_folder(root).real_people


def test_bands_that_may_hold_minors_or_cannot_be_read_are_excluded_and_the_others_get_one_spelling(
    root, reasons
):
    write(root, file=FILES, age_group=["19-Oct", "grown", "18–29", "more than 70"])
    data = read_folder(root)
    assert data.manifest["age_group"].tolist() == ["18-29", "more than 70"]
    assert reasons(data) == {"may be under 18": 1, "unknown age band": 1, "no label": 1}
    assert data.excluded.set_index("item")["detail"].loc[["a.jpg", "b.jpg"]].tolist() == [
        "age band 19-Oct",
        "grown",
    ]


def test_whose_age_is_known_needs_no_readable_band(root, reasons):
    write(root, file=FILES, age_group=["grown", "grown", "10-19", None], age=[33, None, 33, 33])
    data = read_folder(root)
    table = data.manifest.set_index("image_id")["age_group"]
    assert table.to_dict() == {"a.jpg": "30-39", "d.jpg": pytest.approx(float("nan"), nan_ok=True)}
    assert reasons(data) == {"may be under 18": 1, "unknown age band": 1, "no label": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "none.csv"}, "no such file"),
        ({"columns": {"ethnicity": "race"}}, "no column 'race'"),
        ({"image": "photo"}, "image='photo' is not one of"),
        ({"values": {"gender": {"F": "female"}}}, "no column 'gender'"),
        ({"rating_range": (5, 1)}, r"rating_range is \[lowest, highest\]"),
        ({"check": "glance"}, "check is one of"),
        ({"exclude": "none.txt"}, "exclude: no such file"),
    ],
)
def test_a_wrong_setting_is_named(root, options, message):
    write(root, file=FILES, rating=[1, 2, 3, 4])
    with pytest.raises(InputError, match=message):
        read_folder(root, **options)


def test_an_unknown_split_is_refused_rather_than_dropped(root):
    write(root, file=FILES, split=["train", "dev", "test", None])
    with pytest.raises(InputError, match="not 'dev'"):
        read_folder(root)


def test_an_empty_folder_says_what_is_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"no pictures and no table.*metadata.csv"):
        read_folder(tmp_path)
