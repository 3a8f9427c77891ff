"""Networks that rate faces: backbones and heads, losses, augmentation, the training loop, scoring, pretraining.

`NetworkSpec` says what a network is made of, `build_network` builds it, `train` trains it for an objective (a loss, or
what a mitigation makes of one), `build_engine` and `score_pictures` let it judge any number of pictures, and
`described` says in words what tells one objective or refit from another. A user meets all this through
`judge.jury.CnnJudge`; these are its parts. PyTorch is imported when one of them is first asked for.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Augmentation": "augmentation",
    "Batch": "losses",
    "Depths": "depths",
    "Huber": "losses",
    "LabelDistribution": "losses",
    "NetworkSpec": "spec",
    "Objective": "losses",
    "ObjectiveFactory": "losses",
    "Pool": "pool",
    "Scoring": "engine",
    "SquaredError": "losses",
    "Training": "training",
    "build_engine": "engine",
    "build_network": "spec",
    "create_backbone": "backbone",
    "described": "identity",
    "score_pictures": "engine",
    "train": "training",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
