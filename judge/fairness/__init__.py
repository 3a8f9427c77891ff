"""What the numbers say of groups: metrics, inference, the audit, sweeps of training runs, and attribution to causes.

Six rooms: `metrics` (what is measured), `inference` (how sure one may be), `audit` (one contest, every number),
`sweeps` (many training runs, the run being the replicate), `attribution` (which step or cause a difference goes with)
and `advice` (which skew there is evidence for, and which cure). Tables and arrays in, tables out; nothing here knows a
network, and nothing imports torch. `Counts`, entrants and winners by bracket and group, is what metrics and inference
share.

    from judge.fairness.audit import audit
    from judge.fairness.sweeps import dose_response

Rooms are imported when they are first used: an audit need not wait for the models of a sweep.
"""

from __future__ import annotations

import importlib
from typing import Any

from judge.fairness.counts import Counts

__all__ = ["Counts", "advice", "attribution", "audit", "inference", "metrics", "sweeps"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
