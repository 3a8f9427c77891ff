"""judge: what skewed training pictures do to who wins a beauty contest judged by machines.

    judge.run(["pool.majority_share=.95"])      one run: every condition over the same contestants → Run
    judge.sweep(["seed=range(0,10)"])           every combination of values → Sweep
    judge.load_run("runs/contest/default")      a finished run → Run
    judge.audit(frame, features="ethnicity", …) who won, and by how much: any table of entrants → tidy numbers
    judge.rerank(frame, method="quota", …)      who would win with another ranking or other scores → the table, ranked

Importing judge imports no torch.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Run", "Sweep", "SweepError", "audit", "load_run", "rerank", "run", "sweep"]

if TYPE_CHECKING:
    from judge.experiment.api import Run, Sweep, SweepError, load_run, run, sweep
    from judge.fairness.audit import audit
    from judge.reranking import rerank


def __getattr__(name: str) -> Any:
    if name == "audit":
        from judge.fairness.audit import audit

        return audit
    if name == "rerank":
        from judge.reranking import rerank

        return rerank
    if name in __all__:
        from judge.experiment import api

        return getattr(api, name)
    raise AttributeError(f"module 'judge' has no attribute {name!r}")
