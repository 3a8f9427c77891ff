import threading

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from judge.report.figures.contest import pool_composition
from judge.report.figures.saving import png_bytes, save, svg_bytes
from judge.report.figures.style import (
    in_order,
    largest,
    marks,
    number,
    one_axes,
    p_said,
    p_text,
    percent,
    plain,
)


def drawn_text(label):
    """What matplotlib really prints for a label."""
    _, ax = one_axes(1.0)
    text = ax.text(0, 0, label)
    printed, is_math = text._preprocess_math(text.get_text())
    return printed, is_math


@pytest.mark.parametrize("name", ["$x$ and $y$", r"$\frac{1}{2}$", "$", r"a\$b", "100 $"])
def test_a_name_with_dollar_signs_is_printed_as_it_is_and_is_no_mathtext(name):
    printed, is_math = drawn_text(plain(name))
    assert printed == name
    assert not is_math


def test_a_name_is_one_line_and_cut_in_its_middle():
    assert plain("a\nb\tc") == "a b c"
    cut = plain("x" * 30 + "end", limit=20)
    assert len(cut) == 20
    assert cut.endswith("end")
    assert "…" in cut


def test_a_leading_underscore_does_not_hide_a_legend_entry():
    assert not plain("_hidden").startswith("_")
    assert plain("_hidden").endswith("_hidden")


def test_the_largest_groups_are_kept_in_order_of_name_and_the_rest_is_counted():
    counts = pd.Series({"d": 5, "a": 1, "c": 9, "b": 5})
    assert largest(counts, 2) == (["b", "c"], 2)
    assert largest(counts, 9) == (["a", "b", "c", "d"], 0)


def test_conditions_keep_their_marks_whoever_stands_beside_them():
    alone, crowd = marks(["skewed"]), marks(["raters", "rebalanced", "skewed", "truth"])
    assert alone["skewed"] == crowd["skewed"]
    assert len({mark.marker for mark in crowd.values()}) == 4
    assert len({mark.colour for mark in crowd.values()}) == 4
    assert in_order(["raters", "rebalanced", "skewed"]) == ["skewed", "rebalanced", "raters"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.534, 2, "0.53"), (-0.07, 2, "−0.07"), (0.0004, 2, "0.0004"), (-1e-9, 2, "0.00"), (np.nan, 2, "–"),
     (np.inf, 2, "∞"), (-np.inf, 1, "−∞"), (12345.6, 1, "12,345.6"), (0, 3, "0.000")],
)  # fmt: skip
def test_numbers_are_written_as_in_print(value, digits, text):
    assert number(value, digits) == text


def test_p_values_and_shares_are_written_as_in_print():
    assert [p_text(p) for p in (0.0321, 0.0001, 1.0, np.nan)] == [".032", "<.001", "1", "–"]
    assert [p_said(p) for p in (0.0321, 0.0001, np.nan)] == ["p = .032", "p < .001", ""]
    assert percent(0.12345) == "12.3 %"
    assert percent(np.nan) == "–"


POOLS = pd.DataFrame({"condition": ["skewed", "skewed"], "group": ["a", "b"], "n": [9, 1]})


def test_the_same_figure_has_the_same_bytes():
    first, second = pool_composition(POOLS), pool_composition(POOLS)
    assert svg_bytes(first) == svg_bytes(second)
    assert png_bytes(first, dpi=50) == png_bytes(second, dpi=50)
    assert b"<dc:date>" not in svg_bytes(first)


def test_a_figure_is_written_as_png_and_svg_and_nothing_is_left_over(tmp_path):
    save(pool_composition(POOLS), tmp_path / "deep" / "pool")
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["pool.png", "pool.svg"]


def test_letters_that_the_font_lacks_stay_text_in_the_svg():
    figure = pool_composition(POOLS.assign(group=["日本", "b"]))
    assert "日本" in svg_bytes(figure).decode()


def test_a_name_that_looks_like_a_script_is_none_in_the_svg():
    from xml.etree import ElementTree

    svg = svg_bytes(
        pool_composition(POOLS.assign(group=["--><script>alert(1)</script>", "日本<script>x</script>"]))
    )
    assert not [element for element in ElementTree.fromstring(svg).iter() if "script" in element.tag.lower()]


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    svg_bytes(pool_composition(POOLS))
    assert dict(mpl.rcParams) == before


def test_threads_draw_the_same_figure():
    wanted, found = svg_bytes(pool_composition(POOLS)), []
    threads = [
        threading.Thread(target=lambda: found.append(svg_bytes(pool_composition(POOLS)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 3
