"""Tables as people bring them: each value as it was written, or one sentence that says why not."""

import doctest
import gzip
import os

import numpy as np
import pandas as pd
import pytest

from judge.data.user_tables import (
    case_note,
    columns,
    decoded,
    numbers,
    parquet,
    read_user_table,
    reading,
    texts,
    user_columns,
)
from judge.errors import InputError


def read(tmp_path, content, name="t.csv", **options):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_user_table(file, **options)


def rows(table):
    return table.frame.astype(object).where(table.frame.notna(), None).values.tolist()


TEXT = "id,ethnicity,score\n001,Métis,1.5\n002,NA,2.5\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends_of_every_machine_are_read(tmp_path, encoding, separator, ends):
    content = TEXT.replace(",", separator).replace("\n", ends).encode(encoding)
    table = read(tmp_path, content)
    assert rows(table) == [["001", "Métis", "1.5"], ["002", "NA", "2.5"]]
    assert table.numbers("score")[0].tolist() == [1.5, 2.5]
    assert any("Windows-1252" in note for note in table.notes) == (encoding == "cp1252")
    assert user_columns(tmp_path / "t.csv") == ["id", "ethnicity", "score"]


def test_packed_files_and_a_spreadsheets_own_first_line(tmp_path):
    assert len(read(tmp_path, gzip.compress(TEXT.encode()), "t.csv.gz").frame) == 2
    assert len(read(tmp_path, gzip.compress(TEXT.encode()), "t.csv").frame) == 2
    table = read(tmp_path, "\ufeffsep=;\r\nid;score\r\n007;3,5\r\n7;4\r\n")
    assert table.frame["id"].tolist() == ["007", "7"]
    assert table.numbers("score")[0].tolist() == [3.5, 4]


def test_identifiers_and_names_stay_as_they_are_written(tmp_path):
    ids = ["007", "7", "1e5", "100000", "900719925474099301", "NA", "None", "null", "1.0", "+1", "true", "-"]
    table = read(tmp_path, "id,x\n" + "".join(f"{one},1\n" for one in ids))
    assert table.frame["id"].tolist() == ids
    assert table.texts("id").tolist() == ids
    assert table.typed("id").tolist() == ids


def test_only_an_empty_cell_is_missing(tmp_path):
    table = read(tmp_path, 'g,n\nNA,1\n"",2\n  ,3\n,4\nNone,\n')
    assert rows(table)[:4] == [["NA", "1"], [None, "2"], [None, "3"], [None, "4"]]
    assert rows(table)[4] == ["None", None]


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_quote_that_is_not_closed_is_seen_in_a_column_that_is_not_read(tmp_path, end):
    content = end.join(["a,b", "1,x", '2,"y', "3,z", "4,z", ""])
    for some in (None, ["a"], ["b"]):
        with pytest.raises(InputError, match="is not closed"):
            read(tmp_path, content, columns=some)
    inches = end.join(["a,b", '1,5" tall', '2,"a ""b"" c"', ""])
    assert rows(read(tmp_path, inches)) == [["1", '5" tall'], ["2", 'a "b" c']]


@pytest.mark.parametrize("clean", [True, False])
def test_a_comma_at_the_end_of_every_row_moves_nothing(tmp_path, clean):
    comma = "" if clean else ","
    table = read(tmp_path, f"no,ethnicity,gender\n1,white,f{comma}\n2,black,m{comma}\n")
    assert rows(table) == [["1", "white", "f"], ["2", "black", "m"]]
    assert (table.notes == []) is clean
    if not clean:
        assert "empty fields at the end of 2 row(s)" in table.notes[0]


def test_commas_at_the_end_of_some_rows_and_of_the_header_as_well(tmp_path):
    assert rows(read(tmp_path, "a,b\n1,2,,\n3,4\n5,6,\n")) == [["1", "2"], ["3", "4"], ["5", "6"]]
    table = read(tmp_path, "a,b,\n1,2,\n3,4,\n")
    assert table.frame.columns.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no,a,b\n1,x,y,z\n2,x,y,z\n", "rows have 4 fields, the header 3 (2 of 2 rows, the first is row 1)"),
        ("a,b\n1,2\n3\n", "a row has 1 field, the header 2 (1 of 2 rows, the first is row 2)"),
        ("a,b\n1,2\nx,y,z\n", "a row has 3 fields"),
        ('a,b\n1,"2\n3,4\n5,6\n', "is not closed"),
        ("rating,rating\n1,2\n", "two columns 'rating' hold different values"),
        ("\n\n", "has no header"),
        (b"a,b\n1\x00,2\n", "NUL bytes"),
        (b"PK\x03\x04rest", "spreadsheet's own file"),
        (b"a,b\n\x81\x8d,2\n", "encoding is none of"),
        ("a,b\n1," + "x" * 1_000_001 + "\n", "a value of 1,000,001 bytes"),
        ("a,b\n1," + "x" * (40 << 20) + "\n3,4\n", "a row is too long"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path, content, message):
    with pytest.raises(InputError) as refused:
        read(tmp_path, content)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_repeated_headers_empty_rows_and_equal_columns_are_left_out_and_said(tmp_path):
    table = read(tmp_path, "id,g,g\n1,a,a\nid,g,g\n,,\n2,b,b\n\n")
    assert rows(table) == [["1", "a"], ["2", "b"]]
    assert sorted(note.split(": ")[1] for note in table.notes) == [
        "1 empty row(s) left out",
        "1 row(s) that repeat the header left out",
        "two equal columns 'g', one left out",
    ]


