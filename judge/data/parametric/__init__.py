"""People who do not exist, rendered here from CC0 head shapes, with every cause of a rating known.

Who they are is drawn in `people` from a seed (counter-based: the i-th person is the same however many there
are), how they look is computed in `picture`; `geometry` has the head and `person` the parameters that both
speak of. The data sets are `read_parametric` and, the same persons in other skin tones and with placebo
edits, `read_twins`. Pictures are rendered once, into a folder keyed by their content (`cache`); `export`
writes a data set that others can read.
"""

from importlib import import_module
from typing import Any

_HOME = {"read_parametric": "dataset", "read_twins": "twins"}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    # on demand: a process that renders pictures imports this package and must start without pandas
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
