"""What intersections are compared with."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit

QUICK = {"n_permutations": 49}


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"race": rng.choice(["asian", "black", "white"], 200), "gender": rng.choice(["f", "m"], 200),
                         "won": rng.random(200) < 0.2})  # fmt: skip


def references(table, feature):
    rows = table[(table["feature"] == feature) & (table["metric"] == "selection_rate_ratio")]
    return set(rows["reference"]), set(rows["group"])


def of(people, reference, features=("race", "gender")):
    return audit(people, features=features, winner="won", reference=reference, intersections=True, **QUICK)


def test_intersections_refer_to_the_combination_of_the_references(people):
    table = of(people, ["white", "m"])
    found, compared = references(table, "race × gender")
    assert found == {"white × m"}
    assert compared == {"asian × f", "asian × m", "black × f", "black × m", "white × f"}
    row = table[(table["metric"] == "selection_rate_ratio") & (table["group"] == "black × f")].iloc[0]
    rate = people.groupby(["race", "gender"])["won"].mean()
    assert row["value"] == pytest.approx(rate["black", "f"] / rate["white", "m"])


def test_a_combination_that_is_named_itself_goes_before(people):
    assert references(of(people, ["white", "m", "black × f"]), "race × gender")[0] == {"black × f"}


def test_without_a_reference_for_each_feature_all_others_are_meant_and_it_is_said(people):
    table = of(people, ["white"])
    assert references(table, "race × gender")[0] == {"all others"}
    assert (
        "race × gender: compared with all others, because 'gender' has no reference" in table.attrs["notes"]
    )


def test_a_combination_that_nobody_is_in_is_said(people):
    table = of(people[~((people["race"] == "white") & (people["gender"] == "m"))], ["white", "m"])
    assert references(table, "race × gender")[0] == {"all others"}
    assert "race × gender: compared with all others, because nobody is white × m" in table.attrs["notes"]


def test_without_references_nothing_is_said(people):
    assert not [note for note in of(people, None).attrs["notes"] if "compared with" in note]
