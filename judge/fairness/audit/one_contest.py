"""The audit of a contest: every number as one row of the AUDIT table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.fairness.audit.entrants import Entrants, read_entrants
from judge.fairness.audit.families import with_adjusted
from judge.fairness.audit.missing_rows import add_chain_rows, add_missing_rows
from judge.fairness.audit.plan import (
    checked_settings,
    listed_names,
    primary_of,
    reference_notes,
    references_of,
)
from judge.fairness.audit.power_rows import add_power_rows
from judge.fairness.audit.rows import Rows, table_of
from judge.fairness.audit.score_rows import HeldScores
from judge.fairness.audit.selection_rows import add_selection_rows
from judge.fairness.inference.settings import Inference

if TYPE_CHECKING:
    from judge.fairness.audit.scale import StoredScores


def audit(
    entrants: pd.DataFrame,
    *,
    features: Sequence[str] | str,
    score: Sequence[str] | str | None = None,
    winner: str | None = None,
    brackets: Sequence[str] | str = (),
    places: int | None = None,
    reference: Sequence[str] | str | None = None,
    rating: str | None = None,
    person: str | None = None,
    eligible: str | None = None,
    one_per_person: str | None = None,
    primary: str | None = None,
    intersections: bool = False,
    by_bracket: bool = False,
    ratio_interval: str = "exact",
    tie_seed: int = 0,
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Who was selected, ranked and scored how, by group.

    Every row counts as one person: weights are not supported. Where people tie at the last place, winners are averages
    over all lots among them and p-values means over the lots; a winner column is taken as a fact. The exact tests on
    winners are two-sided by likelihood: p is the probability of all outcomes at most as likely as the one observed.

    Parameters
    ----------
    entrants : DataFrame
        One row a person. It is not changed.
    features : str or sequence of str
        Sensitive feature column(s).
    score : str or sequence of str, optional
        Score column(s), higher is better; each is judged on its own, side by side.
    winner : str, optional
        Column that says who won (1/0, true/false, yes/no, won/lost). Without it the best `places` of each bracket win,
        by each score.
    brackets : str or sequence of str
        Columns whose combinations are the brackets; none: one bracket.
    places : int, optional
        Winners a bracket, at least 1, where scores decide.
    reference : str or sequence of str, optional
        Group(s) that ratios refer to; a feature without one of them is compared with all others. Intersections refer
        to the combination of the features' references.
    rating : str, optional
        Column of human ratings on the scale of the scores, for the errors.
    person : str, optional
        Column of ids, checked for missing and repeated ones; lots among people who tie are drawn from it. None: the
        first of image_id, person_id, entrant_id, id that the table has, else the number of the row. A further column
        that tells people apart (person_id beside image_id) is checked, too: the tests count people.
    eligible : str, optional
        Column that says who was let through (yes/no). The others entered and were not selected: they count in every
        selection rate, and the chain entered → eligible → scored → won is told step by step.
    one_per_person : {"best", "first", "mean"}, optional
        Keeps one row for each person who comes several times: the winning picture, else the one of the highest score;
        the first; or the first with the mean of the person's scores. How many were set aside is a note.
    primary : str, optional
        Group of the first feature whose share of the winners is the one primary contrast. None: the feature's
        reference, else its largest group.
    intersections : bool
        Also judge the combinations of all features.
    by_bracket : bool
        Also give the selection rates of each bracket.
    ratio_interval : {"exact", "score", "log"}
        Of the selection-rate ratio within brackets: "exact" agrees with the test and holds its level for groups of one
        person too; "score" is Koopman's, stratified; "log" Katz' or Greenland & Robins', NaN for zero counts.
    tie_seed : int
        Key of the lottery among those who tie, as in `judge.contest`. No number of the table depends on it.
    confidence : float
        Of every interval, from 0.5 to below 1.
    n_permutations : int
        Random divisions of the places within brackets, at least 1.
    rng : numpy.random.Generator or int
        Of permutations and of subsets that are drawn where a distribution is too large to enumerate.

    Returns
    -------
    DataFrame
        An AUDIT table, tidy, one row a number: metric, feature, group, value, n, ci_low, ci_high, p_value, test, and
        p_adjusted, primary, score_column, bracket, reference, interval, flag, family (see
        `judge.fairness.audit.rows`). Selection rates are over all who entered: whoever has no finite score was not
        selected. Who is missing is told by group in the rows missing_score_share, not_eligible_share,
        missing_winner_share and missing_bracket_share, each with an exact test within brackets, and every exclusion is
        counted in `attrs["notes"]`. With `judge.data.tables.AUDIT` the table is valid as it is, and with a column
        `condition` that a run adds.

    Raises
    ------
    InputError
        For what a user can mend: a column that is not there, settings that contradict each other, a table without
        people, ids or people that repeat, an unknown reference.

    References
    ----------
    Each metric and test names its source in `judge.fairness.metrics` and `judge.fairness.inference`.

    Examples
    --------
    Two of four a won, one of six b:

    >>> people = pd.DataFrame({"group": list("aaaabbbbbb"), "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    >>> table = audit(people, features="group", winner="won", reference="b", n_permutations=99)
    >>> rows = table[table["metric"].isin(["winner_share", "selection_rate", "selection_rate_ratio"])]
    >>> rows[["metric", "group", "value", "n"]].round(3).values.tolist()  # doctest: +NORMALIZE_WHITESPACE
    [['winner_share', 'a', 0.667, 3], ['winner_share', 'b', 0.333, 3], ['selection_rate', 'a', 0.5, 4],
     ['selection_rate', 'b', 0.167, 6], ['selection_rate_ratio', 'a', 3.0, 4]]
    """
    if not isinstance(entrants, pd.DataFrame):
        raise InputError(
            f"entrants is a table of people (a pandas DataFrame), not a {type(entrants).__name__}"
        )
    for name, column in {
        "winner": winner,
        "rating": rating,
        "person": person,
        "primary": primary,
        "eligible": eligible,
    }.items():
        if isinstance(column, (list, tuple)):
            raise InputError(f"{name} is one name, not several: {column!r}")
    features, score, brackets = listed_names(features), listed_names(score), listed_names(brackets)
    checked_settings(features=features, score=score, winner=winner, brackets=brackets, places=places)
    Inference(
        confidence, n_permutations=n_permutations
    )  # refuses what is out of range before anything is read
    people = read_entrants(
        entrants,
        features=features,
        score=score,
        winner=winner,
        brackets=brackets,
        rating=rating,
        person=person,
        eligible=eligible,
        one_per_person=one_per_person,
        intersections=intersections,
    )
    return audit_entrants(
        people,
        places=places,
        reference=reference,
        primary=primary,
        by_bracket=by_bracket,
        ratio_interval=ratio_interval,
        tie_seed=tie_seed,
        confidence=confidence,
        n_permutations=n_permutations,
        rng=rng,
    )


