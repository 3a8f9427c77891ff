"""Tables in which one skew is planted, or none: whatever advise can read, of people who do not exist."""

import numpy as np
import pandas as pd
import pytest

GROUPS = ("a", "b", "c")


def _planted(seed, *skews, n=300, per_group=200, groups=GROUPS):
    """Arguments for `advise`: 300 entrants, 600 training pictures, 60 raters; the last group bears each skew.

    representation  it is 2 % of the training pictures
    ratings         raters of other groups rate it .7 points lower
    camera          its pictures are darker and flatter at the contest
    reading         its scores have .6 of the slope and spread
    reference       it is 3 of 60 in the reference set
    """
    rng = np.random.default_rng(seed)
    victim = groups[-1]
    people = pd.DataFrame({"image_id": [f"e{i}" for i in range(n)], "group": rng.choice(groups, n)})
    truth = rng.normal(size=n)
    people["rating"] = 5.5 + 1.3 * truth + rng.normal(0, 0.5, n)
    slope = np.where(people["group"].eq(victim) & ("reading" in skews), 0.5, 0.85)
    people["score"] = 5.5 + slope * (1.3 * truth + rng.normal(0, 0.5, n))
    total = per_group * len(groups)
    few = max(2, round(0.02 * total))
    counts = [total - few * (len(groups) - 1), *[few] * (len(groups) - 1)]
    even = np.full(len(groups), 1 / len(groups))
    counts = counts if "representation" in skews else rng.multinomial(total, even)
    training = pd.DataFrame({"image_id": [f"t{i}" for i in range(total)], "group": np.repeat(groups, counts)})
    for table in (people, training):
        tone = table["group"].map({name: 60 - 8 * i for i, name in enumerate(groups)})
        dim = ("camera" in skews) & (table is people) * table["group"].eq(victim)
        table["exposure"] = tone + rng.normal(0, 5, len(table)) - 10 * dim
        table["contrast"] = 20 + rng.normal(0, 3, len(table)) - 4 * dim
    raters = pd.DataFrame({"rater_id": [f"r{i}" for i in range(60)], "rater_group": np.resize(groups, 60)})
    raters["bias"] = rng.normal(0, 0.6, 60)
    rows = np.concatenate([rng.choice(60, 10, replace=False) for _ in range(total)])
    ratings = training.loc[np.repeat(np.arange(total), 10), ["image_id", "group"]].reset_index(drop=True)
    ratings[["rater_id", "rater_group", "bias"]] = raters.iloc[rows].to_numpy()
    worth = np.repeat(rng.normal(size=total), 10)
    against = ratings["group"].eq(victim) & ratings["rater_group"].ne(victim) & ("ratings" in skews)
    ratings["rating"] = (
        5.5 + 1.3 * worth + ratings["bias"].astype(float) + rng.normal(0, 1.5, len(ratings)) - 0.7 * against
    )
    models = dict(zip(groups, rng.multinomial(60, even).tolist(), strict=True))
    if "reference" in skews:
        models = {**dict.fromkeys(groups, 3), groups[0]: 60 - 3 * (len(groups) - 1)}
    return {
        "people": people, "feature": "group", "score": "score", "rating": "rating", "training": training,
        "ratings": ratings[["image_id", "rater_id", "rating", "rater_group"]], "rater_group": "rater_group",
        "exposure": "exposure", "contrast": "contrast", "reference_counts": models,
    }  # fmt: skip


@pytest.fixture(scope="session")
def planted():
    """Function of a seed and the skews to plant."""
    return _planted


@pytest.fixture
def cures():
    """A comparison of cures for tests: made up, nothing was ever compared."""
    rows = [
        ("representation", "more_pictures", "pool", 0.9, 0.6, 1.2, 0.02, "labels of the training pictures"),
        ("representation", "dear", "scores", 1.0, 0.8, 1.2, 0.25, "the group of every entrant"),
        ("representation", "unsure", "pool", 0.8, -0.1, 1.7, 0.0, ""),
        ("representation", "weak", "objective", 0.2, 0.1, 0.3, 0.0, ""),
        ("ratings", "weak", "objective", 0.2, 0.1, 0.3, 0.0, ""),
        ("all", "both", "scores", 0.7, 0.5, 0.9, -0.03, ""),
        ("moonlight", "weak", "objective", 0.2, 0.1, 0.3, 0.0, ""),
    ]
    columns = ["skew", "cure", "seam", "recovered", "ci_low", "ci_high", "truth_lost", "needs"]
    return pd.DataFrame(rows, columns=columns)
