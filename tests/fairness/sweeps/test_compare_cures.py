"""Cures compared by who wins: every number can be counted by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.sweeps import compare_cures, fieller, selected


def runs(**conditions):
    """Six seeds; condition → share of each seed, or a dict of columns."""
    parts = []
    for name, told in conditions.items():
        columns = told if isinstance(told, dict) else {"share": told}
        parts.append(
            pd.DataFrame({"seed": range(6), "truth_share": 0.3, "winners_truth": 1.5, **columns}).assign(
                condition=name
            )
        )
    return pd.concat(parts, ignore_index=True)


JITTER = np.array([-0.01, 0.01, -0.02, 0.02, 0.0, 0.0])


def test_what_is_given_back_is_the_part_of_the_baselines_gap_that_is_closed():
    table = compare_cures(
        runs(
            uncured=0.1 + JITTER,
            half=0.2 + JITTER,
            whole=0.3 + JITTER,
            beyond=0.4 + JITTER,
            worse=0.05 + JITTER,
        ),
        baseline="uncured",
    ).set_index("condition")
    assert table["recovered"].round(6).to_dict() == {
        "uncured": 0.0, "half": 0.5, "whole": 1.0, "beyond": 1.5, "worse": -0.25
    }  # fmt: skip
    assert table.loc["half", "gap"] == pytest.approx(-0.1)
    assert table.loc["beyond", "distance"] == pytest.approx(0.1)
    assert (table["recovered_low"] <= table["recovered"] + 1e-12).all()


def test_the_order_and_number_of_conditions_stay():
    table = compare_cures(runs(b=0.1 + JITTER, a=0.2 + JITTER), baseline="b")
    assert table["condition"].tolist() == ["b", "a"]
    assert table["n"].tolist() == [6, 6]


def test_a_share_of_nought_in_every_seed_has_an_interval_where_the_number_of_winners_is_known():
    told = runs(uncured=np.zeros(6), cure=0.2 + JITTER)
    assert np.isnan(compare_cures(told, baseline="uncured").loc[0, "share_high"])
    row = compare_cures(told, baseline="uncured", step=1 / 50).loc[0]
    assert row["share_low"] == 0 < row["share_high"] < 0.05


def test_truth_that_the_winners_lose_is_flagged_above_a_tenth_of_a_standard_deviation():
    told = runs(
        uncured={"share": 0.1 + JITTER, "winners_truth": 1.5},
        cheap={"share": 0.3 + JITTER, "winners_truth": 1.45},
        dear={"share": 0.3 + JITTER, "winners_truth": 1.35},
    )
    table = compare_cures(told, baseline="uncured").set_index("condition")
    assert table["truth_lost"].round(6).to_dict() == {"uncured": 0.0, "cheap": 0.05, "dear": 0.15}
    assert table["costs_truth"].to_dict() == {"uncured": False, "cheap": False, "dear": True}


def test_a_gap_closed_by_harming_others_is_levelling_down_and_one_closed_by_helping_is_not():
    told = runs(
        uncured={"share": 0.1 + JITTER, "worst_pearson": 0.5, "pearson_gap": 0.2},
        harmed={"share": 0.1 + JITTER, "worst_pearson": 0.45, "pearson_gap": 0.05},
        helped={"share": 0.1 + JITTER, "worst_pearson": 0.6, "pearson_gap": 0.1},
        wider={"share": 0.1 + JITTER, "worst_pearson": 0.4, "pearson_gap": 0.3},
        # narrower by a hundredth of what the seeds scatter: nothing is told
        chance={"share": 0.1 + JITTER, "worst_pearson": 0.5, "pearson_gap": 0.1999 + JITTER},
    )
    table = compare_cures(told, baseline="uncured").set_index("condition")
    assert table["levelling_down"].to_dict() == {
        "uncured": False, "harmed": True, "helped": False, "wider": False, "chance": False,
    }  # fmt: skip


def test_the_largest_error_is_the_groups_mean_furthest_from_nought():
    told = runs(uncured={"share": 0.1 + JITTER, "error_a": 0.2, "error_b": [-0.5, -0.3] * 3})
    row = compare_cures(told, baseline="uncured").iloc[0]
    assert (round(row["largest_error"], 6), row["largest_error_group"]) == (-0.4, "b")


def test_the_bar_is_tested_by_sign_flips_and_holms_adjustment_counts_all_conditions():
    told = runs(uncured=0.1 + JITTER, bar=0.2 + JITTER, near=0.29 + JITTER / 10, same=0.2 + JITTER)
    table = compare_cures(told, baseline="uncured", bar="bar").set_index("condition")
    # six seeds that all agree: 2 of 64 signs
    assert table.loc["near", "p_against_bar"] == pytest.approx(2 / 64)
    assert table.loc["same", "p_against_bar"] == 1
    assert np.isnan(table.loc["bar", "p_against_bar"])
    assert table.loc["near", "p_holm"] == pytest.approx(3 * 2 / 64)


def test_fiellers_interval_holds_every_ratio_that_a_t_test_does_not_reject():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.3, 8), rng.normal(2, 0.2, 8)
    _, low, high = fieller(a, b)
    for ratio in (low, high):
        assert stats.ttest_1samp(a - ratio * b, 0).pvalue == pytest.approx(0.05, abs=1e-9)
    assert stats.ttest_1samp(a - (low + high) / 2 * b, 0).pvalue > 0.05


def test_a_gap_that_is_not_told_from_nought_has_no_interval_of_what_was_given_back():
    told = runs(uncured=0.3 + JITTER, cure=0.31 + JITTER[::-1])
    row = compare_cures(told, baseline="uncured").set_index("condition").loc["cure"]
    assert np.isnan(row["recovered_low"]) and np.isnan(row["recovered_high"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="share"), "lack the column"),
        (lambda t: t[~((t["seed"] == 2) & (t["condition"] == "uncured"))], "seed 2 has 'uncured' 0 times"),
        (lambda t: pd.concat([t, t.tail(1)]), "seed 5 has 'cure' 2 times"),
    ],
)
def test_runs_that_cannot_be_paired_are_refused(change, told):
    table = change(runs(uncured=0.1 + JITTER, cure=0.2 + JITTER))
    with pytest.raises(InputError, match=told):
        compare_cures(table, baseline="uncured")


def test_a_seed_that_lacks_a_cure_is_left_out_of_that_pair_only():
    whole = runs(uncured=0.1 + JITTER, bar=0.2 + JITTER, cure=0.2 + JITTER)
    part = whole[~((whole["seed"] == 3) & (whole["condition"] == "cure"))]
    table = compare_cures(part, baseline="uncured", bar="bar").set_index("condition")
    assert table["n"].to_dict() == {"uncured": 6, "bar": 6, "cure": 5}
    assert table.loc["cure", "share"] == pytest.approx(0.2 - 0.02 / 5)
    assert table.loc["cure", "recovered"] == pytest.approx(0.1 / (0.2 + 0.02 / 5))
    assert table.loc["cure", "p_against_bar"] == 1


def test_an_unknown_baseline_or_bar_is_refused():
    table = runs(uncured=0.1 + JITTER)
    for words in ({"baseline": "skewed"}, {"baseline": "uncured", "bar": "subg"}):
        with pytest.raises(InputError, match="no such condition"):
            compare_cures(table, **words)


def test_each_seed_chooses_the_setting_that_its_rule_finds_lowest():
    grid = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1], "condition": ["a1", "a2"] * 2, "method": "a", "setting": [1, 2] * 2,
            "share": [0.2, 0.3, 0.32, 0.1], "truth_share": 0.33, "mse_validation": [1.0, 1.1, 1.2, 1.1],
            "worst_mse_held_out": [2.0, 1.0, 1.0, 3.0],
        }
    )  # fmt: skip
    chosen = {
        rule: selected(grid, rule)["setting"].tolist()
        for rule in ("no group labels", "worst group", "oracle")
    }
    assert chosen == {"no group labels": [1, 2], "worst group": [2, 1], "oracle": [2, 1]}
    with pytest.raises(InputError, match="2 rows lack it"):
        selected(grid.assign(mse_validation=[1.0, np.nan, 1.0, np.nan]), "no group labels")
    with pytest.raises(InputError, match="rule='best'"):
        selected(grid, "best")
