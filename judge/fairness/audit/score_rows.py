"""The ranking and score parts of the audit: one score column and one feature → rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.fairness.audit.entrants import Codes, Entrants
from judge.fairness.audit.families import largest_family
from judge.fairness.audit.rows import ALL_OTHERS, Rows, joined
from judge.fairness.audit.winners import Chosen, chosen
from judge.fairness.inference.settings import Inference
from judge.fairness.metrics.attention import exposure, exposure_ratios
from judge.fairness.metrics.divergence import ndkl_of_codes, ndkl_test
from judge.fairness.metrics.outranking import ByScore
from judge.fairness.metrics.score_errors import ERROR_METRICS, group_metrics_of_codes

#: Up to so many entrants NDKL is compared with random orders, one by one.
MAX_SHUFFLED = 20_000
#: As many times the hypotheses of the family as orders are drawn at most (so that Holm's p can reach .025), and the
#: most of them: people × orders.
ORDERS_A_HYPOTHESIS, MAX_WORK = 40, 40_000_000


@dataclass(frozen=True)
class Ranked:
    """People with a finite score, in order of bracket and rank (best first)."""

    order: NDArray[np.int64]
    rank: NDArray[np.int64]
    bracket: NDArray[np.int32]
    score: NDArray[np.float64]

    @cached_property
    def ties(self) -> NDArray[np.int64]:
        """The same number for people of one bracket with equal scores, from 0 upward."""
        new = (np.diff(self.bracket) != 0) | (np.diff(self.score) != 0)
        return np.concatenate([[0], np.cumsum(new)])

    @cached_property
    def mean_rank(self) -> NDArray[np.float64]:
        """For each person the rank whose exposure is what the people tied with them have on average over the lots."""
        size = np.bincount(self.ties)
        if len(size) == len(self.ties):
            return self.rank.astype(float)
        ends = np.cumsum(size)
        seen = np.add.reduceat(exposure(self.rank), ends - size) / size
        return np.where(size == 1, self.rank[ends - 1], 2 ** (1 / seen) - 1)[self.ties]

    @classmethod
    def of(cls, score: NDArray, bracket: NDArray, order: NDArray, rank: NDArray) -> Ranked:
        """From finite scores, their brackets and what `order_of_merit` says of them."""
        return cls(order, rank, bracket[order], score[order])


class HeldScores:
    """The scores of people who are held in memory; `judge.fairness.audit.scale.StoredScores` has the same methods."""

    def __init__(self, people: Entrants, *, tie_seed: int = 0) -> None:
        self.people, self.tie_seed = people, tie_seed
        # of the score that is looked at: name, who has one (None: everybody), values, order and ranks
        self._now: tuple[str, NDArray[np.bool_] | None, NDArray[np.float64], Ranked] | None = None

    def chosen(self, places: int | None) -> list[Chosen]:
        """Each selection there is."""
        return chosen(self.people, places=places)

    def scored(self, name: str) -> int:
        """How many people have a finite score."""
        return int(np.isfinite(self.people.scores[name]).sum())

    def add_rows(self, rows: Rows, name: str, feature: str, *, reference: str | None, how: Inference) -> int:
        """Rows of ranks and scores by one feature; returns how many people with a score have no rating."""
        people = self.people
        if self._now is None or self._now[0] != name:
            self._now = None
            score, bracket = people.scores[name], people.bracket.code
            finite: NDArray[np.bool_] | None = np.isfinite(score)
            if finite is not None and finite.all():
                finite = None
            else:
                score, bracket = score[finite], bracket[finite]
            ranked = Ranked.of(score, bracket, *people.ranked(name, tie_seed=self.tie_seed))
            self._now = name, finite, score, ranked
        _, finite, score, ranked = self._now
        codes, ratings = people.features[feature], people.rating
        if finite is not None:
            codes, ratings = codes.take(finite), None if ratings is None else ratings[finite]
        add_ranking_rows(rows, ranked, codes, reference=reference, how=how)
        return add_score_rows(rows, score, ratings, codes, how=how)


def add_ranking_rows(
    rows: Rows, ranked: Ranked, codes: Codes, *, reference: str | None, how: Inference
) -> None:
    """NDKL, exposure ratio and outranking probability of each group."""
    group = codes.code[ranked.order]
    n, groups = len(group), len(codes.names)
    within = "within" if ranked.bracket[-1] != ranked.bracket[0] else "all"
    rows = rows.sharing(bracket=within)
    if n <= MAX_SHUFFLED and groups > 1:
        add_ndkl_test(rows, group, ranked.bracket, ranked.ties, groups, how=how)
    else:
        rows.add(
            "ndkl",
            "all groups",
            ndkl_of_codes(_lot(group, ranked.ties, how.rng), bracket=ranked.bracket, n_groups=groups),
            n,
            flag=f"no test above {MAX_SHUFFLED} entrants" if groups > 1 else "",
        )
    if groups < 2:
        return
    rows = rows.sharing(reference=ALL_OTHERS if reference is None else reference)
    size = np.bincount(group, minlength=groups)
    base = None if reference is None else codes.names.index(reference)
    compared = [g for g in range(groups) if g != base]
    exposures = exposure_ratios(
        ranked.mean_rank,
        group,
        bracket=ranked.bracket,
        n_groups=groups,
        base=base,
        confidence=how.confidence,
        rng=how.rng,
    )
    for g in compared:
        value, low, high = exposures[g]
        named = "" if np.isnan(low) else "permutation test inverted"
        rows.add("exposure_ratio", codes.names[g], value, size[g], ci_low=low, ci_high=high, interval=named)
    # outranking reads people from the lowest score up
    rising = slice(None, None, -1)
    highest = int(ranked.bracket.max(initial=0))
    people = ByScore.of(ranked.score[rising], highest - ranked.bracket[rising], group[rising], groups)
    for g in compared:
        found = people.outranking(g, base, how=how)
        rows.add(
            "outrank_probability",
            codes.names[g],
            found.value,
            size[g],
            ci_low=found.low,
            ci_high=found.high,
            interval=found.interval,
            p_value=found.p_value,
            test=found.test,
            flag=found.flag,
        )


def add_score_rows(
    rows: Rows,
    score: NDArray[np.float64],
    rating: NDArray[np.float64] | None,
    codes: Codes,
    *,
    how: Inference,
) -> int:
    """Mean, spread and upper tail of everybody's scores, errors of those with a rating; returns how many have none."""
    rated = None if rating is None else np.isfinite(rating)
    lacking = 0 if rated is None else int((~rated).sum())
    everybody = None if lacking else rating
    tables = [group_metrics_of_codes(score, everybody, codes.code, codes.names, how=how)]
    if lacking and rating is not None and rated is not None:
        part = group_metrics_of_codes(score[rated], rating[rated], codes.code[rated], codes.names, how=how)
        tables.append(part[part["metric"].isin(ERROR_METRICS)])
    for table in tables:
        add_group_metrics(rows, table)
    return lacking


