"""Both refits on both judges: what is read, scored, saved and read back."""

import json

import numpy as np
import pandas as pd
import pytest
from rated_squares import rated_squares
from safetensors.torch import load_file, save_file

from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.loading import load_judge
from judge.jury.network.engine import Scoring, build_engine
from judge.jury.network.losses import LabelDistribution, SquaredError
from judge.jury.network.pictures import load_pictures
from judge.jury.network.training import Training
from judge.jury.ridge import Projection, Ridge
from judge.mitigation.refits import EraseGroup, LastLayer

pytestmark = pytest.mark.slow
METHODS = {"leace": EraseGroup(dimensions=8), "last_layer": LastLayer(draws=3)}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """90 squares: 40 train, 30 are held out, 20 are judged. Two groups, of which one is rated a point lower."""
    table = rated_squares(tmp_path_factory.mktemp("squares"), n=90)
    low = np.arange(90) % 3 == 0
    return table.assign(gender=np.where(low, "men", "women"), rating=(table["rating"] - low).clip(1, 9))


@pytest.fixture(scope="module")
def trained(manifest, tmp_path_factory):
    """Kind → folder of a saved judge."""
    home = tmp_path_factory.mktemp("judges")
    judges = {
        name: CnnJudge(
            backbone="test_efficientnet", weights="none", size=32, loss=loss, progress=False, scoring=scoring,
            training=Training(epochs=2, batch=8, lr=3e-3),
        )
        for name, loss, scoring in (
            ("cnn", SquaredError(), Scoring()),
            ("levels", LabelDistribution(), Scoring(mirror=True)),
        )
    }  # fmt: skip
    judges["embedding"] = EmbeddingJudge(
        Embedding("test_efficientnet", "none", 32), progress=False, cache=str(home / "cache")
    )
    for name, judge in judges.items():
        judge.fit(manifest[:40], rating_range=(1, 9), seed=0).save(home / name)
    return {name: home / name for name in judges}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path_factory.getbasetemp() / "embedded"))


def refitted(folder, method, manifest):
    return method(
        load_judge(folder), manifest[:40], held_out=manifest[40:70], feature="gender", rng=np.random.default_rng(0)
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["cnn", "levels", "embedding"])
@pytest.mark.parametrize("method", METHODS)
def test_a_refitted_judge_is_saved_and_gives_the_same_scores_to_the_bit(
    trained, manifest, tmp_path, kind, method
):
    judge = refitted(trained[kind], METHODS[method], manifest)
    others = manifest[70:]
    judge.save(tmp_path)
    read = load_judge(tmp_path)
    pd.testing.assert_frame_equal(judge.score(others)[0], read.score(others)[0], check_exact=True)
    np.testing.assert_array_equal(judge.read(others)[0], read.read(others)[0])
    before, after = (j.score(others)[0]["score"] for j in (load_judge(trained[kind]), judge))
    assert not np.array_equal(before, after)
    assert np.corrcoef(after, others["rating"])[0, 1] > 0.8


@pytest.mark.parametrize("kind", ["cnn", "levels", "embedding"])
def test_what_the_head_reads_has_one_mean_for_both_groups_where_it_was_erased(
    trained, manifest, tmp_path, kind
):
    refitted(trained[kind], METHODS["leace"], manifest).save(tmp_path)
    fitted = manifest[:70]
    apart = []
    for folder in (trained[kind], tmp_path):
        x, rows, _ = load_judge(folder).read(fitted)
        of = rows["gender"].to_numpy() == "men"
        apart.append(np.abs(x[of].mean(0) - x[~of].mean(0)).max() / x.std())
    assert x.shape == (70, 8)
    assert apart[0] > 0.01
    assert apart[1] < 1e-5  # float32


@pytest.mark.parametrize("kind", ["cnn", "levels", "embedding"])
def test_a_head_that_is_set_gives_the_regressions_ratings_of_what_is_read(trained, manifest, kind):
    judge = load_judge(trained[kind])
    x = judge.read(manifest)[0].astype(float)
    weight = np.random.default_rng(0).normal(size=x.shape[1])
    weight *= 1.0 / ((x - x.mean(0)) / 2 @ weight).std()
    judge.set_head(Ridge(x.mean(0), np.full(x.shape[1], 2.0), weight, 5.0, 1.0))
    expected = (x - x.mean(0)) / 2 @ weight + 5
    assert expected.min() > 1.5 and expected.max() < 8.5
    np.testing.assert_allclose(judge.score(manifest)[0]["score"], expected, atol=2e-3)
    np.testing.assert_allclose(judge.read(manifest)[0], x, rtol=1e-6)  # another head reads the same


def test_onnx_and_pytorch_read_and_score_a_projected_network_alike(trained, manifest):
    judge = refitted(trained["cnn"], METHODS["leace"], manifest)
    pixels, _, _ = load_pictures(manifest[:32], 32)
    for features, width in ((False, ()), (True, (8,))):
        torch, onnx = (
            build_engine(judge.network, 32, Scoring(), kind=kind, features=features)(pixels)
            for kind in ("torch", "onnx")
        )
        assert torch.shape == (32, *width)
        np.testing.assert_allclose(onnx, torch, atol=1e-4)


@pytest.mark.parametrize("kind", ["cnn", "embedding"])
def test_a_projection_that_does_not_fit_is_refused(trained, manifest, tmp_path, kind):
    judge = refitted(trained[kind], METHODS["leace"], manifest)
    judge.save(tmp_path)
    file = tmp_path / "model.safetensors"
    whole = load_file(file)
    mean, basis = whole["projection.mean"], whole["projection.basis"]
    for wrong in (
        {"projection.mean": mean[:-1]},
        {"projection.basis": basis[:, :-1]},
        {"projection.basis": basis[:, 0]},
        {"projection.basis": None},
        {"projection.mean": None},
    ):
        kept = {name: part.contiguous() for name, part in (whole | wrong).items() if part is not None}
        save_file(kept, file)
        with pytest.raises(InputError, match="holds no judge that can be read"):
            load_judge(tmp_path)
    with pytest.raises(InputError, match="reads 3 features, there are 8"):
        judge.project(np.zeros(3), np.ones((3, 2)))
    with pytest.raises(InputError, match=r"its mean has shape \(8,\), its basis \(7, 2\)"):
        judge.project(np.zeros(8), np.ones((7, 2)))


def test_a_projection_of_other_features_than_the_embedding_gives_judges_nobody(trained, manifest, tmp_path):
    judge = refitted(trained["embedding"], METHODS["leace"], manifest)
    judge.projection = Projection(judge.projection.mean[:-1], judge.projection.basis[:-1])
    judge.save(tmp_path)
    with pytest.raises(InputError, match=r"projection reads .* features, its embedding gives"):
        load_judge(tmp_path).score(manifest)


def test_a_network_that_was_saved_before_there_were_projections_is_still_read(trained, manifest, tmp_path):
    facts = json.loads((trained["cnn"] / "judge.json").read_text())
    del facts["network"]["project"]
    (tmp_path / "judge.json").write_text(json.dumps(facts))
    (tmp_path / "model.safetensors").write_bytes((trained["cnn"] / "model.safetensors").read_bytes())
    scores = [load_judge(folder).score(manifest)[0] for folder in (tmp_path, trained["cnn"])]
    pd.testing.assert_frame_equal(*scores, check_exact=True)
