"""The ranking and score parts of the audit: one score column and one feature → rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.entrants import Codes
from judge.fairness.audit.rows import ALL_OTHERS, Rows
from judge.fairness.inference.settings import Inference
from judge.fairness.metrics.attention import exposure_ratio
from judge.fairness.metrics.divergence import ndkl_of_chance, ndkl_of_codes
from judge.fairness.metrics.outranking import ByScore
from judge.fairness.metrics.score_errors import ERROR_METRICS, group_metrics_of_codes

#: Up to so many entrants NDKL is compared with random orders, one by one.
MAX_SHUFFLED = 20_000
N_SHUFFLES = 199


@dataclass(frozen=True)
class Ranked:
    """People with a finite score, in order of bracket and rank (best first)."""

    order: NDArray[np.int64]
    rank: NDArray[np.int64]
    bracket: NDArray[np.int32]
    score: NDArray[np.float64]

    @classmethod
    def of(cls, score: NDArray, bracket: NDArray, order: NDArray, rank: NDArray) -> Ranked:
        """From finite scores, their brackets and what `order_of_merit` says of them."""
        return cls(order, rank, bracket[order], score[order])


def add_ranking_rows(
    rows: Rows, ranked: Ranked, codes: Codes, *, reference: str | None, how: Inference
) -> None:
    """NDKL, exposure ratio and outranking probability of each group."""
    group = codes.code[ranked.order]
    n, groups = len(group), len(codes.names)
    within = "within" if ranked.bracket[-1] != ranked.bracket[0] else "all"
    rows = rows.sharing(bracket=within)
    observed = ndkl_of_codes(group, bracket=ranked.bracket, n_groups=groups)
    p_value, flag = np.nan, f"no test above {MAX_SHUFFLED} entrants"
    if n <= MAX_SHUFFLED and groups > 1:
        chance = ndkl_of_chance(
            group, bracket=ranked.bracket, n_groups=groups, n_permutations=N_SHUFFLES, rng=how.rng
        )
        p_value = (1 + int((chance >= observed - 1e-12).sum())) / (1 + N_SHUFFLES)
        flag = f"chance gives {np.median(chance):.4f} (median), {np.quantile(chance, 0.95):.4f} (95 %)"
    rows.add(
        "ndkl",
        "all groups",
        observed,
        n,
        p_value=p_value,
        test="" if np.isnan(p_value) else "permutation",
        flag=flag,
    )
    if groups < 2:
        return
    rows = rows.sharing(reference=ALL_OTHERS if reference is None else reference)
    size = np.bincount(group, minlength=groups)
    base = None if reference is None else codes.names.index(reference)
    compared = [g for g in range(groups) if g != base]
    for g in compared:
        others: NDArray | int = (group != g) if base is None else base
        value, low, high = exposure_ratio(
            ranked.rank, group, member=g, others=others, confidence=how.confidence
        )
        rows.add(
            "exposure_ratio", codes.names[g], value, size[g], ci_low=low, ci_high=high, interval="log delta"
        )
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
    return lacking