def test_empty_rows_are_seen_when_only_some_columns_are_read(tmp_path):
    content = "id,g,n\n1,,\n2,a,3\n,,\n"
    assert rows(read(tmp_path, content, columns=["g"])) == [[None], ["a"]]
    assert rows(read(tmp_path, content, columns=["n", "id"])) == [[None, "1"], ["3", "2"]]
    with pytest.raises(InputError, match=r"no column 'x' in .*; it has 'id', 'g', 'n'"):
        read(tmp_path, content, columns=["x"])


def test_blanks_and_unicode_forms_make_no_groups_and_other_spellings_are_said(tmp_path):
    table = read(tmp_path, "g\nwhite \n white\nwhite\u00a0\nZoe\u0308\nZo\u00eb\nWhite\n")
    assert table.texts("g").tolist() == ["white"] * 3 + ["Zoë"] * 2 + ["White"]
    assert table.notes[0].endswith("blanks around 3 value(s) taken off")
    assert "'white' and 'White' differ in spelling alone" in table.notes[1]
    assert case_note(pd.Series(["East Asian", "east_asian"]), "g") is not None
    assert case_note(pd.Series(["a", "b", None]), "g") is None


def test_what_was_written_safe_for_a_spreadsheet_is_read_back(tmp_path):
    from judge.data.spreadsheets import csv_bytes

    names = ["=1+1", "-x.jpg", "a\rb", "'quoted'", "plain;x"]
    table = read(tmp_path, csv_bytes(pd.DataFrame({"@name": names})))
    assert table.frame["@name"].tolist() == names
    assert table.notes == ["t.csv: 1 value(s) hold a line break"]


def test_of_columns_that_nobody_named_only_plain_numbers_are_numbers(tmp_path):
    table = read(tmp_path, "code,blank,share,word,flag,id\n0,0,0.5,a,True,01\n1,,1e-05,1,False,2\n")
    typed = {name: table.typed(name).tolist() for name in table.frame}
    assert typed["code"] == [0, 1]
    assert table.typed("blank").astype("str").tolist()[0] == "0"
    assert typed["share"] == [0.5, 1e-05]
    assert (typed["word"], typed["flag"], typed["id"]) == (["a", "1"], [True, False], ["01", "2"])


# --- columns


def test_number_codes_with_a_blank_are_named_as_they_were():
    assert texts(pd.Series([0.0, 1.0, np.nan, 2.5]))[:2].tolist() == ["0", "1"]
    assert texts(pd.Series([0.0, np.nan])).isna().tolist() == [False, True]
    assert texts(pd.Series([0, 1])).tolist() == ["0", "1"]
    assert texts(pd.Series([True, False])).tolist() == ["True", "False"]
    assert texts(pd.Series(pd.Categorical(["b", None, "a"]))).fillna("-").tolist() == ["b", "-", "a"]
    assert texts(pd.Series(pd.to_datetime(["2019-10-01"]))).tolist() == ["2019-10-01 00:00:00"]


@pytest.mark.parametrize("values", [[[1], [2]], [np.array([1]), np.array([2])], [{"a": 1}]])
def test_lists_are_neither_names_nor_numbers(values):
    series = pd.Series(values, dtype=object)
    with pytest.raises(InputError, match="column 'g' holds lists"):
        texts(series, "column 'g'")
    with pytest.raises(InputError, match="column 'g' holds lists"):
        numbers(series, "column 'g'")


def test_whole_numbers_that_float_would_make_equal_are_refused():
    near = [2**53, 2**53 + 1]
    for values in (pd.Series(near), pd.Series([str(n) for n in near]), pd.Series(near, dtype="Int64")):
        with pytest.raises(InputError, match=f"beyond 2\\^53, such as {near[1]}"):
            numbers(values)
    assert numbers(pd.Series([2**53, 2**54]))[0].tolist() == [2.0**53, 2.0**54]
    found, wrong = numbers(
        pd.Series([1e300, -1e61, 1e60, 1.5])
    )  # squares and fourth powers have to be finite
    assert (found.tolist()[2:], wrong.tolist()) == ([1e60, 1.5], [True, True, False, False])


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (pd.to_datetime(["2020-01-01"]), "times"),
        (pd.to_timedelta(["1 day"]), "durations"),
        (pd.to_datetime(["2020-01-01"], utc=True), "times"),
        (pd.Series([pd.Timestamp("2020-01-01").date()], dtype=object), "times"),
    ],
)
def test_times_and_durations_are_no_numbers(values, what):
    with pytest.raises(InputError, match=f"holds {what}, which are no numbers"):
        numbers(pd.Series(values))


