"""KEY=VALUE as it is written everywhere: `--set` of a command and the settings of `judge run` take the same words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from judge.errors import InputError, listed

#: Settings that are mappings of the user's own names, so that a key below them is new: columns.rating=score.
OPEN = frozenset(
    ("columns", "values", "rating_columns", "composition", "population", "shares", "rating_shift", "shift",
     "pool_shares", "pool_shift", "truth_shares", "where", "groups")
)  # fmt: skip


def as_override(word: str) -> str:
    """The word as Hydra takes it: a key below a mapping of the user's own names may be new to it.

    >>> as_override("data.columns.rating=score"), as_override("seed=1"), as_override("pool.groups=[a,b]")
    ('++data.columns.rating=score', 'seed=1', 'pool.groups=[a,b]')
    """
    key = word.partition("=")[0]
    inner = key.split(".")[:-1]
    return f"++{word}" if OPEN.intersection(inner) and not key.startswith(("+", "~", "-", "hydra")) else word


def changes(
    words: Sequence[str], known: Iterable[str], where: str, prefixes: Sequence[str] = ()
) -> dict[str, Any]:
    """The words as a nested mapping, read by Hydra's grammar, or as YAML where that takes more, such as {"a": 1}.

    known     keys of the first level
    where     what the words are given to, for messages
    prefixes  that a key may have, since it has it elsewhere: data.root is root
    Raises InputError for what is no KEY=VALUE, for a key that is not known, and for several values of one.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if wrong := [word for word in words if "=" not in word]:
        raise InputError(f"{where} takes KEY=VALUE, not {listed(wrong)}")
    nested = OmegaConf.create()
    try:
        for word in words:
            key, value = _read(word.lstrip("+"), where)
            for prefix in prefixes:
                key = key.removeprefix(f"{prefix}.")
            OmegaConf.update(nested, key, value, force_add=True)
    except (OmegaConfBaseException, ValueError) as error:
        raise InputError(f"{where} {' '.join(words)}: {_first_line(error)}") from error
    told: Any = OmegaConf.to_container(nested)
    known = list(known)
    if unknown := [key for key in told if key not in known]:
        raise InputError(f"{where}: no setting {listed(unknown)}; there are {listed(known)}")
    return told


def _read(word: str, where: str) -> tuple[str, Any]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    try:
        one = OverridesParser.create().parse_override(word)
    except HydraException:
        key = word.partition("=")[0]
        return key, OmegaConf.select(OmegaConf.from_dotlist([word]), key)
    if one.is_sweep_override():
        raise InputError(f"{where} {word}: one value a setting; a list is [a,b]")
    return one.key_or_group, one.value()


def merged(settings: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the changes laid over them, mappings key by key."""
    out = dict(settings)
    for key, value in told.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = merged(out[key], value) if both else value
    return out


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
