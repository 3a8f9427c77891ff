"""Group names in any script: drawn where a font has their letters, and one warning where none has."""

import logging
import warnings

import pytest
from matplotlib import font_manager

from judge.report.figures import ratio_forest
from judge.report.figures.drawing import fonts
from judge.report.figures.saving import pdf_bytes, png_bytes, svg_bytes
from judge.report.figures.style import one_axes, styled

NAMES = {"CJK": "汉族", "DEVANAGARI": "क्षत्रिय हिन्दी", "ARABIC": "العربية", "HANGUL": "한국인", "THAI": "ไทย"}


@pytest.fixture(autouse=True)
def anew():
    """Each test looks for fonts itself, and is warned itself."""
    for memory in (fonts._family_for, fonts._letters_in, fonts._warn_unshaped):
        memory.cache_clear()
    fonts._told.clear()


@styled
def named(name):
    figure, ax = one_axes(1.0)
    ax.barh([name], [1.0])
    ax.set_title(name)
    return figure


def drawn(figure, caplog):
    """What matplotlib and the log warn of when the figure, laid out, is drawn."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "judge"):
        png_bytes(figure, dpi=50)
        svg_bytes(figure)
        pdf_bytes(figure)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.draw_without_rendering()
    return [str(w.message) for w in caught if "Glyph" in str(w.message)], [
        r.getMessage() for r in caplog.records
    ]


@pytest.mark.parametrize("script", NAMES)
def test_no_letter_is_missing_where_a_font_has_it_and_one_warning_where_none_has(script, caplog):
    lacking = "".join(
        sorted({c for c in NAMES[script] if ord(c) not in fonts._own_letters() and not c.isspace()})
    )
    there = not lacking or fonts._family_for(script, lacking) is not None
    missing, told = drawn(named(NAMES[script]), caplog)
    if there:
        assert told == [] and not missing
    else:
        assert len(told) == 1 and f"fonts-noto-{'cjk' if script in fonts.EAST_ASIAN else 'core'}" in told[0]


def test_where_no_font_is_there_one_warning_names_script_and_package(monkeypatch, caplog):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    monkeypatch.setattr(fonts, "_packaged", lambda: [])
    _, told = drawn(named(NAMES["DEVANAGARI"]), caplog)
    assert len(told) == 1 and drawn(named(NAMES["DEVANAGARI"]), caplog)[1] == []
    assert (
        "Devanagari" in told[0] and "fonts-noto-core" in told[0] and "fontpkg-noto-sans-devanagari" in told[0]
    )


def test_letters_that_the_own_font_has_leave_the_figure_as_it_is():
    figure = named("Świętokrzyskie")
    svg_bytes(figure)
    assert {tuple(t.get_fontfamily()) for t in figure.findobj(fonts.Text)} == {(fonts.OWN,)}


def test_every_figure_goes_through_the_one_place(audit_rows):
    family = fonts._family_for("CJK", "族汉")
    if family is None:
        pytest.skip("no font of this machine has Chinese letters")
    rows = audit_rows("skewed", (1, 3, 2), groups=("汉族", "light", "tan")).query(
        "metric == 'selection_rate_ratio'"
    )
    figure = ratio_forest(rows, reference="light")
    png_bytes(figure, dpi=50)
    texts = [t for t in figure.findobj(fonts.Text) if "汉族" in t.get_text()]
    assert texts and all(t.get_fontfamily() == [fonts.OWN, family] for t in texts)
    assert family.endswith(("SC", "JP")) or "CJK" not in family
