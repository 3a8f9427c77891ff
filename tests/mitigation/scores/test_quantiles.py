"""Scores matched by quantile: maps of a few people that can be computed by hand."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.mitigation.scores import QuantileMatch, StandardiseWithin

# quantiles 1/6, 1/2, 5/6 of both groups
PEOPLE = pd.DataFrame({"g": ["a", "a", "a", "b", "b", "b"]})
SCORES = pd.Series([1.0, 2.0, 6.0, 10.0, 14.0, 15.0])


def changed(method, scores, groups, fitted_on=(SCORES, PEOPLE)):
    fitted = method.fit(*fitted_on, feature="g")
    people = pd.DataFrame({"g": groups})
    return fitted(
        pd.Series(scores), people, feature="g", brackets=pd.Series("all", index=people.index), places=1
    )


def test_the_barycentre_is_the_mean_of_the_groups_quantiles():
    out = changed(QuantileMatch(min_people=3), SCORES.tolist(), PEOPLE["g"].tolist())
    assert out.tolist() == pytest.approx([5.5, 8.0, 10.5] * 2)
    # half way between two people on both sides
    assert changed(QuantileMatch(min_people=3), [4.0], ["a"]).item() == pytest.approx((8.0 + 10.5) / 2)


def test_a_group_of_more_people_weighs_more_in_the_barycentre():
    people = pd.DataFrame({"g": ["a"] * 6 + ["b"] * 3})
    scores = pd.Series([0.0, 0, 3, 3, 6, 6, 10, 13, 16])
    out = changed(QuantileMatch(min_people=3), [3.0, 13.0], ["a", "b"], (scores, people))
    assert out.tolist() == pytest.approx([2 / 3 * 3 + 1 / 3 * 13] * 2)


def test_the_pooled_target_is_everybodys_distribution():
    out = changed(QuantileMatch(min_people=3, target="pooled"), [2.0, 14.0], ["a", "b"])
    # the median of all six is that of the third and the fourth
    assert out.tolist() == pytest.approx([8.0, 8.0])


def test_beyond_the_people_the_map_goes_on_with_the_slope_of_the_spreads_or_as_a_shift():
    own, target = np.array([1.0, 2.0, 6.0]), np.array([5.5, 8.0, 10.5])
    slope = target.std() / own.std()
    out = changed(QuantileMatch(min_people=3), [7.0, 0.0], ["a", "a"])
    assert out.tolist() == pytest.approx([10.5 + slope, 5.5 - slope])
    out = changed(QuantileMatch(min_people=3, tails="shift"), [7.0, 0.0], ["a", "a"])
    assert out.tolist() == pytest.approx([11.5, 4.5])


@pytest.mark.parametrize("target", ["barycentre", "pooled"])
@pytest.mark.parametrize("tails", ["line", "shift"])
def test_order_within_a_group_stays_and_ties_stay_ties(target, tails):
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"g": ["a"] * 40 + ["b"] * 25})
    scores = pd.Series(np.r_[rng.normal(size=40), rng.exponential(size=25)]).round(1)
    entrants = np.sort(rng.normal(0, 3, 200).round(1))
    for group in "ab":
        out = changed(QuantileMatch(target, tails), entrants, [group] * 200, (scores, people)).to_numpy()
        assert (np.diff(out)[np.diff(entrants) == 0] == 0).all()
        rises = np.diff(out)[np.diff(entrants) > 0]
        # all people together have ties where a group has none, as these scores are rounded
        assert (rises > 0).all() if target == "barycentre" else (rises >= 0).all()


def test_groups_of_other_shapes_end_in_one_where_standardising_leaves_their_shapes():
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"g": ["a"] * 1000 + ["b"] * 1000})
    scores = pd.Series(np.r_[rng.normal(size=1000), 3 - rng.exponential(size=1000)])
    high = {}
    for method in (QuantileMatch(), StandardiseWithin()):
        out = changed(method, scores, people["g"].tolist(), (scores, people))
        high[type(method)] = (people["g"][out.nlargest(200).index] == "b").sum()
    assert abs(high[QuantileMatch] - 100) <= 2
    assert high[StandardiseWithin] < 60


def test_a_missing_score_stays_missing():
    assert changed(QuantileMatch(min_people=3), [np.nan, 2.0], ["a", "a"]).isna().tolist() == [True, False]


def test_what_cannot_be_fitted_or_applied_is_named():
    with pytest.raises(InputError, match="has to be fitted before"):
        QuantileMatch()(SCORES, PEOPLE, feature="g", brackets=SCORES, places=1)
    with pytest.raises(InputError, match=r"not fitted on anybody of 'c'"):
        changed(QuantileMatch(min_people=3), [1.0], ["c"])
    with pytest.raises(InputError, match=r"3 scored people of 'a'.*at least 20"):
        QuantileMatch().fit(SCORES, PEOPLE, feature="g")
    with pytest.raises(InputError, match="a spread above 0"):
        QuantileMatch(min_people=3).fit(SCORES * 0, PEOPLE, feature="g")
    with pytest.raises(InputError, match=r"at least 20 people of each group.*'a': 3, 'c': 0"):
        QuantileMatch().check(PEOPLE, pd.DataFrame({"g": ["a", "c"]}), feature="g")
    with pytest.raises(InputError, match="target is one of 'barycentre', 'pooled'; given 'mean'"):
        QuantileMatch(target="mean")
    with pytest.raises(InputError, match="tails is one of 'line', 'shift'; given 'flat'"):
        QuantileMatch(tails="flat")
    with pytest.raises(InputError, match="min_people is at least 2"):
        QuantileMatch(min_people=1)
