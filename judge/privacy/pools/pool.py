"""A private synthetic pool, and the one way in which every method makes it: budget, labels, people, statement.

A method is a frozen dataclass of its settings with

    name                                  as in conf/private
    mechanisms(n) -> [Mechanism, ...]     what it will ask of n private people, besides their labels
    method(people, labels, wanted, *, noise, seed, progress) -> Made
        people  PrivatePeople: the only way to the private pictures
        labels  PrivateLabels, released before
        wanted  cell → number of pictures to make
        noise   numpy Generator of the noise; secret. `seed` is of all that is random and public
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from judge.data.composition import allocate
from judge.errors import InputError, listed
from judge.privacy.accountants import check_packages
from judge.privacy.budget import Budget, Mechanism, plan
from judge.privacy.labels import PrivateLabels, private_labels
from judge.privacy.people import PrivatePeople, one_picture_each

if TYPE_CHECKING:
    from torch import Tensor

#: Share of the budget of labels beside a method's mechanisms, which state their own (Mechanism.weight).
LABELS = "labels"


@dataclass(frozen=True)
class Made:
    """What a method makes.

    people    a row a picture: `cell` (of PrivateLabels) and `rating`, and what else is known of who was made
    pictures  uint8 (n, 3, size, size), rows as in `people`
    public    what the method takes for known to everybody: name → sentence, for the statement
    facts     for the statement: settings and what is said of this pool
    tables    for the page, by name; released, so made of released numbers alone
    limits    of the method, sentences
    """

    people: pd.DataFrame
    pictures: Tensor
    public: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    limits: Sequence[str] = ()


class Method(Protocol):
    name: str

    def mechanisms(self, n: int) -> list[Mechanism]: ...

    def __call__(
        self,
        people: PrivatePeople,
        labels: PrivateLabels,
        wanted: Mapping[str, int],
        *,
        noise: np.random.Generator,
        seed: int,
        progress: bool,
    ) -> Made: ...


@dataclass(frozen=True)
class Release:
    """What is asked for. All of it is public.

    budget         (ε, δ)
    features       columns that people are grouped by
    groups         feature → its groups; that they exist is public
    rating_range   of the scale
    n              pictures of the pool; None: as many as private people
    shares         cell (groups joined by "/") → share of the pool; None: the noisy shares of the private people
    bins           of the rating in the histogram of labels
    labels_weight  share of the budget for the histogram of labels (Mechanism.weight)
    leave_out      leave groups out that are too few to be told from noise, instead of an error
    """

    budget: Budget
    features: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    rating_range: tuple[float, float]
    n: int | None = None
    shares: Mapping[str, float] | None = None
    bins: int = 10
    labels_weight: float = 1.0
    leave_out: bool = False


@dataclass(frozen=True)
class PrivatePool:
    """A pool that may be handed on.

    manifest   a row a picture: image_id, the features, rating, rating_source "private", source "generated"; no paths
    pictures   uint8 (n, 3, size, size)
    statement  what is claimed and how it was spent, what is public (Ledger.statement); for a JSON file
    tables     labels (cells: wanted, noisy count, its noise), and the method's own
    """

    manifest: pd.DataFrame
    pictures: Tensor
    statement: dict[str, Any]
    tables: Mapping[str, pd.DataFrame]


def make_pool(
    method: Method,
    manifest: pd.DataFrame,
    release: Release,
    *,
    noise: np.random.Generator,
    seed: int = 0,
    progress: bool = True,
) -> PrivatePool:
    """A synthetic pool of private people under a budget.

    manifest  of the private people, MANIFEST schema, with ratings; of several pictures of a person the first is taken
    noise     of the noise. A seeded generator can be drawn again: whoever knows the seed takes the noise off, so that
              of a release has to be secret and thrown away
    seed      of what is random besides; public

    Raises InputError: a budget that is none for n people, groups unknown or too few to be told from noise, shares that
    name other cells.
    """
    check_packages()
    private = asked_people(manifest, release)
    wanted_n = len(private) if release.n is None else release.n
    asked = [Mechanism(LABELS, release.labels_weight), *method.mechanisms(len(private))]
    people = PrivatePeople(private, plan(release.budget, asked, len(private)).ledger())
    labels = private_labels(
        people, release.features, rating_range=release.rating_range, known_groups=release.groups, rng=noise,
        bins=release.bins, leave_out=release.leave_out, what=LABELS,
    )  # fmt: skip
    wanted = _wanted(labels, wanted_n, release.shares)
    made = method(people, labels, wanted, noise=noise, seed=seed, progress=progress)
    own = {
        "method": method.name,
        **people.ledger.statement(_public(release, wanted_n) | dict(made.public)),
        "pictures": wanted_n,
        "features": list(release.features),
        "rating_range": list(map(float, release.rating_range)),
        "left_out": {cell: round(count, 1) for cell, count in labels.left_out.items()},
        "seed": seed,
        "limits": list(made.limits),
        **made.facts,
    }
    cells = labels.table().assign(pictures=lambda table: table["cell"].map(wanted))
    return PrivatePool(_labelled(made.people, labels), made.pictures, own, {"labels": cells, **made.tables})


def asked_people(manifest: pd.DataFrame, release: Release) -> pd.DataFrame:
    """The first picture of each person; looks at none of them.

    Raises InputError: no ratings, columns that there are not, n under 1, a budget that is none for so many people.
    """
    private = one_picture_each(manifest)
    if "rating" not in private or private["rating"].isna().all():
        raise InputError("a private pool is made for a judge: the private people need ratings")
    if missing := [name for name in release.features if name not in private]:
        raise InputError(f"features={listed(release.features)}: the data have no column {listed(missing)}")
    if release.n is not None and release.n < 1:
        raise InputError(f"n={release.n}: at least 1 picture")
    release.budget.for_people(len(private))
    return private


def _wanted(labels: PrivateLabels, n: int, shares: Mapping[str, float] | None) -> dict[str, int]:
    if shares is None:
        return labels.people(n)
    if other := sorted(set(shares) - set(labels.cells.index)):
        raise InputError(f"shares name {listed(other)}; the pool's cells are {listed(labels.cells.index)}")
    return {cell: k for cell, k in allocate(n, shares).items() if k}


def _public(release: Release, n: int) -> dict[str, str]:
    groups = "; ".join(f"{name}: {', '.join(map(str, release.groups[name]))}" for name in release.features)
    low, high = release.rating_range
    return {
        "pictures of the pool": f"{n}, chosen without regard to the private people, or their number",
        "groups": f"which there are ({groups or 'none are asked'}); how many people each has is not public",
        "rating scale": f"{low:g} to {high:g}",
        **({} if release.shares is None else {"shares": "asked for, not the private people's"}),
    }


def _labelled(made: pd.DataFrame, labels: PrivateLabels) -> pd.DataFrame:
    own = labels.cells.loc[made["cell"]].reset_index(drop=True)
    rest = made.drop(columns=["cell", *own.columns], errors="ignore").reset_index(drop=True)
    low, high = labels.rating_range
    assert rest["rating"].between(low - 1e-6, high + 1e-6).all() and not math.isnan(rest["rating"].sum())
    ids = [f"s-{i + 1:06d}" for i in range(len(made))]
    first = pd.DataFrame(
        {"image_id": ids, "person_id": ids, "rating_source": "private", "source": "generated"}
    )
    # in one piece: a frame of 150 single columns warns its users
    return pd.concat([first, own, rest], axis=1).copy()
