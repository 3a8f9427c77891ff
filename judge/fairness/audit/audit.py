"""The audit of a contest: every number as one row of the AUDIT table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.audit.entrants import Codes, Entrants, read_entrants
from judge.fairness.audit.rows import Rows, table_of
from judge.fairness.audit.score_rows import Ranked, add_ranking_rows, add_score_rows
from judge.fairness.audit.selection_rows import add_power_rows, add_selection_rows
from judge.fairness.inference.exact_tests import holm
from judge.fairness.metrics.ordering import winners_by_rank
from judge.fairness.metrics.selection import Counts


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
    primary: str | None = None,
    intersections: bool = False,
    by_bracket: bool = False,
    confidence: float = 0.95,
    ratio_interval: str = "score",
    n_boot: int = 1000,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Who was selected, ranked and scored how, by group: an AUDIT table (see `judge.fairness.audit.rows`).

    entrants        one row a person
    features        sensitive feature column(s)
    score           score column(s), higher is better; each is judged on its own, side by side
    winner          column that says who won; without it the best `places` of each bracket win, by each score
    brackets        columns whose combinations are the brackets; none: one bracket
    places          winners a bracket, at least 1
    reference       group(s) that ratios refer to; a feature without one of them is compared with all others
    rating          column of human ratings on the scale of the scores, for the errors
    person          id column, checked for missing and repeated ids
    primary         group of the first feature whose share of the winners is the one primary contrast; without
                    it the feature's reference, else its largest group
    intersections   also judge the combinations of all features
    by_bracket      also give the selection rates of each bracket
    ratio_interval  "score" (Koopman, survives zero counts) or "log" (Katz)
    n_boot, n_permutations, seed   bootstrap samples, permutations, and the seed of both and of lots for ties

    Ties at the last place are broken by lot (from `seed`), never by the order of the rows. What was set
    excluded is counted in the table's `attrs["notes"]`. Raises InputError for what a user can mend.
    """
    features, score, brackets = listed_names(features), listed_names(score), listed_names(brackets)
    checked_settings(
        features=features,
        score=score,
        winner=winner,
        brackets=brackets,
        places=places,
        confidence=confidence,
        n_boot=n_boot,
        n_permutations=n_permutations,
    )
    people = read_entrants(
        entrants,
        features=features,
        score=score,
        winner=winner,
        brackets=brackets,
        rating=rating,
        person=person,
        intersections=intersections,
    )
    return audit_entrants(
        people,
        places=places,
        reference=reference,
        primary=primary,
        by_bracket=by_bracket,
        confidence=confidence,
        ratio_interval=ratio_interval,
        n_boot=n_boot,
        n_permutations=n_permutations,
        seed=seed,
    )


