"""Scores standardised within groups: moments that can be computed by hand."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.mitigation.scores import StandardiseWithin

# a: mean 2, sd 1 · b: mean 12, sd 2
PEOPLE = pd.DataFrame({"g": ["a", "a", "a", "b", "b", "b"]})
SCORES = pd.Series([1.0, 2.0, 3.0, 10.0, 12.0, 14.0])


def changed(method, scores, groups):
    fitted = method.fit(SCORES, PEOPLE, feature="g")
    people = pd.DataFrame({"g": groups})
    return fitted(
        pd.Series(scores), people, feature="g", brackets=pd.Series("all", index=people.index), places=1
    )


def test_the_mean_and_the_spread_of_a_group_become_those_of_everybody():
    out = changed(StandardiseWithin(min_people=3), [2.0, 3.0, 12.0, 14.0], ["a", "a", "b", "b"])
    mean, sd = SCORES.mean(), SCORES.std()
    assert out.tolist() == pytest.approx([mean, mean + sd, mean, mean + sd])


def test_the_order_within_a_group_stays():
    scores = np.random.default_rng(0).normal(size=20)
    out = changed(StandardiseWithin(min_people=3), scores, ["a"] * 20)
    assert out.argsort().tolist() == scores.argsort().tolist()


def test_the_mean_alone_moves_a_group_as_a_whole():
    out = changed(StandardiseWithin(min_people=3, spread=False), [1.0, 3.0, 12.0], ["a", "a", "b"])
    assert out.tolist() == pytest.approx([6.0, 8.0, 7.0])  # everybody's mean is 7


def test_the_spread_alone_leaves_the_mean_of_a_group():
    out = changed(StandardiseWithin(min_people=3, centre=False), [2.0, 3.0, 12.0, 14.0], ["a", "a", "b", "b"])
    sd = SCORES.std()
    assert out.tolist() == pytest.approx([2.0, 2.0 + sd, 12.0, 12.0 + sd])


def test_a_missing_score_stays_missing_and_takes_no_part_in_the_fit():
    scores = SCORES.copy()
    scores[0] = np.nan
    fitted = StandardiseWithin(min_people=2).fit(scores, PEOPLE, feature="g")
    assert fitted.fitted["a"] == pytest.approx((2.5, np.sqrt(0.5)))
    one = pd.DataFrame({"g": ["a"]})
    out = fitted(pd.Series([np.nan]), one, feature="g", brackets=pd.Series(["all"]), places=1)
    assert out.isna().all()


def test_what_cannot_be_fitted_or_applied_is_named():
    with pytest.raises(InputError, match="has to be fitted before"):
        StandardiseWithin()(SCORES, PEOPLE, feature="g", brackets=SCORES, places=1)
    with pytest.raises(InputError, match=r"not fitted on anybody of 'c'"):
        changed(StandardiseWithin(min_people=3), [1.0], ["c"])
    with pytest.raises(InputError, match=r"3 scored people of 'a'.*at least 4"):
        StandardiseWithin(min_people=4).fit(SCORES, PEOPLE, feature="g")
    with pytest.raises(InputError, match="a spread above 0"):
        StandardiseWithin(min_people=3).fit(SCORES * 0, PEOPLE, feature="g")
    with pytest.raises(InputError, match=r"at least 10 people of each group.*'a': 3, 'c': 0"):
        StandardiseWithin().check(PEOPLE, pd.DataFrame({"g": ["a", "c"]}), feature="g")
    with pytest.raises(InputError, match="min_people is at least 2"):
        StandardiseWithin(min_people=1)
