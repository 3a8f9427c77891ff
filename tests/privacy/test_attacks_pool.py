"""Members of whom a pool holds copies are found, others are not, and groups of a kind are not taken for members."""

import numpy as np
import pytest

from judge.errors import InputError
from judge.privacy.attacks import (
    POOL_ATTACKS,
    AttackStudy,
    attack_pool,
    attack_rates,
    calibrated_nearest,
    density_ratio,
    pool_attack,
)


def people(rng, n, width=8):
    return rng.normal(size=(n, width)) * np.linspace(2, 0.5, width)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    candidates, reference, fresh = people(rng, 2400), people(rng, 1000), people(rng, 900)
    members = np.arange(2400) < 1200
    copied = candidates[:100] + 0.05 * rng.normal(size=(100, 8))  # of the first hundred members
    return candidates, members, np.concatenate([fresh, copied]), fresh, reference


def test_distances_by_hand():
    score = calibrated_nearest([[0.0, 0]], [[0.0, 2], [9, 9]], [[4.0, 0]])
    assert score.tolist() == pytest.approx([np.log(4 / 2)])
    assert np.isfinite(calibrated_nearest([[1.0, 0]], [[1.0, 0]], [[4.0, 0]])).all()


def test_planted_copies_are_found_and_nobody_else(parts):
    candidates, members, pool, clean, reference = parts
    score = calibrated_nearest(candidates, pool, reference)
    row = attack_rates(score, members, fprs=[0.01]).iloc[0]
    above = score > np.sort(score[~members])[-13]
    assert above[:100].mean() > 0.9
    assert above[100:1200].mean() < 0.03
    assert row["p_value"] < 1e-10
    control = attack_rates(calibrated_nearest(candidates, clean, reference), members, fprs=[0.01]).iloc[0]
    assert control["chance_low"] <= control["tpr"] <= control["chance_high"]


def test_density_finds_a_pool_that_lies_around_its_members():
    rng = np.random.default_rng(1)
    candidates, reference = people(rng, 400, 3), people(rng, 2000, 3)
    members = np.arange(400) < 40
    pool = np.repeat(candidates[:40], 40, axis=0) + 0.2 * rng.normal(size=(1600, 3))
    found = attack_rates(density_ratio(candidates, pool, reference), members, fprs=[0.05]).iloc[0]
    assert found["auc"] > 0.7 and found["p_value"] < 1e-4
    none = attack_rates(
        density_ratio(candidates, people(rng, 1600, 3), reference), members, fprs=[0.05]
    ).iloc[0]
    assert none["p_value"] > 0.001


def test_a_rare_kind_of_people_is_no_leak():
    # the pool, the reference and half of the candidates have the same few far-off people
    rng = np.random.default_rng(2)

    def mixed(n):
        return people(rng, n) + 6 * (rng.random((n, 1)) < 0.05)

    score = calibrated_nearest(mixed(4000), mixed(1000), mixed(1000))
    row = attack_rates(score, rng.random(4000) < 0.5, fprs=[0.01]).iloc[0]
    assert row["chance_low"] <= row["tpr"] <= row["chance_high"]


def test_the_audit_of_a_pool_of_copies_refutes_and_the_control_does_not(parts):
    candidates, members, _, _, reference = parts
    everybody = candidates[members]
    spaces = {"features": (candidates, everybody, reference)}
    study = AttackStudy(attacks=tuple(POOL_ATTACKS), claimed=1.0, delta=1e-5, fprs=(0.01,))
    found = attack_pool(spaces, members, study, groups=np.where(np.arange(2400) % 10, "many", "few"))
    assert found.audit["verdict"].tolist() == ["the claim is refuted"]
    assert set(found.rates["attack"]) == {"nearest, features", "density ratio, features"}
    assert set(found.differences["group"]) == {"many", "few"}
    control = attack_pool(
        spaces, members, AttackStudy(attacks=("nearest",), claimed=1.0, random_labels=True, fprs=(0.01,))
    )
    row = control.rates.iloc[0]
    assert row["chance_low"] <= row["tpr"] <= row["chance_high"]
    assert control.audit["verdict"].tolist() == ["the claim is not refuted"]
    assert control.differences.empty


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pool_attack("gan", [[0.0]], [[0.0]], [[0.0]]), "attack='gan'"),
        (lambda: calibrated_nearest([[0.0]], [[0.0, 1]], [[0.0]]), "features of one space"),
        (lambda: calibrated_nearest([[np.inf]], [[0.0]], [[0.0]]), "candidates holds finite"),
        (lambda: density_ratio(np.ones((5, 2)), np.ones((5, 2)), np.ones((50, 2))), "at least 10 pictures"),
        (lambda: density_ratio(np.ones((5, 2)), np.ones((20, 2)), np.ones((50, 2))), "all the same"),
        (
            lambda: density_ratio(
                np.ones((5, 2)), np.ones((20, 2)), np.random.default_rng(0).random((50, 2))
            ),
            "too few",
        ),
        (lambda: AttackStudy(attacks=("gan",)), "attacks are some of"),
        (lambda: AttackStudy(guesses=7), "guesses=7"),
        (lambda: AttackStudy(claimed=0.0), "epsilon=0.0 over 0"),
        (lambda: AttackStudy(shadows=5), "shadows=5"),
        (
            lambda: attack_pool(
                {"a": (np.ones((2, 1)),) * 3}, np.array([True, False]), AttackStudy(attacks=("LiRA",))
            ),
            "attacks on a pool",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
