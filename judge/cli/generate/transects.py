"""judge generate transects: one attribute changed, what comes along, and how far off effects on a score are."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from judge.generator.transects import Transect
    from judge.generator.transects.study import Made
    from judge.report.html import Faces

WHAT = "faces that differ in one attribute, and how much of the others leaks in"

EPILOG = """\
attributes
  ita age gender african asian caucasian rating long_hair smile hair_melanin hair_grey wrinkles blemishes weight
  eye_melanin eye_open brow_raise freckles exposure; of these, what can be read off a face of the generator's size
  (at 64 px not smile, wrinkles and other small things: they are refused, with the list of those that can be)
spaces: what is changed
  condition           what the generator is asked for, its latent kept
  latent              the latent, along the direction in which the attribute changes most
  orthogonal latent   the same, with the other attributes' directions taken out

examples
  judge generate transects --out transects               the generator that comes with judge, its usual attributes
  judge generate transects --generator runs/faces --attributes ita,age,long_hair --n 200 --out transects
  judge generate transects --judge runs/contest/default --condition default --out transects
  judge generate transects --judge runs/seeds/0 runs/seeds/1 runs/seeds/2 --attributes ita,gender --out transects

Every attribute is changed by the renderer, too, in rendered persons and with nothing else touched: what seems to leak
there is a mistake of the reading, and a judge's response there is exact. With --judge the same response is measured
along the generated transects: their difference is what a study by generated faces is wrong by. Judges of one condition
count as repeated trainings: from three on, intervals are over them, too. OUT gets page.html, figures, transects.png,
each table as CSV and Parquet, and transects.json.
"""

#: Pictures in a row of the sheet and their side in px; pictures in a row of the page.
ACROSS, CELL, PAGE_ROW = 10, 112, 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "--generator",
        default="packaged",
        metavar="DIR",
        help="of judge generate train, or packaged (%(default)s)",
    )
    add(
        "--judge",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="runs, or judges' folders, to be tested",
    )
    add("--condition", metavar="NAME", help="only the judges of this condition of the runs (all)")
    add(
        "--own-judge",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="a judge class of your own to import",
    )
    add("--attributes", metavar="A,B", help="to be changed, see below (the usual ones that can be read)")
    add("--spaces", metavar="A,B", help="of condition, latent, orthogonal latent, see below (all)")
    add("--n", type=int, default=100, help="generated people (%(default)s)")
    add("--persons", type=int, default=40, help="persons that the renderer changes (%(default)s)")
    add(
        "--steps",
        default="-1.5,-0.75,0,0.75,1.5",
        help="levels, standard deviations, as --steps=-1,0,1 (%(default)s)",
    )
    add("--faces", type=int, default=1500, help="faces that latent directions are fitted on (%(default)s)")
    add("--method", default="ridge", help="of the directions: ridge, or svm (%(default)s)")
    add("--psi", type=float, default=1.0, help="truncation of the latents (%(default)s)")
    add("--confidence", type=float, default=0.95, metavar="C", help="of every interval (%(default)s)")
    add("--seed", type=int, default=0, help="of latents and of what is asked for (%(default)s)")
    add("--workers", type=int, help="processes that render people (all cores)")
    add(
        "--show-real-people",
        action="store_true",
        help="show faces of a generator that learnt from photographs",
    )
    add("--out", type=Path, metavar="DIR", help="where page, figures and tables go; needed")


def run(args: argparse.Namespace) -> int:
    from judge.storage import make_writable

    if args.out is None:
        raise InputError("transects needs --out DIR, the folder to write")
    from judge.fairness.inference import Inference
    from judge.generator.audit.spaces import parameter_regressor
    from judge.generator.model import load_generator
    from judge.generator.transects import (
        Rendering,
        TransectStudy,
        compare_effects,
        leakage,
        make_study,
        study_scores,
    )
    from judge.generator.transects.study import GENERATED

    settings = TransectStudy(
        attributes=_names(args.attributes), n=args.n, persons=args.persons, steps=_steps(args.steps), faces=args.faces,
        method=args.method, psi=args.psi, seed=args.seed,
        spaces=_names(args.spaces) or GENERATED,
    )  # fmt: skip
    Inference(args.confidence)
    generator, regressor = load_generator(args.generator), parameter_regressor()
    judges = judges_of(args.judge, args.condition, args.own_judge)
    make_writable(args.out, inner=["figures"])
    rendering = Rendering(n=args.persons, size=generator.size, workers=args.workers)

    from judge.cli.progress import bar

    step, done = bar()
    try:
        made = make_study(generator, regressor, settings, rendering=rendering, progress=step)
        how: dict[str, Any] = {"confidence": args.confidence, "rng": args.seed}
        tables = {"leakage": leakage(made.study, **how)}
        if made.directions is not None:
            tables["directions"] = made.directions.table()
        each, over = [], []
        for condition, found in judges.items():
            step(f"scores of {condition}")
            one, mean = compare_effects(made.study, study_scores(made.study, found), **how)
            each.append(one.assign(condition=condition))
            over.append(mean.assign(condition=condition))
        if each:
            tables |= joined(each, over)
    finally:
        done()
    shown = not generator.real_people or args.show_real_people
    notes = [*made.notes, *_notes(generator.real_people, shown)]
    page = write_all(
        args.out,
        made,
        tables,
        notes=notes,
        shown=shown,
        facts={"generator": str(args.generator), "n": args.n},
    )
    print(text_of(tables, notes))
    print(f"\npage: {page}")
    return 0


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _steps(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"--steps is levels, such as --steps=-1,0,1, not {text!r}") from None


def judges_of(folders: list[Path], condition: str | None, own: list[str]) -> dict[str, dict[str, Any]]:
    """Condition → name → judge. Conditions of a run that share a judge are named by the first of them."""
    from judge.jury.loading import judge_folders, load_judge

    found: dict[str, dict[str, Any]] = {}
    seen: set[Path] = set()
    for where in folders:
        if not where.is_dir():
            raise InputError(f"--judge {where}: there is no such folder")
        for name, folder in judge_folders(where, condition).items():
            if folder.resolve() in seen:
                continue
            seen.add(folder.resolve())
            # a judge's own folder is a training of the condition that it is called by
            found.setdefault(name, {})[str(folder)] = load_judge(folder, own=own)
    return found


def joined(each: list[pd.DataFrame], over: list[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """effects (each judge) and effects_over_judges, of all conditions."""
    import pandas as pd

    return {
        "effects_over_judges": pd.concat(over, ignore_index=True),
        "effects": pd.concat(each, ignore_index=True),
    }


def _notes(real_people: bool, shown: bool) -> list[str]:
    if not real_people:
        return []
    notes = [
        "The generator learnt from photographs, the regressor and the exact effects are of rendered people: what is "
        "read of these faces, and every comparison with the renderer, holds only as far as the two look alike."
    ]
    return (
        notes
        if shown
        else [*notes, "Its faces are not shown: they may be too near to somebody's (--show-real-people)."]
    )


def write_all(
    out: Path,
    made: Made,
    tables: Mapping[str, pd.DataFrame],
    *,
    notes: list[str],
    shown: bool,
    facts: Mapping[str, Any],
) -> Path:
    """Page, figures, tables, transects.json, and where they may be shown transects.png; returns the page."""
    from judge.data.tables import write_table
    from judge.report.pages.transects import write_transects_page
    from judge.storage import write_json

    for name, table in tables.items():
        if len(table):
            write_table(table, out / name)
    write_json(out / "transects.json", {**facts, "targets": [a.name for a in made.targets], "notes": notes})
    faces = None
    if shown:
        write_sheet(out / "transects.png", made)
        faces = faces_of(made)
    return write_transects_page(
        out, tables["leakage"], directions=tables.get("directions"), over=tables.get("effects_over_judges"),
        each=tables.get("effects"), faces=faces, notes=notes,
    )  # fmt: skip


def _every(made: Made) -> list[Transect]:
    targets = {a.name for a in made.targets}
    rendered = [t for name, t in made.study.rendered.items() if name in targets]
    return sorted([*made.study.generated.values(), *rendered], key=lambda t: t.attribute)


def write_sheet(path: Path, made: Made) -> None:
    """A row a transect: its first people, each at every level."""
    from PIL import Image

    from judge.data.parametric.sheet import contact_sheet
    from judge.storage import replacing

    cells, captions = [], []
    for transect in _every(made):
        k = len(transect.steps)
        shown = transect.flat[: max(ACROSS // k, 1) * k][:ACROSS]
        row = [Image.fromarray(p.permute(1, 2, 0).numpy()).resize((CELL, CELL)) for p in shown]
        cells += row + [Image.new("RGB", (CELL, CELL), "white")] * (ACROSS - len(row))
        captions += [f"{transect.attribute}, {transect.space}", *[""] * (ACROSS - 1)]
    sheet = contact_sheet(cells, ACROSS, captions, cell=CELL)
    with replacing(path) as part:
        sheet.save(part, format="PNG")


def faces_of(made: Made) -> Faces:
    """The first people of each transect, each at every level: as many as fit whole in a row of the page, or in two."""
    import io

    from PIL import Image

    from judge.report.html import Face, Faces

    groups = []
    for transect in _every(made):
        row = []
        levels = len(transect.steps)
        shown = 2 if levels % PAGE_ROW == 0 else max(1, PAGE_ROW // levels)
        for k, picture in enumerate(transect.flat[: shown * levels]):
            file = io.BytesIO()
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, format="JPEG", quality=92)
            row.append(Face(file.getvalue(), f"{transect.steps[k % levels]:g}"))
        groups.append((f"{transect.attribute}, {transect.space}", row))
    return Faces("The first people of each transect at each of its levels; none chosen.", groups)


def text_of(tables: Mapping[str, pd.DataFrame], notes: list[str]) -> str:
    """What the command prints: sentences, largest leaks, effects."""
    from judge.report.pages.transects import effects_said, leakage_said

    table = tables["leakage"]
    lines = leakage_said(table)
    other = table[(table["target"] != table["attribute"]) & (table["space"] != "renderer")].dropna(
        subset=["leakage"]
    )
    # by what is beyond the regressor's own where that is known
    size = other["excess"].fillna(other["leakage"]).abs()
    columns = [
        "space",
        "target",
        "attribute",
        "leakage",
        "own",
        "excess",
        "excess_low",
        "excess_high",
        "unmixed",
    ]
    largest = other.loc[size.sort_values(ascending=False).index, columns].head(12)
    if len(largest):
        lines += ["", "largest leaks, standard deviations for one of the target"]
        lines.append(largest.to_string(index=False, na_rep="–", float_format="{:.2f}".format))
    if "effects_over_judges" in tables:
        over = tables["effects_over_judges"]
        columns = ["condition", "target", "space", "exact", "effect", "bias", "ci_low", "ci_high", "faces_low",
                   "faces_high", "explained", "judges"]  # fmt: skip
        lines += [
            "",
            *effects_said(over),
            "",
            "points of score for one standard deviation; bias = effect − exact",
        ]
        lines.append(over[columns].to_string(index=False, na_rep="–", float_format="{:.2f}".format))
    return "\n".join([*lines, *(f"- {note}" for note in notes)])
