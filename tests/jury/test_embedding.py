from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rated_squares import rated_squares
from sklearn.linear_model import Ridge

from judge.errors import InputError
from judge.jury import embedding
from judge.jury.embedding import Embedding, EmbeddingJudge, embed
from judge.jury.loading import load_judge
from judge.jury.network.depths import Depths

pytestmark = pytest.mark.slow

SMALL = Embedding(backbone="test_efficientnet", weights="none", size=32)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return rated_squares(tmp_path_factory.mktemp("squares"), n=60)


def judge(cache, **options):
    return EmbeddingJudge(SMALL, cache=str(cache), progress=False, **options)


@pytest.fixture
def computed(monkeypatch):
    """How many pictures each call had to compute."""
    counts = []
    compute = embedding._compute

    def counted(paths, *args):
        counts.append(len(paths))
        return compute(paths, *args)

    monkeypatch.setattr(embedding, "_compute", counted)
    return counts


def test_each_picture_is_computed_once_wherever_it_lies(manifest, tmp_path, computed):
    first, _, _ = embed(manifest[:20], SMALL, cache=tmp_path, progress=False)
    copies = manifest[:20].copy()
    for row, path in copies["path"].items():
        copy = tmp_path / f"copy{row}.png"
        copy.write_bytes(Path(path).read_bytes())
        copies.loc[row, "path"] = str(copy)
    again, _, _ = embed(copies, SMALL, cache=tmp_path, progress=False)
    more, _, _ = embed(manifest[10:30], SMALL, cache=tmp_path, progress=False)
    assert computed == [20, 10]
    assert np.array_equal(first, again)
    assert np.array_equal(first[10:], more[:10])


def test_what_changes_the_features_changes_the_address():
    base = Embedding()
    others = [
        Embedding(backbone="tf_efficientnet_lite1"),
        Embedding(weights="none"),
        Embedding(size=128),
        Embedding(depths=Depths([0, 0, 1], [], [])),
        Embedding(mirror=True),
    ]
    assert len({what.address() for what in [base, *others]}) == 6
    same = [Embedding(depths=Depths(cells, [], [])).address() for cells in ((0, 1), [0, 1])]
    assert same[0] == same[1]


def test_other_weights_under_the_same_path_are_another_address(tmp_path):
    file = tmp_path / "own.safetensors"
    file.write_bytes(b"1")
    first = Embedding(weights=str(file)).address()
    file.write_bytes(b"2")
    assert Embedding(weights=str(file)).address() != first


def test_a_broken_picture_is_excluded_and_never_cached(manifest, tmp_path, computed):
    broken = manifest[:5].copy()
    broken.loc[2, "path"] = str(tmp_path / "missing.png")
    features, kept, excluded = embed(broken, SMALL, cache=tmp_path, progress=False)
    assert len(features) == 4
    assert kept["image_id"].tolist() == ["p0", "p1", "p3", "p4"]
    assert excluded["item"].tolist() == ["p2"]
    embed(broken, SMALL, cache=tmp_path, progress=False)
    assert computed == [5, 1]


