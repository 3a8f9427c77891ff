"""The Chicago Face Database: header rows deep in the sheets, people rated twice, a person of 17."""

import pandas as pd
import pytest

from judge.data.readers.cfd import read_cfd
from judge.errors import InputError

COLUMNS = ["Model", "EthnicitySelf", "GenderSelf", "AgeSelf", "AgeRated", "Attractive"]


def sheet(*models):
    """Explanations, codes, header, questions, models: as in the published sheets."""
    above = [["Norming data", *[None] * 5], [None] * 6, ["T001", "S001", "S002", "S003", "R002", "R013"]]
    below = [[None, "What is your ethnicity?", *[None] * 4]]
    return pd.DataFrame([*above, COLUMNS, *below, *map(list, models)])


@pytest.fixture
def root(tmp_path, pictures):
    version = tmp_path / "CFD Version 3.0"
    for name in (
        "CFD/BF-001/CFD-BF-001-025-N.jpg",
        "CFD/BF-001/CFD-BF-001-010-HO.jpg",
        "CFD/WM-002/CFD-WM-002-001-N.jpg",
        "CFD/LF-003/CFD-LF-003-001-N.jpg",
        "CFD/AM-004/CFD-AM-004-001-N.jpg",
        "CFD-MR/CFD-MF-300-002-N.jpg",
        "CFD-INDIA/CFD-IM-600-001-N.jpg",
        "CFD-INDIA/CFD-IF-601-001-N.jpg",
        "CFD/readme.jpg",
    ):
        pictures(version / "Images" / name)
    with pd.ExcelWriter(version / "CFD 3.0 Norming Data and Codebook.xlsx") as book:
        pd.DataFrame([["Codebook"], ["Model"]]).to_excel(
            book, sheet_name="Codebook", index=False, header=False
        )
        sheets = {
            "CFD U.S. Norming Data": sheet(
                ("BF-001", "B", "F", None, 23.5, 4.5),
                ("WM-002", "W", "M", 17, 25, 3.0),
                ("LF-003", "L", "F", None, 17.2, 3.0),
                ("AM-999", "A", "M", 40, 40, 3.0),
            ),
            "CFD-MR U.S. Norming Data": sheet(("MF-300", "M", "F", 33, 30, 5.0)),
            "CFD-I INDIA Norming Data": sheet(
                ("IM-600", "I", "M", 40, 41, 2.0), ("IF-601", "I", "F", 70, 69, 2.5)
            ),
            "CFD-I U.S. Norming Data": sheet(("IM-600", "I", "M", 40, 44, 3.5)),
        }
        for name, table in sheets.items():
            table.to_excel(book, sheet_name=name, index=False, header=False)
    return tmp_path


def test_models_are_joined_with_their_neutral_picture(root, reasons):
    data = read_cfd(root)
    table = data.manifest.set_index("person_id")
    assert table[["ethnicity", "gender", "age", "age_source", "rating"]].to_dict("index") == {
        "BF-001": {
            "ethnicity": "black",
            "gender": "female",
            "age": 23.5,
            "age_source": "rated",
            "rating": 4.5,
        },
        "MF-300": {
            "ethnicity": "multiracial",
            "gender": "female",
            "age": 33,
            "age_source": "stated",
            "rating": 5,
        },
        "IM-600": {"ethnicity": "indian", "gender": "male", "age": 40, "age_source": "stated", "rating": 3.5},
        "IF-601": {
            "ethnicity": "indian",
            "gender": "female",
            "age": 70,
            "age_source": "stated",
            "rating": 2.5,
        },
    }
    assert table.loc["IF-601", "norms"] == "CFD-I INDIA Norming Data"  # rated nowhere else
    assert pd.isna(table.loc["IF-601", "age_group"])
    assert reasons(data) == {
        "may be under 18": 2,  # 17 as stated; 17.2 as rated, where nothing was stated
        "not a neutral expression": 1,
        "unknown name": 1,
        "no norms": 1,  # AM-004
        "file missing": 1,  # AM-999
        "rated again": 1,
    }


