"""Membership attacks on judges, generators and synthetic pools, and the epsilon that an attack proves.

    members = coin_members(n, targets, rng), balanced_members(n, shadows, rng)
    targets, shadows = trained(trainer, members, …), trained(trainer, …)
    scores = attack("LiRA", targets.errors, shadows)
    attack_rates(scores, targets.members, groups=…)
    audit_one_run(scores[0], targets.members[0], delta, claimed, guesses=…)

A pool has no errors: `pool_attack` compares features of candidates, pool and reference.
"""

from judge.privacy.attacks.likelihood import ATTACKS, attack, bavaria, lira, rmia, small_error
from judge.privacy.attacks.one_run import OneRunAudit, audit_one_run, coin_subset, p_of_guesses
from judge.privacy.attacks.pool import POOL_ATTACKS, calibrated_nearest, density_ratio, pool_attack
from judge.privacy.attacks.rates import attack_rates, group_differences, roc, threshold_at
from judge.privacy.attacks.shadows import Trainer, Trainings, balanced_members, coin_members, trained
from judge.privacy.attacks.study import AttackStudy, AttackTables, attack_judges, attack_pool
from judge.privacy.attacks.trainers import OVERFITTED, JudgeTrainer, PrivateTrainer, RidgeTrainer

__all__ = [
    "ATTACKS",
    "OVERFITTED",
    "POOL_ATTACKS",
    "AttackStudy",
    "AttackTables",
    "JudgeTrainer",
    "OneRunAudit",
    "PrivateTrainer",
    "RidgeTrainer",
    "Trainer",
    "Trainings",
    "attack",
    "attack_judges",
    "attack_pool",
    "attack_rates",
    "audit_one_run",
    "balanced_members",
    "bavaria",
    "calibrated_nearest",
    "coin_members",
    "coin_subset",
    "density_ratio",
    "group_differences",
    "lira",
    "p_of_guesses",
    "pool_attack",
    "rmia",
    "roc",
    "small_error",
    "threshold_at",
    "trained",
]
