"""The pool seam `private`: none of the pool's pictures reach the judge; settings of conf are the methods' own."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from private_folder import rendered

from judge.errors import InputError
from judge.mitigation.pools import Private
from judge.privacy.pools import METHODS, SimPE

CONF = Path(__file__).parents[2] / "conf"
FACTS = {"data": "parametric", "real_people": False, "rating_range": (1.0, 10.0)}
TINY = {"size": 32, "side": 32, "rounds": 1, "candidates": 40, "workers": 1}


@pytest.mark.slow
def test_the_pool_is_replaced_by_as_many_who_do_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    source = rendered(130, tmp_path)
    pool = source.iloc[:100].assign(weight=2.0)
    method = Private(epsilon=20, settings=TINY, progress=False)
    made = method(pool, source, feature="gender", rng=np.random.default_rng(0), facts=FACTS)
    assert len(made) == 100
    assert list(made.columns) == list(pool.columns)
    assert not set(made["image_id"]) & set(source["image_id"])
    assert not set(made["path"]) & set(source["path"])
    assert all(Path(path).is_file() for path in made["path"])
    assert set(made["source"]) == {"generated"}
    assert set(made["rating_source"]) == {"private"}
    assert (made["weight"] == 1).all()
    assert made["rating"].between(1, 10).all()


def as_json(method):
    return json.dumps(asdict(method))


def test_settings_in_conf_are_the_methods_own():
    for name, kind in METHODS.items():
        told = yaml.safe_load((CONF / "private" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert told.pop("_target_") == f"judge.privacy.pools.{kind.__name__}"
        told.pop("_convert_")
        assert as_json(kind(**told)) == as_json(kind())
    told = yaml.safe_load((CONF / "mitigation" / "private.yaml").read_text(encoding="utf-8"))
    told.pop("_target_")
    assert Private(**told) == Private()
    assert SimPE().name == "sim_pe"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epsilon": 0}, "epsilon=0"),
        ({"method": "other"}, "method='other'"),
        ({"settings": {"rounds": 0}}, "rounds=0"),
        ({"settings": {"no_such": 0}}, "no_such"),
    ],
)
def test_a_wrong_setting_is_refused_when_the_settings_are_read(settings, named):
    with pytest.raises(InputError, match=named):
        Private(**settings)


def test_a_data_set_without_a_scale_is_refused(tmp_path):
    with pytest.raises(InputError, match="no scale"):
        Private()(None, None, feature="gender", rng=np.random.default_rng(0), facts=None)
