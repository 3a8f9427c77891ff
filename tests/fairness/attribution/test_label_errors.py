import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.attribution import corrected_ratio, relabelled_test, worst_case
from judge.fairness.attribution.label_errors import _expectation_maximisation
from judge.fairness.counts import Counts
from judge.fairness.inference import stratified_exact

GROUPS = ("dark", "white")


def counts(entrants=(200, 800), winners=(10, 80)):
    return Counts(np.array([entrants]), np.array([winners]), GROUPS)


def confusion(dark=0.8, white=0.95):
    return pd.DataFrame([[dark, 1 - dark], [1 - white, white]], index=GROUPS, columns=GROUPS)


def test_perfect_labels_change_nothing():
    table = corrected_ratio(counts(), group="dark", confusion=confusion(1.0, 1.0)).set_index("metric")
    assert table.loc["selection_rate_ratio_corrected", "value"] == pytest.approx(0.5)
    assert table.loc["selection_rate_ratio_labelled", "value"] == pytest.approx(0.5)


def test_a_known_truth_is_recovered_from_its_expected_labels():
    # truth: 200 dark of whom 20 win, 800 white of whom 160 win (ratio .5); labelled dark win 20·.8 + 160·.05 = 24
    labelled = counts(entrants=(200, 800), winners=(24, 156))
    table = corrected_ratio(labelled, group="dark", confusion=confusion()).set_index("metric")
    assert table.loc["selection_rate_ratio_corrected", "value"] == pytest.approx(0.5)
    assert table.loc["selection_rate_ratio_labelled", "value"] == pytest.approx((24 / 200) / (156 / 800))


def test_where_the_matrix_method_goes_negative_maximum_likelihood_stays_in_range():
    # white winners alone would put 4 under the label dark; there are 0
    table = corrected_ratio(counts(winners=(0, 80)), group="dark", confusion=confusion()).set_index("metric")
    row = table.loc["selection_rate_ratio_corrected"]
    assert "1 negative" in row["test"]
    assert row["value"] == pytest.approx(0, abs=1e-3)
    assert 0 < row["ci_high"] < np.inf


def test_em_and_the_matrix_method_agree_where_both_apply():
    matrix = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.02, 0.05, 0.93]])
    labelled = np.array([[40.0, 100, 300]])
    direct = np.linalg.solve(matrix.T, labelled[0])
    assert _expectation_maximisation(labelled, matrix[None])[0] == pytest.approx(direct, rel=1e-3)


def test_a_small_validation_study_widens_the_interval():
    known = corrected_ratio(counts(), group="dark", confusion=confusion())
    studied = corrected_ratio(counts(), group="dark", confusion=confusion() * 20)
    width = [float((t["ci_high"] - t["ci_low"]).iloc[1]) for t in (known, studied)]
    assert width[1] > width[0]


def test_relabelling_with_perfect_labels_repeats_the_exact_test():
    table = relabelled_test(counts(), group="dark", confusion=confusion(1.0, 1.0), n_resamples=5).set_index(
        "metric"
    )
    row = table.loc["relabelled_p_value"]
    assert row["ci_low"] == row["ci_high"] == pytest.approx(stratified_exact(counts(), "dark"))


def test_worst_case_bounds_are_counted_by_hand():
    table = worst_case(counts(entrants=(100, 100), winners=(5, 10)), group="dark", error_rates=[0.02])
    row = table.iloc[0]
    # two dark winners leave, two white losers come: 3/100 against 12/100; and the other way round: 7/100 against 8/100
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((3 / 12, 7 / 8))
    # three of each: 8/100 against 7/100
    assert table.iloc[-1]["value"] == pytest.approx(0.03)


def test_matrices_that_cannot_serve_are_refused():
    with pytest.raises(InputError, match="singular"):
        corrected_ratio(counts(), group="dark", confusion=confusion(0.5, 0.5))
    with pytest.raises(InputError, match="exactly the groups"):
        corrected_ratio(counts(), group="dark", confusion=confusion().rename(columns={"dark": "black"}))
    with pytest.raises(InputError, match="sum to 1 or hold counts"):
        corrected_ratio(counts(), group="dark", confusion=confusion() * 1.5)
