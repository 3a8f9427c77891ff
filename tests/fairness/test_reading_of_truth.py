"""experiments/twins.py and causes.py: how much of the truth a judge reads, of an edit or of a group."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def experiment(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import causes
    import twins

    yield {"twins": twins, "causes": causes}
    for name in ("twins", "causes"):
        del sys.modules[name]


def test_an_edit_that_halves_what_is_read_has_a_slope_though_its_mean_is_nought(experiment):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    truth -= truth.mean()
    person = pd.concat(
        pd.DataFrame({"condition": "skewed", "edit": edit, "truth": truth, "change": change})
        for edit, change in (
            ("dark", -0.5 * truth),
            ("dim", np.full(400, -0.3)),
            ("noise", rng.normal(size=400)),
        )
    )
    found = experiment["twins"].slopes(person).set_index("edit")
    assert found.loc["dark", "mean_change"] == pytest.approx(0, abs=1e-9)
    assert found.loc["dark", "slope"] == pytest.approx(-0.5)
    assert found.loc["dim", ["mean_change", "slope"]].to_numpy() == pytest.approx([-0.3, 0])
    assert found.loc["noise", "ci_low"] < 0 < found.loc["noise", "ci_high"]


CELL = {"light": "even", "shift": 0.0, "share": 0.5}


def test_a_group_that_is_read_less_well_has_a_smaller_slope_in_every_cell(experiment):
    rng = np.random.default_rng(1)
    contests = []
    for folder in ("seed=0", "seed=1"):
        people = pd.DataFrame({"ethnicity": np.repeat(["african", "asian"], 300), "folder": folder, **CELL})
        people["truth"], people["rating"] = rng.normal(size=600), 5.0
        people["truth_taste"] = people["truth"]
        read = people["truth"] * np.where(people["ethnicity"] == "african", 0.4, 0.8)
        contests += [
            people.assign(score=5 + value, condition=condition)
            for condition, value in (("skewed", read), ("rebalanced", 2 * read), ("skewed_within", read))
        ]
    table = experiment["causes"].reading(pd.concat(contests)).set_index(["condition", "group"])
    assert set(table.index.get_level_values("condition")) == {"skewed", "rebalanced"}
    assert table["slope_truth"].to_dict() == pytest.approx(
        {
            ("rebalanced", "african"): 0.8,
            ("rebalanced", "asian"): 1.6,
            ("skewed", "african"): 0.4,
            ("skewed", "asian"): 0.8,
        },
        abs=1e-4,
    )
    assert (table["n"] == 300).all()
    assert table["pearson_truth"].to_numpy() == pytest.approx(np.ones(4))


def test_the_share_and_the_truth_of_the_winners_are_means_over_runs_by_rule(experiment):
    winners = {("skewed", "seed=0"): [0, 0, 0, 1], ("skewed", "seed=1"): [0, 0, 0, 0],
               ("skewed_within", "seed=0"): [1, 1, 0, 0], ("skewed_within", "seed=1"): [1, 1, 1, 0]}  # fmt: skip
    entered = pd.concat(
        pd.DataFrame(
            {"condition": condition, "folder": folder, "winner": [True] * 4 + [False], "truth": [3.0, 3, 3, 1, 0],
             "ethnicity": [*np.where(african, "african", "asian"), "african"], "image_id": list("pqrst"),
             "seed": int(folder[-1]), "bracket": "all", "rank": [1, 2, 3, 4, 5], **CELL}
        )
        for (condition, folder), african in winners.items()
    )  # fmt: skip
    table = experiment["causes"].standardised(entered)
    means = table.pivot(index="rule", columns="outcome", values="value")
    assert means["winner_share"].to_dict() == {"as judged": 0.125, "difference": 0.5, "within groups": 0.625}
    assert means["truth"].to_dict() == {"as judged": 2.5, "difference": 0, "within groups": 2.5}
    assert (table["n"] == 2).all()