def audit_entrants(
    people: Entrants,
    *,
    places: int | None = None,
    reference: Sequence[str] | str | None = None,
    primary: str | None = None,
    by_bracket: bool = False,
    ratio_interval: str = "exact",
    tie_seed: int = 0,
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    rng: np.random.Generator | int = 0,
    progress: Callable[[str], None] | None = None,
    stored: StoredScores | None = None,
) -> pd.DataFrame:
    """`audit` for entrants that are read already, as a command line does that reads only the columns it needs.

    Parameters
    ----------
    people : Entrants
        As `read_entrants` gives them; the other parameters are those of `audit`.
    progress : callable, optional
        Called with the name of each part before it is computed: once for each selection and feature and once for each
        score and feature.
    stored : StoredScores, optional
        The sorted scores on disk of people who are counted and not held (`judge.fairness.audit.scale`).

    Returns
    -------
    DataFrame
        As from `audit`.

    Raises
    ------
    InputError
        For an unknown reference or primary group, and for a score without any finite value.

    Examples
    --------
    >>> people = read_entrants(pd.DataFrame({"g": list("aabb"), "s": [4, 3, 2, 1]}), features=["g"], score=["s"])
    >>> table = audit_entrants(people, places=1, n_permutations=9)
    >>> table.loc[table["metric"] == "winner_share", ["group", "value"]].values.tolist()
    [['a', 1.0], ['b', 0.0]]
    """
    # one seed for the whole table: each test and group takes its own stream from it
    how = Inference(confidence, n_permutations=n_permutations, rng=Inference(rng=rng).seed())
    references = references_of(people, listed_names(reference))
    contrast = primary_of(people, primary, references)
    notes = [*people.notes, *reference_notes(people, references)]
    step = progress or (lambda _: None)
    rows = Rows()
    held = HeldScores(people, tie_seed=tie_seed) if stored is None else stored
    for one in held.chosen(places):
        if one.column != people.winner_column:
            notes += one.notes(people)
        for feature, codes in people.features.items():
            step(f"winners by {feature}")
            counts = one.counts(people, feature)
            shared = rows.sharing(feature=feature, score_column=one.column)
            notes += add_selection_rows(
                shared,
                counts,
                reference=references[feature],
                how=how,
                ratio_interval=ratio_interval,
                by_bracket=by_bracket,
            )
            add_chain_rows(shared, people, feature, counts, how=how)
            if feature == contrast[0] and len(codes.names) > 1:
                favoured = primary is None or primary == references[feature]
                add_power_rows(shared, counts, contrast[1], favoured=favoured, how=how)
    first = next(iter([people.winner_column] if people.winner is not None else people.scores), "")
    for absent in people.absent:
        add_missing_rows(rows, absent, how=how, judged=first)
    for name in people.scores:
        if (n := held.scored(name)) == 0:
            raise InputError(f"column {name} has no finite score in {people.n} rows")
        lacking = 0
        for feature in people.features:
            step(f"{name} by {feature}")
            shared = rows.sharing(feature=feature, score_column=name)
            lacking = held.add_rows(shared, name, feature, reference=references[feature], how=how)
        if lacking:
            notes.append(f"{lacking} of {n} people with a {name} have no finite rating: not in the errors")
    table = with_adjusted(table_of(rows), primary=contrast)
    table.attrs["notes"] = notes
    return table
