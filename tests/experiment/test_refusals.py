"""What cannot work is refused before anything is drawn, read or trained, in one line."""

import pytest
from hydra import compose, initialize_config_module

from judge.data.parametric import cache
from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.experiment.run import run


@pytest.fixture
def no_faces(monkeypatch):
    def no(*args, **kwargs):
        raise AssertionError("a face was drawn")

    monkeypatch.setattr(cache, "draw_pictures", no)
    monkeypatch.setattr(cache, "_results", no)


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
        ("judge.training.lr=-1", "training.lr=-1: a number over 0"),
        ("judge.training.epochs=0", "training.epochs=0"),
        ("judge.training.lr=quick", "training.lr='quick': a number is needed"),
        ("+judge.training.lrr=1", "judge: .*lrr"),
        ("judge.backbone=resnet_of_mine", "judge.backbone='resnet_of_mine'"),
        ("judge.weights=nowhere.safetensors", "judge.weights='nowhere.safetensors'"),
        ("judge.size=-3", "judge.size=-3"),
        ("judge.dropout=2", "judge.dropout=2"),
        ("judge.loss.levels=1", "loss.levels=1"),
        ("+judge.augmentation.flip=2", "augmentation.flip=2"),
        (
            "device.accelerator=abacus",
            "device.accelerator='abacus': one of 'auto', 'cpu', 'cuda', 'mps'; there is",
        ),
        ("device.precision=double", "device.precision='double': one of"),
        ("device.devices=0", "device.devices=0: a whole number from 1"),
        ("+judge.training.accelerator=abacus", "accelerator='abacus'"),
        ("mitigation.shares={african:0.5}", "shares are at least 0 and sum to 1"),
        ("+mitigation.share=equal", "conditions.rebalanced.pool: .*share"),
        (
            "+conditions.x={scores: {_target_: judge.mitigation.scores.StandardiseWithin, min_people: 0}}",
            "min_people",
        ),
        ("+conditions.x={pool: {_target_: judge.mitigation.pools.Redrawn}}", "cannot be found"),
        ("data.n=-5", "n"),
        ("data.size=7", "size"),
        ("data.camera=dark", "camera"),
        ("+data.colour=red", r"data \(read_parametric\): .*colour"),
        ("+contest.place=3", "contest: .*place"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_a_face_is_drawn(tmp_path, no_faces, override, message):
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=["data.n=120", "pool.n=24", "entrants.n=30", override])
    with pytest.raises(InputError, match=message):
        run(settings, tmp_path / "run")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("jury.robots.symmetry.channel=violet", "symmetry: channel is red or grey"),
        ("+jury.robots.symmetry.chanel=red", "jury.robots.symmetry: .*chanel"),
        ("+jury.robots.charm={_target_: judge.jury.robots.Charm}", "jury.robots.charm: .*Charm"),
        ("jury.reader.size=-1", "size at least 48.*given size=-1"),
        ("+jury.reader.depth=1", "jury.reader: .*depth"),
        ("jury.models.n=0", "models.n is at least 1"),
        ("jury.chunk=0", "jury.chunk"),
        ("jury.panel.rule=fair", "'fair'"),
    ],
)
def test_a_wrong_robot_is_refused_before_a_face_is_drawn(tmp_path, no_faces, override, message):
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose(
            "config", overrides=["data.n=120", "pool.n=24", "entrants.n=30", "jury=full", override]
        )
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
