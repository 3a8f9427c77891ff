"""Metrics and tests of an audit in words: the same in a sentence, a table, a figure and a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from judge.report.wording import number, percent

WORDS = {
    "entrant_share": "share of the entrants",
    "expected_winner_share": "share of the winners that chance gives",
    "winner_share": "share of the winners",
    "selection_rate": "selection rate",
    "selection_rate_ratio": "selection-rate ratio",
    "selection_rate_ratio_score": "selection-rate ratio, Koopman’s interval",
    "selection_rate_difference": "selection-rate difference",
    "four_fifths_ratio": "ratio to the highest rate (four-fifths rule)",
    "homogeneity_over_brackets": "same effect in every bracket",
    "winners_against_chance": "winners of all groups against chance",
    "winners_against_shares": "winners against the entrants’ shares",
    "skew_at_k": "skew@k at the winners’ k",
    "min_skew": "smallest skew@k over groups",
    "max_skew": "largest skew@k over groups",
    "ndkl": "NDKL of the ranking",
    "exposure_ratio": "exposure ratio",
    "outrank_probability": "probability of outranking",
    "wallenius_odds": "favouring odds (Wallenius)",
    "mean_score": "mean score",
    "top_tail_score": "mean score of the upper tail",
    "spread": "standard deviation of the scores",
    "mean_rating": "mean rating",
    "pearson": "Pearson correlation",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "missing_score_share": "share without a score",
    "missing_bracket_share": "share without a bracket",
    "missing_winner_share": "share of whom nobody says whether they won",
    "not_eligible_share": "share not eligible",
    "refused_share": "share refused",
    "power_at_ratio_0.5": "power if the true ratio is .5",
    "power_at_ratio_0.8": "power if the true ratio is .8",
    "smallest_detectable_ratio": "ratio below 1 that is found with 80 % power",
    "winners_needed_at_ratio_0.5": "winners needed for 80 % power at .5",
    "winners_needed_at_ratio_0.8": "winners needed for 80 % power at .8",
    "signed_error": "signed error (score − rating)",
    "calibration_slope": "calibration slope",
    "log_share_entered": "log ratio of shares: entered",
    "log_share_admitted": "log ratio of shares: let through",
    "log_share_scored": "log ratio of shares: scored",
    "log_share_judged": "log ratio of shares: won",
    "log_share_total": "log ratio of shares: entered to won",
}
#: Adjusted for brackets where there are several of them; the pooled number beside each is called crude.
CRUDE = "_crude"
#: Where there is no difference between groups.
PARITY = {
    "selection_rate_ratio": "1",
    "selection_rate_difference": "0",
    "skew_at_k": "0",
    "exposure_ratio": "1",
    "outrank_probability": "0.5",
    "wallenius_odds": "1",
}
#: Measures that compare people of one bracket only, with nothing to adjust.
COMPARED_WITHIN = ("outrank_probability", "wallenius_odds")
SHARES = ("entrant_share", "expected_winner_share", "winner_share", "selection_rate", "missing_score_share",
          "missing_bracket_share", "missing_winner_share", "not_eligible_share", "refused_share")  # fmt: skip
TESTS = {
    "stratified_exact": "exact conditional test, two-sided: outcomes at most as likely",
    "permutation": "permutation test",
    "permutation, sequential": "permutation test, as many shuffles as its family needs",
    "mann_whitney": "Mann–Whitney test",
    "zelen_exact": "Zelen’s exact test",
    "binomial_less": "one-sided exact binomial test at 5 %",
}


def words(metric: object, bracket: object = "all") -> str:
    """A metric's name as it is read; "adjusted for brackets" or "crude" where it makes a difference."""
    name = str(metric)
    if name.endswith(CRUDE):
        return f"{words(name.removesuffix(CRUDE))} (crude: brackets pooled)"
    text = WORDS.get(name, name.replace("_", " "))
    if bracket != "within" or name not in PARITY:
        return text
    return f"{text} ({'within' if name in COMPARED_WITHIN else 'adjusted for'} brackets)"


def test_words(test: object) -> str:
    """A test as it is read."""
    name = str(test).split(" (")[0]
    return TESTS.get(name, str(test).replace("_", " "))


def measured(metric: object, value: float) -> str:
    """A value as its metric is read: shares in per cent, numbers of people whole, all else with three decimals."""
    name = str(metric)
    if name in SHARES or name.startswith("power_at"):
        return percent(value)
    return number(value, 0 if name.startswith("winners_needed") else 3)


def with_interval(row: Mapping[str, Any]) -> str:
    """Value and interval of an audit row; the value alone where it has none."""
    metric, low, high = str(row["metric"]), float(row["ci_low"]), float(row["ci_high"])
    said = measured(metric, float(row["value"]))
    if low != low and high != high:
        return said
    return f"{said} [{measured(metric, low)}, {measured(metric, high)}]"
