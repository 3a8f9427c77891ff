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


def test_a_group_that_is_read_less_well_has_a_smaller_slope_in_every_cell(experiment, tmp_path):
    rng = np.random.default_rng(1)
    for seed in (0, 1):
        folder = tmp_path / f"seed={seed}"
        folder.mkdir()
        people = pd.DataFrame(
            {"image_id": [f"p{i}" for i in range(600)], "ethnicity": np.repeat(["african", "asian"], 300)}
        )
        people["truth"], people["rating"] = rng.normal(size=600), 5.0
        people["truth_taste"] = people["truth"]
        people.to_parquet(folder / "manifest.parquet")
        read = people["truth"] * np.where(people["ethnicity"] == "african", 0.4, 0.8)
        ranking = pd.concat(
            people[["image_id"]].assign(score=5 + value, condition=condition)
            for condition, value in (("skewed", read), ("rebalanced", 2 * read), ("truth", people["truth"]))
        )
        ranking.to_parquet(folder / "ranking.parquet")
    runs = pd.DataFrame({"folder": ["seed=0", "seed=1"], "light": "even", "shift": 0.0, "share": 0.5})
    table = experiment["causes"].reading(runs, tmp_path).set_index(["condition", "group"])
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


def test_scores_standardised_within_groups_give_a_flattened_group_its_places_back(experiment, tmp_path):
    rng = np.random.default_rng(2)
    names, folders = [f"p{i:03}" for i in range(400)], ["seed=0", "seed=1"]
    for folder in folders:
        (tmp_path / folder).mkdir()
        people = pd.DataFrame({"image_id": names, "ethnicity": ["african", "asian"] * 200})
        people["truth"], people["rating"] = rng.normal(size=400), 5.0
        people.to_parquet(tmp_path / folder / "manifest.parquet")
        score = people["truth"] * np.where(people["ethnicity"] == "african", 0.3, 1.0)
        ranking = people[["image_id"]].assign(
            bracket=["a"] * 200 + ["b"] * 200, score=score, condition="skewed"
        )
        ranking["winner"] = ranking.groupby("bracket")["score"].rank(ascending=False) <= 10
        ranking.to_parquet(tmp_path / folder / "ranking.parquet")
    runs = pd.DataFrame({"folder": folders, "light": "even", "shift": 0.0, "share": 0.5})
    table = experiment["causes"].standardised(runs, tmp_path).set_index("rule")
    assert table.loc["as judged", "winner_share"] < 0.05
    assert table.loc["within groups", "winner_share"] == pytest.approx(0.5, abs=0.15)
    assert table.loc["within groups", "truth_of_winners"] > table.loc["as judged", "truth_of_winners"]
