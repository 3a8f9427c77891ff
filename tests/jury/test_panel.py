import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.jury.panel import RULES, Panel, combine

NAN = float("nan")


def table(**judges):
    """Scores of people a, b, c … by each judge."""
    rows = [
        {"image_id": "abcdefgh"[i], "judge": judge, "seed": 0, "score": value}
        for judge, values in judges.items()
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def result(panel, scores, manifest=None):
    return panel(scores, manifest).set_index("image_id")["score"].round(6).to_dict()


def test_mean_z_puts_judges_on_one_scale():
    # both judges: mean 2, population sd .816; one in units of 100
    scores = table(x=[1, 2, 3], y=[300, 200, 100])
    assert result(Panel(), scores) == {"a": 0, "b": 0, "c": 0}


def test_mean_rank_averages_ranks_between_0_and_1():
    # ranks (r − ½)/3: x 1/6, 3/6, 5/6; y ties the first two at 2/6
    scores = table(x=[1, 2, 3], y=[0, 0, 9])
    assert result(Panel(rule="mean_rank"), scores) == {"a": 0.25, "b": round(5 / 12, 6), "c": round(5 / 6, 6)}


def test_borda_counts_the_entrants_put_below_and_half_of_ties():
    scores = table(x=[1, 2, 3, 4], y=[5, 5, 1, 9])
    # x: 0 1 2 3; y: a and b tie above c: 1.5 1.5 0 3
    assert result(Panel(rule="borda"), scores) == {"a": 1.5, "b": 2.5, "c": 2.0, "d": 6.0}


def test_minimum_is_the_weakest_point():
    scores = table(x=[0, 0, 3], y=[3, 0, 0])
    z = (np.array([0, 0, 3]) - 1) / np.sqrt(2)
    assert result(Panel(rule="minimum"), scores) == {
        "a": round(z[0], 6),
        "b": round(z[0], 6),
        "c": round(z[0], 6),
    }


def test_weights_weigh_and_a_judge_left_out_does_not_sit():
    scores = table(x=[1, 2, 3], y=[3, 2, 1], noise=[9, 0, 0])
    values = result(Panel(rule="weights", weights={"x": 3, "y": 1}), scores)
    top = (3 - 2) / np.sqrt(2 / 3)
    assert values["c"] == pytest.approx((3 * top - top) / 4, abs=1e-6)


def test_within_brackets_everybody_is_measured_against_their_own():
    scores = table(x=[1, 2, 10, 20])
    manifest = pd.DataFrame({"image_id": list("abcd"), "gender": ["f", "f", "m", "m"]})
    assert result(Panel(within=["gender"]), scores, manifest) == {"a": -1, "b": 1, "c": -1, "d": 1}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("available", {"a": (1 / 6 + 1 / 4) / 2, "b": (0.5 + 3 / 4) / 2, "c": 5 / 6}),  # c by x alone
        # y of c becomes 1, tied with a, or 2, between a and b
        ("worst", {"a": (1 / 6 + 2 / 6) / 2, "b": (0.5 + 5 / 6) / 2, "c": (5 / 6 + 2 / 6) / 2}),
        ("middle", {"a": (1 / 6 + 1 / 6) / 2, "b": (0.5 + 5 / 6) / 2, "c": (5 / 6 + 0.5) / 2}),
        ("refuse", {"a": (1 / 6 + 1 / 4) / 2, "b": (0.5 + 3 / 4) / 2, "c": NAN}),
    ],
)
def test_missing_scores_follow_the_stated_rule(missing, expected):
    values = np.array([[1, 1], [2, 3], [3, NAN]])
    out = combine(values, "mean_rank", missing=missing)
    assert out == pytest.approx(list(expected.values()), nan_ok=True)


@pytest.mark.parametrize("rule", [r for r in RULES if r != "weights"])
def test_nobody_loses_a_score_because_one_judge_is_silent_about_them(rule):
    scores = table(x=[1, 2, 3, NAN], y=[NAN, 1, 2, 3])
    out = Panel(rule=rule)(scores)
    assert out["score"].notna().all()
    assert out["judges"].tolist() == [1, 2, 2, 1]


def test_who_has_no_score_at_all_or_too_few_stays_unranked():
    scores = table(x=[1, 2, NAN, 3], y=[1, 2, NAN, NAN])
    assert np.isnan(result(Panel(), scores)["c"])
    assert np.isnan(result(Panel(min_judges=2), scores)["d"])


def test_a_judge_that_tells_nobody_apart_changes_no_order():
    scores = table(x=[1, 3, 2], y=[5, 5, 5])
    values = result(Panel(), scores)
    assert sorted(values, key=values.get) == ["a", "c", "b"]


@pytest.mark.parametrize("rule", [r for r in RULES if r != "weights"])
def test_order_of_rows_does_not_matter(rule):
    rng = np.random.default_rng(0)
    scores = table(x=rng.normal(size=8), y=rng.normal(size=8), z=rng.normal(size=8))
    shuffled = scores.sample(frac=1, random_state=1)
    assert result(Panel(rule=rule), scores) == pytest.approx(result(Panel(rule=rule), shuffled))


def test_seeds_are_combined_each_for_itself():
    one = table(x=[1, 2])
    out = Panel()(pd.concat([one, one.assign(seed=1, score=[2, 1])]))
    assert out.sort_values(["seed", "image_id"])["score"].tolist() == [-1, 1, 1, -1]


def test_a_panel_of_some_judges_listens_to_them_alone():
    scores = table(x=[1, 2], y=[2, 1])
    assert result(Panel(judges=["y"]), scores) == {"a": 1, "b": -1}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"rule": "median"}, "rule"),
        ({"missing": "zero"}, "missing"),
        ({"rule": "weights"}, "weights"),
        ({"weights": {"x": 1}}, "weights"),
        ({"rule": "weights", "weights": {"x": -1}}, "weights"),
        ({"min_judges": 0}, "min_judges"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, what):
    with pytest.raises(InputError, match=what):
        Panel(**settings)


def test_a_judge_that_is_not_there_or_speaks_twice_is_an_error():
    scores = table(x=[1, 2])
    with pytest.raises(InputError, match="no scores by 'y'"):
        Panel(judges=["x", "y"])(scores)
    with pytest.raises(InputError, match="twice"):
        Panel()(pd.concat([scores, scores]))


@pytest.mark.parametrize("rule", ["mean_z", "mean_rank", "borda"])
def test_those_whom_one_judge_alone_could_judge_do_not_crowd_the_top(rule):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4000, 6))
    values[:400, 1:] = NAN
    places = np.argsort(-combine(values, rule))[:200]
    assert (places < 400).mean() < 0.15
    if rule == "mean_z":
        alone = np.argsort(-combine(values, rule, missing="available"))[:200]
        assert (alone < 400).mean() > 0.3  # why it is not the default


def test_borda_without_a_filled_in_score_counts_points_a_judge():
    values = np.array([[1, 1], [2, 2], [3, NAN]])
    # x: 0 1 2; y: 0 1; c has 2 points of one judge, which counts as 4 of two
    assert combine(values, "borda", missing="available").tolist() == [0, 2, 4]
