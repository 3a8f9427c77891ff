import numpy as np
import pandas as pd
import pytest

from judge.report import figures
from judge.report.figures.ratios import RATIO_LIMITS
from judge.report.figures.scores import margins, thinned

HOSTILE = ["$x$ and $y$", "<script>alert(1)</script>", '=HYPERLINK("a")', "日本 мир", "_hidden", "x" * 80, ""]


SHARES = pd.DataFrame(
    {"condition": ["plain", "plain", "even", "even"], "group": ["light", "dark"] * 2,
     "entrants": [60, 40, 60, 40], "winners": [9, 1, 6, 4], "ci_low": 0.1, "ci_high": 0.9}
)  # fmt: skip


def test_markers_stand_at_the_winners_shares_and_groups_in_order_of_name(words, marker):
    figure = figures.entrants_to_winners(SHARES)
    assert marker(figure, "won:plain:dark")[0] == pytest.approx(0.1)  # 1 of 10
    assert marker(figure, "won:plain:light")[0] == pytest.approx(0.9)
    assert marker(figure, "won:even:dark")[0] == pytest.approx(0.4)
    assert marker(figure, "won:plain:dark")[1] < marker(figure, "won:plain:light")[1]  # rows go down
    assert "40 → 1  (40.0 % → 10.0 %)" in words(figure)


def test_a_group_without_entrants_is_visible_and_has_no_marker(words):
    table = pd.DataFrame({"group": ["a", "b"], "entrants": [5, 0], "winners": [2, 0]})
    figure = figures.entrants_to_winners(table)
    assert "no entrants (n = 0)" in words(figure)
    assert not [line for line in figure.axes[0].lines if line.get_gid() == "won::b"]


def test_a_contest_without_winners_says_so(words):
    assert "no winners at all" in words(
        figures.entrants_to_winners(pd.DataFrame({"group": ["a"], "entrants": [5], "winners": [0]}))
    )


def ratios(values, low, high):
    return pd.DataFrame(
        {"group": [f"g{i}" for i in range(len(values))], "value": values, "ci_low": low, "ci_high": high,
         "p_value": 0.2, "n": 10}
    )  # fmt: skip


def test_the_forest_plot_has_the_ratio_at_its_place_and_its_numbers_beside(words, marker):
    figure = figures.ratio_forest(ratios([0.5], [0.2], [1.25]), reference="r")
    assert marker(figure, "ratio::g0")[0] == pytest.approx(0.5)
    assert "0.50  [0.20, 1.25]   p = .200" in words(figure)
    assert "g0\nn = 10" in words(figure)


def test_ratios_of_zero_and_infinity_stand_at_the_edges_with_their_true_value_beside(words, marker):
    figure = figures.ratio_forest(
        ratios([0, np.inf, np.nan], [0, 2, np.nan], [0.4, np.inf, np.nan]), reference="r"
    )
    low, high = figure.axes[0].get_xlim()
    assert marker(figure, "ratio::g0")[0] == pytest.approx(low)
    assert marker(figure, "ratio::g1")[0] == pytest.approx(high)
    assert RATIO_LIMITS[0] <= low < high <= RATIO_LIMITS[1]
    text = words(figure)
    assert "0.00  [0.00, 0.40]" in text
    assert "∞  [2.00, ∞]" in text
    assert "not available" in text


@pytest.mark.parametrize("draw", ["entrants_to_winners", "ratio_forest", "pool_composition"])
def test_a_thousand_groups_are_drawn_as_the_largest_and_the_rest_is_counted(draw, words):
    rng = np.random.default_rng(0)
    n = rng.integers(1, 50, 1000)
    table = pd.DataFrame(
        {"group": [f"g{i:03}" for i in range(1000)], "entrants": n, "winners": 1, "n": n, "value": 0.5, "ci_low": 0.1,
         "ci_high": 2.0, "p_value": 0.5}
    )  # fmt: skip
    options = {"reference": "r"} if draw == "ratio_forest" else {}
    figure = getattr(figures, draw)(table, **options)
    assert len(figure.axes[0].get_yticks()) == 20
    assert figure.get_figheight() < 12
    assert "980 smaller groups not drawn" in words(figure)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn(name, words):
    shares = pd.DataFrame({"group": [name, "b"], "entrants": [3, 4], "winners": [1, 2]})
    text = words(figures.entrants_to_winners(shares))
    assert (name in text) or len(name) > 26 or not name


