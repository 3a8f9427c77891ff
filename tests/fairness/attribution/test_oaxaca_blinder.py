import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.oaxaca import OaxacaBlinder

from judge.errors import InputError
from judge.fairness.attribution import oaxaca_blinder


def data(n=300, start=0):
    rng = np.random.default_rng(start)
    group = np.where(rng.random(n) < 0.3, "dark", "light")
    x = pd.DataFrame({"tone": rng.normal(size=n) + (group == "dark"), "age": rng.normal(40, 10, n)})
    score = (
        1
        + 0.3 * x["tone"]
        - 0.02 * x["age"]
        + (group == "dark") * (0.5 * x["tone"] - 0.4)
        + rng.normal(size=n)
    )
    return score.to_numpy(), x, group


def decomposed(score, x, group, **options):
    table = oaxaca_blinder(score, x, sensitive_feature=group, group="dark", reference="light", **options)
    return table.set_index(["metric", "group"])


def test_values_agree_with_statsmodels():
    score, x, group = data()
    found = decomposed(score, x, group).xs("light - dark", level="group")["value"]
    # statsmodels subtracts the second level from the first: indicator 0 for light, 1 for dark
    peer = OaxacaBlinder(
        score, np.column_stack([x, group == "dark"]).astype(float), 2, hasconst=False, swap=False
    )
    unexplained, explained, gap = peer.two_fold().params
    assert found["oaxaca_unexplained"] == pytest.approx(unexplained, abs=1e-9)
    assert found["oaxaca_explained"] == pytest.approx(explained, abs=1e-9)
    assert found["oaxaca_gap"] == pytest.approx(gap, abs=1e-9)
    three = ["oaxaca_endowments", "oaxaca_coefficients", "oaxaca_interaction"]
    assert found[three].to_numpy() == pytest.approx(np.array(peer.three_fold().params[:3]), abs=1e-9)


def test_both_decompositions_and_the_single_covariates_add_up_exactly():
    value = decomposed(*data())["value"]
    gap = value["oaxaca_gap", "light - dark"]
    assert value["oaxaca_explained", "light - dark"] + value[
        "oaxaca_unexplained", "light - dark"
    ] == pytest.approx(gap)
    parts = ["oaxaca_endowments", "oaxaca_coefficients", "oaxaca_interaction"]
    assert sum(value[p, "light - dark"] for p in parts) == pytest.approx(gap)
    single = value["oaxaca_explained", "light - dark: tone"] + value["oaxaca_explained", "light - dark: age"]
    assert single == pytest.approx(value["oaxaca_explained", "light - dark"])


def test_standard_errors_agree_with_a_bootstrap_of_people():
    score, x, group = data()
    table = decomposed(score, x, group).xs("light - dark", level="group")
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(150):
        # groups keep their size: the decomposition conditions on it
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(group == g), (group == g).sum()) for g in ("dark", "light")]
        )
        part = decomposed(score[rows], x.iloc[rows], group[rows]).xs("light - dark", level="group")
        draws.append(part["value"])
    spread = pd.DataFrame(draws).std()
    error = (table["ci_high"] - table["ci_low"]) / (2 * 1.97)  # Student's t, 100 to 300 degrees of freedom
    assert (error / spread).to_numpy() == pytest.approx(np.ones(6), abs=0.2)


def test_a_gap_that_is_all_in_the_features_leaves_nothing_unexplained():
    rng = np.random.default_rng(0)
    group = np.repeat(["dark", "light"], 50)
    x = pd.DataFrame({"tone": rng.normal(size=100) + (group == "dark")})
    value = decomposed(2 * x["tone"].to_numpy(), x, group)["value"]
    assert value["oaxaca_unexplained", "light - dark"] == pytest.approx(0, abs=1e-9)
    assert value["oaxaca_explained", "light - dark"] == pytest.approx(value["oaxaca_gap", "light - dark"])


def test_missing_numbers_are_counted_and_units_do_not_matter():
    score, x, group = data()
    plain = decomposed(score, x, group)
    scaled = decomposed(score, x.assign(age=x["age"] * 1e9), group)
    assert scaled["ci_low"].to_numpy() == pytest.approx(plain["ci_low"].to_numpy())
    score = np.where(np.arange(len(score)) == 0, np.nan, score)
    assert "1 people with a missing number" in decomposed(score, x, group)["test"].iloc[0]


def test_collinear_or_too_many_covariates_are_refused():
    score, x, group = data()
    with pytest.raises(InputError, match="collinear"):
        decomposed(score, x.assign(twice=2 * x["tone"]), group)
    with pytest.raises(InputError, match="no group 'dark'"):
        decomposed(score, x, np.full(len(score), "light"))
    with pytest.raises(InputError, match="too few"):
        decomposed(score[:4], x[:4], np.array(["dark", "dark", "light", "light"]))
