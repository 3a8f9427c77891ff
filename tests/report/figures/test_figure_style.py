import threading

import matplotlib as mpl
import pandas as pd
import pytest

from judge.report.conditions import RATERS, with_order
from judge.report.figures.pools import pool_composition
from judge.report.figures.saving import pdf_bytes, png_bytes, save, svg_bytes
from judge.report.figures.style import marks, one_axes, plain


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


def in_order_of_a_run(*found, run=("a", "b", "c")):
    return with_order(pd.DataFrame({"condition": found}), run)["condition"]


def test_a_condition_has_the_same_mark_whoever_stands_beside_it():
    alone, crowd = marks(in_order_of_a_run("b")), marks(in_order_of_a_run("truth", "c", "b", "a"))
    assert alone["b"] == crowd["b"]
    assert list(crowd) == ["a", "b", "c", "truth"]


def test_the_first_two_are_a_vermillion_circle_and_an_open_blue_diamond():
    style = marks(in_order_of_a_run("a", "b"))
    assert (style["a"].colour, style["a"].marker, style["a"].filled) == ("#d55e00", "o", True)
    assert (style["b"].colour, style["b"].marker, style["b"].filled) == ("#0072b2", "D", False)
    assert [mark.label for mark in style.values()] == ["a (baseline)", "b"]


def test_ten_conditions_the_raters_and_the_truth_have_twelve_colours_and_markers():
    names = [f"c{i}" for i in range(10)]
    style = marks(in_order_of_a_run(*names, RATERS, "truth", run=names))
    assert len({mark.colour for mark in style.values()}) == 12
    assert len({mark.marker for mark in style.values()}) == 12
    assert style["truth"].colour == "#000000"
    assert list(style)[-1] == "truth"


POOLS = pd.DataFrame({"condition": ["plain", "plain"], "group": ["a", "b"], "n": [9, 1]})


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


def test_text_stays_text_in_the_svg_with_a_font_to_fall_back_to():
    from xml.etree import ElementTree

    svg = svg_bytes(pool_composition(POOLS)).decode()
    said = {element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")}
    assert set(POOLS["group"]) <= said
    assert "Verdana, sans-serif" in svg


def test_a_pdf_is_written_on_demand_with_its_font_and_without_a_date(tmp_path):
    save(pool_composition(POOLS), tmp_path / "pool", pdf=True)
    pdf = (tmp_path / "pool.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and b"/Subtype /Type3" not in pdf and b"CreationDate" not in pdf
    assert pdf == pdf_bytes(pool_composition(POOLS))


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
