"""Exact twins: the same person in other skin tones, and with placebo edits that should change no judge's mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import getdoc
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.dataset import Dataset
from judge.data.parametric.cache import picture_paths, render_missing
from judge.data.parametric.dataset import manifest_of
from judge.data.parametric.people.population import RENDERED, sample
from judge.data.parametric.people.tone import expected_ita
from judge.data.parametric.people.truth import truth as truth_of
from judge.errors import InputError

PLACEBO_EDITS = ("background", "light", "exposure")
TWIN_EDITS = ("original", "tone", *PLACEBO_EDITS)
ITA_ENDS = (60.0, -55.0)  # degrees: about the lightest and the darkest skin that instruments have met
SEED = 1_000_000  # not the pool's seed: twins of people that the judge has learnt from prove little
DIMMED = 0.5  # factor of the exposure edit: one stop less light


def tone_levels(tones: int | Sequence[float]) -> list[float]:
    """Melanin levels as given, or, for a number, evenly spaced in expected ITA from 60° to −55°, lightest first."""
    if isinstance(tones, int | np.integer) and not isinstance(tones, bool):
        if tones < 2:
            raise InputError(f"tones is a number of levels from 2, or the levels, not {tones}")
        melanin = np.linspace(0, 1, 1001)
        angles = np.linspace(*ITA_ENDS, tones)
        # np.interp wants rising abscissae: ITA falls as melanin rises
        return [round(float(m), 3) for m in np.interp(-angles, -expected_ita(melanin), melanin)]
    levels = [float(level) for level in tones]  # type: ignore[union-attr]
    if (
        not levels
        or len({f"{level:.3f}" for level in levels}) < len(levels)
        or not all(0 <= m <= 1 for m in levels)
    ):
        raise InputError(f"tones are different melanin levels from 0 to 1, not {list(levels)}")
    return levels


def twins_of(people: pd.DataFrame, *, tones: int | Sequence[float] = 5, placebo: bool = True) -> pd.DataFrame:
    """One row a picture: the columns of `people` with twin_edit, twin_value and image_id, persons together.

    people   as population.sample gives them. The edits of a person's row:
      tone         melanin = twin_value, one row a level
      background   background_hue half a turn on, background_value mirrored in its range; twin_value = the new hue
      light        light_azimuth with its sign changed (20 when it is within 1° of the front); twin_value = azimuth
      exposure     exposure × DIMMED; twin_value = the exposure
    """
    parts = [people.assign(twin_edit="original", twin_value=people["melanin"], suffix="original")]
    for level in tone_levels(tones):
        suffix = f"tone{round(level * 1000):04d}"
        parts.append(people.assign(melanin=level, twin_edit="tone", twin_value=level, suffix=suffix))
    if placebo:
        hue = ((people["background_hue"] + 0.5) % 1).round(5)
        value = (0.2 + 0.95 - people["background_value"]).round(5)
        azimuth = people["light_azimuth"].where(people["light_azimuth"].abs() >= 1, -20.0) * -1
        exposure = (people["exposure"] * DIMMED).clip(lower=0.05).round(5)
        for edit, changes, new in (
            ("background", {"background_hue": hue, "background_value": value}, hue),
            ("light", {"light_azimuth": azimuth}, azimuth),
            ("exposure", {"exposure": exposure}, exposure),
        ):
            parts.append(people.assign(**changes, twin_edit=edit, twin_value=new, suffix=edit))
    twins = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    ids = (twins["person_id"] + "-" + twins["suffix"]).rename("image_id")
    return pd.concat([ids, twins.drop(columns="suffix")], axis=1)


def read_twins(
    n: int = 100,
    *,
    tones: int | Sequence[float] = 5,
    placebo: bool = True,
    seed: int = SEED,
    size: int = 96,
    mode: str = "independent",
    composition: Mapping | None = None,
    camera: str | Mapping = "even",
    population: Mapping | str | Path | None = None,
    start: int = 0,
    picture_format: str = "png",
    cache_dir: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
    render: bool = True,
) -> Dataset:
    """The same persons in other skin tones, and with placebo edits that should change no judge's mind.

    Origin    drawn and rendered here as the set `parametric` is, from MakeHuman's head shapes (CC0; NOTICE.md);
              no real person, no photograph
    Licence   CC0 1.0, public domain: the pictures and the tables
    Pictures  n persons × (original + tones + 3 placebo edits), PNG by default, so that what an edit does not touch
              is the same to the bit; all in split `test`
    Labels    as `parametric` has them, of the picture as edited; person_id is shared by a person's twins.
              twin_edit says what was changed and twin_value what to: original (as drawn), tone (melanin set),
              background (hue and brightness of the backdrop), light (the key light from the other side), exposure
              (less light: a control of its own, because dim light and dark skin move the same pixels)
    Ratings   none; truth is the same for all twins of a person
    Traps     twins of people that a judge has learnt from prove little: take another seed than the pool's. A tone
              is set apart from all that goes with it in people: head shape, hair and eyes stay

    Settings as in dataset.read_parametric and `twins_of`.
    """
    people = sample(
        n, seed=seed, mode=mode, composition=composition, camera=camera, population=population, start=start
    )
    known = truth_of(people, mode=mode, population=population)["truth"].set_axis(people["person_id"])
    twins = twins_of(people, tones=tones, placebo=placebo)
    pictures = picture_paths(twins, size=size, picture_format=picture_format, cache_dir=cache_dir)
    manifest = manifest_of(twins, pictures).assign(
        image_id=twins["image_id"],
        split="test",
        twin_edit=twins["twin_edit"],
        twin_value=twins["twin_value"].astype(float),
        melanin=twins["melanin"],
        truth=twins["person_id"].map(known),
    )
    manifest = pd.concat([manifest, twins[list(RENDERED)].add_prefix("param_")], axis=1)
    if render:
        render_missing(manifest, size=size, workers=workers, progress=progress)
    return Dataset(name="twins", manifest=manifest, real_people=False, card=getdoc(read_twins) or "")
