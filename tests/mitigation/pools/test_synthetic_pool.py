"""Gaps are filled with generated people, by number; what stays is what a redraw keeps; a run of it ends in a page."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import judge
from judge.errors import InputError
from judge.generator import load_generator
from judge.generator.export import sample_folder
from judge.mitigation.pools import Redraw, Synthetic

TINY = {
    "size": 16, "widths": [8, 8], "latent": 4, "batch": 16, "pictures": 32, "warm_up": 16, "evaluate_every": 32,
    "checkpoint_every": None, "precision": "float32",
}  # fmt: skip
FACTS = {"data": "some", "real_people": False, "rating_range": (1.0, 10.0)}


@pytest.fixture
def source(tmp_path, monkeypatch):
    """60 of a, 60 of b, both genders, grey pictures of 16 px."""
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    n = 120
    table = pd.DataFrame(
        {
            "image_id": [f"p{i:03d}" for i in range(n)],
            "ethnicity": np.repeat(["a", "b"], n // 2),
            "gender": np.resize(["female", "male"], n),
            "age": rng.uniform(20, 60, n),
            "rating": rng.uniform(2, 9, n),
            "rating_source": "given",
            "source": "parametric",
        }
    )
    table["path"] = [str(tmp_path / f"{name}.png") for name in table["image_id"]]
    for path in table["path"]:
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return table


@pytest.fixture
def pool(source):
    """32 of a, 8 of b"""
    return pd.concat([source.iloc[:32], source.iloc[60:68]], ignore_index=True)


def applied(method, pool, source, seed=0):
    more = {"facts": FACTS} if isinstance(method, Synthetic) else {}
    return method(pool, source, feature="ethnicity", rng=np.random.default_rng(seed), **more)


def test_gaps_are_filled_by_number_and_the_rest_is_what_a_redraw_keeps(pool, source, caplog):
    caplog.set_level(logging.INFO, "judge")
    before = pool.copy()
    method = Synthetic(jointly="gender", training=TINY, progress=False)
    filled = applied(method, pool, source)
    assert filled["ethnicity"].value_counts().to_dict() == {"a": 20, "b": 20}
    new = filled[filled["source"] == "generated"]
    assert new["ethnicity"].tolist() == ["b"] * 12
    assert filled["gender"].value_counts().to_dict() == {"female": 20, "male": 20}
    redrawn = set(applied(Redraw(jointly="gender"), pool, source)["image_id"])
    assert set(filled["image_id"]) & set(pool["image_id"]) == redrawn & set(pool["image_id"])
    assert filled["image_id"].is_unique and new["image_id"].str.startswith("g-").all()
    assert new["rating"].between(2, 9).all() and new["rating"].nunique() > 6
    assert set(new["rating_source"]) == {"asked"}
    assert all(Image.open(path).size == (16, 16) for path in new["path"])
    assert list(filled.columns) == list(pool.columns)
    pd.testing.assert_frame_equal(pool, before)
    assert "training a generator of 40 pictures" in caplog.text
    assert "12 of 40 pictures of the pool replaced by generated people" in caplog.text
    # not trained again, in whatever order the pool comes; other settings are another training
    caplog.clear()
    shuffled = pool.sample(frac=1, random_state=0).reset_index(drop=True)
    again = applied(method, shuffled, source)
    assert set(again["image_id"]) == set(filled["image_id"])
    assert "training a generator" not in caplog.text
    other = applied(Synthetic(jointly="gender", training=TINY | {"lr": 1e-3}, progress=False), pool, source)
    assert not set(other["image_id"]) & set(new["image_id"])


def test_names_of_groups_may_hold_a_slash(pool, source):
    names = {"a": "white", "b": "asian/pacific", "female": "woman/girl", "male": "man"}
    renamed = [table.replace({"ethnicity": names, "gender": names}) for table in (pool, source)]
    filled = applied(Synthetic(jointly="gender", training=TINY, progress=False), *renamed)
    new = filled[filled["source"] == "generated"]
    assert new.groupby(["ethnicity", "gender"]).size().to_dict() == {
        ("asian/pacific", "man"): 6,
        ("asian/pacific", "woman/girl"): 6,
    }


def test_a_generator_of_other_data_needs_no_training_and_fills_empty_groups(pool, source, tmp_path):
    applied(Synthetic(training=TINY, progress=False), pool, source)
    folder = next((tmp_path / "cache" / "generated" / "generators").iterdir())
    only_a = source.iloc[:30].reset_index(drop=True)
    filled = applied(Synthetic(generator=str(folder), shares={"a": 0.2, "b": 0.8}), only_a, source)
    assert filled["ethnicity"].value_counts().to_dict() == {"b": 24, "a": 6}
    assert load_generator(folder).facts["data"] == "a pool of some"
    with pytest.raises(InputError, match="no picture of 'b'"):
        applied(Synthetic(training=TINY), only_a, source)
    with pytest.raises(InputError, match="knows ethnicity 'a', 'b', and the pool needs 'c'"):
        three = source.assign(ethnicity=source["ethnicity"].where(source.index % 20 > 0, "c"))
        applied(Synthetic(generator=str(folder)), only_a, three)
    with pytest.raises(InputError, match="ratings from 1 to 10, the pool has 1 to 5"):
        Synthetic(generator=str(folder))(
            pool, source, feature="ethnicity", rng=np.random.default_rng(0),
            facts=FACTS | {"rating_range": (1, 5)},
        )  # fmt: skip


def test_wrong_settings_are_refused_before_any_work():
    with pytest.raises(InputError, match="psi=2"):
        Synthetic(psi=2)
    with pytest.raises(InputError, match=r"generator\.size"):
        Synthetic(training={"size": 17})
    with pytest.raises(InputError, match="sise"):
        Synthetic(training={"sise": 16})


def test_a_balanced_pool_is_left_as_it_is(pool, source):
    even = source.iloc[40:80].reset_index(drop=True)
    pd.testing.assert_frame_equal(applied(Synthetic(training=TINY), even, source), even)


@pytest.mark.slow
def test_a_run_fills_its_pool_and_ends_in_a_page(tmp_path, monkeypatch, source):
    # the people of the run are generated, too: judge data generated as the data of a run
    generator = Synthetic(training=TINY, progress=False)._trained(source, "ethnicity", FACTS, 0)
    shares = {"ethnicity": {"a": 0.7, "b": 0.3}}
    sample_folder(generator, 160, tmp_path / "people", shares=shares, progress=False)
    method = {"_target_": "judge.mitigation.pools.Synthetic", "progress": False, "training": TINY}
    folder = tmp_path / "run"
    run = judge.run(
        [
            "data=generated", f"data.root={tmp_path / 'people'}", "pool.majority=a", "pool.n=40", "pool.jointly=null",
            "pool.majority_share=.8", "entrants.n=20", "judge=embedding", "judge.embedding.size=32", "threads=1",
            "audit.n_permutations=100", "contest=within_gender", "contest.places=2",
            "~conditions.rebalanced", f"+conditions.synthetic={json.dumps(method)}".replace('"', ""),
        ],
        folder=folder,
    )  # fmt: skip
    people, members = run.table("manifest"), run.table("membership")
    own = members[(members["condition"] == "synthetic") & members["role"].isin(["train", "validation"])]
    new = own[~own["image_id"].isin(members.loc[members["condition"] == "skewed", "image_id"])]
    assert len(new) == 20 - 8 and new["rating"].notna().all()
    paths = people.set_index("image_id").loc[new["image_id"], "path"]
    assert paths.str.startswith(str(tmp_path / "cache" / "generated" / "people")).all()
    assert run.summary["pool_n"]["synthetic"] == 40
    assert run.summary["pool_shares"]["synthetic"] == {"a": 0.5, "b": 0.5}
    assert (folder / "page.html").is_file()
    assert set(run.ranking["condition"]) == {"skewed", "synthetic"}
