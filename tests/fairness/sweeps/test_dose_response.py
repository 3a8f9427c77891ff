import itertools

import numpy as np
import pandas as pd
import pytest

from judge.data.tables import AUDIT, validated
from judge.errors import InputError
from judge.fairness.sweeps import bootstrap_seeds_people, dose_response
from judge.fairness.sweeps.dose_models import crossing, line, trend_p_value, within_shares
from judge.fairness.sweeps.mixed_models import mixed_slope
from judge.fairness.sweeps.over_seeds import mean_interval

SHARES = (0.5, 0.75, 0.9, 0.98)


def sweep(slope=-0.6, noise=0.02, seeds=5, conditions=("skewed",), start=0, seed_spread=0.1):
    rng = np.random.default_rng(start)
    own = rng.normal(size=seeds) * seed_spread
    rows = [
        (share, seed, c, 1.1 + (slope if c == "skewed" else 0) * share + own[seed] + noise * rng.normal())
        for c in conditions
        for seed in range(seeds)
        for share in SHARES
    ]
    return pd.DataFrame(rows, columns=["share", "seed", "condition", "outcome"])


def row(table, metric, group="skewed"):
    return table[(table["metric"] == metric) & (table["group"] == group)].iloc[0]


def test_an_exact_line_is_found_with_slope_and_crossing():
    table = dose_response(sweep(noise=0, seed_spread=0))
    for metric in ("dose_slope", "dose_slope_mixed", "dose_slope_bootstrap"):
        assert row(table, metric)["value"] == pytest.approx(-0.6)
    assert row(table, "dose_crossing")["value"] == pytest.approx(0.5)
    assert row(table, "dose_mean")["value"] == pytest.approx(0.8)


def test_the_answer_is_an_audit_table_and_covers_the_planted_slope():
    table = dose_response(sweep(conditions=("skewed", "rebalanced")))
    validated(table, AUDIT)
    slope = row(table, "dose_slope")
    assert slope["ci_low"] < -0.6 < slope["ci_high"]
    assert slope["p_value"] < 1e-4
    assert "exact" in slope["test"]
    other = row(table, "dose_slope_difference", "rebalanced - skewed")
    assert other["ci_low"] < 0.6 < other["ci_high"]
    assert row(table, "dose_mean_difference", "rebalanced - skewed")["p_value"] == 2 / 2**5


def test_each_condition_is_compared_with_the_baseline_which_is_the_first_unless_named():
    runs = sweep(conditions=("skewed", "rebalanced", "refit"))

    def differences(table):
        return table.loc[table["metric"] == "dose_slope_difference"].set_index("group")["value"]

    first = differences(dose_response(runs))
    assert set(first.index) == {"rebalanced - skewed", "refit - skewed"}
    named = differences(dose_response(runs, baseline="rebalanced"))
    assert named["skewed - rebalanced"] == -first["rebalanced - skewed"]
    ordered = pd.Categorical(runs["condition"], categories=["unused", "refit", "skewed", "rebalanced"])
    assert "skewed - refit" in differences(dose_response(runs.assign(condition=ordered)))


def test_the_order_of_the_rows_changes_no_draw():
    runs = sweep(conditions=("skewed", "rebalanced"))
    tables = [
        dose_response(r, baseline="skewed").query("metric == 'dose_slope_bootstrap'")
        for r in (runs, runs.sample(frac=1, random_state=0))
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9)


def test_differences_between_seeds_do_not_widen_the_slope():
    narrow, wide = (dose_response(sweep(seed_spread=s)) for s in (0.0, 50.0))
    for metric in ("dose_slope", "dose_slope_bootstrap"):
        widths = [row(t, metric)["ci_high"] - row(t, metric)["ci_low"] for t in (narrow, wide)]
        assert widths[1] == pytest.approx(widths[0], rel=1e-6)


def test_trend_p_value_of_two_seeds_and_three_doses_is_counted_by_hand():
    # both seeds rise steadily: of 6 × 6 orders, 1 is as steep upward and 1 as steep downward
    p, exact = trend_p_value(
        [0, 1, 2] * 2, [1, 2, 3, 11, 12, 13], [0] * 3 + [1] * 3, rng=np.random.default_rng(0)
    )
    assert exact
    assert p == pytest.approx(2 / 36)


def test_exact_trend_test_equals_brute_force():
    rng = np.random.default_rng(4)
    x, y, seed = np.tile([0.5, 0.7, 0.9], 3), rng.normal(size=9), np.repeat([0, 1, 2], 3)
    centred = np.array([0.5, 0.7, 0.9]) - 0.7
    observed = sum(centred @ y[seed == s] for s in range(3))
    every = [
        sum(centred @ np.array(p) for p in choice)
        for choice in itertools.product(*(itertools.permutations(y[seed == s]) for s in range(3)))
    ]
    expected = np.mean(np.abs(every) >= abs(observed) - 1e-12)
    assert trend_p_value(x, y, seed, rng=rng)[0] == pytest.approx(expected)


