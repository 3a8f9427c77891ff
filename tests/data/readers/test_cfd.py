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
