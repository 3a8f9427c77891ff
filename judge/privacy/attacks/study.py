"""A whole attack as tables: on judges that are trained for it, or on a synthetic pool that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.privacy.attacks.likelihood import ATTACKS, attack
from judge.privacy.attacks.one_run import audit_one_run, coin_subset
from judge.privacy.attacks.pool import POOL_ATTACKS, pool_attack
from judge.privacy.attacks.rates import FPRS, attack_rates, group_differences, roc
from judge.privacy.attacks.shadows import FEWEST, Trainer, balanced_members, coin_members, trained

#: The attack whose guesses are audited: one, named beforehand, so that the best of several is not taken for luck.
AUDITED, AUDITED_POOL = "BaVarIA", "nearest"


@dataclass(frozen=True)
class AttackStudy:
    """How an attack is made and told.

    shadows, targets  trainings; an even number from 4, and at least 1
    attacks           of ATTACKS or POOL_ATTACKS
    random_labels     who counts as a member is drawn anew, by coins that no training has seen: must find nothing
    fprs              rates of false alarms
    delta, claimed    of the budget that is claimed; inf: none is
    guesses           of the one-run audit, even; None: a tenth of the canaries
    confidence        of all intervals, and of the audits of all targets together (Bonferroni)
    seed              of who is in, of the trainings and of ties

    Raises InputError for a setting outside its range.
    """

    shadows: int = 16
    targets: int = 5
    attacks: Sequence[str] = tuple(ATTACKS)
    random_labels: bool = False
    fprs: Sequence[float] = FPRS
    delta: float = 1e-5
    claimed: float = np.inf
    guesses: int | None = None
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.shadows < FEWEST or self.shadows % 2:
            raise InputError(f"shadows={self.shadows}: an even number from {FEWEST} on")
        if self.targets < 1:
            raise InputError(f"targets={self.targets}: at least 1")
        known = {*ATTACKS, *POOL_ATTACKS}
        if not self.attacks or not set(self.attacks) <= known:
            raise InputError(f"attacks are some of {listed(known)}, not {listed(self.attacks)}")
        if not 0 <= self.delta < 1 or not self.claimed > 0:
            raise InputError(f"delta={self.delta} is from 0 to below 1, epsilon={self.claimed} over 0")
        if not 0.5 <= self.confidence < 1:
            raise InputError(f"confidence={self.confidence}: from .5 to below 1")
        if self.guesses is not None and (self.guesses < 2 or self.guesses % 2):
            raise InputError(f"guesses={self.guesses}: an even number from 2 on")


class AttackTables(NamedTuple):
    """rates, differences (by group; empty without groups), roc and audit: those of attack_rates and so on, with a
    column attack; audit has a row a target."""

    rates: pd.DataFrame
    differences: pd.DataFrame
    roc: pd.DataFrame
    audit: pd.DataFrame


def attack_judges(
    train: Trainer,
    rating: ArrayLike,
    study: AttackStudy,
    *,
    groups: ArrayLike | None = None,
    progress: Callable[[str], None] | None = None,
) -> AttackTables:
    """Trains targets and shadows on random halves of the people, and attacks the targets.

    rating (n,) in points, groups (n,) names. Raises InputError as `trained`, and for fewer than 20 people.
    """
    rating = np.asarray(rating, float)
    if len(rating) < 20:
        raise InputError(f"an attack on judges needs at least 20 rated people, not {len(rating)}")
    who, others, label = np.random.default_rng(study.seed).spawn(3)
    inside = coin_members(len(rating), study.targets, who)
    targets = trained(train, inside, rating, who, progress=progress)
    half = balanced_members(len(rating), study.shadows, others)
    shadows = trained(train, half, rating, others, progress=progress)
    members = coin_members(len(rating), study.targets, label) if study.random_labels else inside
    scores = {name: attack(name, targets.errors, shadows) for name in study.attacks}
    return tables_of(scores, members, study, groups=groups, audited=AUDITED)


def attack_pool(
    spaces: Mapping[str, tuple[NDArray, NDArray, NDArray]],
    members: NDArray[np.bool_],
    study: AttackStudy,
    *,
    groups: ArrayLike | None = None,
) -> AttackTables:
    """Attacks on a pool in each space: name → features of the candidates (n, d), the pool and the reference.

    members (n,) bool: whom the pool was made from. The audit takes a part of the candidates (`coin_subset`), which
    needs that those who are members were drawn at random. Raises InputError as `pool_attack`.
    """
    inside = np.atleast_2d(members)
    if study.random_labels:
        rng = np.random.default_rng(study.seed).spawn(3)[2]
        inside = coin_members(inside.shape[1], 1, rng)
    scores = {
        f"{name}, {space}": pool_attack(name, *parts)[None]
        for space, parts in spaces.items()
        for name in study.attacks
        if name in POOL_ATTACKS
    }
    if not scores:
        raise InputError(f"attacks on a pool are some of {listed(POOL_ATTACKS)}, not {listed(study.attacks)}")
    first = next((name for name in scores if name.startswith(AUDITED_POOL)), next(iter(scores)))
    return tables_of(scores, inside, study, groups=groups, audited=first, coins=False)


def tables_of(
    scores: Mapping[str, NDArray[np.float64]],
    members: NDArray[np.bool_],
    study: AttackStudy,
    *,
    groups: ArrayLike | None = None,
    audited: str,
    coins: bool = True,
) -> AttackTables:
    """Tables of scores (T, n) by attack; the attack `audited` is, or the first where it is not there.

    coins: each person was a member by a coin of their own; else a part of them is taken in which it is so.
    """
    how = {"confidence": study.confidence}
    rates, differences, curves = [], [], []
    lowest = max(study.fprs)
    for name, score in scores.items():
        rates.append(attack_rates(score, members, groups=groups, fprs=study.fprs, **how).assign(attack=name))
        curves.append(roc(score, members).assign(attack=name))
        if groups is not None:
            differences.append(
                group_differences(score, members, groups, fpr=lowest, **how).assign(attack=name)
            )
    name = audited if audited in scores else next(iter(scores))
    audits = []
    for t, (score, inside) in enumerate(zip(scores[name], members, strict=True)):
        rows = np.arange(len(score)) if coins else coin_subset(inside, study.seed)
        found = audit_one_run(
            score[rows], inside[rows], study.delta, study.claimed,
            guesses=study.guesses or max(2, len(rows) // 20 * 2),
            confidence=1 - (1 - study.confidence) / len(members), rng=study.seed,
        )  # fmt: skip
        audits.append(
            {
                "attack": name, "target": t, "canaries": found.canaries, "guesses": found.guesses,
                "correct": found.correct, "epsilon": found.epsilon, "claimed": found.claimed, "delta": found.delta,
                "p_value": found.p_value, "confidence": study.confidence, "verdict": found.verdict,
            }
        )  # fmt: skip
    return AttackTables(
        pd.concat(rates, ignore_index=True),
        pd.concat(differences, ignore_index=True) if differences else pd.DataFrame(),
        pd.concat(curves, ignore_index=True),
        pd.DataFrame(audits),
    )
