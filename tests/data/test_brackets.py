"""Ages and age bands: what each spelling says, and that damage never makes an adult."""

import doctest
import math

import numpy as np
import pandas as pd
import pytest

from judge.data import brackets
from judge.data.brackets import (
    age_bands,
    age_groups,
    ages,
    band_names,
    bracket_columns,
    bracket_names,
    read_band,
    stated_years,
)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("18-29", 18, 29),
        (" 18 – 29 ", 18, 29),
        ("18 to 29 years", 18, 29),
        ("aged 18-29", 18, 29),
        ("20s", 20, 29),
        ("[18, 30)", 18, 29),
        ("(17, 29]", 18, 29),
        ("25", 25, 25),
        ("17.9", 17, 17),
        ("70+", 70, math.inf),
        ("more than 70", 70, math.inf),
        ("70 years and older", 70, math.inf),
        ("≥ 60", 60, math.inf),
        ("adult", 18, math.inf),
        ("<18", 0, 17),
        ("under 20", 0, 19),
        ("up to 17", 0, 17),
        ("20 and under", 0, 20),
        ("0-2", 0, 2),
        ("Children", 0, 17),
    ],
)
def test_a_band_is_read_in_each_of_its_spellings(text, first, last):
    assert read_band(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["19-Oct", "Oct-19", "19. Oct", "2019-10-01 00:00:00", "2019-10-01", "2024-10-19"]
)
def test_a_date_stands_for_the_band_that_a_spreadsheet_made_it_of(text):
    assert read_band(text) == (10, 19)


@pytest.mark.parametrize("text", ["9-Mar", "09-Mar", "3-Sep", "03-Sep", "Mar-09", "2024-03-09", "2024-09-03"])
def test_day_and_month_are_put_in_the_order_of_ages(text):
    assert read_band(text) == (3, 9)


@pytest.mark.parametrize(
    "text", ["", "?", "grown", "29-18", "1990", "43739", "19-Foo", "non-adult", "young adult (16-24)", "-5"]
)
def test_what_cannot_be_read_is_no_band(text):
    assert read_band(text) is None


def test_no_month_makes_an_adult():
    months = pd.date_range("2019-01-01", "2019-12-31", freq="MS")
    texts = [f"{number}-{month:%b}" for month in months for number in range(1, 100)]
    assert (age_bands(pd.Series(texts))["first"] < 18).all()
    days = pd.Series(pd.date_range("2000-01-01", "2049-12-31"))
    assert (age_bands(days)["first"] < 18).all()


def test_missing_and_empty_bands_are_unknown_and_others_that_cannot_be_read_say_so():
    table = age_bands(pd.Series(["18-29", None, " ", "grown"], index=list("abca")))
    assert table.index.tolist() == list("abca")
    assert table["first"].isna().tolist() == [False, True, True, True]
    assert table["unreadable"].tolist() == [False, False, False, True]


def test_each_text_is_parsed_once(monkeypatch):
    calls = []
    monkeypatch.setattr(brackets, "read_band", lambda text: calls.append(text) or (18, 29))
    assert (age_bands(pd.Series(["18-29", "30-39"] * 1000))["first"] == 18).all()
    assert sorted(calls) == ["18-29", "30-39"]


def test_bands_get_one_spelling_and_nothing_else_is_touched():
    given = pd.Series(["18–29", "18 to 29", "20s", " 70+ ", "more than 70", "17.9", "grown", None])
    assert band_names(given).fillna("missing").tolist() == [
        "18-29", "18-29", "20-29", "70+", "more than 70", "17.9", "grown", "missing",
    ]  # fmt: skip


def test_ages_fall_into_their_group_to_the_last_day():
    years = pd.Series([17.99, 18, 29.99, 30, 69.99, 70, -1, np.inf, np.nan], index=range(10, 19))
    assert age_groups(years).fillna("none").tolist() == [
        "none", "18-29", "18-29", "30-39", "60-69", "none", "none", "none", "none",
    ]  # fmt: skip
    assert age_groups(pd.Series(["44", "x", None])).fillna("none").tolist() == ["40-49", "none", "none"]


def test_ages_are_numbers_or_texts_of_numbers():
    assert ages(pd.Series(["25", 30, "x", None], dtype=object)).tolist() == pytest.approx(
        [25, 30, np.nan, np.nan], nan_ok=True
    )


def test_an_age_counts_before_a_band_and_the_first_band_that_tells_before_the_next():
    people = pd.DataFrame(
        {
            "age": [31.0, np.nan, np.nan, np.nan],
            "age_group": ["18-29", "20-29", None, "grown"],
            "age_band": ["40-49", "40-49", "70+", None],
        },
        index=[7, 7, 8, 9],
    )
    years = stated_years(people, ("age_group", "age_band")).to_numpy()
    assert years == pytest.approx(np.array([[31, 31], [20, 29], [70, np.inf], [np.nan] * 2]), nan_ok=True)
    assert stated_years(people[["age_band"]]).isna().all(axis=None)


def test_a_bracket_is_named_by_its_columns_that_have_values():
    people = pd.DataFrame({"gender": ["female", "male"], "age_group": [None, None], "town": ["a", "b"]})
    assert bracket_columns(people, ("gender", "age_group", "hair")) == ["gender"]
    assert bracket_names(people, ["gender", "town"]).tolist() == ["female a", "male b"]
    assert bracket_names(people, []).tolist() == ["all", "all"]


def test_the_example_is_true():
    assert doctest.testmod(brackets) == (0, 1)
