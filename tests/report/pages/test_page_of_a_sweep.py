"""The page of a sweep: two conditions at two shares, two seeds each; every mean can be counted."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.report.conditions import with_order
from judge.report.pages import write_compare_report
from judge.report.sections.dose import outcome_means, trends_table

SCRIPT = '<script>alert("x")</script>'
NAMES = ["untouched", "evened"]


@pytest.fixture
def sweep():
    rows = [
        (f"r{share}{seed}", share, seed, condition, group, won, won / 0.5, 0.5)
        for share in (0.5, 0.9)
        for seed in (0, 1)
        for condition, lost in (("untouched", 0.2), ("evened", 0.0))
        for group, won in (("dark", 0.5 - lost + 0.1 * seed), (SCRIPT, 0.5 + lost - 0.1 * seed))
    ]
    columns = [
        "folder",
        "share",
        "seed",
        "condition",
        "group",
        "winner_share",
        "selection_rate_ratio",
        "entrant_share",
    ]
    return pd.DataFrame(rows, columns=columns).assign(reference=SCRIPT, majority=SCRIPT, n_group=50)


def test_means_of_a_sweep_are_over_training_runs(sweep):
    means = outcome_means(with_order(sweep, NAMES), pd.DataFrame(), "winner_share").set_index(
        ["group", "condition", "dose"]
    )
    row = means.loc[("dark", "untouched", 0.9)]
    assert row["n"] == 2
    assert row["value"] == pytest.approx(0.35)  # seeds .3 and .4
    assert pd.isna(row["ci_high"])  # none from two seeds
    third = sweep[sweep["seed"] == 1].assign(seed=2, winner_share=lambda t: t["winner_share"] + 0.1)
    row = outcome_means(with_order(pd.concat([sweep, third]), NAMES), pd.DataFrame(), "winner_share").set_index(
        ["group", "condition", "dose"]
    ).loc[("dark", "untouched", 0.9)]  # fmt: skip
    # seeds .3, .4 and .5: logit(.4) ± t(2) · .1/√3 / (.4 · .6)
    assert np.log(row["ci_high"] / (1 - row["ci_high"])) == pytest.approx(
        np.log(0.4 / 0.6) + 4.302653 * 0.1 / 3**0.5 / 0.24
    )


@pytest.mark.slow
def test_the_page_of_a_sweep_lists_failed_runs_and_runs_no_script(tmp_path, sweep, assert_safe):
    failed = pd.DataFrame({"folder": ["r7"], "state": ["failed"], "reason": [f"ValueError: {SCRIPT}"]})
    page = write_compare_report(
        tmp_path,
        sweep,
        pd.DataFrame(),
        failed,
        conditions=NAMES,
        feature="ethnicity",
        title=SCRIPT,
        notes=[SCRIPT],
    )
    text = assert_safe(page).flat
    assert "in no number on this page: 1 run." in text
    assert f"ValueError: {SCRIPT}" in text
    # one count of runs: a seed at a share, whatever the number of conditions
    assert "4 runs, 2 seeds, 2 training shares" in text
    assert "4 runs (2 seeds and 2 training shares)" in text
    assert "There are 2 seeds" in text
    assert "From 2 seeds no interval is given" in text
    assert "the smallest p that 2 seeds can reach is .500" in text
    assert "shuffling each seed’s shares: there it is .500" in text  # 2 of 2 · 2 orders
    assert "[" not in text.split("Winners’ shares: means")[1].split("What these numbers")[0]


@pytest.mark.slow
def test_the_known_truth_is_no_training_run_and_has_no_errors(tmp_path, sweep, assert_safe):
    truth = sweep[sweep["condition"] == "untouched"].assign(condition="truth")
    runs = pd.concat([sweep, truth]).assign(pearson=0.5)
    page = write_compare_report(
        tmp_path, runs, pd.DataFrame(), None, conditions=NAMES, feature="ethnicity", title="t"
    )
    text = assert_safe(page).flat
    assert "4 runs, 2 seeds" in text
    assert "Truth: winners by the known truth" in text
    errors = text.split("Agreement with ratings: means")[1].split("What these numbers")[0]
    assert "untouched" in errors
    assert "truth" not in errors


def test_a_page_needs_the_order_of_all_its_conditions(tmp_path, sweep):
    with pytest.raises(InputError, match="evened"):
        write_compare_report(
            tmp_path, sweep, pd.DataFrame(), None, conditions=["untouched"], feature="f", title="t"
        )


def test_the_baseline_is_the_first_of_the_conditions_whatever_its_name(tmp_path, sweep, assert_safe):
    page = write_compare_report(
        tmp_path, sweep, pd.DataFrame(), None, conditions=NAMES[::-1], feature="f", title="t"
    )
    text = assert_safe(page).text
    assert "evened (baseline)" in text
    assert "untouched (baseline)" not in text


@pytest.mark.slow
def test_runs_that_differ_in_a_factor_are_never_averaged_together(tmp_path, sweep, assert_safe):
    sweep = sweep[["folder", "share", "seed", "condition", "group", "winner_share", "majority"]]
    moved = sweep.assign(rule="borda", winner_share=sweep["winner_share"] / 2)
    runs = pd.concat([sweep.assign(rule="mean"), moved], ignore_index=True)
    page = write_compare_report(
        tmp_path, runs, pd.DataFrame(), None, conditions=NAMES, feature="f", title="t", factors=["rule"]
    )
    text = assert_safe(page).flat
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "dose_winner_share_1",
        "dose_winner_share_2",
    }
    assert "rule mean. Winners who are" in text
    # dark under untouched at .9: seeds .3 and .4, halved .15 and .2
    assert "35.0 %" in text
    assert "17.5 %" in text
    assert "8 runs, 2 seeds" in text


@pytest.mark.slow
def test_section_1_says_where_nobody_of_the_majority_entered(tmp_path, sweep, assert_safe):
    runs = sweep.assign(majority="elsewhere", reference="dark")
    page = write_compare_report(
        tmp_path, runs, pd.DataFrame(), None, conditions=NAMES, feature="f", title="t"
    )
    text = assert_safe(page).flat
    assert (
        "Nobody of the group elsewhere, whose share of the training pool is varied, is among the entrants"
        in text
    )
    assert "Winners who are" not in text


@pytest.mark.slow
def test_the_same_page_has_the_same_bytes(tmp_path, sweep):
    pages = [
        write_compare_report(
            tmp_path / name, sweep, pd.DataFrame(), None, conditions=NAMES, feature="f", title="t"
        )
        for name in "ab"
    ]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_tests_stand_in_the_order_of_the_conditions_and_differences_after_them(sweep):
    runs = with_order(sweep, NAMES)
    tests = pd.DataFrame(
        {
            "group": ["evened", "evened - untouched", "untouched"],
            "of_group": "dark",
            "metric": ["dose_slope", "dose_mean_difference", "dose_slope"],
            "value": [0.1, 0.2, 0.3],
            "n": 4,
            "ci_low": 0.0,
            "ci_high": 1.0,
            "p_value": 0.5,
            "test": "t",
        }
    )
    table = trends_table(tests, "c", runs)
    assert [row[1] for row in table.rows] == ["untouched (baseline)", "evened", "evened minus untouched"]
