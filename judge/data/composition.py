"""Draw a pool or a field of entrants of a chosen size and composition, and keep the two apart.

Shares are exact: counts follow them by the method of largest remainders (Hamilton), so that the dose of an
experiment is what was asked for and not a sample of it.

Draws are nested. One random number a picture fixes an order, and each group gives its first k. So for one
manifest and one seed the pools of two compositions share min(k₁, k₂) pictures of each group: along a rising
majority share, pictures are only added to the majority and only taken from the others, and the comparison of
two doses is not blurred by a fresh draw.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from judge.data.duplicates import same_picture
from judge.errors import InputError, listed

#: Rows that agree in one of these are one person, or one picture.
IDENTITY = ("image_id", "person_id", "content_hash", "pixel_hash")


def equal_shares(groups: Iterable[str]) -> dict[str, float]:
    """The same share for each group."""
    names = sorted(set(groups))
    return {name: 1 / len(names) for name in names}


def natural_shares(manifest: pd.DataFrame, feature: str | Sequence[str]) -> dict[str, float]:
    """The shares that the groups of `feature` have in the manifest, rows without a group left out."""
    counts = _cells(manifest, _names(feature)).dropna().value_counts().sort_index()
    return {str(name): float(share) for name, share in (counts / counts.sum()).items()}


def majority_shares(
    groups: Iterable[str], majority: str, share: float, rest: Mapping[str, float] | None = None
) -> dict[str, float]:
    """`share` (0–1) for the group `majority`; the others share what is left.

    Equally, or in proportion to `rest` (a positive number a group; natural_shares would keep their
    proportions).
    """
    names = sorted(set(groups))
    if majority not in names:
        raise InputError(f"the majority group is one of {listed(names)}, not {majority!r}")
    if not 0 <= share <= 1:
        raise InputError(f"the majority share lies between 0 and 1, not {share}")
    others = [name for name in names if name != majority]
    if not others and share != 1:
        raise InputError(f"{majority!r} is the only group, so its share is 1, not {share}")
    weights = {name: 1.0 if rest is None else float(rest.get(name, 0)) for name in others}
    total = sum(weights.values())
    if others and not (total > 0 and all(w >= 0 for w in weights.values())):
        raise InputError(f"rest: numbers of at least 0 that do not all vanish, not {weights}")
    return {name: share if name == majority else (1 - share) * weights[name] / total for name in names}


def allocate(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that add up to n and follow the shares: largest remainders, equal ones by name.

    Raises InputError unless n ≥ 0 and the shares are at least 0 and sum to 1 (± 1e-6).
    """
    if n < 0:
        raise InputError(f"a number of pictures is at least 0, not {n}")
    values = {name: float(share) for name, share in shares.items()}
    total = sum(values.values())
    if any(not share >= 0 for share in values.values()) or not abs(total - 1) <= 1e-6:
        raise InputError(f"shares are at least 0 and sum to 1; given {values} with the sum {total:.6g}")
    quotas = {name: round(n * share / total, 9) for name, share in values.items()}
    counts = {name: math.floor(quota) for name, quota in quotas.items()}
    order = sorted(quotas, key=lambda name: (counts[name] - quotas[name], name))
    for name in order[: n - sum(counts.values())]:
        counts[name] += 1
    return counts


def cell_counts(n: int, shares: Mapping[str, float], levels: Sequence[str]) -> dict[Hashable, int]:
    """How many pictures each "group/level" gives: `allocate`, then as equally over the levels as can be.

    Odd pictures go to the levels in turn, so that over all groups no level gets more than one above another.
    """
    counts: dict[Hashable, int] = {}
    turn = 0
    for group, k in sorted(allocate(n, shares).items()):
        for i, level in enumerate(levels):
            extra = (i - turn) % len(levels) < k % len(levels)
            counts[f"{group}/{level}" if level else group] = k // len(levels) + extra
        turn += k % len(levels)
    return counts


def draw(
    manifest: pd.DataFrame,
    n: int,
    shares: Mapping[str, float],
    *,
    feature: str | Sequence[str],
    rng: np.random.Generator,
    jointly: str | Sequence[str] | None = None,
    prefer: Iterable[str] = (),
) -> pd.DataFrame:
    """n rows of the manifest, without replacement, in which the groups of `feature` have the given shares.

    shares   a share a group, summing to 1; groups that are not named get none. With several features a
             group is their values joined by "/": feature=("ethnicity", "gender"), shares={"asian/female":
             .2, …}
    jointly  further features, balanced within each group: jointly="gender" takes as many women as men of each
             ethnicity; odd ones go to each side in turn, so that the total differs by at most one
    rng      one random number a row is used, whatever the shares: the same seed gives nested draws (see
             above). The order of the manifest's rows does not matter, only their image_ids. Rows that repeat an
             image_id, as in a resampled pool, count one by one: a copy may be taken without the other

    Rows in the manifest's order, index from 0. Raises InputError for unknown groups, and when a group has
    too few pictures: then it says how many each short group has and needs, and the largest n that these
    shares allow.
    """
    features, within = _names(feature), _names(jointly or ())
    groups = _cells(manifest, features)
    known = sorted(groups.dropna().unique())
    unknown = sorted(set(map(str, shares)) - set(known))
    if unknown:
        raise InputError(f"no pictures of {listed(unknown)}; {'/'.join(features)} is one of {listed(known)}")
    cells = _cells(manifest, (*features, *within))
    levels = sorted(_cells(manifest, within).dropna().unique()) if within else [""]
    has = cells.value_counts()
    wanted = cell_counts(n, shares, levels)
    short = {cell: k for cell, k in wanted.items() if k > has.get(cell, 0)}
    if short:
        lines = ", ".join(f"{cell} has {has.get(cell, 0)} and needs {k}" for cell, k in sorted(short.items()))
        raise InputError(
            f"too few pictures for n = {n}: {lines}. With these shares at most n = "
            f"{_largest(n, shares, levels, has)} can be drawn"
        )
    ids = manifest["image_id"].to_numpy(dtype=str)
    keys = pd.Series(rng.random(len(manifest)), index=np.argsort(ids, kind="stable"))
    order = cells.reset_index(drop=True).to_frame("cell").assign(key=keys.sort_index())
    order["later"] = ~manifest["image_id"].isin(set(prefer)).to_numpy()
    place = order.sort_values(["later", "key"]).groupby("cell", dropna=True).cumcount()
    quota = order["cell"].map(wanted).fillna(0)
    taken = place.reindex(order.index, fill_value=len(order)) < quota
    return manifest.loc[taken.to_numpy()].reset_index(drop=True)


