"""Seeds × people: counted by hand, and what it does when all seeds share their contestants, or none."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.sweeps import dose_response, with_people
from judge.fairness.sweeps.contestants import outcome_draws, sharing
from judge.fairness.sweeps.crossed import crossed_interval, people_variance, person_weights


def contests(rng, seeds, *, same, size=120, shares=(0.5, 0.95)):
    """A quarter of the people are dark and lose with the share; people differ far more than seeds."""
    dark = np.arange(size) < size // 4
    base, parts = rng.normal(size=size), []
    for seed in range(seeds):
        if not same:
            base = rng.normal(size=size)
        for share in shares:
            score = base + 0.1 * rng.normal(size=size) - 0.3 * share * dark
            rank = np.empty(size)
            rank[np.argsort(-score)] = np.arange(1, size + 1)
            parts.append(
                pd.DataFrame(
                    {
                        "seed": seed,
                        "share": share,
                        "condition": "skewed",
                        "person": np.arange(size) + (0 if same else seed * size),
                        "group": np.where(dark, "dark", "light"),
                        "bracket": "all",
                        "rank": rank,
                        "winner": rank <= size // 5,
                        "error": score - base,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def table_of(people):
    won = people.groupby(["seed", "share", "condition"])["winner"].transform("sum")
    shares = (
        (people["winner"] / won).groupby([people[c] for c in ("seed", "share", "condition", "group")]).sum()
    )
    runs = shares.rename("winner_share").reset_index()
    dose = pd.concat(
        dose_response(part, outcome="winner_share", bounds=(0, 1)).assign(
            outcome="winner_share", of_group=group
        )
        for group, part in runs.groupby("group")
    )
    return runs, dose.reset_index(drop=True)


def crossed(people):
    runs, dose = table_of(people)
    return with_people(
        dose, runs, people, baseline="skewed", reference="light", bounds={"winner_share": (0, 1)}, steps={}
    )


def test_covariance_of_two_seeds_is_counted_by_hand():
    # both move by ±1 together, and each by ±1 apart: covariance 1 · 4/3 over four draws, variances 8/3
    draws = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, -2.0], [-2.0, 0.0]])
    assert people_variance(draws) == pytest.approx(0.0)
    together = np.array([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]])
    assert people_variance(together) == pytest.approx(4 / 3)


def test_weights_have_the_variance_of_a_sample_of_its_size():
    weights = person_weights(np.zeros(5), 20_000, rng=0)
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    means = weights @ values / 5
    assert weights.sum(axis=1) == pytest.approx(np.full(20_000, 5.0), rel=1e-5)
    assert means.var() == pytest.approx(values.var(ddof=1) / 5, rel=0.03)


def test_the_contest_held_again_is_the_contest_where_everybody_is_drawn_once():
    people = contests(np.random.default_rng(0), 2, same=True)
    # alone in group and bracket, nobody can be drawn twice: every draw is the contest itself
    alone = people.assign(group=people["person"].astype(str), bracket="all")
    found = outcome_draws(alone, reference=None, n_resamples=3)
    for (seed, share, _), outcomes in found.items():
        run = alone[(alone["seed"] == seed) & (alone["share"] == share)].set_index("group")
        for person in ("0", "60", "119"):
            expected = run.loc[person, "winner"] / run["winner"].sum()
            assert outcomes["winner_share", person] == pytest.approx(np.full(3, expected))


def test_places_go_to_the_next_in_rank_when_a_winner_is_not_drawn():
    people = pd.DataFrame(
        {"seed": 0, "share": 0.5, "condition": "skewed", "person": [0, 1, 2], "group": ["a", "a", "b"], "bracket": "x",
         "rank": [1, 2, 3], "winner": [True, False, False], "error": [1.0, 3.0, np.nan]}
    )  # fmt: skip
    found = outcome_draws(people, reference=None, n_resamples=50)[0, 0.5, "skewed"]
    # one of the two of a is drawn, counts twice and takes the only place
    assert set(found["winner_share", "a"].tolist()) == {1.0}
    assert set(found["signed_error", "a"].tolist()) == {1.0, 3.0}
    assert np.isnan(found["signed_error", "b"]).all()


def test_shared_contestants_widen_the_interval_and_redrawn_ones_do_not():
    shared = crossed(contests(np.random.default_rng(1), 6, same=True))
    means = shared[shared["metric"] == "dose_mean"]
    assert set(shared["contestants"]) == {"same"}
    width, wider = means["ci_high"] - means["ci_low"], means["ci_people_high"] - means["ci_people_low"]
    assert (wider > 2 * width).all()
    redrawn = crossed(contests(np.random.default_rng(1), 6, same=False))
    assert set(redrawn["contestants"]) == {"redrawn"}
    over = redrawn[redrawn["metric"].isin(["dose_mean", "dose_slope"])]
    pd.testing.assert_series_equal(over["ci_people_low"], over["ci_low"], check_names=False)


def test_some_in_common_is_overlapping():
    pairs = pd.DataFrame({"seed": [0, 0, 1, 1], "person": ["a", "b", "b", "c"]})
    assert sharing(pairs) == "overlapping"
    assert sharing(pairs.assign(person=["a", "b", "a", "b"])) == "same"
    assert sharing(pairs.assign(person=list("abcd"))) == "redrawn"


def test_limits_keep_within_the_range_and_none_below_three_seeds():
    draws = np.random.default_rng(0).normal(0.05, 0.05, size=(50, 3)).clip(0, 1)
    low, high = crossed_interval([0.02, 0.05, 0.09], draws, bounds=(0, 1))[1:]
    assert 0 < low < 0.05 < high < 1
    assert np.isnan(crossed_interval([0.02, 0.05], draws[:, :2])[1:]).all()
    # the known truth: the same slope of nothing in every seed and every draw is no interval
    assert np.isnan(crossed_interval(np.zeros(4), np.full((9, 4), 1e-17))[1:]).all()
