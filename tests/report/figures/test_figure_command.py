"""judge figure: an exact width, embedded TrueType fonts, legible letters, and the table behind it as LaTeX."""

import re
import zlib

import pytest
from finished_runs import finished
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from judge.cli import main
from judge.cli.out.figure import inches
from judge.errors import InputError
from judge.report.figures import ratio_forest
from judge.report.figures.drawing import paper
from judge.report.figures.saving import pdf_bytes
from judge.report.papers import FIGURES, OF_AN_AUDIT, of_audit

GROUPS = ("R&B_50%", "light", "tan")


@pytest.fixture
def audit(audit_rows, tmp_path):
    table = audit_rows("skewed", (1, 3, 2), groups=GROUPS).assign(score_column="")
    path = tmp_path / "audit.parquet"
    table.drop(columns="condition").to_parquet(path, index=False)
    return path


def whole(pdf):
    """The PDF's bytes with its compressed streams opened."""
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.mark.parametrize(
    ("width", "points"), [("3.3in", 237.6), ("84mm", 238.11), ("17.8cm", 504.57), ("240pt", 240.0)]
)
def test_the_page_of_the_pdf_is_as_wide_as_asked_for(audit, tmp_path, width, points):
    assert main(["figure", "ratios", str(audit), "--pdf", "--width", width, "--out", str(tmp_path)]) == 0
    pdf = whole((tmp_path / "ratios.pdf").read_bytes())
    left, bottom, right, top = (float(n) for n in re.search(rb"/MediaBox \[([-\d. ]+)\]", pdf)[1].split())
    assert (left, bottom) == (0, 0) and right == pytest.approx(points, abs=0.02) and top > 50


def test_its_fonts_are_embedded_as_truetype(audit, tmp_path):
    assert main(["figure", "winners", str(audit), "--pdf", "--out", str(tmp_path)]) == 0
    pdf = whole((tmp_path / "winners.pdf").read_bytes())
    assert b"/FontFile2" in pdf and b"/Subtype /Type3" not in pdf and b"/CIDFontType2" in pdf


@pytest.mark.parametrize("name", OF_AN_AUDIT)
def test_at_a_columns_width_letters_are_7_to_9_points_and_nothing_leaves_the_page(audit, name):
    import pandas as pd

    with paper.on(paper.Paper(3.3, size=8)):
        figure = of_audit(name, pd.read_parquet(audit), "ethnicity").picture.figure
        pdf_bytes(figure)
    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    assert {7 <= t.get_fontsize() <= 9 for t in texts} == {True}
    FigureCanvasAgg(figure)
    box = figure.get_tightbbox()
    assert box.x0 >= -0.02 and box.x1 <= 3.32


def test_the_projects_page_is_drawn_as_before(audit_rows):
    rows = audit_rows("skewed", (1, 3, 2)).query("metric == 'selection_rate_ratio'")
    before = pdf_bytes(ratio_forest(rows, reference="light"))
    with paper.on(paper.Paper(3.3)):
        narrow = pdf_bytes(ratio_forest(rows, reference="light"))
    assert pdf_bytes(ratio_forest(rows, reference="light")) == before != narrow


def test_the_table_behind_it_is_latex_with_names_escaped_and_intervals_in_brackets(audit, tmp_path):
    assert main(["figure", "ratios", str(audit), "--latex", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "ratios.tex").read_text(encoding="utf-8")
    assert "\\toprule" in text and "\\bottomrule" in text and "\\label{tab:ratios}" in text
    assert "R\\&B\\_50\\% & 6 & 0.33 & {[}0.05, 1.50]" in text
    assert not (tmp_path / "ratios.pdf").exists()


def test_a_dose_response_of_several_runs(tmp_path, capsys):
    for seed in range(3):
        for share in (0.5, 0.9):
            finished(tmp_path / "runs" / f"{share} {seed}", seed=seed, share=share)
    words = [
        "figure",
        "dose_winner_share",
        str(tmp_path / "runs"),
        "--svg",
        "--latex",
        "--out",
        str(tmp_path),
    ]
    assert main(words) == 0
    assert "50 %" in (tmp_path / "dose_winner_share.tex").read_text(encoding="utf-8").replace("\\%", "%")
    assert (tmp_path / "dose_winner_share.svg").read_bytes().startswith(b"<?xml")
    assert "training share" in capsys.readouterr().out


def test_every_figure_is_listed(capsys):
    assert main(["figure", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(FIGURES)


def test_what_cannot_be_drawn_is_refused_in_a_line(audit, tmp_path, capsys):
    for seed in range(2):
        finished(tmp_path / "runs" / str(seed), seed=seed)
    (tmp_path / "entrants.csv").write_text("id,score\n1,2\n", encoding="utf-8")
    runs, one = str(tmp_path / "runs"), str(tmp_path / "runs" / "0")
    for words, told in (
        ([], "--list"),
        (["portrait", runs], "no figure 'portrait'"),
        (["ratios"], "RUNS"),
        (["ratios", runs], "here are 2: name one"),
        (["dose_pearson", one], "several runs"),
        (["dose_winner_share", runs], "two training shares"),
        (["scores", str(audit)], "an audit table alone gives"),
        (["ratios", str(audit), "--feature", "age"], "no feature 'age'"),
        (["ratios", str(tmp_path / "entrants.csv")], "no audit table"),
        (["ratios", str(audit), "--width", "wide"], "--width is a length"),
        (["ratios", str(audit), "--width", "90in"], "width is 1.5 to 20 inches"),
        (["ratios", str(audit), "--font-size", "40"], "font size is 5 to 16 points"),
        (["probes", one], "nothing to draw"),
    ):
        assert main(["figure", *words, "--out", str(tmp_path)] if words else ["figure"]) == 2, words
        assert told in capsys.readouterr().err, words


def test_a_length_has_a_unit():
    assert inches("8.4cm", "--width") == pytest.approx(3.3071, abs=1e-4)
    with pytest.raises(InputError, match="--width"):
        inches("3.3", "--width")
