"""Private people, who answer only through a ledger: no column can be read without a use that was planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.privacy.ledger import ROUNDING, BudgetError, Ledger


class Rows(NamedTuple):
    """What a query sees: the manifest, and arrays of a row a person that were derived from it before."""

    manifest: pd.DataFrame
    derived: dict[str, NDArray]


#: (codes, vectors): the place of each person's contribution, −1 for none, and the contribution, (n, d). Row i may
#: depend on person i alone and on what was released before.
Query = Callable[[Rows], tuple[NDArray[np.integer], NDArray[np.floating]]]


class PrivatePeople:
    """A manifest, one row a person, behind a ledger.

    manifest  MANIFEST schema, one picture of each person (`one_picture_each`)
    ledger    planned for as many people
    """

    def __init__(self, manifest: pd.DataFrame, ledger: Ledger) -> None:
        if len(manifest) != ledger.plan.n:
            raise BudgetError(f"{len(manifest)} people, and a plan made for {ledger.plan.n}")
        if len(one_picture_each(manifest)) < len(manifest):
            raise BudgetError("somebody has several pictures: what is protected is one picture a person")
        self.ledger = ledger
        self.__rows = Rows(manifest.reset_index(drop=True), {})

    def __len__(self) -> int:
        return self.ledger.plan.n

    def __getitem__(self, column: object) -> NoReturn:
        raise BudgetError(f"{column!r} of private people was read without a budget; use sums or histogram")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise BudgetError(f"{name} of private people was read without a budget; use sums or histogram")

    def derive(self, name: str, of: Callable[[pd.DataFrame], NDArray]) -> None:
        """Keeps an array of a row a person, such as features of the pictures, for later queries. Costs nothing: it is
        as private as the people and does not leave."""
        array = np.asarray(of(self.__rows.manifest))
        if len(array) != len(self):
            raise BudgetError(f"{name}: {len(array)} rows of {len(self)} people")
        self.__rows.derived[name] = array

    def sums(
        self, what: str, query: Query, size: int, *, sensitivity: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(size, d): sums of the contributions at each place, with the noise of the planned mechanism `what`.

        Each person contributes one vector at one place, so that the L2 sensitivity is the longest vector's norm.
        Raises BudgetError where one is longer than `sensitivity`, and as Ledger.gaussian does.
        """
        codes, vectors = query(self.__rows)
        codes, vectors = np.asarray(codes), np.asarray(vectors, dtype=float)
        if codes.shape != (len(self),) or vectors.ndim != 2 or len(vectors) != len(self):
            raise BudgetError(f"{what}: a query gives a place and a vector for each of {len(self)} people")
        there = codes >= 0
        norms = np.linalg.norm(vectors[there], axis=1)
        if not np.all(norms <= sensitivity * (1 + ROUNDING)):  # not a number is refused, too
            raise BudgetError(f"{what}: a contribution's norm is over the sensitivity {sensitivity:g}")
        out = np.zeros((size, vectors.shape[1]))
        np.add.at(out, codes[there], vectors[there])
        return self.ledger.gaussian(what, out, sensitivity, rng)

    def histogram(
        self, what: str, query: Callable[[Rows], NDArray[np.integer]], size: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(size,): noisy counts of places; each person counts once or, at −1, nowhere: sensitivity 1."""
        ones = np.ones((len(self), 1))
        return self.sums(what, lambda rows: (query(rows), ones), size, sensitivity=1.0, rng=rng)[:, 0]

    def for_training(self, what: str, steps: int, *, noise: float) -> pd.DataFrame:
        """The manifest itself, for a mechanism that clips and adds noise in its own loop; `steps` uses are charged.

        noise  the multiplier that the loop is about to use; less than planned raises BudgetError
        """
        self.ledger.charge(what, steps, noise=noise)
        return self.__rows.manifest.copy()


def one_picture_each(manifest: pd.DataFrame) -> pd.DataFrame:
    """The first row of each picture and, where the data set knows persons, of each person."""
    kept = manifest.drop_duplicates("image_id")
    if "person_id" in kept:
        kept = kept[kept["person_id"].isna() | ~kept.duplicated("person_id")]
    return kept.reset_index(drop=True)
