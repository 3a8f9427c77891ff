"""Group metrics against fairlearn's MetricFrame and numpy; their intervals against an ordinary bootstrap."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from judge.fairness.inference.bootstrap import top_tail, weighted_top_tail
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import bootstrap
from judge.fairness.metrics import group_metrics, selection_table
from judge.fairness.metrics import selection_rate as selection_rate_by_group

METRICS = {
    "mean_score": lambda r, s: float(np.mean(s)),
    "spread": lambda r, s: float(np.std(s, ddof=1)),
    "mean_rating": lambda r, s: float(np.mean(r)),
    "pearson": lambda r, s: float(np.corrcoef(r, s)[0, 1]),
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "signed_error": lambda r, s: float(np.mean(np.asarray(s) - np.asarray(r))),
    "calibration_slope": lambda r, s: float(stats.linregress(s, r).slope),
}


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b", "c"], 400, p=[0.6, 0.3, 0.1])
    rating = rng.normal(5, 1, 400)
    return group, rating, 0.7 * rating + 1 + rng.normal(0, 0.6, 400)


def test_every_metric_is_metricframes(people):
    group, rating, score = people
    found = group_metrics(score, rating=rating, sensitive_feature=group, n_resamples=10)
    frame = MetricFrame(metrics=METRICS, y_true=rating, y_pred=score, sensitive_features=group).by_group
    for metric in METRICS:
        ours = found[found["metric"] == metric].set_index("group")["value"]
        np.testing.assert_allclose(ours, frame[metric].to_numpy(float), atol=1e-9, err_msg=metric)


def test_selection_rates_ratio_and_difference_are_fairlearns(people):
    from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio

    group, rating, _ = people
    winner = rating > 6
    by_group = MetricFrame(
        metrics=selection_rate, y_true=winner, y_pred=winner, sensitive_features=group
    ).by_group
    ours = selection_rate_by_group(winner, sensitive_feature=group).set_index("group")["value"]
    np.testing.assert_allclose(ours, by_group.to_numpy(float), atol=1e-12)
    table = selection_table(
        Counts.from_people(winner, sensitive_feature=group), reference=str(by_group.idxmax())
    )
    lowest = table.loc[table["selection_rate"].idxmin()]
    ratio = demographic_parity_ratio(winner, winner, sensitive_features=group)
    difference = demographic_parity_difference(winner, winner, sensitive_features=group)
    assert lowest["selection_rate_ratio"] == pytest.approx(ratio, abs=1e-12)
    assert -lowest["selection_rate_difference"] == pytest.approx(difference, abs=1e-12)


def test_intervals_are_those_of_resampled_people(people):
    group, rating, score = people
    found = group_metrics(score, rating=rating, sensitive_feature=group, n_resamples=4000, rng=1)
    rng = np.random.default_rng(9)
    members = np.flatnonzero(group == "a")
    for metric in ("pearson", "mae", "calibration_slope", "spread"):
        samples = []
        for _ in range(800):
            drawn = rng.choice(members, len(members))
            samples.append(METRICS[metric](rating[drawn], score[drawn]))
        row = found[(found["metric"] == metric) & (found["group"] == "a")].iloc[0]
        low, high = np.quantile(samples, [0.025, 0.975])
        width = high - low
        assert row["ci_low"] == pytest.approx(low, abs=0.2 * width), metric
        assert row["ci_high"] == pytest.approx(high, abs=0.2 * width), metric


def test_the_mean_of_a_small_group_has_about_students_interval():
    s = np.random.default_rng(3).normal(size=12)
    row = group_metrics(s, sensitive_feature=["a"] * 12, n_resamples=20_000).iloc[0]
    expected = stats.t.interval(0.95, 11, loc=s.mean(), scale=s.std(ddof=1) / np.sqrt(12))
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], expected, atol=0.12 * np.ptp(expected))


def test_means_drawn_from_the_limit_give_the_same_intervals_as_people(people, monkeypatch):
    _group, rating, score = people
    settings = {"rating": rating, "sensitive_feature": np.repeat("all", 400), "n_resamples": 8000}
    resampled = group_metrics(score, **settings)
    monkeypatch.setattr(bootstrap, "LARGE", 1)
    drawn = group_metrics(score, **settings)
    width = (resampled["ci_high"] - resampled["ci_low"]).to_numpy()
    for side in ("ci_low", "ci_high"):
        assert (np.abs(drawn[side] - resampled[side]).to_numpy() < 0.1 * width).all()


def test_a_groups_interval_does_not_depend_on_the_other_groups_order(people):
    group, _rating, score = people
    first = group_metrics(score, sensitive_feature=group, n_resamples=50)
    pd.testing.assert_frame_equal(first, group_metrics(score, sensitive_feature=group, n_resamples=50))


def test_the_top_tail_is_the_mean_of_the_best_five_percent():
    assert top_tail(np.arange(100.0)) == pytest.approx(np.mean([95, 96, 97, 98, 99]))
    # 30 people: one and a half of them
    assert top_tail(np.arange(30.0)) == pytest.approx((29 + 0.5 * 28) / 1.5)
    assert top_tail(np.array([3.0, 8.0])) == 8.0
    assert np.isnan(top_tail(np.array([])))


def test_the_top_tail_of_a_resample_counts_people_as_often_as_drawn():
    best_first = np.array([9.0, 7.0, 5.0])
    times = np.array([[1.0, 1, 1], [0, 3, 0], [0, 0, 3]])
    np.testing.assert_allclose(weighted_top_tail(best_first, times), [9, 7, 5])


def test_a_group_of_one_has_values_but_no_interval_and_no_slope():
    found = group_metrics(
        [1.0, 2, 3, 5], rating=[2.0, 2, 3, 4], sensitive_feature=["one", "b", "b", "b"], n_resamples=50
    )
    one = found[found["group"] == "one"].set_index("metric")
    assert one.loc["signed_error", "value"] == -1 and one["ci_low"].isna().all()
    assert one.loc[["pearson", "calibration_slope", "spread"], "value"].isna().all()


def test_a_constant_score_has_no_correlation_and_no_slope():
    found = group_metrics(
        [2.0] * 9, rating=np.arange(9.0), sensitive_feature=["a"] * 9, n_resamples=50
    ).set_index("metric")
    assert found.loc[["pearson", "calibration_slope"], "value"].isna().all()
    assert found.loc["mean_score", "value"] == 2 and np.isnan(found.loc["mean_score", "ci_low"])


def test_large_scores_do_not_cancel():
    rng = np.random.default_rng(0)
    s = 1e9 + rng.normal(size=500)
    found = group_metrics(s, sensitive_feature=["a"] * 500, n_resamples=10).set_index("metric")
    assert found.loc["spread", "value"] == pytest.approx(s.std(ddof=1), rel=1e-6)


def test_missing_scores_are_counted_not_dropped():
    with pytest.raises(InputError, match="1 of 2 scores"):
        group_metrics([1.0, np.nan], sensitive_feature=["a", "b"])
