"""What a judge is to the rest of the program, and judges that were saved: read back, and found in a run's folder."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from judge.data.groups import Groups
from judge.errors import InputError, listed

#: kind → where its class is; a network is imported only when one is loaded
BUILT_IN = {"cnn": "judge.jury.beauty:CnnJudge", "embedding": "judge.jury.embedding:EmbeddingJudge"}


class Judge(Protocol):
    """Learns ratings from pictures and rates others: CnnJudge, EmbeddingJudge, or a class of one's own.

    kind      name in judge.json: "cnn", "embedding", or "module:Class" of one's own
    facts     what judge.json says of a trained judge besides its settings
    history   a record an epoch; empty where there are none
    excluded  item, reason, detail of training pictures that could not be used
    """

    kind: str
    facts: dict[str, Any]
    history: list[dict[str, float]]
    excluded: pd.DataFrame

    def fit(
        self,
        train_manifest: pd.DataFrame,
        val: pd.DataFrame | None = None,
        *,
        ratings: pd.DataFrame | None = None,
        rating_range: tuple[float, float],
        seed: int,
        workdir: Path | None = None,
        groups: Groups | None = None,
        objective: Callable[..., Any] | None = None,
    ) -> Judge:
        """Learns the column `rating` of a manifest, weighted by its column `weight` where there is one.

        val        rated pictures that may choose an epoch
        ratings    single ratings (RATINGS schema)
        workdir    the state of the training, continued after a kill; another training's is refused
        groups     of the sensitive feature, coded alike in every pool of a run
        objective  `(loss, groups) -> objective`, minimised in place of the judge's own loss (network/losses.py)
        """

    def refusal(self, seam: str, method: Any = None) -> str | None:
        """The reason why this judge has no use for what a condition changes at a seam; None: it takes it.

        seam    pool, objective, refit, scores or jury. A run asks before it does any work.
        method  the method, of an objective its class
        """

    def read(self, manifest: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
        """What the head reads: features float32 (n, F) of the readable pictures, their rows, and those excluded.

        Optional: without it a refit refuses the judge, and probes read its scores only.
        """

    def set_head(self, fit: Any) -> None:
        """Another linear head: a judge.jury.ridge.Ridge on what `read` gives. Optional as `read` is."""

    def project(self, mean: np.ndarray, basis: np.ndarray) -> None:
        """From now on the head reads (features − mean) @ basis, mean (F,) and basis (F, k), of what `read` gave.

        What `read` gives, what is saved and what is scored follow; `set_head` has to come next. Optional as `read` is.
        """

    def score(self, manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(image_id, score) of the readable pictures, on the rating scale, and (item, reason, detail) of others."""

    def scorer(self, n: int) -> Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]:
        """What does as `score` for any part of a list of n pictures, and needs to be built but once.

        Parts together score as the whole list at once, to the bit. Optional: without it `score` is asked each time.
        """

    def save(self, folder: str | Path) -> None:
        """Writes judge.json, with `kind`, and whatever else `load` reads."""

    @classmethod
    def load(cls, folder: str | Path, facts: dict[str, Any]) -> Judge:
        """The judge of a folder; facts: what its judge.json holds."""


def load_judge(folder: str | Path, *, own: Sequence[str] = ()) -> Judge:
    """The judge that `save` wrote to a folder: of a kind that is built in, or of one's own.

    folder  holds judge.json and what its kind reads besides
    own     kinds "module:Class" that may be imported. A class of one's own says where it is found by its attribute
            kind, writes that as "kind" into its judge.json, and has `load(folder, facts)`, facts being what judge.json
            holds. A folder may come from a stranger, so its file alone imports nothing: the module has to be named
            here, or to be imported already

    Nothing is unpickled. Raises InputError: no judge.json, a kind that is neither built in nor such a class, and files
    that are damaged, cut short, or hold numbers that are not finite; each names the file.
    """
    folder = Path(folder)
    file = folder / "judge.json"
    if not file.is_file():
        raise InputError(f"{folder} holds no judge: there is no judge.json")
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        kind = facts["kind"]
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise InputError(f"{file} is not a judge's file: {error}") from error
    if not isinstance(kind, str) or kind not in BUILT_IN:
        return _own_kind(kind, file, own).load(folder, facts)
    module, _, name = BUILT_IN[kind].partition(":")
    cls = getattr(importlib.import_module(module), name)
    try:
        judge = cls.load(folder, facts)
        _check_types(judge)
        return judge
    except InputError as error:
        raise InputError(f"{folder} holds no judge that can be read: {error}") from error
    except Exception as error:  # facts of another shape stumble over anything: a key, a type, a size, a name
        raise InputError(
            f"{folder} holds no judge that can be read: judge.json and model.safetensors do not make a {kind} judge "
            f"({type(error).__name__}: {str(error)[:300]})"
        ) from error


