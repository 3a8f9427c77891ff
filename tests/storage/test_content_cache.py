"""The cache of content: what was put is found, in any company; damage is told and computed again; one root."""

import doctest
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.data.parametric.cache import picture_paths
from judge.data.parametric.people.population import sample
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.embedding import Embedding, embed
from judge.jury.faces.alignment import PortraitReader
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.symmetry import Symmetry
from judge.storage import ContentCache, DamagedShard, Found, cache, cache_root


def rows(keys, width=3):
    """Arrays whose rows can be told apart, and that a key alone determines."""
    return {"features": np.array([[hash_of(key) + k for k in range(width)] for key in keys], np.float32)}


def hash_of(key):
    return float(sum(map(ord, key)))


@pytest.fixture
def store(tmp_path):
    return ContentCache(tmp_path / "store")


@pytest.fixture(autouse=True)
def quiet():
    """A warning that a test does not expect fails it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DamagedShard)
        yield


def test_what_was_put_is_found_in_any_order_and_twice(store):
    store.put(["a", "b"], rows(["a", "b"]), [{"n": 1}, None])
    store.put(["c"], rows(["c"]))
    wanted = ["c", "x", "a", "b", "a", "x"]
    found = store.get(wanted)
    assert found.known.tolist() == [True, False, True, True, True, False]
    assert found.missing == [1]
    expected = rows(wanted)["features"]
    expected[[1, 5]] = 0
    np.testing.assert_array_equal(found.arrays["features"], expected)
    assert found.records == [None, None, {"n": 1}, None, {"n": 1}, None]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool"])
def test_numbers_come_back_to_the_bit_in_their_own_type(store, dtype):
    array = np.random.default_rng(2).integers(0, 2, (4, 2, 5)).astype(dtype)[:, ::-1]  # not contiguous
    store.put(list("abcd"), {"x": array, "empty": np.zeros((4, 0), dtype)})
    found = store.get(list("abcd")).arrays
    assert found["x"].dtype == array.dtype
    np.testing.assert_array_equal(found["x"], array)
    assert found["empty"].shape == (4, 0)


def test_records_come_back_with_nan_and_all_digits(store):
    store.put(["a"], {}, [{"x": 0.1 + 0.2, "y": float("nan"), "z": None, "n": 3, "t": "ü"}])
    record = store.get(["a"]).records[0]
    assert np.isnan(record.pop("y"))
    assert record == {"x": 0.1 + 0.2, "z": None, "n": 3, "t": "ü"}


def test_keys_with_records_only_are_known_and_leave_zeros_in_arrays(store):
    store.put(["a"], rows(["a"]))
    store.put(["b"], {}, ["no face"])
    found = store.get(["b", "a"])
    assert found.known.all()
    assert found.records == ["no face", None]
    assert found.arrays["features"][0].tolist() == [0, 0, 0]


def test_an_empty_cache_and_nobody_wanted_are_no_trouble(store):
    assert store.get(["a"]).missing == [0]
    store.put([], {})
    assert not store.folder.exists()
    store.put(["a"], rows(["a"]))
    assert store.get([]).missing == []


def test_lengths_that_differ_are_refused_before_anything_is_written(store):
    with pytest.raises(ValueError, match=r"2 keys, but rows: \{'features': 1\}"):
        store.put(["a", "b"], rows(["a"]))
    with pytest.raises(ValueError, match=r"\{'records': 1\}"):
        store.put(["a", "b"], {}, ["only one"])
    assert not store.folder.exists()


def test_what_is_known_is_not_overwritten_and_another_shape_is_refused():
    found = Found(["a", "b"])
    found.fill(["a"], rows(["a"]))
    found.fill(["b", "a"], {"features": np.ones((2, 3), np.float32)})
    assert found.arrays["features"].tolist() == [rows(["a"])["features"][0].tolist(), [1, 1, 1]]
    with pytest.raises(ValueError, match=r"features is float64 of \(3,\), not float32 of \(3,\)"):
        Found.fill(found, ["c"], {"features": np.ones((1, 3))})


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "cut in the header": lambda content: content[:40],
    "cut in the numbers": lambda content: content[:-5],
    "too long": lambda content: content + b"more",
    "zeros": lambda content: bytes(len(content)),
    "zeros in the numbers": lambda content: content[:-12] + bytes(12),
    "a bit of the numbers": lambda content: flipped(content, len(content) - 1),
    "a bit of a record": lambda content: flipped(content, content.index(b"whole")),
    "another file": lambda content: b"<html>not found</html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_named_and_missing_and_others_are_found(store, damage):
    store.put(["a", "b"], rows(["a", "b"]), ["whole", "whole"])
    (bad,) = store.folder.iterdir()
    store.put(["c"], rows(["c"]))
    bad.write_bytes(DAMAGES[damage](bad.read_bytes()))
    with pytest.warns(DamagedShard, match=bad.name) as told:
        found = store.get(["a", "b", "c"])
    assert len(told) == 1
    assert str(bad) in str(told[0].message)
    assert found.known.tolist() == [False, False, True]
    np.testing.assert_array_equal(found.arrays["features"], [[0] * 3, [0] * 3, *rows(["c"])["features"]])
    assert not bad.exists()  # told once, not in every run from now on
    store.put(["a", "b"], rows(["a", "b"]))
    assert store.get(["a", "b", "c"]).known.all()


def test_every_flipped_byte_is_noticed_or_changes_nothing(store):
    store.put(["a", "b"], rows(["a", "b"]), ["whole", 1.5])
    (file,) = store.folder.iterdir()
    content, expected, noticed = file.read_bytes(), rows(["a", "b"])["features"], 0
    for place in range(len(content)):
        file.write_bytes(flipped(content, place))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedShard)
            found = store.get(["a", "b"])
        noticed += not found.known.any()
        if found.known.any():
            np.testing.assert_array_equal(found.arrays["features"][found.known], expected[found.known])
            assert [found.records[k] for k in np.flatnonzero(found.known)] == [
                ["whole", 1.5][k] for k in np.flatnonzero(found.known)
            ]
    assert noticed > 0.9 * len(content)


def test_a_shard_that_may_not_be_read_is_told_and_left_alone(store, monkeypatch):
    store.put(["a"], rows(["a"]))

    def denied(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache, "safe_open", denied)
    with pytest.warns(DamagedShard, match="cannot be read"):
        assert store.get(["a"]).missing == [0]
    assert len(list(store.folder.iterdir())) == 1


def test_a_shard_that_goes_while_it_is_looked_for_is_missing_without_a_word(store, monkeypatch):
    store.put(["a"], rows(["a"]))
    monkeypatch.setattr(Path, "glob", lambda *_: [store.folder / "gone.safetensors"])
    assert store.get(["a"]).missing == [0]


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"file/store.*JUDGE_CACHE"):
        ContentCache(tmp_path / "file" / "store").put(["a"], {}, [1])


#: puts the same shards again and again, each with numbers of its own
PUTTING = """
import sys
import numpy as np
from judge.storage import ContentCache
store, value = ContentCache(sys.argv[1]), float(sys.argv[2])
for turn in range(60):
    for key in "ab":
        store.put([key, key * 2], {"x": np.full((2, 4000), value)}, [value, value])