def equal_n(
    pools: Mapping[str, pd.DataFrame], *, feature: str, rngs: Mapping[str, np.random.Generator]
) -> dict[str, pd.DataFrame]:
    """All pools of a run at one size, that of the smallest, so that skew is not confused with size.

    A larger pool is cut at random to it, the shares of its own groups of `feature` kept; a pool that has this size
    already comes back as the same object.

    rngs   a generator a pool, as its own drawing left it. Every cut starts from the state that the first smallest
           pool's generator is in and leaves that where it is: what one pool loses depends on no other pool that is
           cut, and pools of equal rows lose the same ones

    Raises InputError where a larger pool has too few rows with a group.
    """
    n = min(len(pool) for pool in pools.values())
    smallest = next(name for name, pool in pools.items() if len(pool) == n)
    return {
        name: pool
        if len(pool) == n
        else draw(pool, n, natural_shares(pool, feature), feature=feature, rng=copy.deepcopy(rngs[smallest]))
        for name, pool in pools.items()
    }


def hold_out(
    manifest: pd.DataFrame,
    entrants: float,
    *,
    rng: np.random.Generator,
    stratify: Sequence[str] = ("ethnicity", "gender"),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(source for training pools, entrants): people divided, so that nobody and no copy is on both sides.

    People are connected components: pictures that share a person_id, content_hash or pixel_hash stay
    together.

    entrants  a share of the people (a float below 1) or their number (1 or more)
    stratify  the division keeps the proportions of these features (those that the manifest has; a person
              counts where their first picture does), as far as whole people allow
    """
    person = same_picture(manifest, IDENTITY)
    first = manifest.loc[~person.duplicated()]
    wanted = round(entrants * len(first)) if 0 < entrants < 1 else int(entrants)
    if not 0 < wanted < len(first) or (entrants >= 1 and entrants != wanted):
        raise InputError(
            f"entrants: a share between 0 and 1, or a whole number below the {len(first)} people; "
            f"not {entrants}"
        )
    strata = _cells(first, [name for name in stratify if name in first]).fillna("(missing)")
    shares = natural_shares(first.assign(stratum=strata), "stratum")
    strata_table = pd.DataFrame(
        {"image_id": first["image_id"], "stratum": strata, "person": person[first.index]}
    )
    chosen = draw(strata_table, wanted, shares, feature="stratum", rng=rng)
    inside = person.isin(set(chosen["person"]))
    return manifest[~inside].reset_index(drop=True), manifest[inside].reset_index(drop=True)


def check_disjoint(pool: pd.DataFrame, entrants: pd.DataFrame) -> None:
    """Raises InputError if a picture, its copy, or a person of the pool is among the entrants.

    Compared by image_id, person_id, content_hash and pixel_hash, each where both tables have it.
    """
    for key in IDENTITY:
        if key not in pool or key not in entrants:
            continue
        shared = set(pool[key].dropna()) & set(entrants[key].dropna())
        if shared:
            who = entrants.loc[entrants[key].isin(shared), "image_id"]
            raise InputError(
                f"{len(who)} entrant(s) share their {key} with the training pool: {listed(sorted(who), 5)}"
            )


def _names(feature: str | Sequence[str]) -> tuple[str, ...]:
    return (feature,) if isinstance(feature, str) else tuple(feature)


def _cells(manifest: pd.DataFrame, features: Sequence[str]) -> pd.Series:
    """The groups of several features as one text column, missing where one of them is."""
    absent = [name for name in features if name not in manifest]
    if absent:
        raise InputError(f"the manifest has no column {listed(absent)}; it has {listed(manifest.columns)}")
    if not features:
        return pd.Series("", index=manifest.index, dtype="str")
    cells = manifest[features[0]].astype("str")
    for name in features[1:]:
        cells = cells + "/" + manifest[name].astype("str")
    return cells


def _largest(n: int, shares: Mapping[str, float], levels: Sequence[str], has: pd.Series) -> int:
    for smaller in range(min(n - 1, int(has.sum())), 0, -1):
        if all(k <= has.get(cell, 0) for cell, k in cell_counts(smaller, shares, levels).items()):
            return smaller
    return 0


def training_part(pool: pd.DataFrame, seed: int, validation: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation part, divided by picture, so that a resampled copy is never in both."""
    ids = np.sort(pool["image_id"].unique())
    rng = np.random.default_rng([seed, 2])
    chosen = rng.permutation(ids)[: max(1, round(validation * len(ids)))]
    inside = pool["image_id"].isin(chosen)
    return pool[~inside].reset_index(drop=True), pool[inside].reset_index(drop=True)
