"""The whole audit of a generator: tables of shares, quality by group, tone, truncation and copies, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.generator.audit.drawing import (
    FEWEST,
    People,
    drawn_by_group,
    drawn_naturally,
    features_of,
    grouped,
    loaded,
    sampled,
)
from judge.generator.audit.photographs import group_reader
from judge.generator.audit.quality import copies_table, quality_table
from judge.generator.audit.shares import shares_in_asked_out, shown_as_asked
from judge.generator.audit.spaces import SPACES, features_in, parameter_regressor, usual_spaces
from judge.generator.audit.tone import lightening, parameter_spread
from judge.generator.audit.truncation import truncation
from judge.generator.audit.verdicts import cards, said
from judge.generator.model import FaceGenerator

PSI = (1.0, 0.7, 0.5, 0.3)


@dataclass(frozen=True)
class GeneratorAudit:
    """What an audit found.

    tables   cards (a row a group), quality, shares, shown, lightening, spread, truncation, copies; empty where a part
             does not apply
    verdict  sentences, the worst first
    notes    what was left out, by number, and how things were read
    facts    JSON-able: n a group, space of the verdict, spaces, features, psi, seed
    fake, real, held_out   the people compared, as many in each group, in the same order of groups
    """

    tables: dict[str, pd.DataFrame]
    verdict: list[str]
    notes: list[str]
    facts: dict[str, object]
    fake: People = field(repr=False)
    real: People = field(repr=False)
    held_out: People = field(repr=False)


def audit_generator(
    generator: FaceGenerator,
    train_manifest: pd.DataFrame,
    held_out_manifest: pd.DataFrame,
    *,
    rendered: bool,
    n_per_group: int = 500,
    psi: Sequence[float] = PSI,
    spaces: Sequence[str] | None = None,
    copies: bool = True,
    fpr: float = 0.01,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> GeneratorAudit:
    """Compares what a generator draws with real people of the same groups, and real people with real people.

    train_manifest     people that the generator learnt from (for copies: all of them)
    held_out_manifest  people of the same data that it never saw
    rendered           both are rendered people: then the regressor of the renderer's parameters reads them; else a
                       classifier that is fitted on the held-out people does
    n_per_group        people of each group and side; fewer where a group has fewer, the same for all groups
    psi                truncations to compare; none: that part is left out
    spaces             of SPACES, the first is that of the verdict; None: those that apply
    copies             also look for copies of training people, at a false-positive rate of `fpr`
    progress           called with the name of each step before it
    Raises InputError for no group with FEWEST people on both sides, unknown spaces, parameters for photographs, psi
    outside 0 to 1.
    """
    spaces = tuple(usual_spaces(rendered=rendered) if spaces is None else spaces)
    _check(spaces, psi, n_per_group, rendered)
    rng, notes = np.random.default_rng(seed), []
    features = features_of(generator, train_manifest, held_out_manifest)
    train_rows, held_out_rows, notes = sampled(
        train_manifest, held_out_manifest, features, n_per_group, rng=rng
    )
    cells = train_rows[[*features, "group"]].drop_duplicates("group").reset_index(drop=True)
    n = int(train_rows["group"].value_counts().min())

    progress("pictures")
    real = loaded(train_rows, generator.size, notes, "training")
    held_out = loaded(held_out_rows, generator.size, notes, "held-out")
    progress("drawing")
    fake = drawn_by_group(generator, cells, n, seed=seed)

    progress("reading")
    reader = parameter_regressor() if rendered else _photograph_reader(held_out, features, seed, notes)
    read = {
        name: reader.read(people.pictures) if reader else pd.DataFrame(index=people.labels.index)
        for name, people in (("fake", fake), ("real", real), ("held_out", held_out))
    }
    confusions = _confusions(reader, rendered, held_out, read["held_out"], features, notes)
    tables: dict[str, pd.DataFrame] = {}
    tables["shown"] = _shown(fake, read["fake"], confusions, seed)
    tables["shares"] = pd.DataFrame()
    if confusions:
        natural = drawn_naturally(generator, n * len(cells), features, seed=seed)
        natural_read = reader.read(natural.pictures)
        tables["shares"] = pd.concat(
            [
                shares_in_asked_out(
                    _known(train_manifest[f], c), natural.labels[f], natural_read[f], c, seed=seed
                ).assign(feature=f)
                for f, c in confusions.items()
            ],
            ignore_index=True,
        )
    tables["lightening"] = pd.DataFrame()
    tables["spread"] = pd.DataFrame()
    if rendered:
        tables["lightening"] = _lightening(fake, held_out, real, read)
        kept = [*parameter_regressor().readable]
        tables["spread"] = parameter_spread(
            read["fake"][kept].assign(group=fake.group.to_numpy()),
            read["real"][kept].assign(group=real.group.to_numpy()),
            read["held_out"][kept].assign(group=held_out.group.to_numpy()),
        )

    quality, in_space = [], {}
    for space in spaces:
        progress(f"quality in {space}")
        sides = {name: features_in(space, p.pictures) for name, p in _sides(fake, real, held_out)}
        in_space[space] = sides
        quality.append(
            quality_table(
                sides["real"], sides["held_out"], sides["fake"],
                real.group, held_out.group, fake.group, seed=seed,
            ).assign(space=space)
        )  # fmt: skip
    tables["quality"] = pd.concat(quality, ignore_index=True)
    main = spaces[0]
    tables["truncation"] = pd.DataFrame()
    if psi:
        tables["truncation"] = truncation(
            generator, cells, psi=psi, n=n,
            real=in_space[main]["real"], held_out=in_space[main]["held_out"],
            real_groups=real.group, held_out_groups=held_out.group,
            features_of=lambda people: features_in(main, people.pictures),
            read=lambda people: reader.read(people.pictures) if reader else pd.DataFrame(index=people.labels.index),
            training=train_manifest, confusions=confusions, seed=seed, step=progress,
        )  # fmt: skip
    tables["copies"] = pd.DataFrame()
    if copies:
        progress("copies")
        everybody = loaded(
            train_manifest.assign(group=grouped(train_manifest, features)), generator.size, notes, "training"
        )
        tables["copies"] = copies_table(
            everybody.pictures, held_out.pictures, fake.pictures, fake.group, held_out.group, fpr=fpr, seed=seed
        )
    tables["cards"] = cards(
        tables["quality"], _overall(fake, tables["shown"]), space=main, spread=tables["spread"]
    )
    if len(tables["lightening"]):
        tables["cards"] = tables["cards"].merge(
            tables["lightening"][["group", "lightening"]], on="group", how="left"
        )
    facts: dict[str, object] = {
        "n_per_group": n, "groups": list(cells["group"]), "features": list(features), "spaces": list(spaces),
        "verdict_in": main, "psi": list(psi), "seed": seed, "rendered": rendered,
        "n_train": len(train_manifest), "n_held_out": len(held_out_manifest),
    }  # fmt: skip
    return GeneratorAudit(tables, said(tables["cards"]), notes, facts, fake, real, held_out)


def _check(spaces: Sequence[str], psi: Sequence[float], n: int, rendered: bool) -> None:
    if not spaces or set(spaces) - set(SPACES):
        raise InputError(f"spaces={listed(spaces)}: allowed are {listed(SPACES)}")
    if not rendered and "parameters" in spaces:
        raise InputError(
            "the space parameters is of rendered people: the regressor has never seen a photograph. "
            "Allowed are pixels, lite1"
        )
    if outside := [p for p in psi if not 0 <= p <= 1]:
        raise InputError(f"psi={listed(outside)}: truncation is between 0 and 1")
    if n < FEWEST:
        raise InputError(f"n={n}: at least {FEWEST} people a group are needed")


def _sides(fake: People, real: People, held_out: People) -> list[tuple[str, People]]:
    return [("fake", fake), ("real", real), ("held_out", held_out)]


def _known(labels: pd.Series, confusion: pd.DataFrame) -> pd.Series:
    """Labels of groups that the classifier reads."""
    known = labels.dropna().astype(str)
    return known[known.isin(confusion.index)]


def _photograph_reader(held_out: People, features: Sequence[str], seed: int, notes: list[str]):  # type: ignore[no-untyped-def]
    try:
        return group_reader(held_out.pictures, held_out.labels[list(features)], seed=seed) if features else None
    except InputError as error:
        notes.append(f"no shares as shown: {error}")
        return None


def _confusions(reader, rendered, held_out, read, features, notes) -> dict[str, pd.DataFrame]:  # type: ignore[no-untyped-def]
    """Of the held-out people of this audit: for rendered ones counted here, for photographs by cross-validation."""
    if reader is None:
        return {}
    if not rendered:
        return dict(reader.confusions)
    found = {}
    for feature in features:
        if feature not in read:
            notes.append(f"{feature}: the regressor does not read it, so that no share is given as shown")
            continue
        true = held_out.labels[feature].astype(str).to_numpy()
        groups = sorted(set(true))
        if other := set(groups) - set(parameter_regressor().groups[feature]):
            notes.append(f"{feature}: the regressor does not know {listed(sorted(other))}; no share is given as shown")
            continue
        all_groups = list(parameter_regressor().groups[feature])
        table = pd.crosstab(
            pd.Categorical(true, all_groups), pd.Categorical(read[feature], all_groups), dropna=False
        )
        table.index, table.columns = all_groups, all_groups
        # a group that nobody held out has: as the regressor's own held-out people were read
        for group in set(all_groups) - set(groups):
            table.loc[group] = parameter_regressor().confusion(feature).loc[group]
        found[feature] = table
    return found


def _shown(fake: People, read: pd.DataFrame, confusions: dict[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """shown_as_asked of each feature over all, and within each group."""
    parts = []
    for feature, confusion in confusions.items():
        asked = fake.labels[feature].astype(str).reset_index(drop=True)
        parts.append(
            shown_as_asked(asked, read[feature], confusion, seed=seed).assign(feature=feature, within="all")
        )
        for group in fake.group.unique():
            mine = (fake.group == group).to_numpy()
            parts.append(
                shown_as_asked(asked[mine], read[feature][mine], confusion, seed=seed).assign(
                    feature=feature, within=group
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _overall(fake: People, shown: pd.DataFrame) -> pd.DataFrame:
    """group, share: the least of its features' corrected shares."""
    if shown.empty:
        return pd.DataFrame(columns=["group", "share"])
    inside = shown[shown["within"] != "all"]
    return (
        inside.groupby("within")["corrected"].min().rename_axis("group").rename("share").reset_index()
    )


def _lightening(
    fake: People, held_out: People, real: People, read: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Against what was asked; where tone was not asked for, against the training people of the group."""
    if "ita" not in held_out.labels or held_out.labels["ita"].isna().all():
        return pd.DataFrame()
    if "ita" in fake.labels:
        asked = fake.labels["ita"]
    else:  # as many people a group, in the same order of groups: who would have been drawn
        asked = real.labels["ita"]
        if len(asked) != len(fake.labels):
            return pd.DataFrame()
    table = lightening(
        asked, read["fake"]["ita"], fake.group, held_out.labels["ita"], read["held_out"]["ita"], held_out.group
    )
    if "ita" not in fake.labels:
        table[["slope", "slope_low", "slope_high"]] = np.nan
    return table.assign(asked_for="ita" in fake.labels)
