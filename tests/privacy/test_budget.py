"""A budget of ε and δ, the noise that keeps to it, and a ledger that refuses what was not planned."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.privacy.accountants import epsilon_by_dp_accounting, epsilon_by_opacus
from judge.privacy.budget import Budget, BudgetError, Mechanism, plan
from judge.privacy.people import PrivatePeople, one_picture_each

PLANS = {
    "one": [Mechanism("a")],
    "several weights": [Mechanism("a"), Mechanism("b", weight=2, steps=8)],
    "sampled": [Mechanism("a"), Mechanism("b", steps=300, sample_rate=0.05)],
    "sampled much": [Mechanism("b", steps=100, sample_rate=0.3)],
}


@pytest.mark.parametrize("epsilon", [0.05, 1, 3, 10, 50])
@pytest.mark.parametrize("mechanisms", PLANS.values(), ids=PLANS)
def test_both_accountants_agree_and_the_budget_is_used_up(mechanisms, epsilon):
    planned = plan(Budget(epsilon), mechanisms, 5000)
    uses = [(planned.noise(m.what), m.sample_rate, m.steps) for m in mechanisms]
    ours = epsilon_by_opacus(uses, planned.delta)
    assert 0.999 * epsilon <= ours <= epsilon
    assert epsilon_by_dp_accounting(uses, planned.delta) == pytest.approx(ours, rel=0.01)


def test_rényi_accounting_is_over_the_exact_value_but_not_by_much():
    planned = plan(Budget(3), PLANS["several weights"], 5000)
    uses = [(planned.noise(m.what), 1.0, m.steps) for m in planned.mechanisms]
    exact = epsilon_by_dp_accounting(uses, planned.delta, tight=True)
    assert 0.8 * 3 < exact < 3


def test_noise_is_shared_by_weight_and_one_gaussian_is_what_its_formula_says():
    planned = plan(Budget(1), PLANS["several weights"], 5000)
    assert planned.noise("a") == pytest.approx(2 * planned.noise("b"))
    # one of σ composed with 8 of σ/2 is one of σ/√(1 + 4 × 8): Gaussians add up in 1/σ²
    alone = plan(Budget(1), PLANS["one"], 5000)
    assert planned.noise("a") == pytest.approx(alone.noise("a") * math.sqrt(33), rel=0.01)


def test_delta_is_one_over_n_ln_n():
    assert Budget(1).for_people(5000).delta == pytest.approx(1 / (5000 * math.log(5000)))
    assert Budget(1, 1e-9).for_people(5000).delta == 1e-9


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epsilon": 0}, "epsilon=0"),
        ({"epsilon": -1}, "epsilon=-1"),
        ({"epsilon": math.nan}, "epsilon=nan"),
        ({"epsilon": 1, "delta": 0}, "delta=0"),
        ({"epsilon": 1, "delta": 1.0}, "delta=1.0"),
    ],
)
def test_a_budget_that_is_none_is_refused(settings, named):
    with pytest.raises(InputError, match=named):
        Budget(**settings)


def test_a_delta_too_large_for_n_and_too_few_people_are_refused():
    with pytest.raises(InputError, match=r"delta=0.001 is too large for 5000 people: at most .* 2.35e-05"):
        plan(Budget(1, 1e-3), PLANS["one"], 5000)
    with pytest.raises(InputError, match="9 private people: at least 10"):
        plan(Budget(1), PLANS["one"], 9)


def test_an_infinite_epsilon_protects_nobody_and_says_so():
    ledger = plan(Budget(math.inf), PLANS["one"], 100).ledger()
    value = ledger.gaussian("a", [1.0, 2.0], 1.0, np.random.default_rng(0))
    assert value.tolist() == [1.0, 2.0]
    statement = ledger.statement()
    assert statement["protects"] is False
    assert "nobody is protected" in statement["says"]
    assert ledger.spent() == math.inf


def test_noise_has_the_planned_size():
    ledger = plan(Budget(1), PLANS["one"], 5000).ledger()
    noisy = ledger.gaussian("a", np.full(40_000, 7.0), 3.0, np.random.default_rng(1))
    assert noisy.mean() == pytest.approx(7, abs=0.3)
    assert noisy.std() == pytest.approx(3 * ledger.plan.noise("a"), rel=0.02)


def test_a_ledger_refuses_what_was_not_planned_once_more_and_less_noise():
    planned = plan(Budget(1), [Mechanism("a"), Mechanism("b", steps=3)], 5000)
    ledger = planned.ledger()
    with pytest.raises(BudgetError, match="c was not planned"):
        ledger.charge("c")
    ledger.charge("a")
    with pytest.raises(BudgetError, match="a: 1 of 1 steps"):
        ledger.gaussian("a", [0.0], 1.0, np.random.default_rng(0))
    with pytest.raises(BudgetError, match="a noise multiplier of 0"):
        ledger.charge("b", 3, noise=0.0)
    assert ledger.used == {"a": 1, "b": 0}
    with pytest.raises(BudgetError, match="4 more"):
        ledger.charge("b", 4)


def test_the_statement_is_of_what_was_used():
    planned = plan(Budget(3), PLANS["several weights"], 5000)
    ledger = planned.ledger()
    assert ledger.spent() == 0
    ledger.charge("b", 8, noise=planned.noise("b"))
    statement = json.loads(json.dumps(ledger.statement({"renderer": "ours"}), allow_nan=False))
    assert [m["steps_used"] for m in statement["mechanisms"]] == [0, 8]
    spent = statement["spent"]
    assert spent["opacus_rdp"] == ledger.spent() < 3
    assert spent["dp_accounting_rdp"] == pytest.approx(spent["opacus_rdp"], rel=0.01)
    assert statement["public"]["renderer"] == "ours"


def test_a_claim_that_does_not_hold_is_not_stated():
    planned = plan(Budget(3), PLANS["one"], 5000)
    ledger = type(planned)(Budget(1, planned.delta), planned.mechanisms, planned.scale, 5000).ledger()
    ledger.charge("a")
    with pytest.raises(BudgetError, match=r"ε = 2.99.* was spent, 1 is claimed"):
        ledger.statement()


def people(n=20, **columns):
    table = pd.DataFrame({"image_id": [f"p{i}" for i in range(n)], "rating": np.linspace(1, 5, n)} | columns)
    return table, PrivatePeople(table, plan(Budget(math.inf), [Mechanism("a"), Mechanism("b")], n).ledger())


def test_private_people_tell_nothing_without_a_use():
    _, private = people()
    for read in (lambda: private["rating"], lambda: private.rating, lambda: private.iloc[0]):
        with pytest.raises(BudgetError, match="without a budget"):
            read()
    counts = private.histogram("a", lambda rows: np.arange(20) % 2, 2, np.random.default_rng(0))
    assert counts.tolist() == [10, 10]
    with pytest.raises(BudgetError, match="1 of 1 steps"):
        private.histogram("a", lambda rows: np.arange(20) % 2, 2, np.random.default_rng(0))


def test_a_contribution_over_the_sensitivity_is_refused():
    _, private = people()
    codes, vectors = np.zeros(20, int), np.full((20, 2), 0.6)
    rng = np.random.default_rng(0)
    long = vectors.copy()
    long[3] = [0.8, 0.7]
    missing = vectors.copy()
    missing[3] = np.nan
    for wrong in (long, missing):
        with pytest.raises(BudgetError, match="norm is over"):
            private.sums("b", lambda rows, wrong=wrong: (codes, wrong), 1, sensitivity=1.0, rng=rng)
    total = private.sums("b", lambda rows: (codes, vectors), 1, sensitivity=1.0, rng=rng)
    assert total == pytest.approx(np.array([[12.0, 12.0]]))


def test_what_is_derived_is_seen_by_queries_alone():
    _, private = people()
    private.derive("double", lambda table: 2 * table["rating"].to_numpy())
    found = private.sums(
        "a", lambda rows: (np.zeros(20, int), rows.derived["double"][:, None]), 1, sensitivity=10.0,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found[0, 0] == pytest.approx(120)
    with pytest.raises(BudgetError):
        private.derived  # noqa: B018


def test_people_are_one_picture_each_and_as_many_as_planned():
    table = pd.DataFrame(
        {"image_id": [f"p{i}" for i in range(20)], "person_id": [f"q{i // 2}" for i in range(20)]}
    )
    assert one_picture_each(table)["image_id"].tolist() == [f"p{i}" for i in range(0, 20, 2)]
    ledger = plan(Budget(1), [Mechanism("a")], 20).ledger()
    with pytest.raises(BudgetError, match="several pictures"):
        PrivatePeople(table, ledger)
    with pytest.raises(BudgetError, match="10 people, and a plan made for 20"):
        PrivatePeople(one_picture_each(table), ledger)
