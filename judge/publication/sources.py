"""Reads what is to be published: a run's folder, a data set's folder, or a table of people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from judge.data.tables import read_table
from judge.errors import InputError, listed
from judge.experiment.api import load_run
from judge.experiment.run_folder import RunDir, read_json
from judge.publication.disclosure import of_real_people, without_paths
from judge.publication.material import Material

#: Names that a folder's table of people may have, the first that is there.
TABLES = ("manifest.parquet", "manifest.csv", "people.parquet", "people.csv")
_PEOPLE = {
    "parametric": "rendered people",
    "generated": "people drawn by a network",
    "generated+parametric": "people rendered or drawn by a network",
}
TITLES = {
    "parametric": "Rendered people who do not exist",
    "twins": "Rendered people who do not exist, in several skin tones",
    "generated": "Faces of people who do not exist, drawn by a network",
    "photographs": "Labels and ratings of photographs, without the photographs",
}


def material_of(path: str | Path, *, judges_of_real_people: bool = False) -> Material:
    """A run's folder, a data set's folder or a table, as it may be published.

    judges_of_real_people  also judges that learnt from photographs of people who exist: a judge can tell who was in
                           its training (`judge private attack`)
    Raises InputError where there is neither a finished run nor a table of people.
    """
    path = Path(path)
    if (path / "settings.yaml").is_file() or (path / "done.json").is_file():
        return _of_run(path, judges_of_real_people=judges_of_real_people)
    return _of_dataset(path)


def _of_run(path: Path, *, judges_of_real_people: bool) -> Material:
    done = load_run(path).summary
    home = RunDir(path)
    if damaged := home.damaged_tables():
        raise InputError(f"{path}: damaged tables ({', '.join(damaged)}); the same command makes them again")
    settings = yaml.safe_load((path / "settings.yaml").read_text(encoding="utf-8"))
    tables = {name: home.table(name) for name in done["rows"]}
    real = bool(done["real_people"]) or not _nobody(tables["manifest"])
    left_out: list[str] = []
    pictures: dict[str, Path] = {}
    judges = {
        name: path / "judges" / name
        for name in sorted(set(done["trained_as"].values()))
        if (path / "judges" / name / "judge.json").is_file()
    }
    documents = {"page.html": path / "page.html"} if (path / "page.html").is_file() else {}
    if real:
        tables, told = of_real_people(tables, people="manifest", features=[done["feature"]])
        left_out += ["the photographs, and where they lie: they are of people who exist", *told]
        if documents:
            left_out.append("the run's page: it may show faces")
            documents = {}
        if judges and not judges_of_real_people:
            left_out.append(
                "the trained judges: who was in a judge's training can be told from its scores "
                "(--judges-of-real-people publishes them)"
            )
            judges = {}
    else:
        tables["manifest"], pictures, told = _with_pictures(tables["manifest"], path)
        left_out += told
    if not judges and not real:
        left_out.append("trained judges: the run kept none (save_judges=true keeps them)")
    environment = read_json(path / "environment.json")
    seed, feature = done["seed"], done["feature"]
    kinds = (
        "photographs"
        if real
        else _PEOPLE.get("+".join(sorted(tables["manifest"]["source"].unique())), "people")
    )
    return Material(
        name=_slug(f"{done['name']}-{path.resolve().name}"),
        title=f"A contest judged by machines: {done['name']}, seed {seed}",
        about=(
            f"Judges were trained on pools of {done['pool_n'][done['baseline']]:,} {kinds} under "
            f"{len(done['conditions'])} conditions ({', '.join(done['conditions'])}; {done['baseline']} is the "
            f"baseline) and ranked the same {done['entrants']:,} entrants. The tables say who learnt, who entered, who "
            f"was scored how, who won, and what an audit by {feature} finds. It is one training run: seed {seed}."
        ),
        kind="run",
        real_people=real,
        tables=tables,
        pictures=pictures,
        judges=judges,
        documents=documents,
        settings=without_paths(settings),
        facts=without_paths({"summary": done, "environment": environment}),
        left_out=tuple(left_out),
    )


def _of_dataset(path: Path) -> Material:
    if path.is_file():
        table, folder = path, path.parent
    elif path.is_dir():
        folder = path
        table = next((path / name for name in TABLES if (path / name).is_file()), None)
        if table is None:
            raise InputError(
                f"{path} is neither a run's folder (settings.yaml) nor a data set's: none of {listed(TABLES)} is in it"
            )
    else:
        raise InputError(f"no such run, data set or table: {path}")
    people = read_table(table)
    lacking = [name for name in ("image_id", "source") if name not in people]
    if lacking:
        raise InputError(
            f"{table} lacks the column(s) {listed(lacking)}: a row a picture, image_id, and source, which is photo, "
            "parametric or generated (judge data NAME --out DIR writes such a table of any data set)"
        )
    told = _told(folder / "settings.json") if path.is_dir() else {}
    sources = set(people["source"].dropna())
    # of a network's people only their folder knows whom the network learnt from
    real = not _nobody(people) or ("generated" in sources and told.get("real_people") is not False)
    kind = (
        "photographs"
        if real
        else "generated"
        if "generated" in sources
        else str(told.get("dataset", "parametric"))
    )
    tables = {"people": people}
    for name in ("ratings", "raters", "excluded"):
        found = next(
            (folder / f"{name}{end}" for end in (".parquet", ".csv") if (folder / f"{name}{end}").is_file()),
            None,
        )
        if found is not None and path.is_dir():
            tables[name] = read_table(found)
    pictures: dict[str, Path] = {}
    documents = {}
    if real:
        tables, left_out = of_real_people(tables, people="people")
        left_out.insert(0, "the photographs, and where they lie: they are of people who exist")
        if "generated" in sources:
            left_out[0] = (
                "the pictures: their generator learnt from photographs, or its folder does not say that it did not"
            )
    else:
        tables["people"], pictures, left_out = _with_pictures(people, folder)
        documents = {name: folder / name for name in ("privacy.json",) if (folder / name).is_file()}
    return Material(
        name=kind
        if real
        else _slug(f"{kind}-{folder.resolve().name}"),  # the folder may be named after somebody
        title=TITLES.get(kind, TITLES["parametric"]),
        about=_about(kind, tables["people"]),
        kind=kind,
        real_people=real,
        tables=tables,
        pictures=pictures,
        documents=documents,
        settings=without_paths(told),
        left_out=tuple(left_out),
    )


def _about(kind: str, people: pd.DataFrame) -> str:
    n = f"{len(people):,}"
    persons = people["person_id"].nunique() if "person_id" in people else 0
    return {
        "parametric": f"{n} pictures of people who do not exist, rendered from parameters: every label, every cause "
        "of a rating and the truth behind the ratings are known exactly. Ratings are simulated.",
        "twins": f"{n} pictures of {persons:,} people who do not exist, each rendered in several skin tones and, as "
        "placebos, before other backgrounds and lights: nothing else differs.",
        "generated": f"{n} pictures of people who do not exist, drawn by a generative network. Labels and ratings are "
        "what was asked of it, not what anybody saw.",
    }.get(
        kind,
        f"Groups and ratings of {n} photographs of people who exist. The photographs are not part of it, nor is "
        "anything that names one.",
    )


def _with_pictures(people: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, dict[str, Path], list[str]]:
    """The table with file_name in place of path, the pictures that are there by that name, and what is not."""
    if "path" not in people:
        return people, {}, ["pictures: the table has no column path"]
    files = people["path"].map(lambda name: folder / str(name))
    there = files.map(Path.is_file)
    names = people["image_id"].astype(str).map(_slug) + files.map(lambda file: file.suffix.lower())
    if names.duplicated().any():
        raise InputError(f"two pictures would be called {names[names.duplicated()].iloc[0]!r} in the archive")
    pictures = dict(zip(names[there], files[there], strict=True))
    told = []
    if len(pictures) < len(people):
        told.append(
            f"{len(people) - len(pictures):,} of {len(people):,} pictures: their files are not there any more"
        )
    table = people.drop(columns="path")
    table.insert(1, "file_name", names.where(there))
    return table, pictures, told


def _nobody(people: pd.DataFrame) -> bool:
    """Whether every row says that its picture is of somebody who does not exist."""
    return bool(people["source"].isin(["parametric", "generated"]).all())


def _told(file: Path) -> Mapping[str, Any]:
    """What a data set's folder says of itself; {} where it does not."""
    if not file.is_file():
        return {}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} is damaged: {error}") from error
    return told if isinstance(told, dict) else {}


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "publication"