def audit_entrants(
    people: Entrants,
    *,
    places: int | None = None,
    reference: Sequence[str] | str | None = None,
    primary: str | None = None,
    by_bracket: bool = False,
    confidence: float = 0.95,
    ratio_interval: str = "score",
    n_boot: int = 1000,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """`audit` for entrants that are read already."""
    references = _references(people, listed_names(reference))
    contrast = _primary(people, primary, references)
    notes = list(people.notes)
    rows = Rows()
    for name, keep, won in selections(people, places=places, seed=seed):
        if name != people.winner_column:
            notes += _place_notes(people, name, keep, won, places or 0)
        for feature, codes in people.features.items():
            counts = _counts(won, codes, people.bracket, keep)
            add_selection_rows(
                rows.sharing(feature=feature, score_column=name),
                counts,
                reference=references[feature],
                confidence=confidence,
                seed=seed,
                n_permutations=n_permutations,
                ratio_interval=ratio_interval,
                by_bracket=by_bracket,
            )
            if feature == contrast[0] and len(codes.names) > 1:
                favoured = primary is None or primary == references[feature]
                add_power_rows(
                    rows.sharing(feature=feature, score_column=name), counts, contrast[1], favoured=favoured
                )
    for name, score_values in people.scores.items():
        finite = np.isfinite(score_values)
        if not finite.any():
            raise InputError(f"column {name} has no finite score in {people.n} rows")
        if not finite.all():
            notes.append(
                f"{int((~finite).sum())} of {people.n} people excluded: {name} is missing or infinite"
            )
        whole = finite.all()
        values = score_values if whole else score_values[finite]
        bracket = people.bracket.code if whole else people.bracket.code[finite]
        ranked = Ranked.of(values, bracket, *people.ranked(name, seed=seed))
        ratings = people.rating if whole or people.rating is None else people.rating[finite]
        lacking = 0
        for feature, codes in people.features.items():
            part = codes if whole else codes.take(finite)
            shared = rows.sharing(feature=feature, score_column=name)
            add_ranking_rows(
                shared, ranked, part, reference=references[feature], confidence=confidence, seed=seed
            )
            lacking = add_score_rows(
                shared, values, ratings, part, confidence=confidence, n_boot=n_boot, seed=seed
            )
        if lacking:
            notes.append(
                f"{lacking} of {len(values)} people with a {name} have no finite rating: not in the errors"
            )
    table = with_adjusted(table_of(rows), primary=contrast)
    table.attrs["notes"] = notes
    return table


def selections(
    people: Entrants, *, places: int | None, seed: int
) -> list[tuple[str, NDArray[np.bool_] | None, NDArray[np.bool_]]]:
    """(column, who takes part or None for everybody, who won of those) for each selection there is.

    With `places`, each score selects its own winners; a winner column is one more selection.
    """
    found: list[tuple[str, NDArray[np.bool_] | None, NDArray[np.bool_]]] = []
    if people.winner is not None:
        found.append((people.winner_column, None, people.winner))
    if places is None:
        return found
    for name, score in people.scores.items():
        keep = np.isfinite(score)
        if keep.any():
            won = winners_by_rank(*people.ranked(name, seed=seed), places=places)
            found.append((name, None if keep.all() else keep, won))
    return found


def as_frame(people: Entrants) -> pd.DataFrame:
    """The entrants as a table again: names of groups and brackets, scores, rating, winner; those excluded left out."""
    columns: dict[str, object] = {
        name: pd.Categorical.from_codes(codes.code, categories=list(codes.names))
        for name, codes in {**people.bracket_parts, **people.features}.items()
    }
    columns |= people.scores
    if people.rating is not None:
        columns[people.rating_column] = people.rating
    if people.winner is not None:
        columns[people.winner_column] = people.winner
    return pd.DataFrame(columns, copy=False)


def with_adjusted(table: pd.DataFrame, *, primary: tuple[str, str]) -> pd.DataFrame:
    """The table with the primary contrast marked and Holm's adjustment over every other p-value."""
    feature, group = primary
    candidates = table.index[
        (table["metric"] == "winner_share") & (table["feature"] == feature) & (table["group"] == group)
    ]
    first = candidates[:1]
    table.loc[first, "primary"] = True
    rest = ~table["primary"].astype(bool)
    table.loc[first, "p_adjusted"] = table.loc[first, "p_value"]
    table.loc[rest, "p_adjusted"] = holm(table.loc[rest, "p_value"].to_numpy(float))
    return table


def _place_notes(people: Entrants, name: str, keep: NDArray | None, won: NDArray, places: int) -> list[str]:
    """Places that stayed empty, and winners whom a lot decided because their score was tied at the cut."""
    code = people.bracket.code if keep is None else people.bracket.code[keep]
    score = people.scores[name] if keep is None else people.scores[name][keep]
    size = np.bincount(code, minlength=len(people.bracket.names))
    notes = []
    unfilled = int(np.maximum(places - size, 0).sum())
    if unfilled:
        short = int((size < places).sum())
        notes.append(
            f"{name}: {unfilled} place(s) stay empty in {short} bracket(s) with fewer than {places} people"
        )
    lowest = np.full(len(size), np.inf)
    np.minimum.at(lowest, code[won], score[won])
    at_cut = score == lowest[code]
    tied_out = np.bincount(code[at_cut & ~won], minlength=len(size)) > 0
    by_lot = int((at_cut & won & tied_out[code]).sum())
    if by_lot:
        notes.append(
            f"{name}: {by_lot} of {int(won.sum())} winners by lot, tied at the last place of their bracket"
        )
    return notes


def _counts(won: NDArray, codes: Codes, bracket: Codes, keep: NDArray | None) -> Counts:
    group, place = (codes.code, bracket.code) if keep is None else (codes.code[keep], bracket.code[keep])
    return Counts.from_codes(won, group, place, codes.names, bracket.names)


def listed_names(value: Sequence[str] | str | None) -> list[str]:
    """One name or several, or none, as a list without repetitions."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(dict.fromkeys(value))


def _references(people: Entrants, reference: list[str]) -> dict[str, str | None]:
    for name in reference:
        if not any(name in codes.names for codes in people.features.values()):
            groups = "; ".join(f"{f}: {listed(c.names)}" for f, c in people.features.items())
            raise InputError(f"no group {name!r} to refer to; the groups are {groups}")
    return {
        feature: next((name for name in reference if name in codes.names), None)
        for feature, codes in people.features.items()
    }


def _primary(people: Entrants, primary: str | None, references: dict[str, str | None]) -> tuple[str, str]:
    feature, codes = next(iter(people.features.items()))
    if primary is not None:
        if primary not in codes.names:
            raise InputError(
                f"primary: no group {primary!r} in {feature}; the groups are {listed(codes.names)}"
            )
        return feature, primary
    largest = codes.names[int(np.bincount(codes.code, minlength=len(codes.names)).argmax())]
    return feature, references[feature] or largest


def checked_settings(
    *,
    features: list[str],
    score: list[str],
    winner: str | None,
    brackets: list[str],
    places: int | None,
    confidence: float,
    n_boot: int,
    n_permutations: int,
) -> None:
    """Raises InputError for settings that contradict each other, before anything is read."""
    if not features:
        raise InputError("name at least one sensitive feature (a column of the table)")
    if not score and winner is None:
        raise InputError("name a score column or a winner column: without either there is nothing to audit")
    if places is not None and places < 1:
        raise InputError(f"places is at least 1 (winners a bracket), not {places}")
    if places is not None and not score:
        raise InputError("places needs a score column to rank by")
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence is at least 0.5 and below 1, not {confidence}")
    if n_boot < 1 or n_permutations < 1:
        raise InputError(f"n_boot and n_permutations are at least 1, not {n_boot} and {n_permutations}")
    for name in features:
        if name in brackets:
            raise InputError(
                f"{name} is a feature and a bracket: within a bracket there would be one group only"
            )
        if name in (*score, winner):
            raise InputError(
                f"{name} is a feature and a score or winner column; a column has one part to play"
            )