def test_a_trend_shared_by_seed_levels_only_is_no_trend():
    # doses differ only between seeds' runs of equal outcome: nothing within seeds
    p, _ = trend_p_value([0, 1, 0, 1], [5, 5, 9, 9], [0, 0, 1, 1], rng=np.random.default_rng(0))
    assert p == 1.0


def test_a_fresh_seed_for_every_run_is_one_block():
    x, y = np.repeat(SHARES, 3), np.arange(12.0)
    p, exact = trend_p_value(x, y, np.arange(12), n_permutations=999, rng=np.random.default_rng(0))
    assert not exact
    assert p == 0.001
    assert "over runs" in line(x, y, np.arange(12))[3]


def test_fieller_is_bounded_for_a_clear_slope_and_says_unbounded_for_none():
    clear, words = crossing(np.array([1.1, -0.6]), np.diag([1e-6, 1e-6]), 4, 0.8)
    assert words == "bounded"
    assert clear[0] == pytest.approx(0.5)
    assert 0.49 < clear[1] < 0.5 < clear[2] < 0.51
    vague, words = crossing(np.array([0.9, -0.01]), np.diag([1.0, 1.0]), 4, 0.8)
    assert words.startswith("unbounded")
    assert vague[1:] == (-np.inf, np.inf)


def test_a_line_that_is_flat_but_for_rounding_crosses_nothing():
    bounds, words = crossing(np.array([0.93, 3e-17]), np.diag([1e-3, 1e-33]), 9, 0.8)
    assert np.isnan(bounds).all()
    assert "flat" in words
    # and in a sweep: one contest, decided alike at every share, by each of four seeds
    part = pd.DataFrame({"share": [0.3, 0.7, 0.98] * 4, "seed": np.repeat(range(4), 3)})
    part["y"] = np.repeat([0.91, 0.97, 1.03, 0.88], 3)
    centre, covariance, df, _ = line(part["share"], part["y"], part["seed"])
    assert np.isnan(crossing(centre, covariance, df, 0.8)[0][0])


def test_fieller_limits_are_where_the_line_reaches_the_threshold_at_t():
    mean, cov = np.array([1.2, -0.7]), np.array([[4e-3, -4e-3], [-4e-3, 5e-3]])
    (_, low, high), _ = crossing(mean, cov, 4, 0.8)
    for x in (low, high):
        z = np.array([1, x])
        assert abs((mean @ z - 0.8) / np.sqrt(z @ cov @ z)) == pytest.approx(2.776445, abs=1e-5)


def test_the_mixed_model_says_what_it_could_fit():
    rng = np.random.default_rng(2)
    x, seed = np.tile(SHARES, 6), np.repeat(np.arange(6), 4)
    own = rng.normal(size=(2, 6))
    _, _, how = mixed_slope(x, own[0][seed] + 3 * own[1][seed] * x + 0.01 * rng.normal(size=24), seed)
    assert how.startswith("mixed model, random intercept and slope")
    _, _, how = mixed_slope(x, own[0][seed] * 5 + x + 1e-9 * np.tile([1, -1, -1, 1], 6), seed)
    assert "mixed model" in how
    (_, low, high), _, how = mixed_slope(np.tile(SHARES, 2), np.arange(8.0), np.arange(8))
    assert how.startswith("least squares")
    assert low < high
    (value, low, high), p, how = mixed_slope(x, np.ones(24), seed)
    assert (value, p, how) == (0.0, 1.0, "constant outcome")
    assert np.isnan([low, high]).all()  # a width of zero is no interval


def test_runs_without_an_outcome_are_counted_not_dropped_silently():
    runs = sweep()
    runs.loc[[0, 5], "outcome"] = [np.nan, np.inf]
    table = dose_response(runs)
    exclusions = row(table, "dose_runs_excluded")
    assert (exclusions["value"], exclusions["n"]) == (2, 20)
    assert row(table, "dose_slope")["n"] == 18


def test_the_log_scale_gives_geometric_means_and_refuses_zero():
    runs = sweep(noise=0, seed_spread=0)
    runs["outcome"] = np.exp(-runs["share"])
    table = dose_response(runs, scale="log", threshold=np.exp(-0.7))
    assert row(table, "dose_slope")["value"] == pytest.approx(-1)
    assert row(table, "dose_crossing")["value"] == pytest.approx(0.7)
    runs.loc[0, "outcome"] = 0.0
    with pytest.raises(InputError, match=r"1 run.*≤ 0"):
        dose_response(runs, scale="log")


