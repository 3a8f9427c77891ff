"""Every CSV is written by one function: no formula runs, no cell and no row becomes two."""

import csv
import doctest
import io

import numpy as np
import pandas as pd
import pytest

from judge.data import spreadsheets
from judge.data.spreadsheets import csv_bytes, spreadsheet_safe, write_csv

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "－1"]


def cells(content):
    """As a strict reader sees it that takes a lone carriage return for a line end, like most spreadsheets."""
    text = content.decode()
    outside = "".join(text.split('"')[::2])  # what is not within quotes
    assert "\r" not in outside
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("dtype", ["str", object, "category"])
def test_a_formula_is_text_in_cells_headers_and_index(formula, dtype):
    values = pd.Series([formula, "plain", None], dtype=object).astype(dtype)
    table = pd.DataFrame({formula: values, "n": [-1.0, 2.0, np.nan]})
    table.index = pd.Index([formula, "b", "c"], name=formula)
    rows = cells(csv_bytes(table, index=True))
    assert rows[0] == ["'" + formula, "'" + formula, "n"]
    assert rows[1] == ["'" + formula, "'" + formula, "-1.0"]  # a number stays one
    assert rows[2:] == [["b", "plain", "2.0"], ["c", "", ""]]
    assert table.iloc[0, 0] == formula  # the table that was given is not touched


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", ";", "\t", '"', ","])
def test_line_ends_and_separators_of_other_countries_stay_within_their_cell(end):
    name = f"a{end}=HYPERLINK(1)"
    table = pd.DataFrame({name: [name, "b"], "x": [1, 2]})
    assert cells(csv_bytes(table)) == [[name, "x"], [name, "1"], ["b", "2"]]
    content = csv_bytes(table).decode()
    assert f'"{name}"'.replace('""', '"') in content.replace('""', '"')


def test_a_plain_table_is_written_as_ever():
    table = pd.DataFrame({"a": ["x", "y z"], "n": [1, 2]})
    assert csv_bytes(table) == b"a,n\nx,1\ny z,2\n"
    assert csv_bytes(table.set_index("a"), index=True) == b"a,n\nx,1\ny z,2\n"


def test_equal_columns_several_indices_and_broken_names_are_written():
    twice = pd.DataFrame([["=1", "=2"]], columns=["a", "a"])
    assert csv_bytes(twice) == b"a,a\n'=1,'=2\n"
    counted = pd.DataFrame(
        {"n": [1, 2]}, index=pd.MultiIndex.from_tuples([("=a", 1), ("b", 2)], names=["@g", "k"])
    )
    assert csv_bytes(counted, index=True) == b"'@g,k,n\n'=a,1,1\nb,2,2\n"
    assert csv_bytes(pd.DataFrame({"a": ["x\udcff"]}, dtype=object)) == b"a\nx\\udcff\n"
    assert spreadsheet_safe(pd.DataFrame({"a": []})).empty


def test_the_file_is_whole_and_utf_8(tmp_path):
    write_csv(pd.DataFrame({"g": ["é"]}), tmp_path / "deep" / "t.csv")
    assert (tmp_path / "deep" / "t.csv").read_bytes() == "g\né\n".encode()
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["t.csv"]


def test_the_example_is_true():
    assert doctest.testmod(spreadsheets) == (0, 1)
