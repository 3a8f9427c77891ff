"""Shares with a classifier's mistakes taken out, exact intervals, lightening and the spread of parameters."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from judge.errors import InputError
from judge.generator.audit.shares import corrected_shares, shares_in_asked_out, shown_as_asked
from judge.generator.audit.tone import lightening, parameter_spread

PERFECT = pd.DataFrame([[1000, 0], [0, 1000]], index=["a", "b"], columns=["a", "b"])
#: 90 % of a are read as a, 80 % of b as b
ERRS = pd.DataFrame([[900, 100], [200, 800]], index=["a", "b"], columns=["a", "b"])


def test_rogan_and_gladen_by_hand():
    # 55 % read as a: π · .9 + (1 − π) · .2 = .55 → π = .5
    found = corrected_shares([550, 450], ERRS.to_numpy())
    assert found.value == pytest.approx([0.5, 0.5], abs=1e-4)
    assert found.low[0] < 0.5 < found.high[0]
    assert found.value.sum() == pytest.approx(1)


def test_shares_outside_what_the_classifier_can_say_are_at_the_edge():
    # 15 % read as a is fewer than the 20 % of b that are: nobody is a, and no share is negative
    found = corrected_shares([150, 850], ERRS.to_numpy())
    assert found.value == pytest.approx([0, 1], abs=1e-3)
    assert found.low[0] >= 0 and found.high[1] <= 1


def test_three_groups_are_the_inverse_of_the_confusion():
    mixing = np.array([[80, 15, 5], [10, 85, 5], [0, 10, 90]])
    true = np.array([0.2, 0.3, 0.5])
    read = 1e5 * true @ (mixing / mixing.sum(1, keepdims=True))
    assert corrected_shares(read, mixing).value == pytest.approx(true, abs=1e-3)


def test_a_classifier_that_was_hardly_tried_gives_wide_intervals():
    sure = corrected_shares([550, 450], ERRS.to_numpy())
    few = corrected_shares([550, 450], ERRS.to_numpy() // 50)
    assert few.high[0] - few.low[0] > 2 * (sure.high[0] - sure.low[0])


def test_the_interval_holds_the_true_share():
    rng = np.random.default_rng(3)
    held = 0
    for trial in range(60):
        confusion = np.array([rng.multinomial(150, [0.9, 0.1]), rng.multinomial(150, [0.2, 0.8])])
        read = rng.multinomial(300, [0.3 * 0.9 + 0.7 * 0.2, 0.3 * 0.1 + 0.7 * 0.8])
        found = corrected_shares(read, confusion, draws=200, seed=trial)
        held += found.low[0] <= 0.3 <= found.high[0]
    assert held >= 52  # 57 expected; fewer has probability .02


def test_in_asked_and_out_are_counted():
    table = shares_in_asked_out(["a"] * 30 + ["b"] * 10, ["a", "b"] * 10, ["a"] * 15 + ["b"] * 5, PERFECT)
    first = table.set_index("group").loc["a"]
    assert (first["n_in"], first["share_in"], first["share_asked"], first["share_read"]) == (
        30,
        0.75,
        0.5,
        0.75,
    )
    assert first["share_out"] == pytest.approx(0.75, abs=1e-3)
    assert first["amplification"] == pytest.approx(1.5, abs=2e-3)
    assert first["read_low"] == pytest.approx(beta.ppf(0.025, 15, 6))
    assert first["read_high"] == pytest.approx(beta.ppf(0.975, 16, 5))


def test_a_label_that_the_classifier_does_not_know_is_refused():
    with pytest.raises(InputError, match="the classifier knows 'a', 'b', not 'c'"):
        shares_in_asked_out(["c"], ["a"], ["a"], PERFECT)
    with pytest.raises(InputError, match="true group of which nobody"):
        corrected_shares([1, 1], [[1, 0], [0, 0]])


def test_shown_as_asked_tells_what_is_shown_instead():
    table = shown_as_asked(["a"] * 20 + ["b"] * 20, ["a"] * 12 + ["b"] * 8 + ["b"] * 20, PERFECT).set_index(
        "group"
    )
    assert (table.loc["a", "shown"], table.loc["a", "share"], table.loc["a", "mostly"]) == (12, 0.6, "b")
    assert (table.loc["b", "share"], table.loc["b", "mostly"]) == (1.0, "")
    assert table.loc["b", "ci_low"] == pytest.approx(0.025 ** (1 / 20))


def test_errors_of_the_classifier_are_no_failure_to_show():
    # all shown as asked, read as well as real people are: 90 % and 80 %
    asked = ["a"] * 1000 + ["b"] * 1000
    read = ["a"] * 900 + ["b"] * 100 + ["a"] * 200 + ["b"] * 800
    table = shown_as_asked(asked, read, ERRS)
    assert table["share"].tolist() == [0.9, 0.8]
    assert table["corrected"].to_numpy() == pytest.approx([1, 1], abs=0.01)


def people(n, seed):
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 20, n)
    # the reader halves every tone and adds 3°, in everybody
    return true, 3 + 0.5 * true + rng.normal(0, 2, n)


def test_the_readers_own_bias_is_no_lightening():
    true, read = people(400, 0)
    asked, shown = people(400, 1)
    groups = pd.Series(["g"] * 400)
    row = lightening(asked, shown, groups, true, read, groups).iloc[0]
    assert row["lightening_low"] < 0 < row["lightening_high"]
    assert row["slope"] == pytest.approx(row["slope_real"], abs=0.05)


def test_ten_degrees_of_planted_lightening_are_found():
    true, read = people(400, 0)
    asked, shown = people(400, 1)
    groups = pd.Series(["g"] * 400)
    row = lightening(asked, shown + 5, groups, true, read, groups).iloc[0]
    assert row["lightening"] == pytest.approx(5, abs=0.5)
    assert row["lightening_low"] > 4


def test_a_group_that_hardly_varies_is_seen():
    rng = np.random.default_rng(0)

    def table(sd):
        return pd.DataFrame({"hair": rng.normal(0, sd, 300), "group": ["g"] * 300})

    row = parameter_spread(table(0.25), table(1), table(1)).iloc[0]
    assert row["sd_ratio"] == pytest.approx(0.25, abs=0.05)
    assert row["sd_ratio_real"] == pytest.approx(1, abs=0.15)
    assert row["wasserstein"] > 3 * row["wasserstein_real"]
    assert row["ks"] > 2 * row["ks_real"]