def test_errors_name_what_is_wrong():
    with pytest.raises(InputError, match="outcome"):
        dose_response(sweep().drop(columns="outcome"))
    with pytest.raises(InputError, match="repeat"):
        dose_response(pd.concat([sweep(), sweep()]))
    with pytest.raises(InputError, match=r"baseline='fair'.*'skewed', 'rebalanced'"):
        dose_response(sweep(conditions=("skewed", "rebalanced")), baseline="fair")


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_seeds_there_are_p_values_of_permutations_and_no_interval(seeds):
    table = dose_response(sweep(seeds=seeds, conditions=("skewed", "rebalanced")))
    assert table[["ci_low", "ci_high"]].isna().all().all()
    slope = row(table, "dose_slope")
    assert "at least 3 are needed" in slope["detail"]
    # four outcomes of each seed have 24 orders; 2 of all as steep as the steepest
    assert f"smallest possible p is {2 / 24**seeds:.2g}" in slope["detail"]
    # the line falls at every step, so of the two orders as steep as its own one is its own
    assert slope["p_value"] * 24**seeds == pytest.approx(round(slope["p_value"] * 24**seeds))
    assert np.isnan(row(table, "dose_slope_mixed")["p_value"])
    assert np.isfinite(row(dose_response(sweep(seeds=3)), "dose_slope")["ci_low"])


def test_a_mean_of_shares_has_limits_within_0_and_1_and_a_ratio_above_0():
    # the shares of two contests of nine winners and one of eighteen
    low, high = mean_interval([4 / 9, 3 / 9, 9 / 18], bounds=(0, 1))[1:]
    assert 0 < low < 23 / 54 < high < 1
    runs = sweep(noise=0.4, seeds=3).assign(outcome=lambda t: t["outcome"].clip(0, 1))
    means = dose_response(runs, bounds=(0, 1), step=0.05).query("metric == 'dose_mean'")
    assert means["ci_low"].ge(0).all()
    assert means["ci_high"].le(1).all()
    assert mean_interval([0.0, 0.0, 1.2], bounds=(0, np.inf)).low > 0


def test_contests_without_a_winner_of_the_group_have_an_interval_where_the_step_is_known():
    assert np.isnan(mean_interval([0.0] * 5, bounds=(0, 1))[1:]).all()
    value, low, high = mean_interval([0.0] * 5, bounds=(0, 1), step=1 / 20)
    # as far up as one winner of the group in one of the five contests would have let it reach
    other = mean_interval([0.0, 0.0, 0.0, 0.0, 1 / 20], bounds=(0, 1))
    assert (value, low) == (0.0, 0.0)
    assert high == pytest.approx(other.high)
    # and all of them, the mirror image
    assert mean_interval([1.0] * 5, bounds=(0, 1), step=1 / 20).low == pytest.approx(1 - high)
    # one and the same share in every contest has no scatter, and so no interval
    assert np.isnan(mean_interval([0.5] * 5, bounds=(0, 1), step=1 / 20).low)


def test_a_crossing_is_no_number_outside_0_and_1():
    # 1.1 − 0.1 · share is 0.8 at a share of 3
    table = dose_response(sweep(slope=-0.1, noise=0.001, seed_spread=0))
    crossing_row = row(table, "dose_crossing")
    assert crossing_row[["value", "ci_low", "ci_high"]].isna().all()
    assert "no crossing between 0 and 1" in crossing_row["detail"]
    assert within_shares((0.9, 0.4, 1.7), "bounded")[0] == (0.9, 0.4, np.inf)
    assert within_shares((0.2, -0.3, 0.7), "bounded")[0] == (0.2, -np.inf, 0.7)


def test_seeds_that_agree_exactly_have_no_interval_of_zero_width():
    table = dose_response(sweep(noise=0, seed_spread=0, conditions=("skewed", "rebalanced")))
    assert row(table, "dose_slope")["value"] == pytest.approx(-0.6)
    assert table["ci_low"].isna().all()
    assert "all seeds agree" in row(table, "dose_slope")["detail"]


def people_of(runs):
    rng = np.random.default_rng(0)
    base, dark = rng.normal(size=200), np.arange(200) < 50
    parts = []
    for seed in range(runs):
        for share in (0.5, 0.9):
            score = base + 0.2 * rng.normal(size=200) - share * dark
            group, winner = np.where(dark, "dark", "light"), score > np.quantile(score, 0.8)
            parts.append(pd.DataFrame({"group": group, "winner": winner}).assign(seed=seed, share=share))
    return pd.concat(parts).rename_axis("person_id").reset_index()


def test_slope_over_people_is_the_mean_of_the_seeds_slopes_and_wider_than_over_seeds_alone():
    people = people_of(4)
    found = bootstrap_seeds_people(
        people, sensitive_feature="group", group="dark", outcome="selection_rate_difference"
    ).iloc[0]
    rates = people.groupby(["seed", "share", "group"])["winner"].mean().unstack()
    difference = (rates["dark"] - rates["light"]).reset_index(name="outcome")
    seeds = dose_response(difference.assign(condition="skewed"))
    assert found["value"] == pytest.approx(row(seeds, "dose_slope")["value"])
    assert found["ci_low"] < found["value"] < found["ci_high"]
    with pytest.raises(InputError, match="two seeds"):
        bootstrap_seeds_people(people_of(1), sensitive_feature="group", group="dark")
    with pytest.raises(InputError, match="no group 'blue'"):
        bootstrap_seeds_people(people, sensitive_feature="group", group="blue")
