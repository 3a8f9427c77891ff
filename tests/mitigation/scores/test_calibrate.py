"""Calibration by group: lines through a few points, and what each cure does to Gaussians of known reliability."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.mitigation.scores import CalibrateWithin, StandardiseWithin

# a: score = 3 + rating / 2 · b: score = 4 + rating / 4, both through the middle exactly
PEOPLE = pd.DataFrame({"g": ["a"] * 3 + ["b"] * 3, "rating": [2.0, 4.0, 6.0, 4.0, 8.0, 12.0]})
SCORES = pd.Series([4.0, 5.0, 6.0, 5.0, 6.0, 7.0])


def changed(method, scores, groups, fitted_on=(SCORES, PEOPLE)):
    fitted = method.fit(*fitted_on, feature="g")
    people = pd.DataFrame({"g": groups})
    return fitted(
        pd.Series(scores), people, feature="g", brackets=pd.Series("all", index=people.index), places=1
    )


@pytest.mark.parametrize("method", ["slope", "prediction"])
def test_where_nothing_is_lost_both_lines_give_the_ratings_back(method):
    out = changed(CalibrateWithin(method, min_people=3), SCORES, PEOPLE["g"])
    assert out.tolist() == pytest.approx(PEOPLE["rating"].tolist())
    assert changed(CalibrateWithin(method, min_people=3), [9.0], ["a"]).item() == pytest.approx(12)


def test_the_two_lines_of_one_cloud_counted_by_hand():
    # deviations: score −1, 0, 1, rating −2, 0, 2 but for one: score·rating = 2, score² = 2, rating² = 8 … r = 1/2
    people = pd.DataFrame({"g": "a", "rating": [3.0, 5.0, 5.0, 7.0, 3.0, 7.0]})
    scores = pd.Series([1.0, 1.0, 3.0, 3.0, 2.0, 2.0])
    # Σ score·rating = 2 + 2 = 4, Σ score² = 4, Σ rating² = 16
    up = changed(CalibrateWithin("slope", min_people=3), [3.0], ["a"], (scores, people)).item()
    assert up == pytest.approx(5 + 16 / 4)
    up = changed(CalibrateWithin("slope", 0.5, min_people=3), [3.0], ["a"], (scores, people)).item()
    assert up == pytest.approx(5 + 0.5 * 16 / 4)
    up = changed(CalibrateWithin("prediction", min_people=3), [3.0], ["a"], (scores, people)).item()
    assert up == pytest.approx(5 + 4 / 4)


def test_without_centre_the_level_of_a_group_is_where_the_line_of_all_has_it():
    out = changed(CalibrateWithin("slope", min_people=3, centre=False), [5.0, 6.0], ["a", "b"])
    # within groups: Σ rating² = 8 + 32, Σ score·rating = 4 + 8; all means are 5.5 of score and 6 of rating
    assert out.tolist() == pytest.approx([6 - 40 / 12 / 2, 6 + 40 / 12 / 2])
    both = changed(CalibrateWithin("slope", min_people=3, centre=False), [6.0, 7.0], ["a", "b"])
    assert (both - out).tolist() == pytest.approx([2, 4])


def read(truth, reliability, rng):
    """Scores of a least-squares judge, E[truth | what it sees]; its squared correlation with truth is given."""
    noise = rng.normal(size=len(truth)) * np.sqrt(reliability * (1 - reliability))
    return reliability * truth + noise


def test_three_cures_of_a_badly_read_group_answer_three_questions():
    rng = np.random.default_rng(0)
    n, rho = 20_000, {"a": 0.9, "b": 0.6}
    group = np.repeat(["a", "b"], n)
    reliability = np.where(group == "a", 0.9**2, 0.6**2)
    truth = rng.normal(size=2 * n)
    others = pd.DataFrame({"g": group, "rating": truth + rng.normal(size=2 * n) / 2})
    scores = pd.Series(read(truth, reliability, rng))
    truth = rng.normal(size=2 * n)
    entrants = pd.Series(read(truth, reliability, rng))
    share, worth = {}, {}
    for name, method in {
        "slope": CalibrateWithin("slope", rating_reliability=0.8),
        "spread": StandardiseWithin(),
        "prediction": CalibrateWithin("prediction"),
    }.items():
        out = changed(method, entrants, group, (scores, others))
        spread = out.groupby(group).std()
        expected = {"slope": {g: 1 / r for g, r in rho.items()}, "prediction": rho}.get(name)
        if expected is None:
            assert spread["a"] == pytest.approx(spread["b"], rel=0.03)
        else:
            assert spread.to_dict() == pytest.approx(expected, rel=0.03)
        won = out.nlargest(n // 10).index
        share[name], worth[name] = (group[won] == "b").mean(), truth[won].mean()
    assert share["prediction"] < 0.25 < 0.45 < share["spread"] < 0.55 < 0.75 < share["slope"]
    assert worth["prediction"] > worth["spread"] + 0.05 > worth["slope"] + 0.1


def test_prediction_leaves_the_scores_of_a_least_squares_judge():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=20_000)
    people = pd.DataFrame({"g": "a", "rating": truth})
    scores = pd.Series(read(truth, np.full(20_000, 0.5), rng))
    out = changed(CalibrateWithin("prediction"), [0.0, 1.0], ["a", "a"], (scores, people))
    assert out.tolist() == pytest.approx([0.0, 1.0], abs=0.03)


def test_a_slope_that_may_be_none_is_told(caplog):
    people = pd.DataFrame({"g": "a", "rating": np.tile([1.0, 1, -1, -1], 12)})
    scores = people["rating"] / 4 + np.tile([1, -1, 1, -1], 12)  # correlation 1/√17
    CalibrateWithin().fit(scores, people, feature="g")
    assert "48 people of a scores hardly rise with ratings (correlation 0.24)" in caplog.text
    caplog.clear()
    CalibrateWithin("prediction").fit(scores, people, feature="g")
    assert not caplog.text


def test_what_cannot_be_fitted_or_applied_is_named():
    method = CalibrateWithin(min_people=3)
    with pytest.raises(InputError, match="has to be fitted before"):
        method(SCORES, PEOPLE, feature="g", brackets=SCORES, places=1)
    with pytest.raises(InputError, match=r"not fitted on anybody of 'c'"):
        changed(method, [1.0], ["c"])
    with pytest.raises(InputError, match="nobody of the 6 people it is fitted on has a rating"):
        method.fit(SCORES, PEOPLE.assign(rating=np.nan), feature="g")
    with pytest.raises(InputError, match="3 people of 'a' scores do not rise with ratings"):
        method.fit(-SCORES, PEOPLE, feature="g")
    with pytest.raises(InputError, match=r"2 rated and scored people of 'b'.*at least 3"):
        method.fit(SCORES, PEOPLE.assign(rating=[2, 4, 6, 4, 8, np.nan]), feature="g")
    with pytest.raises(InputError, match="deviation of 0 of their ratings"):
        method.fit(SCORES, PEOPLE.assign(rating=5.0), feature="g")
    unrated = PEOPLE.assign(rating=[2, np.nan, 6, 4, 8, 12])
    with pytest.raises(InputError, match=r"at least 3 rated people of each group.*there are \{'a': 2\}"):
        method.check(unrated, PEOPLE, feature="g")
    with pytest.raises(InputError, match=r"there are \{'a': 0, 'b': 0\}"):
        method.check(PEOPLE.drop(columns="rating"), PEOPLE, feature="g")
    with pytest.raises(
        InputError, match=r"method is one of 'slope', 'prediction'; given 'spread'.*standardise"
    ):
        CalibrateWithin("spread")
    with pytest.raises(InputError, match="rating_reliability is over 0 to 1; given 0"):
        CalibrateWithin(rating_reliability=0)
    with pytest.raises(InputError, match="min_people is at least 3"):
        CalibrateWithin(min_people=2)
