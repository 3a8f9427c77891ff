"""The page of changes says what its numbers say: moved where an interval leaves zero out, else not seen to move."""

import numpy as np
import pandas as pd
import pytest

from judge.report.pages.changes import Found, lead, words_of, write_changes_page

LEVELS = [
    {"share": 1 / 3, "pool.rating_shift.african": None},
    {"share": 0.95, "pool.rating_shift.african": None},
    {"share": 1 / 3, "pool.rating_shift.african": -0.65},
    {"share": 0.95, "pool.rating_shift.african": -0.65},
]
SETTINGS = {
    "conditions": {
        "as_judged": {},
        "rebalanced": {"pool": {"_target_": "judge.mitigation.pools.Redraw"}},
        "mine": {"trained_as": "as_judged", "scores": {"_target_": "own.Method"}},
    }
}
CONDITIONS = ("as_judged", "rebalanced", "mine")


def words(levels=LEVELS):
    return words_of(levels, SETTINGS, CONDITIONS, majority="caucasian")


def change(what, setting, condition, value, low, high, *, n=12):
    against = (0, condition) if what == "setting" else (setting, "as_judged")
    return {
        "what": what, "setting": setting, "condition": condition, "against_setting": against[0],
        "against_condition": against[1], "group": "african", "value": value, "ci_low": low, "ci_high": high,
        "ci_people_low": low, "ci_people_high": high, "n": n, "contestants": "overlapping", "p_value": 0.01,
        "p_holm": 0.02,
    }  # fmt: skip


def table(*rows):
    return pd.DataFrame([change(*row) for row in rows])


PICTURES = ("setting", 1, "as_judged", 0.02, -0.01, 0.05)
RATINGS = ("setting", 2, "as_judged", -0.125, -0.15, -0.1)
BOTH = ("setting", 3, "as_judged", -0.05, -0.08, -0.02)
REBALANCED = ("condition", 3, "rebalanced", -0.06, -0.09, -0.03)
MINE = ("condition", 3, "mine", 0.01, -0.02, 0.04)


def test_what_moved_and_what_did_not_are_told_apart_by_their_intervals():
    moved, still = lead(table(PICTURES, RATINGS, BOTH, REBALANCED, MINE), words(), group="african")
    assert moved == (
        "What moved the share of the winners who are african: african people being rated 0.65 points lower in training "
        "(−12.5 percentage points [−15.0, −10.0]); with both planted at once, rebalancing the pictures with new ones "
        "(−6.0 [−9.0, −3.0])."
    )
    assert still == (
        "What was not seen to move it: caucasian people being 95 % of the training pictures instead of 33 % "
        "(+2.0 [−1.0, +5.0]); with both planted at once, `mine` (+1.0 [−2.0, +4.0]); these intervals include zero."
    )


def test_the_same_words_turn_round_where_the_numbers_do():
    flat = ("setting", 2, "as_judged", -0.125, -0.3, 0.05)
    strong = ("setting", 1, "as_judged", 0.2, 0.1, 0.3)
    moved, still = lead(table(strong, flat), words(), group="african")
    assert "95 % of the training pictures" in moved
    assert "rated 0.65 points lower" not in moved
    assert "rated 0.65 points lower in training (−12.5 [−30.0, +5.0]); the interval includes zero." in still


def test_where_nothing_moved_and_where_all_did_no_sentence_says_otherwise():
    nothing = lead(table(PICTURES, MINE), words(), group="african")
    assert (
        nothing[0]
        == "Nothing that was changed was seen to move the share of the winners who are african, in 12 seeds."
    )
    assert "these intervals include zero" in nothing[1]
    everything = lead(table(RATINGS, REBALANCED), words(), group="african")
    assert everything[1] == "Everything that was changed moved it: no interval includes zero."


def test_a_sweep_in_which_nothing_was_planted_says_so():
    one = words(LEVELS[:1])
    rows = table(("condition", 0, "rebalanced", 0.0, -0.02, 0.02), ("condition", 0, "mine", 0.1, 0.05, 0.15))
    first, _ = lead(rows, one, group="african")
    assert first.startswith("Nothing was planted in the training pool: all runs have one setting. What moved")
    (alone,) = lead(rows.head(0), one, group="african")
    assert alone.startswith("Nothing was changed between these runs")


def test_seeds_that_all_agree_are_said_to_and_have_no_interval():
    same = ("condition", 3, "rebalanced", 0.0, np.nan, np.nan)
    _, still = lead(table(RATINGS, same), words(), group="african")
    assert "rebalancing the pictures with new ones (0.0 in every one of 12 seeds)" in still


def test_two_seeds_claim_nothing():
    rows = table(RATINGS).assign(n=2)
    assert lead(rows, words(), group="african") == [
        "From 2 seeds nothing can be said of what moves the share of the winners who are african: an interval needs 3."
    ]


@pytest.fixture
def page(tmp_path):
    arms = pd.DataFrame(
        [
            {"setting": setting, "condition": condition, "group": "african", "value": 0.3, "ci_low": 0.2,
             "ci_high": 0.4, "ci_people_low": 0.2, "ci_people_high": 0.4, "n": 12, "contestants": "overlapping"}
            for setting in range(4)
            for condition in (*CONDITIONS, "truth")
        ]
    )  # fmt: skip
    each = arms[["setting", "condition", "value"]].assign(seed=0)
    gap = change("condition", 0, "as_judged", -0.1, -0.15, -0.05) | {"against_condition": "truth"}
    found = Found(each, arms, table(PICTURES, RATINGS, BOTH, REBALANCED, MINE), pd.DataFrame([gap]))
    file = write_changes_page(
        tmp_path, found, words(), group="african", conditions=CONDITIONS, about="48 runs, 12 seeds."
    )
    return file.read_text(encoding="utf-8")


def test_the_page_has_the_sentences_every_change_and_the_gap_to_the_truth(page):
    assert "What moves african people’s share of the winners" in page
    assert "−12.5 percentage points" in page
    assert "30.0\xa0% of the winners are african, less than the 40.0\xa0% that the known truth" in page
    assert page.count("[−9.0,\xa0−3.0]") == 3  # the sentence, and the table's two intervals
    assert "5 changes were looked at" in page
    assert "A network trained" not in page


def test_no_request_leaves_the_page(page):
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
