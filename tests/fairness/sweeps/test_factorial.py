import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.sweeps import shapley_effects, two_by_two

FACTORS = {"entrants": ("balanced", "skewed"), "training": ("balanced", "skewed")}
CELLS = {
    ("balanced", "balanced"): 1.0,
    ("skewed", "balanced"): 3.0,
    ("balanced", "skewed"): 4.0,
    ("skewed", "skewed"): 10.0,
}


def runs(seeds=5, noise=0.0, start=0):
    rng = np.random.default_rng(start)
    rows = [(e, t, s, y + s + noise * rng.normal()) for (e, t), y in CELLS.items() for s in range(seeds)]
    return pd.DataFrame(rows, columns=["entrants", "training", "seed", "outcome"])


def test_shapley_effects_are_counted_by_hand_and_add_up():
    table = shapley_effects(runs(), factors=FACTORS).set_index("group")
    # entrants: ½[(3 − 1) + (10 − 4)] = 4; training: ½[(4 − 1) + (10 − 3)] = 5; all: 10 − 1 = 9
    assert table["value"].to_list() == pytest.approx([4, 5, 9])


def test_additivity_is_exact_with_noise_and_three_factors():
    rng = np.random.default_rng(1)
    names = ["a", "b", "c"]
    table = pd.DataFrame(
        [(i & 1, i >> 1 & 1, i >> 2, s) for i in range(8) for s in range(4)], columns=[*names, "seed"]
    )
    table["outcome"] = rng.normal(size=len(table))
    found = shapley_effects(table, factors=dict.fromkeys(names, (0, 1)))
    assert found["value"][:3].sum() == pytest.approx(found["value"][3], abs=1e-12)


def test_two_by_two_separates_main_effects_from_interaction():
    table = two_by_two(runs(), factors=FACTORS).set_index(["metric", "group"])["value"]
    assert table["main_effect", "entrants"] == pytest.approx(4)
    assert table["simple_effect", "training alone"] == pytest.approx(3)
    assert table["interaction", "entrants × training"] == pytest.approx(10 - 3 - 4 + 1)
    assert table["total_change", "entrants × training"] == pytest.approx(9)


def test_levels_of_seeds_cancel_and_five_seeds_reach_two_in_thirtytwo():
    table = shapley_effects(runs(noise=1e-6), factors=FACTORS)
    assert (table["ci_high"] - table["ci_low"] < 1e-5).all()
    assert table["p_value"].to_list() == [2 / 32] * 3


def test_cells_without_common_seeds_are_compared_by_welch():
    fresh = runs(noise=0.1)
    fresh["outcome"] -= fresh["seed"]
    fresh["seed"] = np.arange(len(fresh))
    table = shapley_effects(fresh, factors=FACTORS)
    assert table["test"].str.startswith("Welch").all()
    assert table["value"].to_list() == pytest.approx([4, 5, 9], abs=0.3)
    assert (table["ci_low"] < table["value"]).all()


def test_incomplete_seeds_are_excluded_and_said():
    table = shapley_effects(runs().iloc[1:], factors=FACTORS)
    assert table["n"].to_list() == [4] * 3
    assert "1 incomplete seed" in table["test"].iloc[0]


def test_a_missing_cell_or_unknown_level_is_named():
    with pytest.raises(InputError, match="no run in the cell"):
        shapley_effects(runs().query("entrants != 'skewed'"), factors=FACTORS)
    with pytest.raises(InputError, match="'skewed'"):
        shapley_effects(
            runs(), factors={"entrants": ("balanced", "biased"), "training": ("balanced", "skewed")}
        )
