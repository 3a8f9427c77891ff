"""The gaps of a skewed pool are filled with people who do not exist, of a generator trained on that pool alone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from judge.data.composition import cell_counts, equal_shares
from judge.errors import InputError, listed
from judge.mitigation.pools.groups import columns, group_counts

if TYPE_CHECKING:
    from judge.generator.model import FaceGenerator

log = logging.getLogger("judge")
_COUNTER = "{:06d}"


@dataclass(frozen=True)
class Synthetic:
    """As Redraw, but who fills the gaps is drawn by a face generator, with labels and a rating that were asked for.

    As many pictures as before: what is kept of large groups is the pool's own, the same pictures that Redraw keeps; in
    place of the others come generated people of the groups that are few. No new person is learnt from: what the
    generator knows of a group it has from the pool. Whether that is more than repeating the few (ResampleUp) is the
    question (Maluleke et al. 2022, arXiv:2209.02836; Jain et al. 2020, arXiv:2001.09528).

    Ratings are asked as they are distributed in the group in the pool, by quantiles; in a cell of fewer than 30 people
    as in a wider one (its first feature's group, in the end the whole pool). Nobody rated the pictures: where a
    generated face does not show the rating that it was asked for, the label is wrong. Single ratings (label
    distributions) are not made for them; the loss takes the mean.

    shares     of the new pool, by group; None: equal
    jointly    features balanced within each group, as when the pool was drawn; None: none
    training   settings of judge.generator.GeneratorTraining; its size should be the pictures' own, or generated faces
               are the blurred ones. A training is kept, resumed and not repeated
               ($JUDGE_CACHE/generated, by the pool's pictures, their labels, these settings and the seed)
    generator  a folder of judge generate train, or `packaged`, instead of a training: data from outside the pool
    side       px of the generated files; None: the generator's own. One that draws larger faces than the pool's would
               else be at an advantage
    psi        truncation, 0 to 1
    progress   whether the training shows its bar
    """

    seam: ClassVar[str] = "pool"
    #: called with the pool's pictures drawn, and with facts: data, real_people, rating_range
    reads_pictures: ClassVar[bool] = True

    shares: Mapping[str, float] | None = None
    jointly: str | Sequence[str] | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    generator: str | None = None
    side: int | None = None
    psi: float = 1.0
    progress: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.psi <= 1:
            raise InputError(f"synthetic: psi={self.psi} is between 0 and 1")
        if self.side is not None and self.side < 8:
            raise InputError(f"synthetic: side={self.side} is at least 8 px, or null")
        from judge.generator.settings import GeneratorTraining

        try:
            GeneratorTraining(**self.training)
        except TypeError as error:
            raise InputError(f"synthetic: training: {error}") from error

    def __call__(
        self,
        pool: pd.DataFrame,
        source: pd.DataFrame,
        *,
        feature: str,
        rng: np.random.Generator,
        facts: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """As many rows as `pool`, the pool's first; new ones have source "generated" and rating_source "asked".

        facts   of the data set: data (name), real_people, rating_range
        Raises InputError: a group that neither pool nor generator knows, a generator that was not taught the feature
        or ratings, one with ratings on another scale, and one that learnt from real people where the pool has none.
        """
        counts = group_counts(pool, source, feature)
        facts = {"data": "a pool", "real_people": True, "rating_range": None, **(facts or {})}
        within = columns(self.jointly)
        absent = [name for name in within if name not in pool]
        if absent:
            raise InputError(f"mitigation synthetic: jointly={listed(absent)} is no column of the pool")
        keys = source["image_id"].astype("str").sort_values(kind="stable")
        key_of = dict(zip(keys, rng.random(len(keys)), strict=True))  # as composition.draw has them
        seed = int(rng.integers(2**31))
        shares = equal_shares(counts.index) if self.shares is None else dict(self.shares)
        # names of groups may hold a "/" themselves, so cells are never taken apart again
        level_of = {"/".join(own): own for own in _rows(pool, within)}
        groups_of = {
            f"{group}/{level}" if level else str(group): (str(group), *own)
            for group in shares
            for level, own in level_of.items()
        }
        cells = pd.Series(["/".join(own) for own in _rows(pool, [feature, *within])], index=pool.index)
        wanted = cell_counts(len(pool), shares, sorted(level_of))
        order = pool["image_id"].astype("str").map(key_of).fillna(1.0)
        place = order.groupby(cells).rank(method="first")
        kept = pool[place <= cells.map(wanted).fillna(0)]
        missing = {groups_of[str(cell)]: k - int((cells == cell).sum()) for cell, k in wanted.items()}
        gaps = {own: k for own, k in missing.items() if k > 0}
        if not gaps:
            return kept.reset_index(drop=True)
        generator = self._generator(pool, feature, counts, gaps, facts, seed)
        people = self._asked(generator, gaps, [feature, *within], seed)
        new = self._drawn(generator, people, seed)
        log.info(
            "synthetic: %d of %d pictures of the pool replaced by generated people (%s)",
            len(pool) - len(kept), len(pool), ", ".join(f"{k} {'/'.join(own)}" for own, k in gaps.items()),
        )  # fmt: skip
        return _below(kept, new)

    def _generator(
        self,
        pool: pd.DataFrame,
        feature: str,
        counts: pd.Series,
        gaps: Mapping[tuple[str, ...], int],
        facts: Mapping[str, Any],
        seed: int,
    ) -> FaceGenerator:
        from judge.generator import load_generator

        if self.generator is None:
            empty = [g for g in counts.index[counts == 0] if any(own[0] == g for own in gaps)]
            if empty:
                raise InputError(
                    f"mitigation synthetic: the pool has no picture of {listed(empty)}, so a generator of it knows "
                    "none; lower the majority share, or name a generator of other data (generator=packaged)"
                )
            generator = self._trained(pool, feature, facts, seed)
        else:
            generator = load_generator(self.generator)
        conditions = generator.conditions
        if feature not in conditions.groups or "rating" not in conditions.scales:
            raise InputError(
                f"mitigation synthetic: the generator was taught {listed(conditions.names)}; {feature} and rating have "
                "to be among them"
            )
        asked = {own[0] for own in gaps}
        if unknown := sorted(asked - set(conditions.groups[feature])):
            raise InputError(
                f"mitigation synthetic: the generator knows {feature} {listed(conditions.groups[feature])}, and the "
                f"pool needs {listed(unknown)}"
            )
        scale, own = facts["rating_range"], generator.facts.get("rating_range")
        if scale is not None and own is not None and [float(v) for v in own] != [float(v) for v in scale]:
            raise InputError(
                f"mitigation synthetic: the generator was asked ratings from {own[0]:g} to {own[1]:g}, the pool has "
                f"{scale[0]:g} to {scale[1]:g}"
            )
        if generator.real_people and not facts["real_people"]:
            raise InputError(
                "mitigation synthetic: the generator learnt from photographs of real people and the data set holds "
                "none: its faces would be shown in the report as if nobody could be in them"
            )
        return generator

    def _trained(
        self, pool: pd.DataFrame, feature: str, facts: Mapping[str, Any], seed: int
    ) -> FaceGenerator:
        from judge.generator import GeneratorTraining, train_generator
        from judge.generator.conditions import usual_conditions
        from judge.storage import cache_root, locked

        # in one order whatever the draw's, so that one training is of one pool
        people = pool.drop_duplicates("image_id").sort_values("image_id").reset_index(drop=True)
        told = dict(self.training)
        if told.get("conditions") is None:
            names = dict.fromkeys([feature, *usual_conditions(people)])
            told["conditions"] = [name for name in names if people[name].nunique() > 1]
        settings = GeneratorTraining(**told)
        taught = [name for name in settings.conditions or () if name in people]
        folder = cache_root() / "generated" / "generators" / _pool_key(people, taught, asdict(settings), seed)
        with locked(folder, waits=lambda who: log.info("synthetic: waiting for %s", who)):
            if not (folder / "generator.safetensors").is_file():
                log.info(
                    "synthetic: training a generator of %d pictures of the pool (%d px, %d shown, seed %d) in %s",
                    len(people), settings.size, settings.pictures, seed, folder,
                )  # fmt: skip
            return train_generator(
                people, settings, seed=seed, workdir=folder, progress=self.progress,
                facts={**facts, "data": f"a pool of {facts['data']}"},
            )  # fmt: skip

    def _asked(
        self,
        generator: FaceGenerator,
        gaps: Mapping[tuple[str, ...], int],
        features: Sequence[str],
        seed: int,
    ) -> pd.DataFrame:
        """Labels of who fills the gaps, cell by cell."""
        from judge.generator.sampling import ask_adults

        rng = np.random.default_rng([seed, 1])
        conditions = generator.conditions
        names = [name for name in features if name in conditions.groups]
        there = {tuple(cell[list(conditions.groups).index(n)] for n in names) for cell, _ in conditions.cells}
        parts = []
        for cell, k in sorted(gaps.items()):
            groups = dict(zip(features, cell, strict=True))
            known = tuple(groups[name] for name in names) in there
            if not known or len(names) < len(features):
                log.warning(
                    "synthetic: the generator knows nobody of %s; of that group anybody is asked for",
                    "/".join(cell),
                )
            shares = {name: {groups[name]: 1.0} for name in (names if known else names[:1])}
            # what the generator was not taught, nobody can be said to be
            parts.append(ask_adults(conditions, k, rng=rng, shares=shares))
        return pd.concat(parts, ignore_index=True)

    def _drawn(self, generator: FaceGenerator, people: pd.DataFrame, seed: int) -> pd.DataFrame:
        """The asked people's manifest; their pictures are in the cache."""
        from judge.generator.sampling import digest_of, labelled, write_people
        from judge.storage import cache_root, locked

        digest = digest_of(generator)
        asked = hashlib.blake2b(
            people.to_csv().encode() + f"{seed} {self.psi} {self.side}".encode(), digest_size=6
        )
        name = f"{digest}-{asked.hexdigest()}"
        folder = cache_root() / "generated" / "people" / name
        paths = [folder / f"{_COUNTER.format(i + 1)}.png" for i in range(len(people))]
        with locked(folder):
            write_people(generator, people, paths, seed=seed, psi=self.psi, side=self.side, progress=False)
        table = labelled(people, generator)
        ids = [f"g-{name}-{_COUNTER.format(i + 1)}" for i in range(len(people))]
        return table.assign(image_id=ids, person_id=ids, path=[str(path) for path in paths], generator=digest)


def _rows(people: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, ...]]:
    columns = [people[name].astype("str") for name in names]
    return list(zip(*columns, strict=True)) if columns else [()] * len(people)


def _below(kept: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Generated rows below the pool's, in the pool's columns; what is not known of them is missing."""
    out = pd.concat([kept, new.reindex(columns=kept.columns)], ignore_index=True)
    if "weight" in kept:
        out["weight"] = out["weight"].fillna(1.0)
    return out


def _pool_key(people: pd.DataFrame, names: Sequence[str], settings: Mapping[str, Any], seed: int) -> str:
    """Of the pictures' bytes, the labels that are taught, the settings and the seed."""
    digest = hashlib.blake2b(digest_size=12)
    for path in people["path"]:
        try:
            digest.update(hashlib.blake2b(Path(path).read_bytes(), digest_size=16).digest())
        except OSError:
            digest.update(b"unreadable")
    digest.update(people[list(names)].to_csv(index=False).encode())
    digest.update(repr((sorted(settings.items()), seed)).encode())
    return digest.hexdigest()
