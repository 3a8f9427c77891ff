"""Data sets of the user's own: NAME.yaml in a folder of theirs is what `data=NAME` means, beside conf/data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from judge.errors import InputError

#: data=NAME, data@entrants_data=NAME, with a sweep's several names.
_CHOICE = re.compile(r"\+{0,2}data(?:@[\w.]+)?=([\w\-,\s]+)")


def register_own_data(overrides: Iterable[str], folders: Sequence[str | Path] = (".",)) -> list[Path]:
    """Makes each NAME of `data=NAME` known to Hydra whose file NAME.yaml lies in one of the folders; returns the files.

    Hydra itself looks in DIR/data; such a file, and a data set of conf/data, is left to it.
    Raises InputError for a file that is no data set.
    """
    names = [
        name.strip() for word in overrides if (told := _CHOICE.fullmatch(word)) for name in told[1].split(",")
    ]
    found = []
    for name in dict.fromkeys(names):
        places = [Path(folder) for folder in folders]
        if any((place / "data" / f"{name}.yaml").is_file() for place in places) or _packaged(name):
            continue
        file = next((place / f"{name}.yaml" for place in places if (place / f"{name}.yaml").is_file()), None)
        if file is not None:
            ConfigStore.instance().store(group="data", name=name, node=_read(file), provider=str(file))
            found.append(file)
    return found


def config_dirs(words: Sequence[str]) -> list[str]:
    """The folders of --config-dir on a command line, then the working folder."""
    given = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("--config-dir", "-cd"):
            given.append(following)
        elif word.startswith("--config-dir="):
            given.append(word.partition("=")[2])
    return [*given, "."]


def _packaged(name: str) -> bool:
    from importlib.resources import files

    return files("judge.conf").joinpath("data", f"{name}.yaml").is_file()


def _read(file: Path) -> Any:
    try:
        node = OmegaConf.load(file)
    except (OSError, YAMLError, OmegaConfBaseException, UnicodeError) as error:
        raise InputError(
            f"{file} cannot be read as settings: {' '.join(str(error).split())[:200]}"
        ) from error
    if not OmegaConf.is_dict(node) or "_target_" not in node:
        raise InputError(
            f"{file} is no data set: a mapping with _target_, as judge data folder --save-config writes it"
        )
    return node
