"""judge generate audit: is a generator's diversity an illusion, and whose?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

    from judge.generator.audit.card import GeneratorAudit

WHAT = "whether a generator's diversity is an illusion, by group"

EPILOG = """\
people that the generator learnt from (KEY=VALUE, as given to judge generate train)
  data=NAME data.KEY=VALUE where.KEY=VALUE, or run=FOLDER condition=NAME
  Not needed for the generator that comes with judge.
held-out people, whom it never saw, stand for what real people are to each other
  rendered people: drawn afresh, twice as many, so that both sides of real against real were never seen
  photographs:     --held-out COLUMN=VALUE, such as split=test; they are taken out of the training people
  a run:           people of its data who are not in the pool

examples
  judge generate audit --out audit                             the generator that comes with judge
  judge generate audit --generator runs/faces --out runs/faces/audit \\
      data=parametric data.n=10000 data.size=64 data.mode=natural
  judge generate audit --generator runs/fairface --out runs/fairface/audit \\
      data=fairface data.root=DIR where.split=train --held-out split=val
  judge generate audit --n 200 --psi 1 --spaces parameters --no-copies --out quick

Compared by group, at equal numbers, each measure beside its value for real people against other real people: shares
asked and shown, coverage, density, MIND, Vendi score, tone, every parameter's spread, truncation, copies. OUT gets
page.html, figures, each table as CSV and Parquet, and audit.json with the verdict. Photographs are never shown.
"""

#: The people that the packaged generator learnt from; as many are drawn of them as are compared.
PACKAGED_PEOPLE: dict[str, Any] = {
    "n": 20_000,
    "seed": 15,
    "size": 64,
    "mode": "natural",
    "camera": "even",
    "picture_format": "png",
}
NEVER_SEEN = "real people on both sides of real against real were rendered for this audit and taught nobody."
#: Rendered held-out people for each one that is compared: a few more, as groups are not exactly alike.
SPARE = 1.1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("overrides", nargs="*", metavar="KEY=VALUE", help="the people that it learnt from, see below")
    add(
        "--generator",
        default="packaged",
        metavar="DIR",
        help="a folder of judge generate train, or packaged (%(default)s)",
    )
    add("--out", type=Path, metavar="DIR", help="where page, figures and tables go; needed")
    add("--n", type=int, default=500, help="people of each group and side (%(default)s)")
    add("--psi", default="1,.7,.5,.3", help="truncations to compare (%(default)s)")
    add(
        "--spaces",
        metavar="A,B",
        help="of parameters, pixels, lite1; the verdict is in the first (all that apply)",
    )
    add(
        "--held-out",
        nargs="+",
        default=[],
        metavar="COLUMN=VALUE",
        help="people of the data whom it never saw",
    )
    add("--no-copies", action="store_true", help="do not look for copies of training people")
    add("--seed", type=int, default=0, help="of who is compared, latents, intervals (%(default)s)")
    add("--workers", type=int, help="processes that render people (all cores)")


def run(args: argparse.Namespace) -> int:
    from judge.storage import make_writable

    if args.out is None:
        raise InputError("audit needs --out DIR, the folder to write")
    psi = _numbers(args.psi)
    spaces = [name.strip() for name in args.spaces.split(",")] if args.spaces else None
    from judge.generator.audit.card import audit_generator
    from judge.generator.audit.card.whole import check_settings
    from judge.generator.model import load_generator

    generator = load_generator(args.generator)
    check_settings(spaces, psi, args.n, rendered=not generator.real_people)
    make_writable(args.out, inner=["figures"])
    train, held_out, others, rendered, notes = people_of(args, list(generator.conditions.groups.values()))
    check_settings(spaces, psi, args.n, rendered=rendered)

    from judge.cli.progress import bar

    step, done = bar()
    try:
        found = audit_generator(
            generator, train, held_out, others_manifest=others, rendered=rendered, n_per_group=args.n, psi=psi,
            spaces=spaces, copies=not args.no_copies, seed=args.seed, progress=step,
        )  # fmt: skip
    finally:
        done()
    page = write_all(found, args.out, notes)
    print(text_of(found))
    print(f"\npage: {page}")
    return 0


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"--psi is numbers between 0 and 1, such as 1,.7,.5, not {text!r}") from None


def people_of(
    args: argparse.Namespace, groups: Sequence[Sequence[str]]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None, bool, list[str]]:
    """Manifests of training people, held-out people and others never seen (None: there are none), whether they are
    rendered, and what is to be said of them.
    """
    if not args.overrides:
        if str(args.generator) != "packaged":
            raise InputError(
                "whom did the generator learn from? Give what judge generate train was given, e.g. data=parametric "
                "data.n=10000 data.size=64; `judge generate audit --help` has examples"
            )
        wanted = _wanted(args.n, groups)
        everybody = PACKAGED_PEOPLE["n"]
        train = _rendered(PACKAGED_PEOPLE | {"n": min(wanted, everybody)}, 0, args.workers)
        held_out, others = _never_seen(PACKAGED_PEOPLE, everybody, wanted, args.workers)
        note = f"Copies are looked for among the first {len(train):,} of {everybody:,} training people; {NEVER_SEEN}"
        return train, held_out, others, True, [note]
    from omegaconf import OmegaConf

    from judge.cli.generate.train import composed, people

    settings = composed(args.overrides)
    train, facts = people(settings)
    if (
        not facts["real_people"]
        and settings.run is None
        and "parametric" in str(settings.data.get("_target_"))
    ):
        given = OmegaConf.to_container(settings.data, resolve=True)
        told: dict[str, Any] = {str(k): v for k, v in given.items() if not str(k).startswith("_")}  # type: ignore[union-attr]
        if args.held_out:
            raise InputError("--held-out is for photographs: rendered people are drawn afresh")
        beyond = int(told.get("start") or 0) + int(given["n"])  # type: ignore[index,call-overload]
        held_out, others = _never_seen(told, beyond, _wanted(args.n, groups), args.workers)
        return train, held_out, others, True, [NEVER_SEEN[0].upper() + NEVER_SEEN[1:]]
    train, held_out = _set_apart(train, settings, args.held_out)
    return train, held_out, None, not facts["real_people"], []


def _wanted(n: int, groups: Sequence[Sequence[str]]) -> int:
    """Rendered people, so that each ethnicity and gender has n."""
    cells = 6
    return round(SPARE * cells * n) + 10 * cells


def _never_seen(
    settings: dict[str, Any], start: int, n: int, workers: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twice n further persons of the settings, from `start` on: held-out people, and others to compare them with."""
    people = _rendered(settings | {"n": 2 * n}, start, workers)
    return people.iloc[:n].reset_index(drop=True), people.iloc[n:].reset_index(drop=True)


