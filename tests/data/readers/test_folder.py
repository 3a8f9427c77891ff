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


def rated(root, header, rows, name="metadata.csv", ending=""):
    (root / name).write_text("\n".join([header, *(row + ending for row in rows)]) + "\n")


def means(data, feature):
    groups = data.manifest.groupby(data.manifest[feature].fillna("(missing)"))["rating"]
    return {name: (len(part), round(part.mean(), 2)) for name, part in groups}


def test_groups_called_na_and_none_are_groups(root):
    rated(root, "path,ethnicity,rating", ["a.jpg,NA,2", "b.jpg,None,3", "d.jpg,null,4", "stray.jpg,,5"])
    assert means(read_folder(root), "ethnicity") == {
        "NA": (1, 2), "None": (1, 3), "null": (1, 4), "(missing)": (1, 5)
    }  # fmt: skip


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.parquet"])
def test_number_codes_with_a_blank_are_recoded_and_a_key_of_nobody_is_told(root, name):
    table = pd.DataFrame(
        {"path": FILES, "gender": [0, 1, None, 0], "rating": [1, 2, 3, 4], "town": [7, None, 7, 8]}
    )
    if name.endswith("csv"):
        table.astype({"gender": "Int64", "town": "Int64"}).to_csv(root / name, index=False)
    else:
        table.to_parquet(root / name)
    data = read_folder(root, values={"gender": {0: "male", "1": "female", 2: "other"}})
    assert means(data, "gender") == {"male": (2, 2.5), "female": (1, 2), "(missing)": (1, 3)}
    assert "values.gender: no row has '2'; the column holds '0', '1'" in data.notes
    assert data.manifest["town"].dropna().astype("str").tolist() == ["7", "7", "8"]  # not 7.0


@pytest.mark.parametrize("ending", ["", ",", ",,"])
def test_commas_at_the_end_of_every_row_shift_no_column(root, ending):
    rated(root, "path,ethnicity,gender,rating", ["a.jpg,white,f,3.5", "b.jpg,black,m,4.5"], ending=ending)
    data = read_folder(root)
    assert means(data, "ethnicity") == {"white": (1, 3.5), "black": (1, 4.5)}
    assert any("empty fields at the end of 2 row(s)" in note for note in data.notes) is bool(ending)


def test_rows_of_another_width_are_refused(root):
    rated(root, "path,ethnicity,rating", ["a.jpg,white,f,3.5", "b.jpg,black,m,4.5"])
    with pytest.raises(InputError, match="rows have 4 fields, the header 3"):
        read_folder(root)


def test_the_index_of_a_parquet_table_is_a_column(root):
    table = pd.DataFrame({"path": FILES, "ethnicity": ["a", "b", "a", "b"], "rating": [1, 2, 3, 4]})
    table.set_index("path").to_parquet(root / "metadata.parquet")
    assert means(read_folder(root), "ethnicity") == {"a": (2, 2), "b": (2, 3)}


def test_identifiers_and_single_ratings_keep_their_zeros(root):
    rated(root, "path,image_id,gender", ["a.jpg,007,f", "b.jpg,7,m", "d.jpg,1e5,f", "stray.jpg,100000,m"])
    rated(
        root,
        "image_id,rater_id,rating",
        ["007,01,1", "7,1,2", "1e5,NA,3", "100000,1,4", "8,1,5"],
        "ratings.csv",
    )
    data = read_folder(root)
    assert data.manifest.set_index("image_id")["rating"].to_dict() == {
        "007": 1,
        "7": 2,
        "1e5": 3,
        "100000": 4,
    }
    assert data.ratings["rater_id"].tolist() == ["01", "1", "NA", "1"]
    assert any(
        "1 of 5 single ratings are of no picture in the table, first '8'" in note for note in data.notes
    )


@pytest.mark.parametrize("column", ["rating", "age", "path", "ethnicity"])
def test_lists_where_a_value_is_needed_are_refused_and_others_left_out(root, column):
    table = pd.DataFrame({"path": FILES, "ethnicity": "x", "rating": 1.0, "age": 30.0, "box": [[1, 2]] * 4})
    table.to_parquet(root / "metadata.parquet")
    data = read_folder(root)
    assert "box" not in data.manifest
    assert any("'box' hold lists and are left out" in note for note in data.notes)
    table.assign(**{column: [[1]] * 4}).to_parquet(root / "metadata.parquet")
    with pytest.raises(InputError, match=f"'{column}' hold lists"):
        read_folder(root)


@pytest.mark.parametrize(
    "values", [pd.date_range("1990-01-01", periods=4), pd.to_timedelta([1, 2, 3, 4], "D")]
)
@pytest.mark.parametrize("column", ["rating", "age"])
def test_times_are_no_ratings_and_birthdays_no_ages(root, column, values):
    pd.DataFrame({"path": FILES, column: values}).to_parquet(root / "metadata.parquet")
    with pytest.raises(InputError, match="which are no numbers"):
        read_folder(root)


def test_ratings_beyond_what_a_number_can_hold_are_refused(root):
    rated(root, "path,rating", ["a.jpg,9007199254740993", "b.jpg,9007199254740992"])
    with pytest.raises(InputError, match="beyond 2\\^53"):
        read_folder(root)


def test_a_semicolon_table_of_another_country_is_read(root):
    (root / "metadata.csv").write_bytes("path;gender;rating\r\na.jpg;f;3,5\r\nb.jpg;m;4\r\n".encode("utf-16"))
    assert means(read_folder(root), "gender") == {"f": (1, 3.5), "m": (1, 4)}


def test_bands_that_a_spreadsheet_made_dates_of_are_no_adults_in_any_column(root, pictures):
    bands = [
        "20-29",
        "9-Mar",
        "19-Oct",
        "Oct-19",
        "09-Mar",
        "3-Sep",
        "2019-10-01 00:00:00",
        "more than 70",
        "30-39",
    ]
    for i in range(9):
        pictures(root / "val" / f"{i}.jpg")
    rated(root, "file,age,race", [f"val/{i}.jpg,{band},x" for i, band in enumerate(bands)], "val.csv")
    data = read_folder(root, table="val.csv", columns={"age_group": "age", "ethnicity": "race"})
    assert data.manifest["image_id"].tolist() == ["val/0.jpg", "val/7.jpg", "val/8.jpg"]
    pd.DataFrame(
        {"path": ["a.jpg", "b.jpg"], "age_group": pd.to_datetime(["2019-10-01", "2019-03-09"])}
    ).to_parquet(root / "t.parquet")
    with pytest.raises(InputError, match="may be under 18: 2"):
        read_folder(root, table="t.parquet")


def test_an_unknown_split_is_refused_rather_than_dropped(root):
    write(root, file=FILES, split=["train", "dev", "test", None])
    with pytest.raises(InputError, match="not 'dev'"):
        read_folder(root)


def test_an_empty_folder_says_what_is_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"no pictures and no table.*metadata.csv"):
        read_folder(tmp_path)
