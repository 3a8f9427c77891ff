"""Twins: the same person under an edit (another skin tone; another background), judged and entered again.

An edit's effect is the paired change twin − original of the score, of the rank and of winning. Rank and winning of
a twin are those it would have had *in the original's place in the same contest*, everybody else unchanged, so that
the change is one person's. An edit of skin tone is read beside placebo edits (background, light) of similar size:
a judge that reacts as much to those is unstable, not (only) swayed by skin.

    changes = replace_in_contest(ranking, twins)         RANKING table; twins: image_id of the original, edit, score
    twin_changes(changes, placebo=("background", "light"))   AUDIT rows
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from judge.errors import InputError, listed
from judge.fairness.inference.intervals import wilson
from judge.fairness.inference.randomisation import bootstrap_t, sign_flip
from judge.fairness.inference.settings import Inference, Interval

METRICS = {
    "score_change": "twin_score_change",
    "rank_change": "twin_rank_change",
    "winner_change": "twin_win_change",
}


def replace_in_contest(ranking: pd.DataFrame, twins: pd.DataFrame) -> pd.DataFrame:
    """Paired changes of score, rank and winning, each twin in its original's place in the same contest.

    A twin takes one of as many places as its bracket awarded. The contest's lottery among equals is not in the table:
    an unchanged score keeps its rank, any other twin stands behind those it ties with. O((n + m) log n).

    Parameters
    ----------
    ranking : DataFrame
        RANKING table of one contest: image_id, bracket, score, rank, winner.
    twins : DataFrame
        image_id of an entrant, edit, score (finite); at most one row for each image_id and edit.

    Returns
    -------
    DataFrame
        One row a twin, in the order of `twins`: image_id, edit, bracket, score_change, rank_change (> 0: further from
        the top), winner_change (−1, 0, 1), original_rank, original_winner, n_bracket.

    Raises
    ------
    InputError
        For missing columns, repeated or unknown image_ids, scores that are not finite.

    Examples
    --------
    Darker, q falls from 7 to 4, behind r, and loses one of two places:

    >>> ranking = pd.DataFrame({"image_id": list("pqr"), "bracket": "all", "score": [9.0, 7.0, 5.0], "rank": [1, 2, 3],
    ...                         "winner": [True, True, False]})
    >>> twins = pd.DataFrame({"image_id": ["q"], "edit": ["darker"], "score": [4.0]})
    >>> replace_in_contest(ranking, twins)[["score_change", "rank_change", "winner_change"]].values.tolist()
    [[-3.0, 1.0, -1.0]]
    """
    for frame, label, columns in (
        (ranking, "ranking", ["image_id", "bracket", "score", "rank", "winner"]),
        (twins, "twins", ["image_id", "edit", "score"]),
    ):
        if missing := [column for column in columns if column not in frame]:
            raise InputError(f"the table of {label} lacks the column(s) {listed(missing)}")
        bad = ~np.isfinite(frame["score"].to_numpy(float))
        if bad.any():
            raise InputError(f"{int(bad.sum())} of {len(bad)} rows of {label} have no finite score")
        keys = [column for column in ("image_id", "edit") if column in columns]
        if frame.duplicated(keys).any():
            raise InputError(
                f"{int(frame.duplicated(keys).sum())} row(s) of {label} repeat {' and '.join(keys)}"
            )
    known = pd.Index(ranking["image_id"])
    row = known.get_indexer(twins["image_id"])
    if (row < 0).any():
        strangers = twins["image_id"][row < 0].unique()
        raise InputError(
            f"{len(strangers)} twin(s) of people who are not ranked, first {listed(strangers, 3)}"
        )

    score, rank = ranking["score"].to_numpy(float), ranking["rank"].to_numpy(int)
    won = ranking["winner"].to_numpy(bool)
    new = twins["score"].to_numpy(float)
    new_rank, places, size = (np.zeros(len(twins), int) for _ in range(3))
    bracket, names = pd.factorize(ranking["bracket"])
    for b in range(len(names)):
        members = bracket == b
        mine = np.flatnonzero(members[row])
        ascending = np.sort(score[members])
        ahead = len(ascending) - np.searchsorted(ascending, new[mine], side="left")
        old = score[row[mine]]
        new_rank[mine] = np.where(old == new[mine], rank[row[mine]], 1 + ahead - (old >= new[mine]))
        places[mine], size[mine] = won[members].sum(), members.sum()
    return pd.DataFrame(
        {
            "image_id": twins["image_id"].to_numpy(),
            "edit": twins["edit"].astype(str).to_numpy(),
            "bracket": ranking["bracket"].to_numpy()[row],
            "score_change": new - score[row],
            "rank_change": new_rank - rank[row],
            "winner_change": (new_rank <= places).astype(int) - won[row],
            "original_rank": rank[row],
            "original_winner": won[row],
            "n_bracket": size,
        }
    )


def twin_changes(
    changes: pd.DataFrame,
    *,
    placebo: Sequence[str] = (),
    person: str = "image_id",
    confidence: float = 0.95,
    n_resamples: int = 2000,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Mean change of each edit over people, beside placebo edits.

    Parameters
    ----------
    changes : DataFrame
        One row a twin: `person`, edit, and any of score_change, rank_change, winner_change (with original_winner), as
        from `replace_in_contest`. Several rows of one person and edit (several judges or seeds) are averaged first:
        here the person is the unit, see `judge.fairness.sweeps` for training runs.
    placebo : sequence of str
        Edits that ought to change nothing.
    person : str
        Column of ids.
    confidence : float
        Level, from 0.5 to below 1.
    n_resamples, n_permutations : int
        Bootstrap samples, and sign flips where there are too many to enumerate.
    rng : numpy.random.Generator or int
        Draws both.

    Returns
    -------
    DataFrame
        AUDIT rows (feature "edit", group = its name):

        twin_score_change, twin_rank_change: interval by studentised bootstrap of people; p by sign flips of people.
        twin_win_change: Newcombe's interval, which survives nobody changing; p by McNemar's exact test. Averages: as
        above.
        <metric>_rose: share of the changed people whose number rose, Wilson; p by the exact sign test.
        <metric>_over_placebo, <metric>_excess: for each edit and placebo (group "edit - placebo") the paired difference
        of the changes, and of their absolute sizes.

    Raises
    ------
    InputError
        For missing columns and a placebo that is no edit.

    References
    ----------
    Newcombe (1998), Stat. Med. 17:2635, method 10; McNemar (1947), Psychometrika 12:153.

    Examples
    --------
    All four who changed fell, which two of sixteen patterns of signs are as extreme as:

    >>> changes = pd.DataFrame({"image_id": list("abcde"), "edit": "darker", "score_change": [-1, -2, -3, -4, 0]})
    >>> table = twin_changes(changes, n_resamples=99).set_index("metric")
    >>> table[["value", "n", "p_value"]].values.tolist()
    [[-2.0, 5.0, 0.125], [0.0, 4.0, 0.125]]
    """
    how = Inference(confidence, n_resamples, n_permutations, rng)
    rng = how.generator()
    if missing := [column for column in (person, "edit") if column not in changes]:
        raise InputError(f"the table of changes lacks the column(s) {listed(missing)}")
    measures = [measure for measure in METRICS if measure in changes]
    if not measures:
        raise InputError(f"changes needs one of {listed(METRICS)}; it has {listed(changes.columns)}")
    table = changes.assign(edit=changes["edit"].astype(str))
    edits = sorted(table["edit"].unique())
    if unknown := [edit for edit in placebo if edit not in edits]:
        raise InputError(f"no placebo {listed(unknown)} among the edits {listed(edits)}")
    once = not table.duplicated([person, "edit"]).any()
    rows: list[dict[str, object]] = []

    def add(metric: str, group: str, bounds: tuple, n: int, p: float, test: str) -> None:
        value, low, high = (float(b) for b in bounds)
        rows.append({"metric": metric, "feature": "edit", "group": group, "value": value, "n": n,
                     "ci_low": low, "ci_high": high, "p_value": p, "test": test})  # fmt: skip

    def add_mean(metric: str, group: str, d: np.ndarray) -> None:
        p, exact = sign_flip(d, n_permutations=n_permutations, rng=rng)
        bounds = bootstrap_t(d, confidence=confidence, n_resamples=n_resamples, rng=rng)
        add(
            metric, group, bounds, len(d), p, f"sign flips, {'exact' if exact else f'{n_permutations} draws'}"
        )

    for measure in measures:
        metric = METRICS[measure]
        wide = table.pivot_table(index=person, columns="edit", values=measure, aggfunc="mean")
        for edit in edits:
            d = wide[edit].dropna().to_numpy(float)
            if measure == "winner_change" and once and "original_winner" in table:
                mine = table[table["edit"] == edit].dropna(subset=[measure])
                before = mine["original_winner"].to_numpy(bool)
                after = before.astype(int) + mine[measure].to_numpy(int) > 0
                gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
                p = float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
                bounds = newcombe_paired(after, before, confidence=confidence)
                add(metric, edit, bounds, len(mine), p, f"McNemar exact; {gained} gained, {lost} lost")
            else:
                add_mean(metric, edit, d)
            rose, changed = int((d > 0).sum()), int((d != 0).sum())
            p = float(stats.binomtest(rose, changed).pvalue) if changed else 1.0
            low, high = (float(b) for b in wilson(rose, changed, confidence))
            value = rose / changed if changed else np.nan
            add(f"{metric}_rose", edit, (value, low, high), changed, p, "sign test, exact")
        for edit in edits:
            for other in placebo if edit not in placebo else ():
                pair = wide[[edit, other]].dropna().to_numpy(float)
                label = f"{edit} - {other}"
                add_mean(f"{metric}_over_placebo", label, pair[:, 0] - pair[:, 1])
                add_mean(f"{metric}_excess", label, np.abs(pair[:, 0]) - np.abs(pair[:, 1]))
    return pd.DataFrame(rows)


def newcombe_paired(after: np.ndarray, before: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """P(after) − P(before) for paired yes/no (Newcombe 1998, Stat. Med. 17:2635, method 10).

    after, before  (n,) bool, the same people. NaN with nobody.
    """
    after, before = np.asarray(after, bool), np.asarray(before, bool)
    n = len(after)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    e, f, g = (after & before).sum(), (after & ~before).sum(), (~after & before).sum()
    h = n - e - f - g
    p1, p2 = (e + f) / n, (e + g) / n
    (l1, l2), (u1, u2) = wilson(np.array([e + f, e + g]), np.array([n, n]), confidence)
    product = float(e + f) * float(g + h) * float(e + g) * float(f + h)
    c = float(e) * float(h) - float(f) * float(g)
    c = max(c - n / 2, 0.0) if c > 0 else c
    phi = c / np.sqrt(product) if product > 0 else 0.0
    low = np.sqrt(max((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2, 0))
    high = np.sqrt(max((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2, 0))
    return Interval(float(p1 - p2), float(p1 - p2 - low), float(p1 - p2 + high))