"""


@pytest.mark.slow
def test_two_processes_that_write_the_same_shards_leave_whole_ones(store):
    both = [subprocess.Popen([sys.executable, "-c", PUTTING, store.folder, str(value)]) for value in (1, 2)]
    seen, reads = set(), 0
    while any(process.poll() is None for process in both):
        found = store.get(["a", "aa", "b", "bb"])
        for key in np.flatnonzero(found.known):
            value = found.records[key]
            assert (found.arrays["x"][key] == value).all(), (
                "numbers of one writer under the record of another"
            )
            seen.add(value)
            reads += 1
    assert [process.wait() for process in both] == [0, 0]
    assert reads > 10
    assert seen <= {1.0, 2.0}
    assert len(list(store.folder.iterdir())) == 2


def test_a_kill_while_shards_are_put_costs_no_shard_that_was_there(store):
    for delay in (0.0, 0.01, 0.03, 0.05):
        code = "import sys; print('begun', flush=True);" + PUTTING
        process = subprocess.Popen([sys.executable, "-c", code, store.folder, "1"], stdout=subprocess.PIPE)
        while not store.get(["a"]).known.all():
            assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()
        process.communicate()
        assert store.get(["a", "aa"]).known.all()


def test_shards_hold_no_pickle_and_can_be_read_by_anybody(store):
    from safetensors.numpy import load_file

    store.put(["a"], rows(["a"]))
    (file,) = store.folder.iterdir()
    np.testing.assert_array_equal(load_file(file)["features"], rows(["a"])["features"])
    with pytest.raises(ValueError, match=r"numbers.*'objects': 'object'"):
        store.put(["b"], {"objects": np.array([object()])})


def test_the_root_is_what_judge_cache_says_else_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("JUDGE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "judge"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == tmp_path / "home" / ".cache" / "judge"
    monkeypatch.setenv("JUDGE_CACHE", "~/mine")
    assert cache_root() == tmp_path / "home" / "mine"
    monkeypatch.setenv("JUDGE_CACHE", "mine")
    assert cache_root() == Path.cwd() / "mine"
    monkeypatch.setenv("JUDGE_CACHE", "")
    assert cache_root() == tmp_path / "home" / ".cache" / "judge"


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(5)
    table = []
    for k in range(4):
        file = tmp_path / f"{k}.png"
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(file)
        table.append({"image_id": f"p{k}", "path": str(file), "rating": float(k)})
    return pd.DataFrame(table)


def test_all_four_caches_lie_in_the_one_root(monkeypatch, tmp_path, pictures):
    root = tmp_path / "root"
    monkeypatch.setenv("JUDGE_CACHE", str(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not here"))
    paths = picture_paths(sample(1, seed=1), size=32)["path"]
    assert Path(paths.iloc[0]).is_relative_to(root / "parametric")

    embed(pictures, Embedding(backbone="test_efficientnet", weights="none", size=32), progress=False)
    assert list((root / "embeddings").rglob("*.safetensors"))

    # views are large: they are cached where a judge is told a root, and not by themselves
    judge = CnnJudge(
        backbone="test_efficientnet",
        weights="none",
        size=32,
        views=1,
        cache=str(cache_root()),
        progress=False,
    )
    judge.training = judge.training.__class__(epochs=1, batch=2, train_from_stage=2, ema_half_life=None)
    judge.fit(pictures, rating_range=(0, 5), seed=0)
    assert list((root / "views").rglob("*.safetensors"))

    cached_measurements([Symmetry()], PortraitReader(), pictures)
    assert list((root / "robots").rglob("*.safetensors"))
    assert {place.name for place in root.iterdir()} == {"embeddings", "views", "robots"}
    assert not (tmp_path / "not here" / "judge").exists()


def test_features_of_a_damaged_shard_are_computed_again_to_the_bit(tmp_path, pictures):
    what = Embedding(backbone="test_efficientnet", weights="none", size=32)
    whole, _, _ = embed(pictures, what, cache=tmp_path / "cache", progress=False)
    (shard,) = (tmp_path / "cache").rglob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.warns(DamagedShard, match=shard.name):
        again, kept, _ = embed(pictures, what, cache=tmp_path / "cache", progress=False)
    np.testing.assert_array_equal(whole, again)
    assert len(kept) == 4


def test_a_light_command_gets_storage_without_torch_and_pandas():
    code = "import judge.storage, sys; print(sorted({'torch', 'pandas', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_examples_run():
    assert doctest.testmod(cache).failed == 0
    assert doctest.testmod(cache).attempted > 0
