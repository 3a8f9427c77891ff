"""Pictures and what is known of them, as tables: read, rendered, drawn into pools, checked when written.

A `Dataset` holds a manifest (a row a picture), single ratings where there are some, and what was excluded
and why. The readers of other people's data sets are in `readers`, people who do not exist in `parametric`.
`tables` has the schema of every table of the project and their files, `brackets` all that is read of ages
and age bands, `composition` draws pools and entrants of chosen shares, `Groups` are the sensitive feature's
groups, made once a run. Torch is needed by `images` alone.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Dataset": "dataset",
    "Groups": "groups",
    "check_disjoint": "composition",
    "draw": "composition",
    "equal_n": "composition",
    "hold_out": "composition",
    "read_table": "tables",
    "validated_run_table": "tables",
    "write_table": "tables",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    # on demand: a process that renders pictures imports this package and must start without pandas
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
