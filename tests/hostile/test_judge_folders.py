"""A judge's folder from a stranger, or from a disk that was full: one line that names the file, or finite scores."""

import json

import numpy as np
import pytest
from rated_squares import rated_squares
from safetensors.torch import load_file, save_file

from judge.errors import InputError
from judge.jury.beauty import CnnJudge, Training
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.loading import load_judge

SEED = 13


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    """(folder of a saved network, folder of a saved regression, pictures to score)."""
    home = tmp_path_factory.mktemp("judges")
    people = rated_squares(home / "pictures", n=24)
    network = CnnJudge(
        backbone="test_efficientnet",
        weights="none",
        size=32,
        training=Training(epochs=1, batch=8),
        progress=False,
    )
    network.fit(people, people.head(6), rating_range=(1, 9), seed=0, workdir=home / "work").save(home / "cnn")
    ridge = EmbeddingJudge(
        embedding=Embedding(backbone="test_efficientnet", weights="none", size=32),
        cache=str(home / "cache"),
        progress=False,
    )
    ridge.fit(people, rating_range=(1, 9), seed=0).save(home / "embedding")
    return home / "cnn", home / "embedding", people.head(3)


def damaged_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    way = rng.integers(5)
    if way == 0:
        return bytes(out[: rng.integers(0, len(out))])
    if way == 1:  # the length of the header
        out[:8] = rng.integers(0, 256, 8, dtype=np.uint8).tobytes()
    elif way == 2:  # the header
        for at in rng.integers(8, min(len(out), 600), 3):
            out[at] = rng.integers(32, 127)
    elif way == 3:
        out += b"\0" * int(rng.integers(1, 99))
    else:
        start = int(rng.integers(0, len(out)))
        out[start : start + 64] = b"\xff" * len(out[start : start + 64])
    return bytes(out)


def damaged_facts(text: str, rng: np.random.Generator) -> str:
    facts = json.loads(text)
    way = rng.integers(4)
    if way == 0:
        return text[: rng.integers(0, len(text))]
    place = facts
    while True:  # walk to any place of the tree, then spoil it
        if isinstance(place, dict) and place:
            key = sorted(place)[rng.integers(len(place))]
        elif isinstance(place, list) and place:
            key = int(rng.integers(len(place)))
        else:
            return json.dumps([facts])
        if not isinstance(place[key], (dict, list)) or not place[key] or rng.random() < 0.4:
            break
        place = place[key]
    if way == 1 and isinstance(place, dict):
        del place[key]
    else:
        place[key] = [None, "x", -1, 10**12, [], {}, [1, 2], 0.5, True][rng.integers(9)]
    return json.dumps(facts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cnn", "embedding"])
@pytest.mark.parametrize("part", ["model.safetensors", "judge.json"])
def test_a_damaged_folder_is_refused_in_one_line_or_judges_with_finite_scores(judges, tmp_path, kind, part):
    folder = judges[0] if kind == "cnn" else judges[1]
    rng = np.random.default_rng([SEED, kind == "cnn", part == "judge.json"])
    for name in ("judge.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    refused = 0
    for _ in range(60):
        if part == "judge.json":
            (tmp_path / part).write_text(damaged_facts((folder / part).read_text(), rng))
        else:
            (tmp_path / part).write_bytes(damaged_bytes((folder / part).read_bytes(), rng))
        try:
            scores, _ = load_judge(tmp_path).score(judges[2])
        except InputError as error:
            refused += 1
            assert str(tmp_path) in str(error) or "scoring." in str(error), error
            continue
        assert np.isfinite(scores["score"]).all()
    assert refused > 10


@pytest.mark.parametrize("kind", ["cnn", "embedding"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_judge_nobody(judges, tmp_path, kind, value):
    folder = judges[0] if kind == "cnn" else judges[1]
    (tmp_path / "judge.json").write_bytes((folder / "judge.json").read_bytes())
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel())
    tensors[name] = tensors[name].clone()
    tensors[name].view(-1)[0] = value
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=rf"model.safetensors: 1 of \d+ numbers of '{name}' are not finite"):
        load_judge(tmp_path)


@pytest.mark.parametrize("kind", ["cnn", "embedding"])
def test_the_weights_of_another_judge_are_refused(judges, tmp_path, kind):
    mine, other = judges[:2] if kind == "cnn" else judges[1::-1]
    (tmp_path / "judge.json").write_bytes((mine / "judge.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match="holds no judge that can be read"):
        load_judge(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match="holds no judge that can be read"):
        load_judge(tmp_path)


@pytest.mark.parametrize("kind", ["cnn", "embedding"])
def test_a_judges_file_names_no_folder_that_is_written_to(judges, tmp_path, kind):
    folder = judges[0] if kind == "cnn" else judges[1]
    for name in ("judge.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    facts = json.loads((folder / "judge.json").read_text())
    for cache in (str(tmp_path / "elsewhere"), True, ["a"]):
        facts["settings"]["cache"] = cache
        (tmp_path / "judge.json").write_text(json.dumps(facts))
        load_judge(tmp_path).score(judges[2])
    assert not (tmp_path / "elsewhere").exists()