def score_table():
    """Two brackets; the cut is 7 in f and 5 in m."""
    return pd.DataFrame(
        {"group": ["a", "a", "b", "a", "b", "b"], "bracket": list("fffmmm"), "score": [9.0, 6, 7, 5, 4, 3],
         "winner": [True, False, True, True, False, False]}
    )  # fmt: skip


def test_margins_are_distances_to_the_last_winner_of_the_own_bracket():
    table, label = margins(score_table())
    assert table["margin"].tolist() == [2, -1, 0, 0, -1, -2]
    assert "own bracket" in label


def test_with_one_bracket_the_scores_themselves_are_drawn_with_the_cut():
    one = score_table().query("bracket == 'f'").drop(columns="bracket")
    table, label = margins(one)
    assert table["margin"].tolist() == [9, 6, 7]
    assert label == "score"
    figure = figures.scores_by_group(one)
    assert any(set(line.get_xdata()) == {7.0} for line in figure.axes[0].lines)  # the cut


def test_n_and_the_number_of_winners_stand_on_every_group(words):
    text = words(figures.scores_by_group(score_table()))
    assert "a\nn = 3" in text
    assert "b\nn = 3" in text
    assert "2 won" in text
    assert "1 won" in text


def test_people_without_a_score_are_counted_not_dropped_in_silence(words):
    table = score_table()
    table.loc[1, "score"] = np.nan
    assert "not drawn, for want of a score or of a winner in the bracket: 1" in words(
        figures.scores_by_group(table)
    )


def test_thinning_keeps_cut_and_quantiles():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"condition": "c", "group": "g", "bracket": "b", "score": rng.normal(size=50_000)})
    table["winner"] = table["score"] >= table["score"].nlargest(50).min()
    few = thinned(table, 1000)
    assert len(few) < 1100
    assert few.loc[few["winner"], "score"].min() == table.loc[table["winner"], "score"].min()
    assert few["score"].quantile([0.25, 0.5, 0.75]).to_numpy() == pytest.approx([-0.674, 0, 0.674], abs=0.05)


def test_error_markers_are_the_audits_values(words, marker):
    audit = pd.DataFrame(
        {"metric": ["pearson", "pearson", "mae", "signed_error"], "group": ["a", "b", "a", "a"],
         "value": [0.6, np.nan, 0.4, -0.2], "n": [9, 1, 9, 9], "ci_low": [0.5, np.nan, 0.3, -0.4],
         "ci_high": [0.7, np.nan, 0.5, 0.0]}
    )  # fmt: skip
    figure = figures.error_by_group(audit)
    assert marker(figure, "pearson::a")[0] == pytest.approx(0.6)
    assert marker(figure, "signed_error::a")[0] == pytest.approx(-0.2)
    assert "not available" in words(figure)  # b has no correlation
    assert "b\nn = 1" in words(figure)


def test_the_dose_response_has_one_dot_a_training_run_and_the_given_means(words):
    runs = pd.DataFrame(
        {"share": [0.5, 0.5, 0.9, 0.9], "seed": [0, 1, 0, 1], "condition": "plain", "group": "a",
         "winner_share": [0.3, 0.5, 0.6, 0.8], "entrant_share": 0.4}
    )  # fmt: skip
    means = pd.DataFrame(
        {
            "group": "a",
            "condition": "plain",
            "dose": [0.5, 0.9],
            "value": [0.4, 0.7],
            "ci_low": 0.2,
            "ci_high": 0.9,
        }
    )
    figure = figures.dose_response(runs, means, outcome="winner_share", label="share", is_share=True)
    ax = figure.axes[0]
    dots = np.concatenate([c.get_offsets()[:, 1] for c in ax.collections if len(c.get_offsets()) == 4])
    assert sorted(dots) == pytest.approx([0.3, 0.5, 0.6, 0.8])
    assert any(np.allclose(np.asarray(line.get_ydata(), float), [0.4, 0.7]) for line in ax.lines)
    assert "a\nn = 4 runs" in words(figure)