#: Largest number that any setting of a judge may hold: pixels, pictures, epochs.
LARGEST_SETTING = 1_000_000


def _check_types(settings: Any, where: str = "settings") -> None:
    """Raises InputError where a field of a dataclass, or of one in it, holds another type than it says.

    What is written in a program is checked where it is used; a file can hold anything, and would stumble in the middle
    of a pass.
    """
    for name, kind in get_type_hints(type(settings)).items():
        if name not in getattr(settings, "__dataclass_fields__", {}):
            continue
        value, place = getattr(settings, name), f"{where}.{name}"
        if is_dataclass(value):
            _check_types(value, place)
            continue
        allowed = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        plain = [k for k in allowed if k in (int, float, str, bool, type(None))]
        if not plain or len(plain) < len(allowed):
            continue  # tables, tensors, sequences: checked by the class itself
        number = float in plain and isinstance(value, int) and not isinstance(value, bool)
        if not number and type(value) not in plain:
            raise InputError(f"{place}={value!r}: {listed(k.__name__ for k in plain)} is needed")
        if isinstance(value, (int, float)) and not abs(value) <= LARGEST_SETTING:
            raise InputError(f"{place}={value!r}: at most {LARGEST_SETTING:,} in size")


def _own_kind(kind: Any, file: Path, own: Sequence[str]) -> Any:
    """The class "module:Class"; it has to name itself so, so that no other class can be called through a file."""
    module, _, name = str(kind).partition(":")
    if not name or not isinstance(kind, str):
        raise InputError(
            f"{file}: kind={kind!r}; allowed are {listed(BUILT_IN)}, or 'module:Class' of your own"
        )
    if kind not in own and module not in sys.modules:
        raise InputError(
            f"{file}: kind={kind!r} would import the module {module!r}, which you have not named; if it is yours, say "
            f"load_judge(…, own=[{kind!r}]) or --own-judge {kind}"
        )
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{file}: kind={kind!r}: the module {module!r} cannot be imported ({error}); install it, or put its folder "
            "on PYTHONPATH"
        ) from error
    lacks = [part for part in ("load", "score") if not callable(getattr(found, part, None))]
    if not isinstance(found, type) or lacks or getattr(found, "kind", None) != kind:
        raise InputError(
            f"{file}: {kind!r} is no judge: a class with load(folder, facts), score(manifest) and kind = {kind!r}"
        )
    return found


def judge_folders(where: str | Path, condition: str | None = None) -> dict[str, Path]:
    """Condition → folder of the saved judge that scores for it, in the run's order, its baseline first.

    where      folder of a run, or of one judge: then the one entry is called as the folder is
    condition  only this one; None: all

    A condition that was trained as another (`trained_as` in done.json) has that one's folder, unless it has a judge
    of its own. A run without a done.json (killed, or still going on) has its folders by name.
    Raises InputError: no such condition, or a condition whose judge was not saved.
    """
    where = Path(where)
    if (where / "judge.json").is_file():
        return {where.name: where}
    saved = {path.parent.name: path.parent for path in sorted(where.glob("judges/*/judge.json"))}
    done = where / "done.json"
    facts = json.loads(done.read_text(encoding="utf-8")) if done.is_file() else {}
    names = facts.get("conditions", list(saved))
    trained_as = facts.get("trained_as", {})
    if condition is not None:
        if condition not in names:
            raise InputError(
                f"{where} has no saved judge of condition={condition!r}; there is {listed(names)}"
            )
        names = [condition]
    found = {name: saved.get(name) or saved.get(trained_as.get(name)) for name in names}
    missing = [name for name, folder in found.items() if folder is None]
    if missing or not found:
        raise InputError(
            f"{where} holds no saved judge {listed(missing)} (judges/…/judge.json); save_judges=true keeps them"
        )
    return {name: folder for name, folder in found.items() if folder is not None}
