"""judge/jury/loading.py: judges are read back from their folders, and found in the folder of a run."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest

import judge.jury
import judge.jury.network
from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.embedding import EmbeddingJudge
from judge.jury.loading import judge_folders, load_judge
from judge.mitigation.objectives import MatchFeatures, MatchScores


def test_a_folder_that_holds_no_judge_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no judge\.json"):
        load_judge(tmp_path)
    (tmp_path / "judge.json").write_text('{"kind": "oracle"}')
    with pytest.raises(InputError, match=r"kind='oracle'.*cnn.*embedding"):
        load_judge(tmp_path)
    (tmp_path / "judge.json").write_text("{")
    with pytest.raises(InputError, match="not a judge's file"):
        load_judge(tmp_path)


OWN = """
import json
from pathlib import Path

class Constant:
    kind = "my_constant_judge:Constant"

    def __init__(self, value):
        self.value = value

    def score(self, manifest):
        return manifest[["image_id"]].assign(score=self.value), None

    @classmethod
    def load(cls, folder, facts):
        return cls(facts["value"])

class Stranger(Constant):
    pass
"""


def test_a_judge_of_ones_own_is_found_by_the_path_that_it_names(tmp_path, monkeypatch):
    (tmp_path / "my_constant_judge.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "judge.json"
    file.write_text('{"kind": "my_constant_judge:Constant", "value": 4.5}')
    kind = "my_constant_judge:Constant"
    with pytest.raises(
        InputError, match=r"would import the module 'my_constant_judge', which you have not named"
    ):
        load_judge(tmp_path)
    assert "my_constant_judge" not in sys.modules
    scores, _ = load_judge(tmp_path, own=[kind]).score(pd.DataFrame({"image_id": ["a"]}))
    assert scores.to_numpy().tolist() == [["a", 4.5]]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no_such_module:Judge", "'no_such_module' cannot be imported.*PYTHONPATH"),
        (":Judge", "cannot be imported"),
        ("pickle:Unpickler", "'pickle:Unpickler' is no judge"),  # imported by everybody
        ("os:system", "is no judge"),
        ("my_constant_judge:Stranger", "is no judge"),
        ("my_constant_judge:Nobody", "is no judge"),
        (7, "kind=7; allowed are 'cnn', 'embedding'"),
    ],
)
def test_only_a_class_that_calls_itself_a_judge_is_loaded(kind, message, tmp_path, monkeypatch):
    (tmp_path / "my_constant_judge.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "judge.json").write_text(json.dumps({"kind": kind}))
    with pytest.raises(InputError, match=message):
        load_judge(tmp_path, own=[str(kind)])


def test_a_judges_file_imports_no_module_by_itself(tmp_path, monkeypatch):
    trace = tmp_path / "it-ran"
    (tmp_path / "planted.py").write_text(f"open({str(trace)!r}, 'w').close()")
    monkeypatch.syspath_prepend(tmp_path)
    for kind in ("planted:Judge", "planted", "this:s", ["planted:Judge"], {"a": 1}, None):
        (tmp_path / "judge.json").write_text(json.dumps({"kind": kind}))
        with pytest.raises(InputError, match=r"you have not named|allowed are 'cnn'"):
            load_judge(tmp_path)
    assert not trace.exists()


def test_a_network_saved_without_its_spec_says_that_it_has_to_be_trained_again(tmp_path):
    (tmp_path / "judge.json").write_text('{"kind": "cnn", "settings": {}}')
    with pytest.raises(InputError, match="does not say what the network is made of; train it again"):
        load_judge(tmp_path)


@pytest.fixture
def run(tmp_path):
    """A finished run: `plain` is the baseline, `within` uses its judge, `drawn` has its own."""
    for name in ("drawn", "plain"):
        (tmp_path / "judges" / name).mkdir(parents=True)
        (tmp_path / "judges" / name / "judge.json").touch()
    done = {
        "conditions": ["plain", "within", "drawn"],
        "baseline": "plain",
        "trained_as": {"within": "plain"},
    }
    (tmp_path / "done.json").write_text(json.dumps(done))
    return tmp_path


def test_the_judges_of_a_run_come_in_its_order_and_one_that_was_trained_as_another_has_that_folder(run):
    judges = run / "judges"
    assert list(judge_folders(run).items()) == [
        ("plain", judges / "plain"),
        ("within", judges / "plain"),
        ("drawn", judges / "drawn"),
    ]
    assert judge_folders(run, "within") == {"within": judges / "plain"}


def test_a_condition_with_a_judge_of_its_own_is_not_given_the_one_it_was_trained_as(run):
    (run / "judges" / "within").mkdir()
    (run / "judges" / "within" / "judge.json").touch()
    assert judge_folders(run, "within") == {"within": run / "judges" / "within"}


def test_a_condition_that_the_run_has_not_and_a_judge_that_was_not_saved_are_named(run):
    with pytest.raises(InputError, match="condition='fair'; there is 'plain', 'within', 'drawn'"):
        judge_folders(run, "fair")
    (run / "judges" / "plain" / "judge.json").unlink()
    with pytest.raises(InputError, match=r"no saved judge 'plain', 'within' .*save_judges=true"):
        judge_folders(run)
    assert list(judge_folders(run, "drawn")) == ["drawn"]


def test_a_run_that_was_killed_has_its_judges_by_name_and_an_empty_folder_has_none(run, tmp_path):
    (run / "done.json").unlink()
    assert list(judge_folders(run)) == ["drawn", "plain"]
    assert judge_folders(run / "judges" / "drawn") == {"drawn": run / "judges" / "drawn"}
    with pytest.raises(InputError, match="holds no saved judge none"):
        judge_folders(tmp_path / "nothing")


def test_a_judge_says_why_it_cannot_take_an_objective_and_refuses_one_before_it_reads_a_picture():
    network, ridge, groups = CnnJudge(), EmbeddingJudge(), Groups("gender", ("men", "women"))
    assert network.refusal("objective", MatchFeatures) is None
    assert ridge.refusal("objective", MatchScores) is None
    unreadable = pd.DataFrame({"image_id": list("abc"), "path": "nowhere.png", "rating": np.arange(3.0)})
    for method in (MatchFeatures, partial(MatchFeatures, strength=2.0)):
        assert "features are frozen, and MatchFeatures asks for others" in ridge.refusal("objective", method)
        with pytest.raises(InputError, match="frozen"):
            ridge.fit(unreadable, rating_range=(0, 9), seed=0, objective=method, groups=groups)
    with pytest.raises(InputError, match="needs the groups"):
        ridge.fit(unreadable, rating_range=(0, 9), seed=0, objective=MatchScores)


@pytest.mark.parametrize("room", [judge.jury, judge.jury.network], ids=lambda room: room.__name__)
def test_every_public_name_is_there_and_no_other(room):
    for name in room.__all__:
        assert getattr(room, name).__name__ == name or name.startswith("Objective")
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        room.Oracle  # noqa: B018


def test_importing_the_jury_imports_no_torch():
    rooms = "judge.jury.network, judge.jury.network.identity, judge.jury.loading"
    code = f"import sys, {rooms}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
