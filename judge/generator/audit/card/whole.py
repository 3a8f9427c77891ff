"""The whole audit of a generator: tables of shares, quality by group, tone, truncation and copies, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.generator.audit.card.drawing import (
    FEWEST,
    People,
    drawn_by_group,
    drawn_naturally,
    features_of,
    grouped,
    loaded,
    sampled,
)
from judge.generator.audit.card.quality import compared, copies_of
from judge.generator.audit.card.readers import Reader, least_shown, reader_of, shown_by_group
from judge.generator.audit.card.truncation import truncation
from judge.generator.audit.card.verdicts import cards, said
from judge.generator.audit.faces import faces_found
from judge.generator.audit.shares import shares_in_asked_out
from judge.generator.audit.spaces import SPACES, features_in, parameter_regressor, usual_spaces
from judge.generator.audit.tone import lightening, parameter_spread
from judge.generator.model import FaceGenerator

PSI = (1.0, 0.7, 0.5, 0.3)
#: A reader who is right about fewer people is said to be weak.
WEAK = 0.7


@dataclass(frozen=True)
class GeneratorAudit:
    """What an audit found.

    tables   cards (a row a group), quality, shares, shown, faces (those that a detector finds), lightening, spread,
             truncation, copies; empty where a part does not apply
    verdict  sentences, the worst first
    notes    what was left out, by number, and how things were read
    facts    JSON-able: n_per_group, groups, features, spaces, verdict_in (space), psi, seed, n_train, n_held_out,
             real_are (whom `real` holds: training people, or further held-out people)
    fake, real, held_out   the people compared: as many in each group, in the same order of groups
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
    others_manifest: pd.DataFrame | None = None,
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
    rendered           both are rendered people: the regressor of the renderer's parameters reads them; else a
                       classifier does that is fitted on the held-out people
    others_manifest    further people that it never saw: real against real is then they against held_out_manifest, and
                       not the training people. Those who taught the regressor are read with smaller errors than
                       anybody else, which would lower what real people reach, and flatter the generator
    n_per_group        people of each group and side; fewer where a group has fewer, the same for all groups
    psi                truncations to compare; none: that part is left out
    spaces             of SPACES, the first is that of the verdict; None: those that apply
    copies             also look for copies of training people, at a false-positive rate of `fpr`
    progress           called with the name of each step before it
    Raises InputError where no group has FEWEST people on both sides, for unknown spaces, for `parameters` with
    photographs, and for psi outside 0 to 1.
    """
    check_settings(spaces, psi, n_per_group, rendered=rendered)
    spaces = tuple(usual_spaces(rendered=rendered) if spaces is None else spaces)
    features = features_of(generator, train_manifest, held_out_manifest)
    real_manifest = train_manifest if others_manifest is None else others_manifest
    rows, held_out_rows, notes = sampled(
        real_manifest, held_out_manifest, features, n_per_group, rng=np.random.default_rng(seed)
    )
    cells = rows[[*features, "group"]].drop_duplicates("group").reset_index(drop=True)
    n = int(rows["group"].value_counts().min())
    progress("pictures")
    real = loaded(rows, generator.size, notes, "training" if others_manifest is None else "other")
    held_out = loaded(held_out_rows, generator.size, notes, "held-out")
    progress("drawing")
    fake = drawn_by_group(generator, cells, n, seed=seed)

    progress("reading")
    reader, confusions = reader_of(rendered, held_out, features, seed=seed, notes=notes)
    notes += [weak for name, table in confusions.items() if (weak := _weak(name, table))]
    read = reader.read(fake.pictures)
    tables = {"shown": shown_by_group(fake, read, confusions, seed=seed)}
    tables["faces"] = faces_found(fake.pictures, fake.group, held_out.pictures, held_out.group)
    natural = drawn_naturally(generator, n * len(cells), features, seed=seed)
    tables["shares"] = _shares(train_manifest, natural, reader, confusions, seed)
    tables["lightening"], tables["spread"] = (
        _parameters(fake, real, held_out, read) if rendered else (pd.DataFrame(), pd.DataFrame())
    )

    sides = (real, held_out, fake)
    inside = {}
    for space in spaces:
        progress(f"quality in {space}")
        inside[space] = [features_in(space, people.pictures) for people in sides]
    tables["quality"] = pd.concat(
        [compared(inside[space], sides, space=space, seed=seed) for space in spaces], ignore_index=True
    )
    tables["truncation"] = truncation(
        generator, cells, psi=psi, n=n, space=spaces[0], real=sides[:2], features=inside[spaces[0]][:2],
        reader=reader, training=train_manifest, confusions=confusions, seed=seed, progress=progress,
    )  # fmt: skip
    tables["copies"] = pd.DataFrame()
    if copies:
        progress("copies")
        all_rows = train_manifest.reset_index(drop=True)
        everybody = loaded(
            all_rows.assign(group=grouped(all_rows, features)), generator.size, notes, "training"
        )
        tables["copies"] = copies_of(everybody, held_out, fake, fpr=fpr, notes=notes)
    tables["cards"] = cards(
        tables["quality"], least_shown(tables["shown"]), space=spaces[0], spread=tables["spread"]
    )
    if len(tables["lightening"]):
        lighter = tables["lightening"].set_index("group")["lightening"]
        tables["cards"]["lightening"] = tables["cards"]["group"].map(lighter)
    facts: dict[str, object] = {
        "n_per_group": n, "groups": list(cells["group"]), "features": list(features), "spaces": list(spaces),
        "verdict_in": spaces[0], "psi": list(psi), "seed": seed, "rendered": rendered,
        "n_train": len(train_manifest), "n_held_out": len(held_out_manifest),
        "real_are": "training people" if others_manifest is None else "further held-out people",
    }  # fmt: skip
    return GeneratorAudit(tables, said(tables["cards"]), notes, facts, fake, real, held_out)


def check_settings(spaces: Sequence[str] | None, psi: Sequence[float], n: int, *, rendered: bool) -> None:
    """Raises InputError for settings of an audit that are refused whatever the people are."""
    if spaces is not None and (not spaces or set(spaces) - set(SPACES)):
        raise InputError(f"spaces={listed(spaces)}: allowed are {listed(SPACES)}")
    if spaces is not None and not rendered and "parameters" in spaces:
        raise InputError(
            "the space parameters is of rendered people, its regressor has never seen a photograph; "
            "allowed are pixels, lite1"
        )
    if outside := [p for p in psi if not 0 <= p <= 1]:
        raise InputError(f"psi={listed(outside)}: truncation is between 0 and 1")
    if n < FEWEST:
        raise InputError(f"n={n}: at least {FEWEST} people a group are needed")


def _shares(
    train: pd.DataFrame, natural: People, reader: Reader, confusions: dict[str, pd.DataFrame], seed: int
) -> pd.DataFrame:
    """In, asked (as in the training data) and out, a block a feature."""
    if not confusions:
        return pd.DataFrame()
    read = reader.read(natural.pictures)
    parts = []
    for feature, confusion in confusions.items():
        known = train[feature].dropna().astype(str)
        known = known[known.isin(confusion.index)]
        table = shares_in_asked_out(known, natural.labels[feature], read[feature], confusion, seed=seed)
        parts.append(table.assign(feature=feature))
    return pd.concat(parts, ignore_index=True)


def _weak(feature: str, confusion: pd.DataFrame) -> str:
    """What is to be said of a reader who is seldom right; nothing where it is."""
    right = float(np.trace(confusion.to_numpy()) / confusion.to_numpy().sum())
    if right >= WEAK:
        return ""
    return (
        f"{feature}: the reader is right about only {right:.0%} of held-out people. Shares that are corrected for its "
        "mistakes are then little more than noise; read `shown` beside `real` in the table of what is shown."
    )


def _parameters(
    fake: People, real: People, held_out: People, read: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lightening and the spread of the parameters, of rendered people.

    Where tone was not asked for, the real people of the group stand for what would have been.
    """
    regressor = parameter_regressor()
    of_real, of_held_out = (regressor.read(people.pictures) for people in (real, held_out))
    names = list(regressor.readable)
    spread = parameter_spread(
        *(
            table[names].assign(group=people.group.to_numpy())
            for table, people in ((read, fake), (of_real, real), (of_held_out, held_out))
        )
    )
    if "ita" not in held_out.labels or held_out.labels["ita"].isna().all():
        return pd.DataFrame(), spread
    asked_for = "ita" in fake.labels
    asked = (fake if asked_for else real).labels["ita"]
    if len(asked) != len(fake.labels):
        return pd.DataFrame(), spread
    tone = lightening(
        asked, read["ita"], fake.group, held_out.labels["ita"], of_held_out["ita"], held_out.group
    )
    if not asked_for:
        tone[["slope", "slope_low", "slope_high"]] = np.nan
    return tone.assign(asked_for=asked_for), spread
