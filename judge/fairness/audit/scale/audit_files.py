"""The audit of Parquet files that are never held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.user_tables import ID_COLUMNS, person_columns
from judge.errors import InputError
from judge.fairness.audit.entrants import Entrants, read_entrants
from judge.fairness.audit.one_contest import audit_entrants
from judge.fairness.audit.plan import checked_settings, listed_names
from judge.fairness.audit.scale.cells import NO_ONE_PER_PERSON, CellColumns
from judge.fairness.audit.scale.database import Limits, database
from judge.fairness.audit.scale.files import open_files
from judge.fairness.audit.scale.stored_scores import StoredScores
from judge.fairness.inference.settings import Inference


def audit_files(
    table: str | Path,
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
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    rng: np.random.Generator | int = 0,
    limits: Limits | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Entrants, pd.DataFrame]:
    """`judge.fairness.audit.audit` of Parquet files, one or many, through DuckDB.

    The numbers are those of `audit` up to rounding. What needs single people, and of more than `limits.people`, is
    computed from a sample of so many and says so in its flag: the interval of the exposure ratio of a small group and
    the p-value of its outranking. Memory does not grow with the people, but with the combinations of features, brackets
    and outcomes, and (some 30 bytes each) with the people of one bracket who share one score.

    Parameters
    ----------
    table : str or Path
        A Parquet file, a folder of them (subfolders included), or a glob.
    features, score, winner, brackets, places, reference, rating, person, eligible, primary
        As for `audit`, as are `intersections`, `by_bracket`, `ratio_interval`, `confidence`, `n_permutations` and
        `rng`.
    one_per_person : None
        Anything else is refused: it needs all rows of a person at once.
    limits : Limits, optional
        Memory, threads, folder for what does not fit.
    progress : callable, optional
        Called with the name of each part before it is computed.

    Returns
    -------
    (Entrants, DataFrame)
        The counts behind it, in which a row stands for all people who are alike (`weight`), and the AUDIT table.

    Raises
    ------
    InputError
        As `audit`; for files of different schemas, for a glob without files, and where DuckDB is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in range(2):
    ...         one = pd.DataFrame({"group": list("aab"), "won": [1, 0, part]})
    ...         one.to_parquet(Path(folder) / f"{part}.parquet")
    ...     people, table = audit_files(folder, features="group", winner="won", n_permutations=99)
    >>> people.n, table.loc[table["metric"] == "selection_rate", ["group", "value", "n"]].values.tolist()
    (6, [['a', 0.5, 4], ['b', 0.5, 2]])
    """
    features, score, brackets = listed_names(features), listed_names(score), listed_names(brackets)
    checked_settings(features=features, score=score, winner=winner, brackets=brackets, places=places)
    Inference(confidence, n_permutations=n_permutations)
    if one_per_person is not None:
        raise InputError(NO_ONE_PER_PERSON)
    limits = limits or Limits()
    named = [name for name in (winner, rating, eligible, person) if name is not None]
    files = open_files(table, [*features, *score, *brackets, *named])
    person = person or next((name for name in ID_COLUMNS if name in files.names), None)
    further = person_columns(files.names, taken=[*features, *score, *brackets, *named])
    files = open_files(table, [*features, *score, *brackets, *named, *([person] if person else []), *further])
    with database(files, limits, progress=progress) as data:
        keys = dict.fromkeys([*features, *brackets, *[name for name in (winner, eligible) if name]])
        numbers = dict.fromkeys([*score, *([rating] if rating else [])])
        with data.doing("counting people"):
            columns = CellColumns(data, keys=list(keys), numbers=list(numbers))
        with data.doing("looking for ids that repeat" if person or further else "counting people"):
            people = read_entrants(
                columns,
                features=features,
                score=score,
                winner=winner,
                brackets=brackets,
                rating=rating,
                person=person,
                eligible=eligible,
                intersections=intersections,
            )
        stored = StoredScores(data, columns, people, limits=limits)
        audited = audit_entrants(
            people,
            places=places,
            reference=reference,
            primary=primary,
            by_bracket=by_bracket,
            ratio_interval=ratio_interval,
            confidence=confidence,
            n_permutations=n_permutations,
            rng=rng,
            progress=progress,
            stored=stored,
        )
        audited.attrs["notes"] += stored.notes
    return people, audited
