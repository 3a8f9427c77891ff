"""Sizes and groups that fit: what is chosen, and what is proposed where something was asked that does not fit."""

import re

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from PIL import Image

from judge.errors import InputError
from judge.experiment.choices.fitting import checked_draw, fitted

NEEDS_20 = (
    "+conditions.within={scores: {_target_: judge.mitigation.scores.StandardiseWithin, min_people: 20}}"
)


def folder(path, groups, *, gender=True, ratings=True):
    """Pictures with a table; groups: name → number."""
    path.mkdir()
    rng = np.random.default_rng(0)
    labels = [name for name, n in groups.items() for _ in range(n)]
    for i in range(len(labels)):
        Image.fromarray(rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)).save(path / f"{i}.png")
    rows = pd.DataFrame({"path": [f"{i}.png" for i in range(len(labels))], "ethnicity": labels})
    if gender:
        rows["gender"] = [("female", "male")[i % 2] for i in range(len(labels))]
    if ratings:
        rows["rating"] = 1 + 6 * rng.random(len(labels))
    rows.to_csv(path / "labels.csv", index=False)
    return path


def settings(data, *overrides):
    words = ["data=folder", f"data.root={data}", "judge=embedding", *overrides]
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=words)


def test_what_is_not_set_is_chosen_so_that_it_can_be_drawn_and_said(tmp_path, caplog):
    data = folder(tmp_path / "data", {"white": 220, "black": 80, "asian": 100, "other": 6})
    with caplog.at_level("INFO", logger="judge"):
        experiment = fitted(settings(data))
    pool = experiment.pool
    assert (pool.feature, pool.majority, pool.jointly, pool.groups) == (
        "ethnicity", "white", "gender", ["asian", "black", "white"]
    )  # fmt: skip
    # about 48 black people can train, 24 of each gender: equal shares of three groups allow 144, of which 5 % are left
    assert 115 <= pool.n <= 144
    # 32 black people are held out: equal shares allow 96
    assert 80 <= experiment.entrants.n <= 96
    assert f"pool.n={pool.n} entrants.n={experiment.entrants.n}" in caplog.text
    assert "pool.groups=[asian,black,white]" in caplog.text
    drawn = checked_draw(experiment)
    assert {len(pool) for pool in drawn.pools.values()} == {pool.n}
    assert (drawn.excluded["reason"] == "outside pool.groups").sum() == 6


def test_the_size_is_the_same_for_every_share_and_seed_of_a_sweep(tmp_path):
    data = folder(tmp_path / "data", {"white": 150, "black": 60})
    sizes = {
        (e.pool.n, e.entrants.n)
        for share in (".5", ".7", ".95")
        for seed in (0, 1)
        for e in [fitted(settings(data, f"pool.majority_share={share}", f"seed={seed}"))]
    }
    assert len(sizes) == 1


def test_where_all_fits_the_usual_sizes_are_taken_and_nothing_is_said(caplog):
    with initialize_config_module("judge.conf", version_base="1.3"):
        auto = compose("config", overrides=["judge=embedding"])
        told = [
            "pool.n=300",
            "entrants.n=300",
            "pool.majority=caucasian",
            "pool.jointly=gender",
            "pool.groups=null",
        ]
        usual = compose("config", overrides=["judge=embedding", "pool.feature=ethnicity", *told])
    with caplog.at_level("INFO", logger="judge"):
        assert fitted(auto).digest == fitted(usual).digest
    assert "chosen" not in caplog.text


def test_people_of_no_gender_are_balanced_by_none_and_the_largest_group_is_the_majority(tmp_path):
    data = folder(tmp_path / "data", {"a": 60, "b": 100}, gender=False)
    pool = fitted(settings(data)).pool
    assert (pool.jointly, pool.majority, pool.groups) == (None, "b", None)


def test_people_without_gender_and_age_have_one_bracket_and_are_refused_before_training_where_others_are_set(
    tmp_path,
):
    data = folder(tmp_path / "data", {"a": 60, "b": 100}, gender=False)
    assert list(fitted(settings(data)).contest.brackets) == []
    told = ["pool.n=40", "entrants.n=30", "pool.majority=a", "pool.jointly=null", "pool.groups=null"]
    with pytest.raises(InputError, match=r"contest\.brackets=\[gender,age_group\]: nobody who enters has"):
        checked_draw(fitted(settings(data, *told, "pool.feature=ethnicity")))


def test_groups_may_be_genders_where_nothing_else_is_known(tmp_path):
    data = folder(tmp_path / "data", {"one": 120})
    pool = fitted(settings(data)).pool
    assert (pool.feature, pool.jointly) == ("gender", None)
    assert set(checked_draw(fitted(settings(data))).pools["skewed"]["gender"]) == {"female", "male"}


@pytest.mark.parametrize(
    "overrides",
    [
        ["pool.n=300", "entrants.n=300"],
        ["pool.n=40", "entrants.n=300"],
        ["pool.n=300", "entrants.n=20"],
        ["pool.n=60", "entrants.n=80", NEEDS_20],
        ["pool.n=5000", "entrants.n=null"],
    ],
)
def test_what_does_not_fit_is_answered_with_one_set_of_values_that_does(tmp_path, overrides):
    data = folder(tmp_path / "data", {"white": 150, "black": 90})
    with pytest.raises(InputError, match=r"What fits all at once: pool\.n=\d+ entrants\.n=\w+") as refusal:
        checked_draw(fitted(settings(data, *overrides)))
    told = re.search(r"What fits all at once: (.*)$", str(refusal.value))[1].split()
    keys = [word.partition("=")[0] for word in told]
    rest = [word for word in overrides if word.partition("=")[0] not in keys]
    drawn = checked_draw(fitted(settings(data, *rest, *told)))
    assert len(drawn.pools["skewed"]) >= 20


def test_a_proposal_leaves_out_groups_that_are_too_small_and_says_so(tmp_path):
    data = folder(tmp_path / "data", {"white": 150, "black": 90, "other": 3})
    with pytest.raises(InputError, match=r"'pool\.groups=\[black,white\]'"):
        checked_draw(fitted(settings(data, "pool.n=60", "entrants.n=40", "pool.groups=null")))


def test_no_sizes_are_proposed_where_sizes_are_not_what_is_wrong(tmp_path):
    data = folder(tmp_path / "data", {"white": 150, "black": 90})
    with pytest.raises(InputError, match="the majority group is one of") as refusal:
        checked_draw(fitted(settings(data, "pool.majority=martian", "pool.n=40", "entrants.n=40")))
    assert "What fits" not in str(refusal.value)


def test_people_without_ratings_are_told_what_they_can_do(tmp_path):
    data = folder(tmp_path / "data", {"white": 60, "black": 60}, ratings=False)
    with pytest.raises(InputError, match=r"has no ratings.*data@entrants_data=NAME"):
        fitted(settings(data))


def test_a_contest_that_most_entrants_win_is_told(tmp_path, caplog):
    data = folder(tmp_path / "data", {"white": 60, "black": 60})
    checked_draw(fitted(settings(data, "contest.places=20")))
    assert re.search(
        r"\d+ of \d+ entrants win \(20 places in each of 2 brackets\).*contest\.places=\d", caplog.text
    )
