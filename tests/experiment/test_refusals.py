"""What cannot work is refused before anything is drawn, read or trained, in one line."""

import pytest
from hydra import compose, initialize_config_module

from judge.data.parametric import cache
from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.experiment.run import run


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pool.n=1000000000000", r"too few pictures for n = 1000000000000: .* at most n = \d+ can be drawn"),
        ("pool.n=500", "too few pictures for n = 500"),
        ("entrants.n=100000", "too few pictures for n = 100000"),
        ("pool.feature=shoe", "pool.feature='shoe': the data set has no such labels"),
        ("pool.majority=martian", "the majority group is one of .* not 'martian'"),
        ("seed=-1", "seed is a whole number from 0 to 4,294,967,295; given -1"),
        ("seed=99999999999999", "seed is a whole number from 0"),
        ("entrants.seed=-4", "entrants.seed is a whole number"),
        ("audit.n_permutations=1000000000000", "audit.n_permutations is a whole number from 1 to 1,000,000"),
        ("audit.n_permutations=0", "audit.n_permutations is a whole number"),
        ("threads=0", "threads is a whole number from 1"),
        ("contest.places=0", "contest.places is at least 1"),
        ("data.n=100000000000", "at most 20,000,000 people"),
        ("name=../../out", "name='../../out': a folder below runs/"),
        ("name=/tmp/out", "a folder below runs/"),
        ("name=.hidden", "a folder below runs/"),
        ("audit.reference=martian", "nobody of that group entered"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_a_face_is_drawn(
    tmp_path, monkeypatch, override, message
):
    def no(*args, **kwargs):
        raise AssertionError("a face was drawn")

    monkeypatch.setattr(cache, "draw_pictures", no)
    monkeypatch.setattr(cache, "_results", no)
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=["data.n=120", "pool.n=24", "entrants.n=30", override])
    with pytest.raises(InputError, match=message):
        run(settings, tmp_path / "run")


def test_only_the_people_of_a_run_are_drawn(tmp_path):
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose(
            "config",
            overrides=[
                "data.n=300",
                f"data.cache_dir={tmp_path / 'faces'}",
                "data.size=32",
                "data.progress=false",
                "pool.n=40",
                "entrants.n=30",
                "judge=embedding",
                "report.page=false",
            ],
        )
    done = run(settings, tmp_path / "run")
    drawn = len(list((tmp_path / "faces").rglob("*.jpg")))
    assert done["entrants"] == 30
    assert (
        70 <= drawn <= 130
    )  # two pools of 40, which share pictures, the entrants, and people for calibration
