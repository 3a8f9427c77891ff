"""Thresholds by group: who is selected by them, against the rule of fairlearn itself."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.linear_model import LinearRegression

from judge.errors import InputError
from judge.mitigation.scores import GroupThresholds


def simulated(n=400, seed=0):
    """Two groups; b is read less well, and its scores are lower."""
    rng = np.random.default_rng(seed)
    group = np.repeat(["a", "b"], n)
    rating = rng.normal(size=2 * n)
    score = np.where(group == "a", rating, rating / 2 - 1) + rng.normal(size=2 * n) / 2
    return pd.Series(score), pd.DataFrame({"g": group, "rating": rating})


def applied(method, scores, people, brackets=None, places=5):
    brackets = pd.Series("all", index=people.index) if brackets is None else brackets
    return method(scores, people, feature="g", brackets=brackets, places=places)


def rates(selected, people):
    return pd.Series(np.asarray(selected, float)).groupby(people["g"].to_numpy()).mean()


def test_what_separates_perfectly_is_selected_in_each_group():
    # ten of each group, the highest two of each are the ones with high ratings
    people = pd.DataFrame({"g": ["a"] * 10 + ["b"] * 10, "rating": [*range(10), *range(10)]}, dtype=object)
    people = people.assign(rating=people["rating"].astype(float))
    scores = pd.Series([*range(10), *(x / 10 - 7 for x in range(10))], dtype=float)
    fitted = GroupThresholds(share=0.2, min_people=10).fit(scores, people, feature="g")
    out = applied(fitted, scores, people)
    assert (out > fitted.common(0.2)).tolist() == ([False] * 8 + [True] * 2) * 2
    # within a group everybody moves by the same
    assert np.ptp((out - scores)[:10]) == pytest.approx(0) == np.ptp((out - scores)[10:])


@pytest.mark.parametrize("constraint", ["demographic_parity", "true_positive_rate_parity", "equalized_odds"])
def test_each_group_is_selected_as_often_as_the_rule_selects_it(constraint):
    scores, people = simulated()
    fitted = GroupThresholds(constraint, share=0.2).fit(scores, people, feature="g")
    out = applied(fitted, scores, people)
    # the scores as they are: a line through the origin with slope 1
    label = (people["rating"] >= people["rating"].quantile(0.8)).astype(int)
    x = scores.to_numpy()[:, None]
    rule = ThresholdOptimizer(
        estimator=LinearRegression(fit_intercept=False).fit([[1.0]], [1.0]),
        constraints=constraint,
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict",
    ).fit(x, label, sensitive_features=people["g"])
    drawn = np.mean(
        [rule.predict(x, sensitive_features=people["g"], random_state=seed) for seed in range(50)], axis=0
    )
    assert (rates(out > fitted.common(0.2), people) - rates(drawn, people)).abs().max() < 0.01


def test_the_constraint_holds_where_the_rule_selects():
    scores, people = simulated()
    fitted = GroupThresholds(share=0.2).fit(scores, people, feature="g")
    out = applied(fitted, scores, people)
    # on the scale of the scores: between the groups' own thresholds
    assert min(fitted.thresholds(0.2).values()) < fitted.common(0.2) < max(fitted.thresholds(0.2).values())
    selected = rates(out > fitted.common(0.2), people)
    assert selected["a"] == pytest.approx(selected["b"], abs=0.006)
    before = rates(scores >= scores.quantile(1 - selected.mean()), people)
    assert before["a"] > 2 * before["b"]
    fitted = GroupThresholds("true_positive_rate_parity", share=0.2).fit(scores, people, feature="g")
    out = applied(fitted, scores, people)
    good = (people["rating"] >= people["rating"].quantile(0.8)).to_numpy()
    found = rates((out > fitted.common(0.2))[good], people[good])
    assert found["a"] == pytest.approx(found["b"], abs=0.03)


def test_without_a_share_the_places_say_it():
    scores, people = simulated()
    brackets = pd.Series(np.tile(["x", "y"], 400))
    fitted = GroupThresholds(share=None).fit(scores, people, feature="g")
    by_places = applied(fitted, scores, people, brackets, places=80)
    pd.testing.assert_series_equal(
        by_places, applied(GroupThresholds(share=0.2).fit(scores, people, feature="g"), scores, people)
    )
    with pytest.raises(InputError, match="800 places for 800 entrants"):
        applied(fitted, scores, people, brackets, places=400)


def test_what_cannot_be_fitted_or_applied_is_named():
    scores, people = simulated(40)
    with pytest.raises(InputError, match="has to be fitted before"):
        applied(GroupThresholds(), scores, people)
    fitted = GroupThresholds().fit(scores, people, feature="g")
    with pytest.raises(InputError, match=r"not fitted on anybody of 'c'"):
        applied(fitted, scores, people.assign(g="c"))
    with pytest.raises(InputError, match=r"at least 30 rated people of each group.*'b': 0"):
        GroupThresholds().check(
            people.assign(rating=people["rating"].where(people["g"] == "a")), people, feature="g"
        )
    low = people.assign(rating=people["rating"] - 10 * (people["g"] == "b"))
    with pytest.raises(InputError, match=r"highest 0.1 of the ratings.*'b': '0 of 40'"):
        GroupThresholds().check(low, people, feature="g")
    with pytest.raises(InputError, match=r"'b': '0 of 40'"):
        GroupThresholds().fit(scores, low, feature="g")
    blind = pd.Series(np.random.default_rng(1).normal(size=80))
    with pytest.raises(InputError, match=r"selects nobody of the 40.*balanced_accuracy_score"):
        applied(GroupThresholds(objective="accuracy_score").fit(blind, people, feature="g"), blind, people)
    with pytest.raises(InputError, match=r"constraint is one of 'demographic_parity'.*given 'parity'"):
        GroupThresholds("parity")
    with pytest.raises(InputError, match="share lies between 0 and 1"):
        GroupThresholds(share=1)
    with pytest.raises(InputError, match="min_people is at least 2"):
        GroupThresholds(min_people=1)
