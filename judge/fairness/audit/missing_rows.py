"""Rows on who is missing, and on the chain entered → eligible → scored → won."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.columns.people import Absent
from judge.fairness.audit.entrants import Entrants
from judge.fairness.audit.rows import ALL_OTHERS, STRATIFIED, Rows
from judge.fairness.counts import Counts, frequencies
from judge.fairness.inference.exact_tests import stratified_exact
from judge.fairness.inference.intervals import wilson
from judge.fairness.inference.settings import Inference


def add_missing_rows(rows: Rows, absent: Absent, *, how: Inference, judged: str) -> None:
    """What part of each group is missing, with the exact test within brackets; n is those who came so far.

    The counts are those of a contest whose "winners" are the missing, so the same test applies: given how many of each
    bracket are missing, is it a random draw of the bracket? judged is the score or winner column that the rows go with
    where the reason is not a column of the contest's own.
    """
    own = absent.metric in ("missing_score_share", "missing_winner_share")
    for feature, counts in absent.counts.items():
        entered, missing = counts.entrants.sum(axis=0), counts.winners.sum(axis=0)
        low, high = wilson(missing, entered, how.confidence)
        shared = rows.sharing(
            feature=feature,
            score_column=absent.column if own else judged,
            bracket="within" if len(counts.brackets) > 1 else "all",
            reference=ALL_OTHERS,
        )
        for g, group in enumerate(counts.groups):
            tested = entered[g] > 0 and len(counts.groups) > 1
            shared.add(
                absent.metric,
                group,
                missing[g] / entered[g] if entered[g] else np.nan,
                entered[g],
                ci_low=low[g],
                ci_high=high[g],
                interval="Wilson" if entered[g] else "",
                p_value=stratified_exact(counts, group) if tested else np.nan,
                test=STRATIFIED if tested else "",
                flag=f"{missing[g]} of {entered[g]} ({absent.column})" if entered[g] else "no entrants",
            )


def add_chain_rows(rows: Rows, people: Entrants, feature: str, counts: Counts, *, how: Inference) -> None:
    """log_share_admitted, _scored, _judged and _total of each group, where somebody was lost before the places went.

    counts  entrants and winners of the selection that the rows share (`score_column`)
    """
    name = str(rows.shared["score_column"])
    scores = people.scores.get(name)
    if (
        scores is None and len(people.scores) == 1
    ):  # winners of a column, beside the one score they may be judged by
        scores = next(iter(people.scores.values()))
    scored = None if scores is None else np.isfinite(scores)
    if people.eligible is None and (scored is None or scored.all()):
        return
    from judge.fairness.attribution.steps import chain_of_counts

    codes = people.features[feature]
    size = len(codes.names)
    entered, winners = counts.entrants.sum(axis=0), counts.winners.sum(axis=0)

    def number(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return frequencies(codes.code[rows], size, None if people.weight is None else people.weight[rows])

    passed = entered if people.eligible is None else number(people.eligible)
    with_score = None if scored is None else number(scored)
    if (
        with_score is not None and (winners > with_score).any()
    ):  # somebody won without a score: it is not what decides
        with_score = None
    if people.eligible is None and with_score is None:
        return
    table = chain_of_counts(
        list(codes.names),
        entrants=entered,
        eligible=passed,
        scored=with_score,
        winners=winners,
        name=feature,
        confidence=how.confidence,
    )
    for row in table.itertuples(index=False):
        interval = "" if np.isnan(row.ci_low) else row.test
        rows.add(
            row.metric, row.group, row.value, row.n, ci_low=row.ci_low, ci_high=row.ci_high, interval=interval
        )
