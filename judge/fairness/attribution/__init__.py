"""Which step or cause a difference goes with, and what it would take for a finding to be an artefact.

`chain` follows a group's share from the population through entry and gate to the winners; `oaxaca_blinder` splits a
gap of mean scores into what goes with measured features and what does not; `replace_in_contest` and `twin_changes`
judge the same person under an edit, beside placebo edits; `ablation` asks which member of a jury decides;
`tone_and_winning` and `tone_and_score` use a measured skin tone in place of a label; `corrected_ratio`,
`relabelled_test` and `worst_case` say how far labels that are sometimes wrong carry. All answer in AUDIT rows but
`ablation`, whose table has a row a jury.

Each is imported when it is first used: the audit takes the chain without waiting for scipy.stats.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judge.fairness.attribution.jury_ablation import WHOLE, PanelRule, ablation, juries
    from judge.fairness.attribution.label_bounds import worst_case
    from judge.fairness.attribution.label_errors import corrected_ratio, relabelled_test
    from judge.fairness.attribution.oaxaca import oaxaca_blinder
    from judge.fairness.attribution.skin_tone import tone_and_score, tone_and_winning
    from judge.fairness.attribution.steps import chain, chain_of_counts
    from judge.fairness.attribution.twins import replace_in_contest, twin_changes

_WHERE = {
    "jury_ablation": ("WHOLE", "PanelRule", "ablation", "juries"),
    "label_bounds": ("worst_case",),
    "label_errors": ("corrected_ratio", "relabelled_test"),
    "oaxaca": ("oaxaca_blinder",),
    "skin_tone": ("tone_and_score", "tone_and_winning"),
    "steps": ("chain", "chain_of_counts"),
    "twins": ("replace_in_contest", "twin_changes"),
}

__all__ = [
    "WHOLE",
    "PanelRule",
    "ablation",
    "chain",
    "chain_of_counts",
    "corrected_ratio",
    "juries",
    "oaxaca_blinder",
    "relabelled_test",
    "replace_in_contest",
    "tone_and_score",
    "tone_and_winning",
    "twin_changes",
    "worst_case",
]


def __getattr__(name: str) -> Any:
    for module, names in _WHERE.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
