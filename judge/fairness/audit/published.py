"""The published counts of the Beauty.AI contest of 2016, and every test that shares and counts allow.

Winners: 37 white, 6 Asian ("rest" here), 1 dark-skinned, of 44; press reports of the white winners range from 36
to 39. Entrants: about 6,000, of whom "75% European, 7% from India, 1% from Africa" (K. Kiselev). These are origins,
not skin tones, and shares, not counts: the tests against shares below do not need the 6,000.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.audit.one_contest import audit
from judge.fairness.audit.power_rows import TOLD_RATIOS
from judge.fairness.audit.rows import ALL_OTHERS, Rows, table_of
from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import exact_distribution
from judge.fairness.inference.exact_tests import tail_probability
from judge.fairness.inference.intervals import clopper_pearson
from judge.fairness.inference.multinomial import multinomial_exact
from judge.fairness.inference.power import binomial_power, smallest_significant_share, winners_needed
from judge.fairness.metrics.selection import selection_table

NAME = "beauty-ai-2016"
FEATURES = ("ethnicity", "white_or_not")
REFERENCE = "white"
WINNER = "won"
#: Numbers of white winners that the press gave besides 37.
PRESS_WHITE = (36, 38, 39)


def beauty_ai_2016_counts() -> pd.DataFrame:
    """The published counts by ethnicity.

    Returns
    -------
    DataFrame
        ethnicity, entrant_share, entrants (of 6,000), winners.

    Examples
    --------
    >>> beauty_ai_2016_counts()["winners"].sum()
    np.int64(44)
    """
    with (
        resources.files("judge.fairness.audit").joinpath("beauty_ai_2016.csv").open(encoding="utf-8") as file
    ):
        return pd.read_csv(file)


def beauty_ai_2016() -> pd.DataFrame:
    """The published counts as a table of entrants.

    Returns
    -------
    DataFrame
        One row an entrant, 6,000 rows: ethnicity, white_or_not, won.

    Examples
    --------
    >>> beauty_ai_2016().groupby("ethnicity")["won"].agg(["size", "sum"]).T.to_dict("list")
    {'dark': [480, 1], 'rest': [1020, 6], 'white': [4500, 37]}
    """
    published = beauty_ai_2016_counts()
    parts = [
        pd.DataFrame({"ethnicity": row.ethnicity, WINNER: np.arange(row.entrants) < row.winners})
        for row in published.itertuples()
    ]
    people = pd.concat(parts, ignore_index=True)
    return people.assign(white_or_not=np.where(people["ethnicity"] == "white", "white", "non-white"))


def audit_beauty_ai_2016(**settings: Any) -> pd.DataFrame:
    """`audit` of the published contest (ratios with Katz' log interval), and the tests against shares.

    Parameters
    ----------
    **settings
        Passed on to `audit`: confidence, n_permutations, rng …

    Returns
    -------
    DataFrame
        An AUDIT table; the tests against shares have the metric winners_against_shares.

    Examples
    --------
    Were 37 white winners of 44 many, for three quarters of the entrants?

    >>> table = audit_beauty_ai_2016(n_permutations=99)
    >>> shares = table[(table["metric"] == "winners_against_shares") & (table["test"] == "binomial_greater")]
    >>> round(float(shares["p_value"].iloc[0]), 3)
    0.108
    """
    table = audit(
        beauty_ai_2016(),
        features=FEATURES,
        winner=WINNER,
        reference=REFERENCE,
        **{"ratio_interval": "log", "primary": REFERENCE, **settings},
    )
    rows = Rows(feature="ethnicity", score_column=WINNER, reference="shares of the entrants")
    add_share_rows(rows, beauty_ai_2016_counts(), confidence=settings.get("confidence", 0.95))
    _add_score_interval_rows(rows, settings.get("confidence", 0.95))
    whole = pd.concat([table, table_of(rows)], ignore_index=True)
    whole.attrs["notes"] = [
        *table.attrs["notes"],
        "published counts: entrants are known by shares (European 75 %, India 7 % + Africa 1 % as 'dark'); "
        "6,000 is the press figure. Origins are not skin tones.",
        "tests against the entrants' shares are told beside the audit and are no part of Holm's family",
    ]
    return whole


def add_share_rows(rows: Rows, published: pd.DataFrame, *, confidence: float) -> None:
    """Tests of the winners against the entrants' shares: binomial, hypergeometric, multinomial."""
    from scipy.special import gammaln

    by_group = published.set_index("ethnicity")
    n, total = int(published["winners"].sum()), int(published["entrants"].sum())
    shares = by_group["entrant_share"]

    def binomial(group: str, count: int, alternative: str) -> float:
        k, share = np.arange(n + 1), shares[group]
        choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        pmf = np.exp(choose + k * np.log(share) + (n - k) * np.log1p(-share))
        return tail_probability(count, 0, pmf, alternative)  # type: ignore[arg-type]

    def hypergeometric(group: str, count: int, alternative: str) -> float:
        low, pmf = exact_distribution([by_group.at[group, "entrants"]], [total], [n])
        return tail_probability(count, low, pmf, alternative)  # type: ignore[arg-type]

    for group, alternative, word in (("white", "greater", "at least"), ("dark", "less", "at most")):
        count = int(by_group.at[group, "winners"])
        low, high = clopper_pearson(count, n, confidence)
        for test, p in (
            (f"binomial_{alternative}", binomial(group, count, alternative)),
            ("binomial_two_sided", binomial(group, count, "two-sided")),
            (f"hypergeometric_{alternative}", hypergeometric(group, count, alternative)),
        ):
            rows.add(
                "winners_against_shares",
                group,
                count / n,
                n,
                ci_low=float(low),
                ci_high=float(high),
                interval="Clopper–Pearson",
                p_value=p,
                test=test,
                flag=f"{word} {count} of {n}" if "two" not in test else f"{count} of {n}",
            )
    for count in PRESS_WHITE:
        low, high = clopper_pearson(count, n, confidence)
        rows.add(
            "winners_against_shares",
            "white",
            count / n,
            n,
            ci_low=float(low),
            ci_high=float(high),
            interval="Clopper–Pearson",
            p_value=binomial("white", count, "greater"),
            test="binomial_greater",
            flag=f"at least {count} of {n}: another count in the press",
        )
    winners, share = published["winners"].to_numpy(), published["entrant_share"].to_numpy()
    distance = float(((winners - n * share) ** 2 / (n * share)).sum())
    rows.add(
        "winners_against_shares",
        "all groups",
        distance,
        n,
        p_value=multinomial_exact(winners, share),
        test="multinomial_exact",
        flag="value: Pearson's chi-squared; p by enumeration of all outcomes",
    )
    _add_binomial_power_rows(rows, n, float(shares["white"]))
    dark = int(by_group.at["dark", "winners"])
    rows.add(
        "smallest_significant_share",
        "dark",
        smallest_significant_share(dark, n),
        n,
        test="binomial_less",
        reference=ALL_OTHERS,
        flag=f"entrant share from which on at most {dark} of {n} winners is significant at 5 %",
    )


def _add_binomial_power_rows(rows: Rows, n: int, share: float) -> None:
    """Power of the one-sided binomial test against shares, for all who are not white together."""
    tested = "one-sided binomial test against the entrants' shares, α = 0.05"
    for ratio in TOLD_RATIOS:
        power, needed = float(binomial_power(n, 1 - share, ratio)), winners_needed(1 - share, ratio)
        known = {"test": "binomial_less", "reference": "white"}
        remark = f"{tested}; true ratio of selection rates {ratio}"
        rows.add(f"binomial_power_at_ratio_{ratio}", "not white", power, n, flag=remark, **known)
        rows.add(
            f"binomial_winners_needed_at_ratio_{ratio}",
            "not white",
            needed,
            n,
            flag=f"{remark}; 80% power",
            **known,
        )


def _add_score_interval_rows(rows: Rows, confidence: float) -> None:
    """The same ratios with Koopman's interval, which is narrower here than Katz' and survives zero counts."""
    people = beauty_ai_2016()
    for feature in FEATURES:
        counts = Counts.from_people(people[WINNER], sensitive_feature=people[feature])
        table = selection_table(counts, reference=REFERENCE, confidence=confidence, ratio_interval="score")
        for row in table[table["group"] != REFERENCE].itertuples(index=False):
            rows.add(
                "selection_rate_ratio_score",
                row.group,
                row.selection_rate_ratio,
                row.entrants,
                feature=feature,
                reference=REFERENCE,
                ci_low=row.selection_rate_ratio_low,
                ci_high=row.selection_rate_ratio_high,
                interval="Koopman score",
            )