def test_words_and_infinities_are_found_and_missing_words_are_missing():
    given = pd.Series(["1", "NA", "nan", "", None, "x", "inf", "1e400", " 2 "])
    found, wrong = numbers(given.where(given != ""))
    assert found.fillna(-1).tolist() == [1, -1, -1, -1, -1, -1, -1, -1, 2]
    assert wrong.tolist() == [False] * 5 + [True] * 3 + [False]
    found, wrong = numbers(pd.Series(["3,5", "4"]))
    assert wrong.tolist() == [True, False]  # a decimal comma, or thousands? Not in a table of commas
    assert numbers(pd.Series(["3,5", "4"]), decimal_comma=True)[0].tolist() == [3.5, 4]
    assert numbers(pd.Series(["1,234.5"]), decimal_comma=True)[1].tolist() == [True]
    category = numbers(pd.Series(pd.Categorical(["2", "x", None, "2"])))
    assert (category[0].fillna(-1).tolist(), category[1].tolist()) == (
        [2, -1, -1, 2],
        [False, True, False, False],
    )


# --- Parquet

PEOPLE = pd.DataFrame({"image_id": ["a", "b"], "ethnicity": ["white", "black"], "won": [True, False]})


@pytest.mark.parametrize(
    "table",
    [
        PEOPLE,
        PEOPLE.set_index("image_id"),
        PEOPLE.set_index(["ethnicity", "image_id"]),
        PEOPLE.set_index(pd.Index([5, 9])),
        PEOPLE.set_index(pd.RangeIndex(3, 7, 2)),
        PEOPLE.astype({"ethnicity": "category"}),
    ],
    ids=["plain", "index", "two indices", "unnamed index", "range", "categories"],
)
def test_the_index_of_a_parquet_file_is_among_its_columns(tmp_path, table):
    file = tmp_path / "t.parquet"
    table.to_parquet(file)
    assert sorted(user_columns(file)) == sorted(PEOPLE.columns)
    found = read_user_table(file)
    assert found.frame[list(PEOPLE.columns)].astype(object).values.tolist() == PEOPLE.values.tolist()
    assert set(found.frame) == set(PEOPLE)
    again = read_user_table(file, ["ethnicity", "won"], categories=["ethnicity"])
    assert again.frame.columns.tolist() == ["ethnicity", "won"]
    assert again.frame["ethnicity"].dtype == "category"


def test_a_range_with_a_name_and_an_index_of_words_are_columns(tmp_path):
    PEOPLE.set_index(pd.RangeIndex(1, 3, name="no")).to_parquet(tmp_path / "a.parquet")
    assert read_user_table(tmp_path / "a.parquet", ["no"]).frame["no"].tolist() == [1, 2]
    PEOPLE.set_index(pd.Index(["x", "y"])).to_parquet(tmp_path / "b.parquet")
    assert read_user_table(tmp_path / "b.parquet").frame["__index_level_0__"].tolist() == ["x", "y"]


def test_lists_in_parquet_are_left_out_or_refused(tmp_path):
    file = tmp_path / "t.parquet"
    PEOPLE.assign(boxes=[[1, 2], [3]], g=["white ", "white"]).to_parquet(file)
    table = read_user_table(file)
    assert "boxes" not in table.frame
    assert table.lists == ("boxes",)
    assert table.texts("g").tolist() == ["white", "white"]
    with pytest.raises(InputError, match="'boxes' hold lists"):
        read_user_table(file, ["boxes"])


def test_a_file_of_a_few_bytes_cannot_hold_more_rows_than_are_read(tmp_path, monkeypatch):
    file = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.zeros(1001)}).to_parquet(file)
    monkeypatch.setattr(parquet, "MAX_ROWS", 1000)
    with pytest.raises(InputError, match="holds 1,001 rows, at most 1,000"):
        read_user_table(file)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"PAR1xxxxPAR1", os.urandom(3000), b"\xff\xfe"])
def test_damage_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    for call in (read_user_table, user_columns):
        with pytest.raises(InputError) as refused:
            call(tmp_path / name)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["gone.csv", "folder.csv", "pipe.csv", "t.xlsx", "n\0l.csv", "x" * 300 + ".csv"]
)
def test_what_is_no_table_is_not_opened(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "t.xlsx").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError):
        read_user_table(tmp_path / name)


def test_text_files_are_decoded_by_mark_then_utf_8_then_windows():
    assert decoded("é\n".encode("utf-16")) == ("é\n", "utf-16")
    assert decoded("\ufeffé".encode()) == ("é", "utf-8")
    assert decoded("é".encode("cp1252")) == ("é", "cp1252")
    with pytest.raises(ValueError, match="no text"):
        decoded(b"\x81")


def test_the_examples_are_true():
    assert doctest.testmod(reading) == (0, 5)
    assert doctest.testmod(columns) == (0, 2)
