"""Comparisons of more people than are held: a sample of the others, which the row and the notes tell."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit
from judge.fairness.audit.scale import Limits, audit_files
from judge.fairness.audit.scale.stream.collected import collected
from judge.fairness.audit.scale.stream.ranks import Standing

pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def entrants():
    """Six people of a rare group, who stand lower, among 20,000 in two brackets."""
    rng = np.random.default_rng(1)
    n = 20_000
    table = pd.DataFrame(
        {"g": rng.choice(["a", "b"], n), "b": rng.choice(["x", "y"], n), "s": rng.normal(size=n)}
    )
    table.loc[:5, "g"] = "rare"
    table.loc[:5, "s"] -= 1.5
    return table


def rows(table, metric, group="rare"):
    return table[(table["metric"] == metric) & (table["group"] == group)].iloc[0]


def test_a_rare_group_is_tested_against_a_sample_that_is_told(entrants, tmp_path):
    entrants.to_parquet(tmp_path / "t.parquet")
    some = {"features": "g", "score": "s", "brackets": "b", "n_permutations": 2000}
    held = audit(entrants, **some)
    _, stored = audit_files(tmp_path, limits=Limits(people=3000), **some)
    exact, sampled = rows(held, "outrank_probability"), rows(stored, "outrank_probability")
    assert sampled["value"] == pytest.approx(exact["value"], rel=1e-12)
    assert sampled["test"] == exact["test"] == "mann_whitney_permutation"
    assert "p from 3,006 of these 20,000 people, drawn at random" in sampled["flag"]
    assert sampled["p_value"] == pytest.approx(exact["p_value"], abs=0.01)
    exact, sampled = rows(held, "exposure_ratio"), rows(stored, "exposure_ratio")
    assert sampled["value"] == pytest.approx(exact["value"], rel=1e-12)
    assert sampled["flag"] == "interval from 3,000 of these 20,000 people, drawn at random (--seed)"
    assert sampled[["ci_low", "ci_high"]].tolist() == pytest.approx(
        exact[["ci_low", "ci_high"]].tolist(), abs=0.05
    )
    assert [note for note in stored.attrs["notes"] if "random sample" in note] == [
        "exposure ratio (interval) of 'rare' (g by s): from a random sample of the people compared, its size in the "
        "flag of the row",
        "probability of outranking (p) of 'rare' (g by s): from a random sample of the people compared, its size in "
        "the flag of the row",
    ]
    _, again = audit_files(tmp_path, limits=Limits(people=3000), **some)
    pd.testing.assert_frame_equal(stored, again)


def standings(scores, groups):
    came = np.zeros((1, 2), np.int64)
    for start in range(0, len(scores), 10):
        part = slice(start, start + 10)
        score, group = scores[part], groups[part]
        one = Standing(
            score, np.zeros(len(score), np.int64), group, np.ones(len(score), np.int64), came, (1, 2)
        )
        yield one
        came = came + one.people_by_cell()


def test_a_sample_has_one_of_each_stretch_and_all_of_the_smaller_side():
    scores, groups = np.arange(100.0)[::-1], np.array([0] * 90 + [1] * 10)
    n = np.array([[90, 10]])
    whole = np.array([[False, True]])
    for seed in range(5):
        found = collected(
            lambda: standings(scores, groups),
            wanted=np.ones((1, 2), bool),
            n=n,
            most=9,
            seed=seed,
            whole=whole,
        )
        assert found.group.tolist() == [0] * 9 + [1] * 10
        assert found.above[9:].tolist() == list(range(90, 100))
        # 90 people in nine stretches of ten: one of each
        assert (found.above[:9] // 10).tolist() == list(range(9))