@pytest.mark.parametrize("age", ["19-Oct", "sixteen", pd.Timestamp("2019-10-01"), float("inf")])
def test_an_age_that_cannot_be_read_is_none_of_an_adult(root, age, reasons):
    book = next(root.glob("*/*.xlsx"))
    with pd.ExcelWriter(book) as writer:
        table = sheet(("BF-001", "B", "F", age, 25, 4.5), ("MF-300", "M", "F", 33, 30, 5.0))
        table.to_excel(writer, sheet_name="CFD U.S. Norming Data", index=False, header=False)
    data = read_cfd(root)
    assert data.manifest["person_id"].tolist() == ["MF-300"]
    assert reasons(data)["age is no number"] == 1


def test_ratings_from_india_may_be_chosen(root):
    data = read_cfd(root / "CFD Version 3.0", raters="INDIA")
    assert data.manifest.set_index("person_id").loc["IM-600", "rating"] == 2.0
    with pytest.raises(InputError, match="raters is part of a sheet's name"):
        read_cfd(root, raters="Mars")


def test_it_says_that_ratings_are_relative_to_race_and_gender(root):
    data = read_cfd(root)
    assert set(data.manifest["rating_source"]) == {"raters' mean, within the same race and gender"}
    assert "cannot be compared" in data.card


def test_without_the_workbook_it_says_what_is_looked_for(root):
    next(root.glob("*/*.xlsx")).unlink()
    with pytest.raises(InputError, match="'Model', 'EthnicitySelf'"):
        read_cfd(root)


def test_the_people_of_cfd_india_are_keyed_otherwise_and_rated_on_another_question(
    tmp_path, pictures, reasons
):
    version = tmp_path / "CFD Version 3.0"
    for name in (
        "CFD/AF-901/CFD-AF-901-228-N.jpg",
        "CFD/AF-901/CFD-AF-901-229-HO.jpg",
        "CFD-INDIA/CFD-IF-801-519-N.jpg",
        "CFD-INDIA/CFD-IM-802-120-N.jpg",
        "CFD-INDIA/CFD-IF-844-306-1-N.jpg",
        "CFD-INDIA/CFD-IF-844-306-2-N.jpg",
        "CFD-INDIA/CFD-IM-819-221-N.jpg",
    ):
        pictures(version / "Images" / name)
    people = [
        ("IF801-519", "F", 3.1),
        ("IM802-120", "M", 2.6),
        ("IF844-306-1", "F", 3.3),
        ("IM819-220", "M", 2.4),
    ]

    def india(shift):
        table = sheet(*((key, "I", gender, 30, 30, rating + shift) for key, gender, rating in people))
        return table.replace("R013", "R013B")

    with pd.ExcelWriter(version / "norms.xlsx") as book:
        for name, table in {
            "CFD U.S. Norming Data": sheet(("AF-901", "A", "F", None, 24, 3.4)),
            "CFD-I U.S. Norming Data": india(0),
            "CFD-I INDIA Norming Data": india(0.5),
        }.items():
            table.to_excel(book, sheet_name=name, index=False, header=False)
    data = read_cfd(tmp_path)
    assert data.manifest.set_index("person_id")["rating"].to_dict() == {
        "AF-901": 3.4,
        "IF801-519": 3.1,
        "IM802-120": 2.6,
        "IF844-306-1": 3.3,
    }
    assert (
        data.manifest.loc[data.manifest["ethnicity"] == "indian", "path"].str.endswith("306-1-N.jpg").sum()
        == 1
    )
    sources = data.manifest.set_index("person_id")["rating_source"]
    assert sources["AF-901"] == "raters' mean, within the same race and gender"
    assert sources["IF801-519"] == "raters' mean, first impression"
    assert any("cannot be compared" in note for note in data.notes)
    assert reasons(data) == {
        "not a neutral expression": 1,
        "no norms": 2,
        "file missing": 1,
        "rated again": 4,
    }
    excluded = data.excluded.set_index("reason")["item"]
    assert sorted(excluded["no norms"]) == ["CFD-IF-844-306-2-N", "CFD-IM-819-221-N"]
    assert excluded["file missing"] == "IM819-220"
    again = read_cfd(tmp_path, raters="INDIA").manifest.set_index("person_id")["rating"]
    assert again["IF801-519"] == pytest.approx(3.6)
