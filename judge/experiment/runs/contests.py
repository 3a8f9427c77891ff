"""Who entered a finished run, and where they were ranked: for intervals that count the contestants as a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.experiment.run_folder import RunDir
from judge.fairness.contests import Contests

#: Of how many seeds of a sweep the contests are read: the people's part of a variance needs no more.
MOST_SEEDS = 50
_TABLES = ("manifest", "membership", "ranking")


@dataclass(frozen=True)
class Entrants:
    """Everybody who entered a run, an element a picture, and condition → rank (NaN: not ranked), winner, score."""

    image_id: NDArray[Any]
    person: NDArray[Any]
    group: NDArray[Any]
    rating: NDArray[np.float64]
    bracket: NDArray[Any]
    ranked: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]]


def entrants_of(run: RunDir) -> Entrants | None:
    """The entrants of a finished run; None for a folder without these tables."""
    if not all((run / f"{name}.parquet").is_file() for name in _TABLES):
        return None
    done = run.done
    assert done is not None
    role = run.columns("membership", ["image_id", "role"])
    ids = pd.Index(role.loc[(role["role"] == "entrant").to_numpy(), "image_id"].astype(object)).unique()
    manifest = run.columns("manifest", ["image_id", "rating", "person_id", done["feature"]])
    place = pd.Index(manifest["image_id"].astype(object)).get_indexer(ids)
    if (place < 0).any():
        raise KeyError(f"{run.path}: {int((place < 0).sum())} entrants are not in the manifest")
    person = ids.to_numpy(object)
    if "person_id" in manifest:
        known = manifest["person_id"].astype(object).to_numpy()[place]
        person = np.where(pd.isna(known), person, known)
    ranking = run.columns("ranking", ["image_id", "condition", "bracket", "rank", "winner", "score"])
    who = ids.get_indexer(ranking["image_id"].astype(object))
    bracket = np.full(len(ids), "not ranked", object)
    codes, names = pd.factorize(ranking["bracket"])
    # in the bracket of their first row: a gate turns some away under one condition, and they are ranked under another
    bracket[who[::-1]] = names.to_numpy(object)[codes[::-1]]
    condition, conditions = pd.factorize(ranking["condition"], sort=True)
    columns = [ranking[name].to_numpy() for name in ("rank", "winner", "score")]
    ranked = {}
    for code, name in enumerate(conditions):
        mine = condition == code
        rank, winner, score = np.full(len(ids), np.nan), np.zeros(len(ids), bool), np.full(len(ids), np.nan)
        for array, column in zip((rank, winner, score), columns, strict=True):
            array[who[mine]] = column[mine]
        ranked[str(name)] = rank, winner, score
    return Entrants(
        ids.to_numpy(object),
        np.array([str(name) for name in person], object),
        manifest[done["feature"]].astype(object).to_numpy()[place],
        manifest["rating"].to_numpy(float)[place],
        bracket,
        ranked,
    )


def people_of(run: RunDir) -> pd.DataFrame | None:
    """A row an entrant and condition of a finished run, as `fairness.sweeps.contestants` reads them.

    Columns: seed, share, condition, image_id, person (person_id where the data set has one), group, rating, bracket,
    rank (NaN where not ranked), winner, score, error (score − rating). None for a folder without these tables.
    """
    found = entrants_of(run)
    if found is None:
        return None
    done = run.done
    assert done is not None
    parts = [
        pd.DataFrame(
            {"image_id": found.image_id, "rating": found.rating, "person": found.person, "group": found.group,
             "rank": rank, "winner": winner, "score": score, "seed": done["seed"], "share": done["majority_share"],
             "condition": name, "bracket": found.bracket, "error": score - found.rating}
        )
        for name, (rank, winner, score) in found.ranked.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def contests_of(runs: Sequence[RunDir], *, most_seeds: int = MOST_SEEDS) -> Contests | None:
    """The contests of these finished runs, by seed, share and condition; None where a run has no tables of its people.

    most_seeds  of more seeds so many are taken, by lot (the same each time)
    """
    seeds = sorted({(run.done or {}).get("seed") for run in runs})
    if len(seeds) > most_seeds:
        seeds = np.random.default_rng(0).choice(np.array(seeds, object), most_seeds, replace=False).tolist()
    chosen, found = set(seeds), Contests()
    for run in runs:
        done = run.done or {}
        if done.get("seed") not in chosen:
            continue
        entered = entrants_of(run)
        if entered is None:
            return None
        for name, (rank, winner, score) in entered.ranked.items():
            found.add(
                (done["seed"], done["majority_share"], name), entered.person, entered.group, entered.bracket,
                rank, winner, score - entered.rating,
            )  # fmt: skip
    return found