def _rendered(settings: dict[str, Any], start: int, workers: int | None) -> pd.DataFrame:
    from judge.data.parametric import read_parametric

    told = {key: value for key, value in settings.items() if key not in ("workers", "progress", "start")}
    return read_parametric(**told, start=start, workers=workers).manifest


def _set_apart(train: pd.DataFrame, settings, wanted: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:  # type: ignore[no-untyped-def]
    """Training people, and others of the same data: those of --held-out, or of a run those outside the pool."""
    if settings.run is not None:
        from judge.experiment.run_folder import RunDir

        everybody = RunDir(settings.run).table("manifest")
    else:
        from judge.cli.generate.train import composed

        bare = composed([])
        bare.data, bare.run, bare["where"] = settings.data, None, {}
        from judge.cli.generate.train import people

        everybody, _ = people(bare)
    mask = _chosen(everybody, wanted) if wanted else None
    if mask is None and settings.run is None and not settings["where"]:
        raise InputError(
            "which people did the generator never see? Say it with --held-out COLUMN=VALUE, such as split=test, or "
            "give the where.KEY=VALUE that it was trained with: then it is all others"
        )
    pool = set(train["image_id"])
    if mask is None:
        held_out = everybody[~everybody["image_id"].isin(pool)]
    else:
        held_out = everybody[mask]
        train = train[~train["image_id"].isin(set(held_out["image_id"]))]
    if "person_id" in held_out and held_out["person_id"].notna().any():
        held_out = held_out[~held_out["person_id"].isin(set(train["person_id"].dropna()))]
    for side, words in ((train, "training"), (held_out, "held-out")):
        if side.empty:
            raise InputError(f"no {words} people are left: --held-out and where.KEY=VALUE choose all of them")
    return train.reset_index(drop=True), held_out.reset_index(drop=True)


def _chosen(manifest: pd.DataFrame, wanted: list[str]) -> pd.Series:
    mask = None
    for part in wanted:
        key, equals, value = part.partition("=")
        if not equals or key not in manifest:
            raise InputError(f"--held-out {part}: it is COLUMN=VALUE of {listed(manifest.columns)}")
        here = manifest[key].astype("str") == value
        if not here.any():
            raise InputError(
                f"--held-out {part}: {key} is one of {listed(sorted(manifest[key].dropna().astype(str).unique()))}"
            )
        mask = here if mask is None else mask & here
    assert mask is not None
    return mask


def text_of(found: GeneratorAudit) -> str:
    """What the command prints: the verdict, and a line a group."""
    shown = found.tables["cards"]
    columns = [
        name
        for name in (
            "group",
            "shown",
            "coverage",
            "coverage_real",
            "density",
            "density_real",
            "vendi",
            "vendi_real",
            "sd_ratio",
            "lightening",
            "verdict",
        )
        if name in shown
    ]
    table = shown[columns].to_string(index=False, na_rep="–", float_format="{:.2f}".format)
    facts = found.facts
    head = f"{facts['n_per_group']} people a group, in the space {facts['verdict_in']}; *_real: real people instead"
    return "\n".join([*found.verdict, "", head, table, *(f"- {note}" for note in found.notes)])


def write_all(found: GeneratorAudit, out: Path, notes: Sequence[str] = ()) -> Path:
    """Page, figures, a CSV and a Parquet file of each table, audit.json."""
    from judge.data.tables import write_table
    from judge.report.pages.generator import write_generator_report
    from judge.storage import write_json

    for name, table in found.tables.items():
        if len(table):
            write_table(table, out / name)
    notes = [*notes, *found.notes]
    write_json(out / "audit.json", {"verdict": found.verdict, "notes": notes, **found.facts})
    return write_generator_report(
        out, found.tables, verdict=found.verdict, facts=found.facts, notes=notes, faces=_faces(found)
    )


def _faces(found: GeneratorAudit, across: int = 10):  # type: ignore[no-untyped-def]
    """Generated faces of each group beside rendered ones; nobody where the real ones are photographs."""
    if not found.facts["rendered"]:
        return None
    import io

    import numpy as np
    from PIL import Image

    from judge.report.html import Face, Faces

    def some(people, group: str, label: str) -> tuple[str, list[Face]]:  # type: ignore[no-untyped-def]
        made = []
        for row in np.flatnonzero((people.group == group).to_numpy())[:across]:
            file = io.BytesIO()
            Image.fromarray(people.pictures[row].permute(1, 2, 0).numpy()).save(
                file, format="JPEG", quality=92
            )
            made.append(Face(file.getvalue(), ""))
        return f"{group}, {label}", made

    groups = [
        some(people, group, label)
        for group in found.facts["groups"]  # type: ignore[attr-defined]
        for people, label in ((found.fake, "generated"), (found.held_out, "rendered"))
    ]
    return Faces(
        "The first faces of each group, generated and, beside or below them, rendered; none chosen.",
        groups,
    )
