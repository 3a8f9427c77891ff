"""The runs below folders as a table: a row a run, a column a setting; filtered, and asked in SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judge.data.spreadsheets import write_csv
from judge.errors import InputError, listed
from judge.experiment.folder_names import changes_a_number
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.index import Found, finished_at, runs_below
from judge.experiment.runs.rows import flat_settings, flattened, read_settings

#: Columns that every list begins with.
FIRST = ("folder", "state", "share", "seed")
#: And those that it ends with.
LAST = ("entrants", "seconds", "finished", "reason")
#: The list that a person opens, beside the runs.
LIST = "index.csv"
#: Short names of settings.
SHORT = {"share": "pool.majority_share"}
_WHERE = re.compile(r"\s*([\w.+\-]+)\s*(<=|>=|!=|=|<|>)(.*)", re.DOTALL)
#: Tables of the runs that a query may name, besides runs and numbers.
TABLES = ("audit", "ranking", "scores", "membership", "judges", "agreement", "brackets", "unranked", "excluded")


def list_runs(paths: Sequence[str | Path]) -> tuple[pd.DataFrame, dict[str, RunDir]]:
    """A row a run of any state: the columns FIRST, one for each setting, LAST; and the finished runs by folder.

    Settings are columns by their dotted names, of all runs; missing where a run has none. `finished` is when its done.json
    was written (UTC). Raises InputError if a folder does not exist or holds no run.
    """
    found: list[Found] = []
    for path in paths:
        below = runs_below(path)
        if not below:
            raise InputError(f"{path} holds no run (a run's folder has a started.json)")
        found += below
    rows = []
    for one in found:
        done = one.run.done or {}
        settings = _settings(one.run)
        rows.append(
            {
                "folder": str(one.run.path),
                "state": one.state,
                "share": done.get("majority_share", settings.get(SHORT["share"])),
                **settings,
                "seed": done.get("seed", settings.get("seed")),
                "entrants": done.get("entrants"),
                "seconds": done.get("seconds"),
                "finished": finished_at(one.stamp) if done else None,
                "reason": one.reason,
            }
        )
    table = pd.DataFrame(rows)
    settings = sorted(set(table) - {*FIRST, *LAST, *SHORT.values()})
    finished = {str(one.run.path): one.run for one in found if one.run.done}
    return table.reindex(columns=[*FIRST, *settings, *LAST]), finished


def told_apart(table: pd.DataFrame) -> list[str]:
    """The columns that a reader of the list wants: FIRST, what varied, and those of LAST that say something."""
    last = [name for name in LAST if name != "reason" and table[name].notna().any()]
    reason = ["reason"] if (table["reason"] != "").any() else []
    return [*FIRST, *varied(table), *last, *reason]


def write_list(folder: str | Path) -> Path:
    """Writes FOLDER/index.csv: a row a run below the folder, with what its name does not say. Returns the file.

    Nothing reads it back: it is for people, and made anew after each `judge run`.
    """
    home = Path(folder)
    table, _ = list_runs([home])
    table = table[told_apart(table)]
    write_csv(table.assign(folder=[os.path.relpath(one, home) for one in table["folder"]]), home / LIST)
    return home / LIST


def varied(table: pd.DataFrame) -> list[str]:
    """The settings of a list of runs that tell these apart, and change a number; share and seed aside."""
    settings = [name for name in table if name not in (*FIRST, *LAST, "entrants.seed")]
    known = table[table["state"] != "failed"] if (table["state"] != "failed").any() else table
    return [name for name in settings if changes_a_number(name) and known[name].map(repr).nunique() > 1]


def chosen(table: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """The runs for which all conditions hold: `share=.9`, `seed>=3`, `state!=finished`, `judge.steps=400,800`.

    A name is a column's, or the end of one setting's (`steps`); several values are alternatives; `null` is no value.
    Numbers are compared as numbers, everything else as text. Raises InputError for a name that no column or several
    have, and for what is no condition.
    """
    for condition in conditions:
        parts = _WHERE.fullmatch(condition)
        if parts is None:
            raise InputError(
                f"--where {condition!r}: a column, one of = != < <= > >=, a value, such as share=.9"
            )
        name, sign, value = parts.groups()
        column = table[column_of(name, table)]
        if sign in ("=", "!="):
            holds = pd.Series(False, index=table.index)
            for alternative in value.split(","):
                holds |= _equal(column, alternative.strip())
            table = table[holds if sign == "=" else ~holds]
        else:
            try:
                bound = float(value)
            except ValueError:
                raise InputError(f"--where {condition!r}: {sign} needs a number, not {value!r}") from None
            numbers = pd.to_numeric(column, errors="coerce")
            table = table[{"<": numbers < bound, "<=": numbers <= bound, ">": numbers > bound}.get(sign, numbers >= bound)]
    return table


def column_of(name: str, table: pd.DataFrame, option: str = "--where") -> str:
    """The column of this name, or the one setting that ends so. Raises InputError."""
    name = next((short for short, long in SHORT.items() if long == name), name)
    if name in table:
        return name
    ends = [column for column in table if column.endswith(f".{name}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InputError(f"{option} {name}: several settings end so: {listed(ends)}")
    raise InputError(f"{option} {name}: no such column; there are {listed(table.columns, 12)}")


def _equal(column: pd.Series, value: str) -> pd.Series:
    if value == "null":
        return column.isna()
    text = column.astype(object).map(lambda v: str(v).lower() if isinstance(v, bool) else str(v))
    same = column.notna() & (text == value)
    try:
        number = float(value)
    except ValueError:
        return same
    numbers = pd.to_numeric(column.where(column.map(lambda v: not isinstance(v, bool))), errors="coerce")
    return same | (numbers - number).abs().le(1e-12 * max(1.0, abs(number)))


def queried(query: str, runs: pd.DataFrame, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """The answer of DuckDB to a query over these runs.

    The query may name `runs` (this table), `numbers` (a row a run, condition and group, as `judge compare` writes) and
    the runs' own tables (TABLES), whose rows have a column `folder`. Raises InputError where DuckDB is not installed or
    refuses the query.
    """
    try:
        import duckdb
    except ImportError:
        raise InputError("--sql needs DuckDB: pip install 'judge[scale]'") from None
    with duckdb.connect() as database:
        database.register("runs", runs)
        if numbers is not None:
            database.register("numbers", numbers)
        folders = runs.loc[runs["state"] == "finished", "folder"]
        try:
            for name in TABLES:
                if not re.search(rf"\b{name}\b", query):
                    continue
                files = [file for folder in folders if (file := Path(folder, f"{name}.parquet")).is_file()]
                if files:
                    told = database.read_parquet(list(map(str, files)), union_by_name=True, filename=True)
                    cut = len(f"/{name}.parquet")
                    told.project(
                        f"* exclude (filename), left(filename, length(filename) - {cut}) as folder"
                    ).create_view(name)
            return database.sql(query).df()
        except duckdb.Error as error:
            raise InputError(f"--sql: {error}") from None


def _settings(run: RunDir) -> Mapping[str, Any]:
    if run.done:
        return flat_settings(run)
    try:
        found = read_settings(run / "settings.yaml")
    except Exception:  # a run that was killed before, or damaged: it is listed all the same
        return {}
    return flattened(found) if isinstance(found, dict) else {}
