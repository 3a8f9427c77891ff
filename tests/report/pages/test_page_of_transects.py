"""The page of transects: what it counts, and that its numbers fit their cells."""

import pandas as pd

from judge.report.figures.generator import leakage_matrix
from judge.report.pages.transects import write_transects_page

NUMBERS = ("leakage", "ci_low", "ci_high", "own", "own_low", "own_high", "excess", "excess_low", "excess_high",
           "unmixed", "unmixed_low", "unmixed_high")  # fmt: skip


def leakage():
    """The generator changes ita alone, the renderer all three that are read."""
    rows = [("latent", "ita", name) for name in ("ita", "age", "smile")]
    rows += [
        ("renderer", target, name) for target in ("ita", "age", "smile") for name in ("ita", "age", "smile")
    ]
    table = pd.DataFrame(rows, columns=["space", "target", "attribute"])
    table[list(NUMBERS)] = -0.0004
    return table.assign(n=20, moves=True)


def test_only_what_the_generator_changes_is_counted(tmp_path):
    page = write_transects_page(tmp_path, leakage()).read_text(encoding="utf-8")
    assert "20 generated persons, 1 attribute changed one at a time" in page


def test_a_small_number_has_no_more_figures_than_fit():
    texts = {text.get_text() for ax in leakage_matrix(leakage()).axes for text in ax.texts}
    assert texts == {"·", "0.0"}
