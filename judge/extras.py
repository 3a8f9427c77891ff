"""What `pip install judge` leaves out, and the one sentence that says how to get it.

The base reads tables and runs and writes pages. Networks, the renderer and everything else that is large comes with an
extra (pyproject.toml). Every room may import this module (it imports only `judge.errors`).
"""

from __future__ import annotations

import importlib.util

from judge.errors import InputError

_NETWORKS = ("torch", "torchvision", "timm", "lightning_fabric", "numba", "skimage", "onnxruntime")
#: Modules by which an extra is known to be there. What the encoder lite1 needs is not asked for: the audit of generated
#: faces goes without it where it is missing, and says so.
EXTRAS: dict[str, tuple[str, ...]] = {
    "train": _NETWORKS,
    "generate": _NETWORKS,
    "private": (*_NETWORKS, "opacus", "dp_accounting"),
    "cluster": (*_NETWORKS, "submitit", "ray"),
    "scale": ("duckdb",),
    "s3": ("s3fs",),
    "onnx": (*_NETWORKS, "onnx", "onnxscript"),
    "explore": ("altair", "vl_convert"),
    "tracking": ("tensorboard", "mlflow", "sqlalchemy", "alembic"),
    "publish": ("huggingface_hub", "mlcroissant", "rocrate", "rocrate_validator"),
}


def install(extra: str) -> str:
    """The command that installs an extra.

    >>> install("train")
    "pip install 'judge[train]'"
    """
    return f"pip install 'judge[{extra}]'"


def missing(extra: str) -> list[str]:
    """Modules of an extra that are not installed; nothing is imported."""
    return [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]


def need(extra: str, what: str) -> None:
    """Raises InputError, which names `what` and the command to install, where the extra is not there whole."""
    if absent := missing(extra):
        raise absence(extra, what, absent)


def absence(extra: str, what: str, modules: list[str]) -> InputError:
    """The error for an extra of which these modules are missing.

    >>> str(absence("scale", "--sql", ["duckdb"]))
    "--sql needs duckdb, which is not installed: pip install 'judge[scale]'"
    """
    names = " and ".join(filter(None, [", ".join(modules[:-1]), modules[-1]]))
    return InputError(
        f"{what} needs {names}, which {'is' if len(modules) == 1 else 'are'} not installed: {install(extra)}"
    )


def extra_of(module: str | None) -> str | None:
    """The first extra that brings a module; None where none does.

    >>> extra_of("numba.core"), extra_of("opacus"), extra_of("os")
    ('train', 'private', None)
    """
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)