def add_ndkl_test(
    rows: Rows, group: NDArray, bracket: NDArray, ties: NDArray, groups: int, *, how: Inference
) -> None:
    """NDKL of people in order of bracket and rank, with its test; `ties` rises from one score to the next."""
    test = ndkl_test(
        group,
        bracket=bracket,
        n_groups=groups,
        ties=ties,
        most_permutations=_orders(len(group), groups),
        rng=how.rng,
    )
    rows.add(
        "ndkl",
        "all groups",
        test.value,
        len(group),
        p_value=test.p_value,
        test="permutation, sequential",
        flag=joined(
            f"chance gives {test.median:.4f} (median), {test.q95:.4f} (95 %)",
            f"{test.n_orders} random orders",
            "mean over lots among people who tie" if len(np.unique(ties)) < len(ties) else "",
        ),
    )


def add_group_metrics(rows: Rows, table: pd.DataFrame) -> None:
    """The rows of `judge.fairness.metrics.group_metrics`, metric by metric."""
    for metric, block in table.groupby("metric", sort=False):
        for row in block.itertuples(index=False):
            rows.add(
                str(metric),
                row.group,
                row.value,
                row.n,
                ci_low=row.ci_low,
                ci_high=row.ci_high,
                interval=row.interval,
                flag=row.flag,
            )


def _orders(n: int, groups: int) -> int:
    """Random orders that NDKL's p-value needs to pass Holm's adjustment, as far as time allows."""
    return max(199, min(ORDERS_A_HYPOTHESIS * largest_family(groups) - 1, MAX_WORK // n))


def _lot(group: NDArray, ties: NDArray, rng: np.random.Generator | int) -> NDArray:
    """The groups in order; those of people who tie in an order drawn from the audit's seed, not the contest's lot."""
    if ties[-1] + 1 == len(ties):
        return group
    group = group[np.lexsort((group, ties))]
    return group[np.lexsort((np.random.default_rng(rng).random(len(ties)), ties))]
