"""The jury: judges that learn to rate faces, robots that each judge one trait, a gate before them, a panel over them.

`CnnJudge` (a network) and `EmbeddingJudge` (a ridge regression on frozen features) learn from rated pictures; `Judge`
says what a judge of one's own has to have, `load_judge` reads a saved one, `judge_folders` finds those of a run. `Gate`
decides who is judged at all, `Panel` combines scores, `Jury` is all of them over one contest. The robots are in
`judge.jury.robots`, faces (detector, alignment, regions) in `judge.jury.faces`, the parts of networks in
`judge.jury.network`. Each is imported when it is first asked for, so that PyTorch is loaded only where a network is.

>>> from judge.jury import CnnJudge
>>> CnnJudge(backbone="test_efficientnet", weights="none", size=32).kind
'cnn'
"""

from importlib import import_module
from typing import Any

_HOME = {
    "CnnJudge": "beauty",
    "Embedding": "embedding",
    "EmbeddingJudge": "embedding",
    "Gate": "gate",
    "Judge": "loading",
    "Jury": "deliberation",
    "Panel": "panel",
    "judge_folders": "loading",
    "load_judge": "loading",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
