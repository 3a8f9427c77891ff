"""Blocks become one page: escaped, numbered, folded, and wide things scroll within themselves."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from judge.report.html import Code, Column, Fold, Picture, Section, Table, Text, table_from, write_page

SCRIPT = '<script>alert("x")</script>'


def test_a_long_table_is_cut_and_says_how_many_rows_are_missing():
    table = table_from(pd.DataFrame({"a": range(1000)}), {"a": Column("a")}, "c", limit=10)
    assert len(table.rows) == 10
    assert "990 more rows" in table.note


def test_names_in_text_tables_and_headings_are_escaped(tmp_path, assert_safe):
    blocks = [Text(f"{SCRIPT} `{SCRIPT}`"), Table(SCRIPT, [Column(SCRIPT)], [[SCRIPT]], SCRIPT)]
    page = write_page(tmp_path, title=SCRIPT, subtitle=SCRIPT, sections=[Section(SCRIPT, blocks)])
    seen = assert_safe(page)
    # title and heading of the page, subtitle, contents, heading of the section, twice in the text; caption, heading,
    # cell and note of the table
    assert seen.text.count(SCRIPT) == 11


def page_of(tmp_path, *blocks):
    return write_page(tmp_path, title="t", subtitle="s", sections=[Section("one", blocks)])


def wide_table(letters):
    return Table("c", [Column("a"), Column("b")], [["x" * (letters - 5), "1"]])


@pytest.mark.parametrize(
    ("letters", "width"), [(52, "small"), (53, "medium"), (81, "large"), (101, "huge"), (131, "giant")]
)
def test_a_table_knows_how_wide_it_has_to_be(letters, width):
    assert wide_table(letters).width == width


def test_text_that_can_be_broken_counts_by_its_longest_word():
    column = Column("a", numeric=False)
    assert Table("c", [column], [["word " * 40]]).width == "small"


def test_a_table_that_scrolls_can_be_reached_by_keyboard_and_says_so(tmp_path, assert_safe):
    seen = assert_safe(page_of(tmp_path, wide_table(90), wide_table(20)))
    regions = [a for tag, a in seen.tags if tag == "div" and a.get("class") == "scroll"]
    assert regions == [
        {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Table 1"},
        {"class": "scroll"},
    ]
    assert "scroll sideways" in seen.text


def test_what_is_folded_is_closed_numbered_and_opens_without_a_script(tmp_path, assert_safe):
    inner = Table("inner", [Column("a")], [["1"]])
    seen = assert_safe(page_of(tmp_path, Fold("More", [inner, Code("x")]), wide_table(20)))
    assert [a for tag, a in seen.tags if tag == "details"] == [{}]
    assert "Table 1. inner" in seen.flat
    assert "Table 2. c" in seen.flat


def test_a_figure_within_a_fold_is_written_and_shown(tmp_path, assert_safe):
    seen = assert_safe(page_of(tmp_path, Fold("More", [Picture("deep", Figure(figsize=(1, 1)), "c", "alt")])))
    assert (tmp_path / "figures" / "deep.svg").is_file()
    assert [a["alt"] for tag, a in seen.tags if tag == "img"] == ["alt"]