def test_a_killed_pass_keeps_what_was_seen_and_goes_on_with_the_same_features(
    manifest, tmp_path, computed, monkeypatch
):
    monkeypatch.setattr(embedding, "BATCH", 8)
    monkeypatch.setattr(embedding, "BATCHES_A_FILE", 2)
    whole, _, _ = embed(manifest, SMALL, cache=tmp_path / "whole", progress=False)
    read, calls = embedding._read_batch, iter(range(99))

    def killed_in_the_fifth(*args):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return read(*args)

    monkeypatch.setattr(embedding, "_read_batch", killed_in_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        embed(manifest, SMALL, cache=tmp_path / "killed", progress=False)
    again, _, _ = embed(manifest, SMALL, cache=tmp_path / "killed", progress=False)
    assert computed == [60, 60, 60 - 32]
    assert np.array_equal(whole, again)


def test_the_head_is_ridge_on_features_of_shrunk_scale_with_the_best_penalty(manifest, tmp_path):
    fitted = judge(tmp_path, penalties=(0.3,)).fit(manifest, rating_range=(1, 9), seed=0)
    x, _, _ = embed(manifest, SMALL, cache=tmp_path, progress=False)
    spread = x.astype(float).std(0)
    z = (x - x.mean(0)) / np.sqrt(spread**2 + np.median(spread[spread > 1e-6 * spread.max()]) ** 2 / 4)
    expected = Ridge(alpha=0.3 * 60).fit(z, manifest["rating"]).predict(z)
    scores, _ = fitted.score(manifest)
    np.testing.assert_allclose(scores["score"], expected, atol=1e-4)


def test_it_learns_brightness_and_chooses_a_penalty_from_the_list(manifest, tmp_path):
    fitted = judge(tmp_path).fit(manifest[:40], rating_range=(1, 9), seed=0)
    scores, _ = fitted.score(manifest[40:])
    assert np.corrcoef(scores["score"], manifest["rating"][40:])[0, 1] > 0.9
    assert any(fitted.facts["penalty"] == pytest.approx(penalty) for penalty in fitted.penalties)


def test_weight_two_is_the_picture_twice(manifest, tmp_path):
    once = manifest[:20]
    doubled = pd.concat([once, once[:10]])
    weighted = once.assign(weight=[2.0] * 10 + [1.0] * 10)
    a = judge(tmp_path, penalties=(0.3,)).fit(doubled, rating_range=(1, 9), seed=0)
    b = judge(tmp_path, penalties=(0.3,)).fit(weighted, rating_range=(1, 9), seed=0)
    np.testing.assert_allclose(a.score(once)[0]["score"], b.score(once)[0]["score"], atol=1e-3)


def test_the_penalty_is_chosen_without_a_copy_of_the_held_out_picture(tmp_path):
    noise = rated_squares(tmp_path / "noise", n=24, seed=1)
    noise["rating"] = np.random.default_rng(3).uniform(
        1, 9, 24
    )  # nothing to learn: the strongest penalty is best
    repeated = pd.concat([noise, noise, noise, noise[:6]])
    weighted = noise.assign(weight=[4.0] * 6 + [3.0] * 18)
    penalties = (1e-4, 0.1, 100.0)
    a = judge(tmp_path, penalties=penalties).fit(repeated, rating_range=(1, 9), seed=0)
    b = judge(tmp_path, penalties=penalties).fit(weighted, rating_range=(1, 9), seed=0)
    assert a.facts["penalty"] == b.facts["penalty"] == pytest.approx(100.0)
    pd.testing.assert_frame_equal(a.score(noise)[0], b.score(noise)[0], check_exact=True)
    assert a.facts["n_train"] == 24


def test_a_saved_judge_gives_the_same_scores_to_the_bit(manifest, tmp_path):
    fitted = judge(tmp_path / "cache").fit(manifest[:30], rating_range=(1, 9), seed=0)
    fitted.save(tmp_path / "judge")
    assert sorted(file.name for file in (tmp_path / "judge").iterdir()) == ["judge.json", "model.safetensors"]
    read = load_judge(tmp_path / "judge")
    pd.testing.assert_frame_equal(fitted.score(manifest)[0], read.score(manifest)[0], check_exact=True)
    assert read.facts["rating_range"] == (1.0, 9.0)


def test_inner_layers_are_put_beside_the_final_features(manifest, tmp_path):
    plain, _, _ = embed(manifest[:3], SMALL, cache=tmp_path, progress=False)
    deep = Embedding(
        backbone="test_efficientnet", weights="none", size=32, depths=Depths([0, 1, 1], [], [], final=True)
    )
    both, _, _ = embed(manifest[:3], deep, cache=tmp_path, progress=False)
    assert both.shape[1] > plain.shape[1]
    np.testing.assert_allclose(both[:, -plain.shape[1] :], plain, atol=1e-5)


def test_too_few_ratings_and_zero_weights_are_refused(manifest, tmp_path):
    with pytest.raises(InputError, match="0 of 5 training pictures are rated"):
        judge(tmp_path).fit(manifest[:5].assign(rating=np.nan), rating_range=(1, 9), seed=0)
    with pytest.raises(InputError, match="sum to 0"):
        judge(tmp_path).fit(manifest[:5].assign(weight=0.0), rating_range=(1, 9), seed=0)
    with pytest.raises(InputError, match="not trained"):
        judge(tmp_path).score(manifest)
