import numpy as np
import pytest

from judge.data.tables import AUDIT, validated
from judge.errors import InputError
from judge.fairness.attribution import chain, chain_of_counts
from judge.fairness.inference import koopman_ratio

GROUPS = ["dark", "white"]


def values(table, group):
    part = table[table["group"] == group].set_index("metric")
    part.index = part.index.str.removeprefix("log_share_")
    return part


def test_log_shares_add_up_exactly():
    table = chain_of_counts(
        ["dark", "rest", "white"],
        entrants=[480, 1020, 4500],
        eligible=[300, 1000, 4400],
        winners=[1, 6, 37],
        population={"dark": 0.2, "rest": 0.4, "white": 0.4},
    )
    validated(table, AUDIT)
    for group in ("dark", "rest", "white"):
        v = values(table, group)["value"]
        assert v["entered"] + v["admitted"] + v["judged"] == pytest.approx(v["total"], abs=1e-12)
    assert values(table, "dark")["value"]["total"] == pytest.approx(np.log(1 / 44 / 0.2))


def test_one_in_two_that_becomes_one_in_four_is_minus_log_two():
    table = chain_of_counts(GROUPS, entrants=[50, 50], eligible=[10, 30], winners=[1, 3])
    v = values(table, "dark")["value"]
    assert (v["admitted"], v["judged"], v["total"]) == pytest.approx((np.log(0.5), 0.0, np.log(0.5)))
    assert "entered" not in v


def test_a_group_without_winners_keeps_a_finite_upper_limit():
    dark = values(
        chain_of_counts(GROUPS, entrants=[80, 920], winners=[0, 44], population={"dark": 1, "white": 9}),
        "dark",
    )
    for term in ("judged", "total"):
        assert dark.loc[term, "value"] == -np.inf
        assert dark.loc[term, "ci_low"] == -np.inf
        assert np.isfinite(dark.loc[term, "ci_high"])


def test_a_group_without_entrants_is_visible_and_not_zero():
    dark = values(
        chain_of_counts(GROUPS, entrants=[0, 100], winners=[0, 5], population={"dark": 1, "white": 3}), "dark"
    )
    assert np.isnan(dark.loc["judged", "value"])
    assert dark.loc["judged", "n"] == 0
    assert dark.loc["entered", "value"] == -np.inf
    assert np.isfinite(dark.loc["entered", "ci_high"])


def test_intervals_are_the_rate_ratios_carried_over():
    judged = values(chain_of_counts(GROUPS, entrants=[200, 800], winners=[5, 45]), "dark").loc["judged"]
    low, high = koopman_ratio(5, 200, 45, 800)
    for got, ratio in ((judged["ci_low"], low), (judged["ci_high"], high)):
        assert got == pytest.approx(float(np.log(ratio / (0.2 * ratio + 0.8))))


def test_without_a_gate_the_step_is_exactly_nothing():
    gate = values(chain_of_counts(GROUPS, entrants=[10, 90], winners=[1, 4]), "dark").loc["admitted"]
    assert (gate["value"], gate["ci_low"], gate["ci_high"]) == (0, 0, 0)


def test_people_and_counts_give_the_same_table():
    group = np.array(["dark"] * 10 + ["white"] * 30)
    eligible = np.arange(40) % 5 > 0
    winner = eligible & (np.arange(40) % 7 == 1)
    table = chain(
        sensitive_feature=group, winner=winner, eligible=eligible, population={"dark": 0.5, "white": 0.5}
    )
    count = [[int(mask[group == g].sum()) for g in GROUPS] for mask in (np.ones(40, bool), eligible, winner)]
    again = chain_of_counts(GROUPS, entrants=count[0], eligible=count[1], winners=count[2],
                            population={"dark": 0.5, "white": 0.5})  # fmt: skip
    assert table.equals(again)


def test_impossible_chains_are_refused():
    with pytest.raises(InputError, match="winners ≤ scored ≤ eligible"):
        chain_of_counts(GROUPS, entrants=[10, 10], eligible=[3, 3], winners=[4, 0])
    with pytest.raises(InputError, match="not eligible"):
        chain(sensitive_feature=["a", "b"], winner=[True, False], eligible=[False, True])
    with pytest.raises(InputError, match="'white'"):
        chain_of_counts(GROUPS, entrants=[10, 10], winners=[1, 1], population={"dark": 1})