def test_a_run_in_which_nobody_won_stands_at_the_lower_edge_of_the_log_axis():
    runs = pd.DataFrame({"share": [0.5, 0.9], "seed": 0, "condition": "c", "group": "a", "ratio": [1.0, 0.0]})
    means = pd.DataFrame({"group": "a", "condition": "c", "dose": [0.5, 0.9], "value": [1.0, 0.0], "ci_low": np.nan,
                          "ci_high": np.nan})  # fmt: skip
    figure = figures.dose_response(runs, means, outcome="ratio", label="ratio", log=True)
    ax = figure.axes[0]
    at_edge = [line for line in ax.lines if line.get_marker() == "v"]
    assert len(at_edge) == 1
    assert at_edge[0].get_ydata()[0] == pytest.approx(ax.get_ylim()[0])


def test_twin_changes_show_the_mean_of_the_pairs_and_put_placebos_last(marker):
    changes = pd.DataFrame({"edit": ["tone"] * 3 + ["background"] * 3, "change": [1.0, 2, 3, 0, 0, 0],
                            "placebo": [False] * 3 + [True] * 3})  # fmt: skip
    figure = figures.twin_changes(changes)
    assert marker(figure, "change of score::0")[0] == pytest.approx(2)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [
        "tone\nn = 3",
        "background (placebo)\nn = 3",
    ]


def test_bars_of_the_chain_are_the_terms_and_nobody_left_is_said(words):
    terms = pd.DataFrame({"group": "a", "term": ["entered", "eligible", "total"], "value": [-0.5, -np.inf, -np.inf],
                          "ci_low": np.nan, "ci_high": np.nan, "n": 7})  # fmt: skip
    figure = figures.decomposition_chain(terms)
    assert [patch.get_width() for patch in figure.axes[0].patches] == pytest.approx([-0.5])
    assert words(figure).count("nobody left") == 2
    assert "a\nn = 7" in words(figure)


def test_the_ablation_says_the_winners_share_in_every_cell(words):
    table = pd.DataFrame({"robot": ["CNN", "CNN", "wrinkles", "wrinkles"], "group": ["a", "b"] * 2,
                          "winner_share": [0.25, 0.75, np.nan, 1.0], "entrant_share": 0.5, "n": 4})  # fmt: skip
    text = words(figures.ablation(table))
    assert "25.0 %" in text
    assert "75.0 %" in text
    assert "not available" in text
    assert "CNN  (n = 8)" in text


def test_an_empty_cell_of_a_data_set_is_a_visible_zero():
    counts = pd.DataFrame({"group": ["a", "b"], "bracket": ["f", "m"], "n": [3, 4]})
    figure = figures.cells(counts)
    figure.draw_without_rendering()
    cells = sorted(text.get_text() for text in figure.axes[0].texts if text.get_text())
    assert cells == ["0", "0", "3", "4"]


@pytest.mark.parametrize(
    ("draw", "columns", "options"),
    [
        ("pool_composition", ["group", "n"], {}),
        ("entrants_to_winners", ["group", "entrants", "winners"], {}),
        ("ratio_forest", ["group", "value", "ci_low", "ci_high", "n"], {"reference": "r"}),
        ("scores_by_group", ["group", "score", "winner"], {}),
        ("skew_at_k", ["group", "k", "skew"], {"sizes": {}}),
        ("error_by_group", ["metric", "group", "value", "n"], {}),
        ("calibration", ["group", "rating", "score"], {}),
        ("ratings_by_group", ["group", "rating"], {}),
        ("twin_changes", ["edit", "change"], {}),
        ("decomposition_chain", ["group", "term", "value"], {}),
        ("effects", ["effect", "value", "ci_low", "ci_high"], {"label": "x"}),
        ("ablation", ["robot", "group", "winner_share", "entrant_share"], {}),
        ("cells", ["group", "bracket", "n"], {}),
    ],
)
def test_an_empty_table_gives_a_figure_that_says_so(draw, columns, options, words):
    assert "no" in words(getattr(figures, draw)(pd.DataFrame({c: [] for c in columns}), **options))


def test_a_score_far_out_does_not_press_the_others_into_a_line():
    people = pd.DataFrame({"group": "a", "rating": np.linspace(1, 9, 200), "score": np.linspace(2, 8, 200)})
    people.loc[0, "score"] = 900.0
    low, high = figures.calibration(people).axes[0].get_ylim()
    assert low < 2.5
    assert 8 < high < 60  # the mean of the lowest tenth is drawn, the one score is not
